/**
 * The parts of a journal line as text. All of this runs for every frame of a trial, so what repeats from
 * frame to frame is not worked out again; every function gives to the letter what `JSON.stringify` would.
 */

/** Texts of these characters alone stand in JSON as they are. */
const PLAIN = /^[\w.:@#/+ -]*$/;

/** A text as JSON. */
export function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

/**
 * Texts as one in a single piece of memory. Engines keep what `+` puts together as a tree and walk it
 * whenever it becomes bytes, which a text that many lines share is worth sparing.
 */
export function inOnePiece(parts: readonly string[]): string {
  return parts.join('');
}

/** `,"key":"value"`, or nothing for an absent value. */
export function textMember(key: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${key}":${quoted(value)}`;
}

/** `,"key":1`, or nothing for a value that is absent or has no JSON. */
export function numberMember(key: string, value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? '' : `,"${key}":${value}`;
}

/** More than targets have names of events, and crowds usually have users; further ones are not kept. */
const NAMES_MAX = 1_024;
/** Longer names are not kept: they would hold on to memory. */
const NAME_LENGTH_MAX = 64;

/** Members whose values are of a small vocabulary (events, agents, users): each is quoted once. */
export class NameMembers {
  readonly #key: string;
  readonly #members = new Map<string, string>();

  constructor(key: string) {
    this.#key = key;
  }

  /** The same as {@link textMember}. */
  of(value: string | undefined): string {
    if (value === undefined) return '';
    return this.#members.get(value) ?? this.#quote(value);
  }

  #quote(value: string): string {
    const member = inOnePiece([`,"${this.#key}":`, quoted(value)]);
    if (this.#members.size < NAMES_MAX && value.length <= NAME_LENGTH_MAX)
      this.#members.set(value, member);
    return member;
  }
}

/** `.001` for 1, `.01` for 10, nothing for 0: the decimals of a number of thousandths. */
const DECIMALS = Array.from({ length: 1_000 }, (_, thousandths) =>
  String(thousandths / 1_000).slice(1),
);
/** `000` to `999`. */
const LAST_DIGITS = Array.from({ length: 1_000 }, (_, rest) => String(rest).padStart(3, '0'));
/** Below this a whole number and its thousandths are exact. */
const EXACT_MAX = 1e12;

/**
 * Numbers that mostly grow in small steps. Their leading digits are those of the number before, and the
 * way from a fraction to its shortest digits, the dearest of all conversions, is a table.
 */
export class GrowingNumber {
  #leading = -1;
  #leadingText = '';

  /** Milliseconds with up to three decimals; what `String` gives for `Math.round(ms * 1000) / 1000`. */
  microseconds(ms: number): string {
    const micros = Math.round(ms * 1_000);
    if (!(micros >= 0 && micros < EXACT_MAX)) return String(micros / 1_000);
    const whole = Math.floor(micros / 1_000);
    return this.#lead(whole) + (DECIMALS[micros - whole * 1_000] ?? '');
  }

  /** A number; cheap where it is whole and has four to twelve digits or so. */
  text(value: number): string {
    if (!(value >= 1_000 && value < EXACT_MAX * 10) || !Number.isInteger(value))
      return String(value);
    const thousands = Math.floor(value / 1_000);
    return this.#lead(thousands) + (LAST_DIGITS[value - thousands * 1_000] ?? '');
  }

  #lead(leading: number): string {
    if (leading !== this.#leading) {
      this.#leading = leading;
      this.#leadingText = String(leading);
    }
    return this.#leadingText;
  }
}
