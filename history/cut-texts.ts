import type { Span } from './decoded-view.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const DASH = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const LIST_OPENS = 0x5b;
const BACKSLASH = 0x5c;
const LIST_CLOSES = 0x5d;
const OBJECT_OPENS = 0x7b;
const OBJECT_CLOSES = 0x7d;
const SPACE = 0x20;

/** The second of what JavaScript writes of a text whose characters it takes for members. */
const SECOND_INDEX = '1":';
const UUID_LENGTH = 36;
const UUID_DASHES = [8, 13, 18, 23] as const;
/** A member with a longer name is none of many. */
const NAME_LENGTH_MAX = 64;
/** Names told apart in one text. Those of the pieces of a text come early, and again and again. */
const NAMES_MAX = 10_000;
/** Names of what has none: members that are called by their place, texts in a list, and the first of each list. */
const BY_INDEX = '#';
const IN_LIST = '*';
const FIRST_IN_LIST = '[';
/** Fewer characters than anything has that is searched for. */
const JOINED_LENGTH_MIN = 8;
/** Between what does not belong together: more than may stand between two characters of a marker. */
const APART = '    ';

/** Where each text of one name begins and ends, and how deep it stands. */
interface Texts {
  readonly spans: number[];
  readonly depth: number;
  isAtDepths: boolean;
}
const FIELDS = 3;

/**
 * Whether a text may hold lists of texts, or of objects with texts: looked for are one bracket behind another. An
 * ordinary frame, with one object in another, has none.
 */
export function mayHoldCutTexts(text: string): boolean {
  const closed = text.indexOf('}');
  if (closed !== -1 && text.includes('{', closed)) return true;
  for (let open = text.indexOf('['); open !== -1; open = text.indexOf('[', open + 1)) {
    const inside = text.charCodeAt(placeAfter(text, open + 1));
    if (inside === QUOTE || inside === LIST_OPENS || inside === BACKSLASH) return true;
  }
  for (let at = text.indexOf(SECOND_INDEX); at > 0; at = text.indexOf(SECOND_INDEX, at + 1))
    if (text.charCodeAt(at - 1) === QUOTE) return true;
  return false;
}

/**
 * What the members of lists say together: the texts of one name one after the other, and those in lists. It is read from
 * the brackets and quotes alone, for a text need not be JSON as a whole: what has been unescaped, cut off or told in
 * between is none.
 */
export class CutTexts {
  readonly #text: string;
  readonly #texts = new Map<string, Texts>();
  /** Spans in the order in which they are joined; a negative number is a gap. */
  readonly #joined: number[] = [];
  #depth = 0;
  /** Of the member that comes. */
  #name: string | undefined;
  /** The last character outside of texts that is no space. */
  #before = COMMA;

  constructor(text: string) {
    this.#text = text;
    this.#read();
    for (const texts of this.#texts.values()) {
      this.#join(texts.spans);
      if (texts.isAtDepths) for (const spans of byDepth(texts.spans)) this.#join(spans);
    }
    this.#texts.clear();
  }

  /** All of it, each text changed as told. */
  joined(change: (text: string) => string): string {
    const parts: string[] = [];
    for (let i = 0; i < this.#joined.length; i += 2) {
      const [start = 0, end = 0] = [this.#joined[i], this.#joined[i + 1]];
      parts.push(start < 0 ? APART : change(this.#text.slice(start, end)));
    }
    return parts.join('');
  }

  /** Where in the text the parts of what is joined as it is stand, for spans in any order. */
  places(): (span: Span) => readonly Span[] {
    const starts: number[] = [];
    let length = 0;
    for (let i = 0; i < this.#joined.length; i += 2) {
      const [start = 0, end = 0] = [this.#joined[i], this.#joined[i + 1]];
      starts.push(length);
      length += start < 0 ? APART.length : end - start;
    }
    return ({ start, end }) => {
      const spans: Span[] = [];
      for (let i = lastUpTo(starts, start); i < starts.length; i += 1) {
        const from = starts[i] ?? 0;
        if (from >= end) break;
        const [first = 0, last = 0] = [this.#joined[i * 2], this.#joined[i * 2 + 1]];
        const span = {
          start: first + Math.max(0, start - from),
          end: Math.min(last, first + end - from),
        };
        if (first >= 0 && span.start < span.end) spans.push(span);
      }
      return spans;
    };
  }

  #join(spans: readonly number[]): void {
    let length = 0;
    for (let i = 0; i < spans.length; i += FIELDS) length += (spans[i + 1] ?? 0) - (spans[i] ?? 0);
    if (spans.length <= FIELDS || length < JOINED_LENGTH_MIN) return;
    for (let i = 0; i < spans.length; i += FIELDS)
      this.#joined.push(spans[i] ?? 0, spans[i + 1] ?? 0);
    this.#joined.push(-1, -1);
  }

  #read(): void {
    const text = this.#text;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code <= SPACE) continue;
      if (code === QUOTE && mayComeBeforeText(this.#before)) {
        at = this.#readText(at);
        continue;
      }
      if (code === OBJECT_OPENS || code === LIST_OPENS) this.#depth += 1;
      else if (code === OBJECT_CLOSES || code === LIST_CLOSES) this.#depth -= 1;
      this.#before = code;
    }
  }

  /** What the quote there opens, if that is a name or a text; returns where it ends. */
  #readText(quote: number): number {
    const text = this.#text;
    const before = this.#before;
    const end = endOfText(text, quote + 1);
    const next = placeAfter(text, end + 1);
    const after = next < text.length ? text.charCodeAt(next) : COMMA;
    if (after === COLON && before !== COLON) {
      this.#name = end - quote <= NAME_LENGTH_MAX ? text.slice(quote + 1, end) : undefined;
      this.#before = COLON;
      return next;
    }
    this.#before = QUOTE;
    if (!mayComeAfterText(after)) return quote;
    const span = { start: quote + 1, end };
    const name = this.#name;
    if (before !== COLON) this.#add(IN_LIST, span);
    else if (name !== undefined) this.#add(isIndex(name) ? BY_INDEX : name, span);
    if (before === LIST_OPENS) this.#add(FIRST_IN_LIST, span);
    return end;
  }

  #add(name: string, { start, end }: Span): void {
    const depth = this.#depth;
    if (end - start === UUID_LENGTH && isUuid(this.#text, start)) return;
    const known = this.#texts.get(name);
    if (known !== undefined) {
      known.spans.push(start, end, depth);
      if (known.depth !== depth) known.isAtDepths = true;
    } else if (this.#texts.size < NAMES_MAX)
      this.#texts.set(name, { spans: [start, end, depth], depth, isAtDepths: false });
  }
}

/** Lists are full of ids: put together they would look like a code. */
function isUuid(text: string, start: number): boolean {
  return UUID_DASHES.every((at) => text.charCodeAt(start + at) === DASH);
}

function mayComeBeforeText(code: number): boolean {
  return code === COLON || code === COMMA || code === OBJECT_OPENS || code === LIST_OPENS;
}

function mayComeAfterText(code: number): boolean {
  return code === COMMA || code === OBJECT_CLOSES || code === LIST_CLOSES;
}

function isIndex(name: string): boolean {
  for (let i = 0; i < name.length; i += 1) {
    const code = name.charCodeAt(i);
    if (code < ZERO || code > NINE) return false;
  }
  return name !== '';
}

/** Where the first quote stands that is not escaped; the end of the text if there is none. */
function endOfText(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = at;
    while (escapes > from && text.charCodeAt(escapes - 1) === BACKSLASH) escapes -= 1;
    if ((at - escapes) % 2 === 0) return at;
  }
  return text.length;
}

/** Where the first character stands that is no space. */
function placeAfter(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= SPACE) at += 1;
  return at;
}

function byDepth(spans: readonly number[]): Iterable<readonly number[]> {
  const depths = new Map<number, number[]>();
  for (let i = 0; i < spans.length; i += FIELDS) {
    const [start = 0, end = 0, depth = 0] = spans.slice(i, i + FIELDS);
    const there = depths.get(depth);
    if (there === undefined) depths.set(depth, [start, end, depth]);
    else there.push(start, end, depth);
  }
  return depths.values();
}

/** The last of rising numbers that is not above one; the first if all are. */
function lastUpTo(numbers: readonly number[], most: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? Infinity) <= most) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}
