import { messageOf } from './message-of.ts';
import type { Observation } from './observation.ts';

const DEFECT = /^the profile's \w+ threw: /;

/**
 * What a history says where a function of the profile threw. What that function would have read there
 * nobody has examined.
 * @param name of the function, as the profile's contract calls it.
 */
export function profileDefect(name: string, error: unknown): string {
  return `the profile's ${name} threw: ${messageOf(error)}`;
}

/** Whether an observation is a {@link profileDefect}. */
export function isProfileDefect({ act, message = '' }: Observation): boolean {
  return act === 'remark' && DEFECT.test(message);
}
