/**
 * A target, or a way of acting, does not offer what a script needs, so that the script says nothing about
 * it: neither good nor bad. The message is a sentence that says what is missing.
 */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}
