import { newDraft, type Draft } from './observation-draft.ts';
import type { ObservationFields } from './observation.ts';
import { TextPool, Words } from './text-pool.ts';

type Key = keyof ObservationFields | 'n' | 't';

/** How a member's value is written. `name`: a text that recurs in other lines; `owner`: a name, or null. */
type Written = 'owner' | 'name' | 'text' | 'number' | 'object';

/** All that most lines are made of; the first seven stand in every line.
 * `never` may be put anywhere: of what type a value is, is checked before. */
const SETTERS: readonly [name: Key, Written, set: (draft: Draft, value: never) => unknown][] = [
  ['n', 'number', (d, v) => (d.n = v)],
  ['t', 'number', (d, v) => (d.t = v)],
  ['user', 'owner', (d, v) => (d.user = v)],
  ['conn', 'owner', (d, v) => (d.conn = v)],
  ['surface', 'name', (d, v) => (d.surface = v)],
  ['dir', 'name', (d, v) => (d.dir = v)],
  ['kind', 'name', (d, v) => (d.kind = v)],
  ['event', 'name', (d, v) => (d.event = v)],
  ['owner', 'name', (d, v) => (d.owner = v)],
  ['thread', 'name', (d, v) => (d.thread = v)],
  ['run', 'name', (d, v) => (d.run = v)],
  ['tool', 'name', (d, v) => (d.tool = v)],
  ['agent', 'name', (d, v) => (d.agent = v)],
  ['id', 'text', (d, v) => (d.id = v)],
  ['sequence', 'number', (d, v) => (d.sequence = v)],
  ['sentAt', 'number', (d, v) => (d.sentAt = v)],
  ['intended', 'number', (d, v) => (d.intended = v)],
  ['act', 'name', (d, v) => (d.act = v)],
  ['place', 'name', (d, v) => (d.place = v)],
  ['marker', 'name', (d, v) => (d.marker = v)],
  ['question', 'number', (d, v) => (d.question = v)],
  ['ids', 'object', (d, v) => (d.ids = v)],
  ['source', 'name', (d, v) => (d.source = v)],
  ['method', 'name', (d, v) => (d.method = v)],
  ['url', 'text', (d, v) => (d.url = v)],
  ['status', 'number', (d, v) => (d.status = v)],
  ['headers', 'object', (d, v) => (d.headers = v)],
  ['purpose', 'name', (d, v) => (d.purpose = v)],
  ['took', 'number', (d, v) => (d.took = v)],
  ['message', 'text', (d, v) => (d.message = v)],
  ['rtt', 'number', (d, v) => (d.rtt = v)],
  ['offset', 'number', (d, v) => (d.offset = v)],
];

interface Member {
  /** Its place among all. */
  readonly index: number;
  readonly name: Uint8Array;
  readonly hash: number;
  readonly written: Written;
  readonly set: (draft: Draft, value: never) => unknown;
  /** Its bit, if it stands in every line. */
  readonly leading: number;
  /** Another in the same place of the table. */
  readonly next: Member | undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const ASCII_MAX = 0x7f;
const SPACE = 0x20;
/** 1 for the ASCII characters that stand in a text as they are. */
const IS_PLAIN = new Uint8Array(256).fill(1, SPACE, ASCII_MAX + 1);
IS_PLAIN[QUOTE] = 0;
IS_PLAIN[BACKSLASH] = 0;
/** A number of so many digits is exact, and so is a power of ten: their quotient is the nearest number. */
const DIGITS_MAX = 15;
const POWERS_OF_TEN = Array.from({ length: DIGITS_MAX + 1 }, (_, exponent) => 10 ** exponent);
const NULL = Buffer.from('null');

/** How many members stand in every line, and all their bits. */
const LEADING = 7;
const ALL_LEADING = (1 << LEADING) - 1;

const NO_MEMBER = SETTERS.length;
const NAME_SLOTS = 256;
const MEMBERS: (Member | undefined)[] = Array.from({ length: NAME_SLOTS }, () => undefined);
for (const [index, [key, written, set]] of SETTERS.entries()) {
  const name = Uint8Array.from(Buffer.from(key));
  const hash = name.reduce((sum, byte) => hashed(sum, byte), 0);
  const slot = hash & (NAME_SLOTS - 1);
  const leading = index < LEADING ? 1 << index : 0;
  MEMBERS[slot] = { index, name, hash, written, set, leading, next: MEMBERS[slot] };
}

/** Adds a byte to a hash. */
function hashed(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

/**
 * Reads what this project's journal writes before the content of a line, from the bytes as they stand. It
 * knows the members of nearly every line in the form in which they are nearly always written; of anything
 * else it says that it cannot read it.
 */
export class HeadReader {
  readonly #pool = new TextPool();
  #bytes: Buffer = NULL;
  #words = new Words(NULL);
  /** Where reading is. */
  #at = 0;
  /** The member read last; {@link NO_MEMBER} at the beginning of a line. */
  #previous = NO_MEMBER;
  /** What followed each member when it was read last, and most likely will again. */
  readonly #followers: (Member | undefined)[] = Array.from(
    { length: SETTERS.length + 1 },
    () => undefined,
  );
  /** How long the text of each member was when it was read last. */
  readonly #lengths = new Int32Array(SETTERS.length);
  /** Bits of the leading members that were read. */
  #leading = 0;

  /**
   * The observation whose members stand from `from`, its opening brace, to `to`, where the comma before its
   * content stands, or its closing brace. Undefined when it has to be read in another way.
   */
  read(bytes: Buffer, from: number, to: number): Draft | undefined {
    if (bytes[from] !== OPENING_BRACE) return undefined;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#words = new Words(bytes);
    }
    this.#at = from + 1;
    this.#previous = NO_MEMBER;
    this.#leading = 0;
    const draft = newDraft();
    while (this.#member(draft)) {
      if (this.#at === to) return this.#leading === ALL_LEADING ? draft : undefined;
      if (this.#at > to || bytes[this.#at] !== COMMA) return undefined;
      this.#at += 1;
    }
    return undefined;
  }

  /** Reads one member; false when it cannot. */
  #member(draft: Draft): boolean {
    const member = this.#expected() ?? this.#name();
    if (member === undefined) return false;
    const value = this.#value(member);
    if (value === undefined) return false;
    this.#leading |= member.leading;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- read as the type that it is written in
    member.set(draft, value as never);
    return true;
  }

  /** Reads `"name":` of the member that followed the one before in an earlier line, if it does here. */
  #expected(): Member | undefined {
    const member = this.#followers[this.#previous];
    if (member === undefined) return undefined;
    const bytes = this.#bytes;
    const { name } = member;
    const from = this.#at + 1;
    const to = from + name.length;
    if (bytes[this.#at] !== QUOTE || bytes[to] !== QUOTE || bytes[to + 1] !== COLON)
      return undefined;
    for (let i = 0; i < name.length; i += 1) if (name[i] !== bytes[from + i]) return undefined;
    this.#at = to + 2;
    this.#previous = member.index;
    return member;
  }

  /** Reads `"name":`. */
  #name(): Member | undefined {
    const bytes = this.#bytes;
    let at = this.#at;
    if (bytes[at] !== QUOTE) return undefined;
    const from = at + 1;
    let hash = 0;
    for (at = from; ; at += 1) {
      const byte = bytes[at] ?? QUOTE;
      if (byte === QUOTE) break;
      hash = hashed(hash, byte);
    }
    if (bytes[at + 1] !== COLON) return undefined;
    this.#at = at + 2;
    let member = MEMBERS[hash & (NAME_SLOTS - 1)];
    while (member !== undefined && !isNamed(member, { bytes, from, to: at, hash }))
      member = member.next;
    if (member === undefined) return undefined;
    this.#followers[this.#previous] = member;
    this.#previous = member.index;
    return member;
  }

  #value({ written, index }: Member): unknown {
    const first = this.#bytes[this.#at];
    switch (written) {
      case 'owner':
        return first === QUOTE ? this.#recurring(index) : this.#null();
      case 'name':
        return first === QUOTE ? this.#recurring(index) : undefined;
      case 'text':
        return first === QUOTE ? this.#text() : undefined;
      case 'number':
        return this.#number();
      case 'object':
        return first === OPENING_BRACE ? this.#object() : undefined;
    }
  }

  #null(): null | undefined {
    const to = this.#at + NULL.length;
    if (this.#bytes.compare(NULL, 0, NULL.length, this.#at, to) !== 0) return undefined;
    this.#at = to;
    return null;
  }

  /** A text of ASCII without escapes that recurs in other lines. */
  #recurring(index: number): string | undefined {
    const from = this.#at + 1;
    // Texts of one member are mostly of one length. What is kept holds neither quotes nor escapes, so one
    // that stands here and is followed by a quote is all of this text.
    const likely = from + (this.#lengths[index] ?? 0);
    if (this.#bytes[likely] === QUOTE) {
      const known = this.#pool.find(this.#words, from, likely);
      if (known !== undefined) {
        this.#at = likely + 1;
        return known;
      }
    }
    const to = this.#endOfText();
    if (to === -1) return undefined;
    this.#lengths[index] = to - from;
    const known = to === likely ? undefined : this.#pool.find(this.#words, from, to);
    return known ?? this.#pool.add(this.#words, from, to);
  }

  /** A text of ASCII without escapes. */
  #text(): string | undefined {
    const from = this.#at + 1;
    const to = this.#endOfText();
    return to === -1 ? undefined : this.#bytes.toString('latin1', from, to);
  }

  /** Passes over a text of ASCII without escapes; where its closing quote stands, or -1 if it is another. */
  #endOfText(): number {
    const bytes = this.#bytes;
    let at = this.#at + 1;
    while (IS_PLAIN[bytes[at] ?? 0] === 1) at += 1;
    if (bytes[at] !== QUOTE) return -1;
    this.#at = at + 1;
    return at;
  }

  /** A number without an exponent, of no more digits than are exact. */
  #number(): number | undefined {
    const isNegative = this.#bytes[this.#at] === MINUS;
    if (isNegative) this.#at += 1;
    const size = this.#size();
    return size === undefined || !isNegative ? size : -size;
  }

  #size(): number | undefined {
    const bytes = this.#bytes;
    const from = this.#at;
    let at = from;
    let digits = 0;
    let pointAt = -1;
    let value = 0;
    for (; ; at += 1) {
      const byte = bytes[at] ?? 0;
      if (byte >= ZERO && byte <= NINE) {
        value = value * 10 + (byte - ZERO);
        digits += 1;
      } else if (byte === POINT && pointAt === -1) pointAt = at;
      else break;
    }
    const next = bytes[at];
    if (next !== COMMA && next !== CLOSING_BRACE) return undefined;
    const decimals = pointAt === -1 ? 0 : at - pointAt - 1;
    if (!isNumber(bytes, from, { digits, decimals, pointAt })) return undefined;
    this.#at = at;
    return value / (POWERS_OF_TEN[decimals] ?? 1);
  }

  /** An object that holds no object. */
  #object(): unknown {
    const bytes = this.#bytes;
    const to = bytes.indexOf(CLOSING_BRACE, this.#at) + 1;
    if (to === 0) return undefined;
    try {
      const value: unknown = JSON.parse(bytes.toString('utf8', this.#at, to));
      this.#at = to;
      return value;
    } catch {
      return undefined; // A brace within a text: the line is read in another way.
    }
  }
}

/** Bytes of a name. */
interface Name {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  readonly hash: number;
}

function isNamed(member: Member, { bytes, from, to, hash }: Name): boolean {
  const { name } = member;
  if (member.hash !== hash || name.length !== to - from) return false;
  for (let i = 0; i < name.length; i += 1) if (name[i] !== bytes[from + i]) return false;
  return true;
}

/** Whether JSON knows such a number: it has digits on both sides of a point, and no needless zero. */
function isNumber(
  bytes: Buffer,
  from: number,
  { digits, decimals, pointAt }: { digits: number; decimals: number; pointAt: number },
): boolean {
  if (digits === 0 || digits > DIGITS_MAX || digits === decimals) return false;
  if (pointAt !== -1 && decimals === 0) return false;
  return bytes[from] !== ZERO || digits - decimals === 1;
}
