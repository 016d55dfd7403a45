import { hasMembers } from './json-object.ts';
import type { ProfileData } from './profile-data.ts';

/** Texts within texts that are undone on the way to a container, and how long such a text may be. */
const TEXTS_MAX = 4;
const TEXT_CHARACTERS_MAX = 4 * 1024 * 1024;

/** What stands before the body of such a message, and after it. */
const HEADERS = /^[A-Z]+\r?\n(?:[^\r\n]+\r?\n)*\r?\n/;
const ENDS = /(?<![\0\r\n])[\0\r\n]+$/;
const BEGINS_LIKE_JSON = /^\s*["[{]/;

/**
 * The text of the first of `names` found in one of the containers that the profile names. Where the way goes on
 * within a text, that text is JSON, or a message with headers that ends with JSON (STOMP), as envelopes of other
 * protocols carry it.
 */
export function answerField(
  { containers }: ProfileData['answer'],
  frame: unknown,
  names: readonly string[],
): string | undefined {
  for (const container of containers) {
    const at = containerIn(frame, container);
    if (at === undefined) continue;
    for (const name of names) {
      const value = at[name];
      if (typeof value === 'string') return value;
      if (hasMembers(value)) return JSON.stringify(value);
    }
  }
  return undefined;
}

function containerIn(
  frame: unknown,
  container: readonly string[],
): Record<string, unknown> | undefined {
  let textsLeft = TEXTS_MAX;
  const opened = (value: unknown): unknown => {
    if (typeof value !== 'string' || textsLeft === 0) return value;
    textsLeft -= 1;
    return jsonIn(value);
  };
  let at = frame;
  for (const key of container) {
    const within = opened(at);
    at = hasMembers(within) ? within[key] : undefined;
  }
  const within = opened(at);
  return hasMembers(within) ? within : undefined;
}

/** The value of a JSON text, or of the JSON that follows the headers of a text and the empty line after them. */
export function jsonIn(text: string): unknown {
  if (text.length > TEXT_CHARACTERS_MAX) return undefined;
  const body = text.slice(HEADERS.exec(text)?.[0].length ?? 0);
  // Nearly every text is none, and that is found out sooner than by an error.
  if (!BEGINS_LIKE_JSON.test(body)) return undefined;
  try {
    return JSON.parse(body.replace(ENDS, '')) as unknown;
  } catch {
    return undefined; // No JSON: nothing is within it.
  }
}
