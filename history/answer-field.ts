import { hasMembers } from './json-object.ts';
import type { ProfileData } from './profile-data.ts';

/** The text of the first of `names` found in one of the containers that the profile names. */
export function answerField(
  { containers }: ProfileData['answer'],
  frame: unknown,
  names: readonly string[],
): string | undefined {
  for (const container of containers) {
    let at = frame;
    for (const key of container) at = hasMembers(at) ? at[key] : undefined;
    if (!hasMembers(at)) continue;
    for (const name of names) {
      const value = at[name];
      if (typeof value === 'string') return value;
      if (hasMembers(value)) return JSON.stringify(value);
    }
  }
  return undefined;
}
