import { TargetRefusal } from './target.ts';

/** What a WebSocket sub-protocol may consist of (RFC 6455 §4.1, RFC 7230 token). */
const TOKEN_TEXT = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/**
 * The sub-protocols that carry an access token to an agent chat: the plain name and the one with the
 * token. Servers that read the token choose the second, others the first.
 */
export function jwtProtocols(token: string): readonly string[] {
  if (!TOKEN_TEXT.test(token)) {
    throw new TargetRefusal(
      '"access token" must hold only characters that a WebSocket sub-protocol may hold, but holds others. ' +
        'Use a JWT as it was issued, without quotes and line ends.',
    );
  }
  return ['jwt-auth', `jwt.${token}`];
}
