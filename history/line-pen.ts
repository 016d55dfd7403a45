/**
 * Writes the parts of journal lines as bytes, where they will leave from. All of this runs for every frame
 * of a trial: texts put together first would have to be walked again to become bytes, and be collected.
 * What is written is to the letter what `JSON.stringify` gives.
 */

/** Texts of these characters alone stand in JSON as they are. */
const PLAIN = /^[\w.:@#/+ -]*$/;
const QUOTE = 0x22;
const DOT = 0x2e;
const ZERO = 0x30;

/** Bytes of a UTF-16 unit in JSON at most: as `\u0000`. */
const JSON_PER_UNIT_MAX = 6;
/** Bytes of a number at most: `-0.0000052273626908339455` has 25. */
export const NUMBER_BYTES_MAX = 25;
/** Below this a whole number and its thousandths are exact. */
const EXACT_MAX = 1e12;
const MILLION = 1_000_000;

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

/** A text as bytes for {@link LinePen.put}, in memory of their own: what is kept must not hold on to a pool. */
export function lastingBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

/** Bytes of a UTF-16 unit in UTF-8 at most. */
const UTF8_PER_UNIT_MAX = 3;
/** Texts above this are measured: what is set aside for them would otherwise be far too much. */
const ESTIMATED_UNITS_MAX = 1 << 16;

/** Room that {@link LinePen.raw} needs for this text. */
export function roomOfRaw(text: string): number {
  return text.length <= ESTIMATED_UNITS_MAX
    ? text.length * UTF8_PER_UNIT_MAX
    : Buffer.byteLength(text);
}

/** Room that a member of this text takes at most, its name apart. */
export function roomOfText(text: string | undefined): number {
  return text === undefined ? 0 : text.length * JSON_PER_UNIT_MAX;
}

/** More than targets have names of events, and crowds usually have users; further ones are not kept. */
const NAMES_MAX = 1_024;
/** Longer names are not kept: they would hold on to memory. */
const NAME_LENGTH_MAX = 64;
const NOTHING = new Uint8Array(0);

/** Members whose values are of a small vocabulary (events, agents): each becomes bytes once. */
export class NameMembers {
  readonly #key: string;
  readonly #members = new Map<string, Uint8Array>();

  constructor(key: string) {
    this.#key = key;
  }

  /** `,"key":"value"`, or nothing for an absent value. */
  of(value: string | undefined): Uint8Array {
    if (value === undefined) return NOTHING;
    return this.#members.get(value) ?? this.#made(value);
  }

  #made(value: string): Uint8Array {
    const member = lastingBytes(`,"${this.#key}":${JSON.stringify(value)}`);
    if (this.#members.size < NAMES_MAX && value.length <= NAME_LENGTH_MAX)
      this.#members.set(value, member);
    return member;
  }
}

/** Where one line or several are being written. Whoever gives it bytes has made sure that there is room. */
export class LinePen {
  bytes: Buffer;
  /** Where the next byte goes. */
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** Bytes as they are. */
  put(part: Uint8Array): void {
    this.bytes.set(part, this.at);
    this.at += part.length;
  }

  /** A text that is JSON already. */
  raw(text: string): void {
    this.at += this.bytes.write(text, this.at);
  }

  /** A member with a text, or nothing for an absent value. `name` is `,"key":`. */
  text(name: Uint8Array, value: string | undefined): void {
    if (value === undefined) return;
    this.put(name);
    this.quoted(value);
  }

  /** A member with a number, or nothing for a value that is absent or has no JSON. */
  number(name: Uint8Array, value: number | undefined): void {
    if (value === undefined || !Number.isFinite(value)) return;
    this.put(name);
    this.value(value);
  }

  /** A text as JSON. */
  quoted(text: string): void {
    if (!PLAIN.test(text)) {
      this.raw(JSON.stringify(text));
      return;
    }
    this.bytes[this.at] = QUOTE;
    this.at += 1;
    this.raw(text);
    this.bytes[this.at] = QUOTE;
    this.at += 1;
  }

  /** A finite number. */
  value(value: number): void {
    if (value >= 0 && value < EXACT_MAX * 10 && Number.isInteger(value)) this.#whole(value);
    else this.raw(String(value));
  }

  /** Milliseconds with up to three decimals: `Math.round(ms * 1000) / 1000`. */
  microseconds(ms: number): void {
    const micros = Math.round(ms * 1_000);
    if (!(micros >= 0 && micros < EXACT_MAX)) {
      this.raw(String(micros / 1_000));
      return;
    }
    const whole = Math.floor(micros / 1_000);
    this.#whole(whole);
    this.#decimals(micros - whole * 1_000);
  }

  #whole(value: number): void {
    if (value < MILLION) {
      this.#digits(value, digitsOf(value));
      return;
    }
    const millions = Math.floor(value / MILLION);
    // Of up to thirteen digits the leading ones are at most seven.
    this.#digits(millions, digitsOf(millions));
    this.#digits(value - millions * MILLION, 6);
  }

  /** `.001` for 1, `.01` for 10, nothing for 0. */
  #decimals(thousandths: number): void {
    if (thousandths === 0) return;
    this.bytes[this.at] = DOT;
    this.at += 1;
    this.#digits(thousandths, 3);
    while (this.bytes[this.at - 1] === ZERO) this.at -= 1;
  }

  #digits(value: number, count: number): void {
    const { bytes, at } = this;
    let left = value | 0;
    for (let place = at + count - 1; place >= at; place -= 1) {
      const tenth = (left / 10) | 0;
      bytes[place] = ZERO + left - tenth * 10;
      left = tenth;
    }
    this.at = at + count;
  }
}

function digitsOf(value: number): number {
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count += 1;
  return count;
}
