import { jsonIn } from '../history/answer-field.ts';
import type { Observation } from '../history/observation.ts';
import type { ProfileData } from '../history/profile-data.ts';
import { parseObject } from './json-frame.ts';
import { membersOf, type Member } from './json-members.ts';

/** Surfaces whose content is frames and replies. */
const HAS_MEMBERS: ReadonlySet<string> = new Set(['socket', 'sse', 'http']);
/** What the recorder wrote in place of a text. */
const REPLACED = /^\[(?:masked|redacted):/;

/** A text of JSON, or a STOMP message. */
const MAY_BE_JSON = /^(?:[[{]|[A-Z]+\r?\n)/;

/** A value that stands where the profile says that ids stand. */
export interface NamedMember {
  /** What a profile would decode it as. */
  readonly field: 'owner' | 'thread' | 'run';
  readonly path: string;
  readonly text: string;
}

/** Reads from frames and replies what the profile declares to name somebody or something. */
export class NamedMembers {
  readonly #fieldOf = new Map<string, NamedMember['field']>();
  readonly #nobody: ReadonlySet<string>;
  /** What a content lacks in which there is none: most are never parsed. */
  readonly #mayHold: RegExp | undefined;

  constructor(named: ProfileData['named']) {
    for (const member of named?.user ?? []) this.#fieldOf.set(member, 'owner');
    for (const member of named?.thread ?? []) this.#fieldOf.set(member, 'thread');
    for (const member of named?.run ?? []) this.#fieldOf.set(member, 'run');
    this.#nobody = new Set(named?.nobody);
    const names = [...this.#fieldOf.keys()].map((member) => member.split('.').at(-1) ?? member);
    // Within a text the quotes are escaped.
    if (names.length > 0)
      this.#mayHold = new RegExp(`"(?:${names.map(escaped).join('|')})\\\\*"\\s*:`);
  }

  /** Nothing where the profile declares nothing. */
  in({ surface, content }: Observation): readonly NamedMember[] {
    if (this.#mayHold === undefined || content === undefined || !HAS_MEMBERS.has(surface))
      return NONE;
    if (!this.#mayHold.test(content)) return NONE;
    return [...membersOf(parseObject(content))].flatMap((member) => this.#readAll(member));
  }

  /** A member, or what is in it where it is a text that is JSON itself. */
  #readAll(member: Member): readonly NamedMember[] {
    const within = MAY_BE_JSON.test(member.text) ? jsonIn(member.text) : undefined;
    if (within === undefined) return this.#read(member) ?? NONE;
    return [...membersOf(within)].flatMap((inner) => {
      const path = `${member.path}: ${inner.path}`;
      return this.#read({ ...inner, path }) ?? [];
    });
  }

  #read({ name, of, path, text }: Member): readonly NamedMember[] | undefined {
    const field = this.#fieldOf.get(name) ?? this.#fieldOf.get(`${of}.${name}`);
    if (field === undefined || text === '' || this.#nobody.has(text)) return undefined;
    return REPLACED.test(text) ? undefined : [{ field, path, text }];
  }
}

const NONE: readonly never[] = [];

function escaped(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_]/g, String.raw`\$&`);
}
