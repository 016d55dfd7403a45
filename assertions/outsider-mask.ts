import { encodePercent } from '../history/encodings.ts';
import type { Observation } from '../history/observation.ts';
import type { Knowledge } from './knowledge.ts';
import { NamedMembers } from './named-members.ts';

/** Shorter ones, small numbers above all, stand for other things in the same text. */
export const NAME_LENGTH_MIN = 4;

/**
 * Masks people outside the crowd in what a finding quotes (DESIGN §3.3): whom the profile says that a member
 * names, and nobody in the crowd is known by. That the frame is another's, or holds something else of
 * somebody's, is no reason to tell their addresses.
 */
export class OutsiderMask {
  readonly #knowledge: Knowledge;
  readonly #members: NamedMembers;

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
    this.#members = new NamedMembers(knowledge.profile.named);
  }

  /** What an observation says with nobody outside in it. */
  of(observation: Observation): (text: string) => string {
    const names = new Set<string>();
    for (const { field, text } of this.#members.in(observation))
      if (field === 'owner' && text.length >= NAME_LENGTH_MIN && !this.#isKnown(text))
        names.add(text);
    // The longest first: a name may be a part of another.
    const longestFirst = [...names].toSorted((one, other) => other.length - one.length);
    return (text) => longestFirst.reduce((rest, name) => withoutName(rest, name), text);
  }

  #isKnown(text: string): boolean {
    const { ids } = this.#knowledge;
    return [text, text.toLowerCase()].some(
      (one) =>
        ids.get(one) !== undefined ||
        this.#knowledge.idOf(one, 'user') !== undefined ||
        this.#knowledge.idOf(one, 'email') !== undefined,
    );
  }
}

/** A text without a name, however it is spelt there. */
export function withoutName(text: string, name: string): string {
  const mask = `[masked:${name.length} chars]`;
  const forms = new Set([name, JSON.stringify(name).slice(1, -1), encodePercent(name)]);
  let result = text;
  for (const form of forms) result = result.replaceAll(form, mask);
  return result;
}
