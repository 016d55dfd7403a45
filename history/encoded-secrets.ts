import { CutTexts, mayHoldCutTexts } from './cut-texts.ts';
import { DecodedView, type CharacterEncoding, type Span } from './decoded-view.ts';
import {
  CHARACTER_ENCODINGS,
  IS_ASCII,
  JSON_ESCAPES,
  mayHoldNumbers,
  NUMBERS,
} from './encodings.ts';
import { packedAt, Unpacker } from './packed-bytes.ts';

/** A part of a text that is hidden, and what is shown instead. */
export interface Hidden extends Span {
  readonly shown: string;
}

/** Knows what is to be hidden of a text that is not encoded, and what in one is evidence. */
export interface Secrecy {
  hiddenIn(text: string, direction: Direction): readonly Hidden[];
  evidenceIn(text: string): readonly string[];
}

/** Which way a text goes. */
export type Direction = 'in' | 'out';

/** Layers that are undone, beside the escapes of a JSON frame: as many as the judge looks through. */
const DEPTH_MAX = 2;
/** Depth of the text as it came. */
const OUTERMOST = -1;
/** Letters and digits in a row that may be encoded; a secret of 16 characters has as many in base64. */
const RUN_MIN = 20;
const RUN_MIN_OF_ALL = 10;
const HEX_RUN = /(?:[0-9a-f]{2}){8,}/gi;
const HEX_SIGN = /[0-9a-f]{16}/i;
const BASE64_OFFSETS = [0, 1, 2, 3] as const;
const SIX_BITS_IN_BYTE = 3 / 4;
const ASCII_MAX = 0x7f;
/** Groups of four letters in a row that must look like encoded ASCII; longer secrets have more. */
const GROUPS_MIN = 4;
const BYTES_IN_GROUP = 3;
const SAMPLES = 256;
/** What is decoded at once of a long text, and what each piece has in common with the next: more than any secret is. */
const PIECE_MAX = 1024 * 1024;
const PIECES_SHARE = 64 * 1024;
/** Runs remembered as holding nothing: ids that recur in every frame are decoded once. */
const DULL_RUNS_MAX = 20_000;
const DULL_LENGTH_MAX = 200;

/** Around texts in JSON that is a text in JSON. */
const ESCAPED_QUOTE = '\\"';

const WORD = 1;
const JOINT = 2;
/** Letters and digits, and what else base64 is written with; any character may be looked up in it. */
const KIND = new Uint8Array(0x1_00_00);
for (let code = 33; code < 127; code += 1)
  if (/[A-Za-z0-9]/.test(String.fromCharCode(code))) KIND[code] = WORD;
for (const character of '+/-_') KIND[character.charCodeAt(0)] = JOINT;

/**
 * Finds what is to be hidden where a text holds it encoded: escaped as in JSON, addresses and HTML, in base64
 * (packed before or not), in hexadecimal digits, as lists of numbers and cut over members of lists, at any place of what else is encoded with it. Only the
 * characters that stand for it are hidden, so that what is evidence beside it stays where it was.
 */
export class EncodedSecrets {
  readonly #secrecy: Secrecy;
  #direction: Direction = 'in';
  #runMin = RUN_MIN;
  #groupsMin = GROUPS_MIN;
  #dull = new Set<string>();
  readonly #unpacker = new Unpacker();

  constructor(secrecy: Secrecy) {
    this.#secrecy = secrecy;
  }

  /** This secret is searched for from now on: what meant nothing so far may hold it. */
  learned(secret: string): void {
    this.#runMin = Math.max(RUN_MIN_OF_ALL, Math.min(this.#runMin, longestRunOf(secret)));
    // Its groups begin with any letter; and a short one has few of them, less those that it begins and ends in.
    const groups = IS_ASCII.test(secret) ? Math.floor((secret.length - 2) / BYTES_IN_GROUP) : 0;
    this.#groupsMin = Math.min(this.#groupsMin, groups);
    if (this.#dull.size > 0) this.#dull.clear();
  }

  /** The text without them; the same string where there are none. */
  hide(text: string, direction: Direction): string {
    this.#direction = direction;
    this.#unpacker.begin();
    const hidden = text.length <= PIECE_MAX ? this.#encoded(text, OUTERMOST) : this.#inPieces(text);
    return hidden.length === 0 ? text : without(text, hidden);
  }

  /** A decoded view knows of each of its characters where it was: those of a whole long text would fill the memory. */
  #inPieces(text: string): readonly Hidden[] {
    const all: Hidden[] = [];
    for (let from = 0; from + PIECES_SHARE < text.length; from += PIECE_MAX - PIECES_SHARE) {
      const piece = text.slice(from, from + PIECE_MAX);
      for (const { start, end, shown } of this.#encoded(piece, OUTERMOST))
        all.push({ start: from + start, end: from + end, shown });
    }
    return all;
  }

  /** What of a text stands for something else that is to be hidden. */
  #encoded(text: string, depth: number): readonly Hidden[] {
    if (depth >= DEPTH_MAX) return NONE;
    let hidden: Hidden[] | undefined;
    if (mayHold(text, JSON_ESCAPES) || (text.includes(ESCAPED_QUOTE) && mayHoldCutTexts(text)))
      hidden = this.#view(text, JSON_ESCAPES, { hidden, depth: depth + 1 });
    const inner = Math.max(0, depth) + 1;
    for (const encoding of CHARACTER_ENCODINGS)
      if (mayHold(text, encoding)) hidden = this.#view(text, encoding, { hidden, depth: inner });
    if (mayHoldNumbers(text)) hidden = this.#numbers(text, { hidden, depth: inner });
    if (mayHoldCutTexts(text)) hidden = this.#cut(text, { hidden, depth: inner });
    return this.#runs(text, { hidden, depth: inner }) ?? NONE;
  }

  /** Both what a decoded text holds as it is, and what is encoded in it once more. */
  #within(text: string, depth: number): readonly Hidden[] {
    const plain = this.#secrecy.hiddenIn(text, this.#direction);
    const encoded = this.#encoded(text, depth);
    return encoded.length === 0 ? plain : [...plain, ...encoded];
  }

  #view(
    text: string,
    encoding: CharacterEncoding,
    { hidden, depth }: Search,
  ): Hidden[] | undefined {
    const view = new DecodedView(text, encoding);
    const found = this.#within(view.text, depth);
    if (found.length === 0) return hidden;
    const here = found.map(({ shown, ...span }) => ({ ...view.spanOf(span), shown }));
    return hidden === undefined ? here : [...hidden, ...here];
  }

  #numbers(text: string, { hidden, depth }: Search): Hidden[] | undefined {
    let all = this.#view(text, NUMBERS, { hidden, depth });
    for (const { start, end, bytes } of this.#unpacker.inNumbers(text)) {
      const shown = this.#shownOf(bytes, depth);
      if (shown !== undefined) (all ??= []).push({ start, end, shown });
    }
    return all;
  }

  /** What stands in one of the pieces alone is found without joining them. */
  #cut(text: string, { hidden, depth }: Search): Hidden[] | undefined {
    const cut = new CutTexts(text);
    const found = this.#within(
      cut.joined((piece) => piece),
      depth,
    );
    if (found.length === 0) return hidden;
    const placesOf = cut.places();
    let all = hidden;
    for (const { shown, ...span } of found) {
      const places = placesOf(span);
      if (places.length > 1)
        for (const [i, place] of places.entries())
          (all ??= []).push({ ...place, shown: i === 0 ? shown : '' });
    }
    return all;
  }

  /** Looks at one character of each few: in a run that is long enough one of them stands. */
  #runs(text: string, { hidden, depth }: Search): Hidden[] | undefined {
    const { length } = text;
    const shortest = this.#runMin;
    let all = hidden;
    for (let at = shortest - 1; at < length;) {
      let start = at;
      while (start > at - shortest && kindAt(text, start) === WORD) start -= 1;
      if (start > at - shortest) {
        at = start + shortest;
        continue;
      }
      let end = at + 1;
      start += 1;
      while (end < length && kindAt(text, end) !== 0) end += 1;
      while (start > 0 && kindAt(text, start - 1) !== 0) start -= 1;
      const found = this.#run(text.slice(start, end), depth);
      for (const { shown, ...span } of found)
        (all ??= []).push({ start: start + span.start, end: start + span.end, shown });
      at = end + shortest;
    }
    return all;
  }

  #run(run: string, depth: number): readonly Hidden[] {
    if (!this.#mayBeEncoded(run) || this.#dull.has(run)) return NONE;
    const found = [...this.#inBase64(run, depth), ...this.#inHex(run, depth)];
    if (found.length > 0) return found;
    const packed = this.#packed(run, depth);
    if (packed.length > 0 || depth > 1 || run.length > DULL_LENGTH_MAX) return packed;
    if (this.#dull.size >= DULL_RUNS_MAX) this.#dull = new Set();
    // In memory of its own: a piece of the text would keep all of it for as long as the piece is kept.
    this.#dull.add(Buffer.from(run, 'latin1').toString('latin1'));
    return NONE;
  }

  /** Nearly all runs are words and markers, new in each frame: what can be nothing else is not remembered. */
  #mayBeEncoded(run: string): boolean {
    for (const offset of BASE64_OFFSETS) if (mayBeAscii(run, offset, this.#groupsMin)) return true;
    return HEX_SIGN.test(run) || packedAt(run) !== -1;
  }

  #inBase64(run: string, depth: number): readonly Hidden[] {
    let all: Hidden[] | undefined;
    for (const offset of BASE64_OFFSETS) {
      if (!mayBeAscii(run, offset, this.#groupsMin)) continue;
      const bytes = Buffer.from(run.slice(offset), 'base64');
      // What is read from the wrong letter on is no text, and nothing is encoded in it once more.
      for (const { start, end, shown } of this.#within(
        bytes.toString('latin1'),
        isText(bytes) ? depth : DEPTH_MAX,
      ))
        (all ??= []).push({
          start: offset + Math.floor(start / SIX_BITS_IN_BYTE),
          end: Math.min(run.length, offset + Math.ceil(end / SIX_BITS_IN_BYTE)),
          shown,
        });
    }
    return all ?? NONE;
  }

  #inHex(run: string, depth: number): readonly Hidden[] {
    let all: Hidden[] | undefined;
    for (const { 0: digits, index } of run.matchAll(HEX_RUN))
      for (const offset of [0, 1]) {
        // The pair that the digits may end with is cut off there, or here.
        const from = index + offset;
        const text = Buffer.from(
          `${digits}${run.charAt(index + digits.length)}`.slice(offset),
          'hex',
        );
        for (const { start, end, shown } of this.#within(text.toString('latin1'), depth))
          (all ??= []).push({ start: from + start * 2, end: from + end * 2, shown });
      }
    return all ?? NONE;
  }

  /** What was packed cannot be hidden in part. */
  #packed(run: string, depth: number): readonly Hidden[] {
    const packed = this.#unpacker.inBase64(run) ?? this.#unpacker.inHex(run);
    const shown = packed && this.#shownOf(packed.bytes, depth);
    return packed === undefined || shown === undefined
      ? NONE
      : [{ start: packed.at, end: run.length, shown }];
  }

  /** What is shown instead of packed bytes; undefined where they hold nothing that is to be hidden. */
  #shownOf(bytes: Buffer, depth: number): string | undefined {
    const text = bytes.toString('latin1');
    const hidden = this.#within(text, depth);
    if (hidden.length === 0) return undefined;
    const evidence = this.#secrecy.evidenceIn(without(text, hidden));
    return [...new Set([...hidden.map((span) => span.shown), ...evidence])].join(' ');
  }
}

interface Search {
  readonly hidden: Hidden[] | undefined;
  readonly depth: number;
}

const NONE: readonly never[] = [];

function mayHold(text: string, { hint, sign }: CharacterEncoding): boolean {
  return text.includes(hint) && sign.test(text);
}

/** Letters and digits in a row, wherever in base64 a secret may begin. */
function longestRunOf(secret: string): number {
  const longest = ['', 'x', 'xx'].map((before) => {
    const runs =
      Buffer.from(before + secret)
        .toString('base64')
        .match(/[A-Za-z0-9]+/g) ?? [];
    return Math.max(...runs.map((run) => run.length)) - before.length;
  });
  return Math.min(...longest) - 1;
}

/**
 * Whether a run may be base64 of ASCII from an offset on: each group of such text begins with one of `A`–`Z`,
 * `a`–`f`, which markers and ids do not keep up for long.
 */
function mayBeAscii(run: string, offset: number, groupsMin: number): boolean {
  let groups = 0;
  for (let at = offset; at < run.length && groups < groupsMin; at += 4) {
    const code = run.charCodeAt(at);
    groups = (code >= 65 && code <= 90) || (code >= 97 && code <= 102) ? groups + 1 : 0;
  }
  return groups >= groupsMin;
}

/** Whether bytes are mostly ASCII, as far as a few of them tell. */
function isText(bytes: Buffer): boolean {
  const step = 1 + Math.floor(bytes.length / SAMPLES);
  let high = 0;
  let looked = 0;
  for (let at = 0; at < bytes.length; at += step) {
    looked += 1;
    if ((bytes[at] ?? 0) > ASCII_MAX) high += 1;
  }
  return high * 4 <= looked;
}

function kindAt(text: string, at: number): number {
  return KIND[text.charCodeAt(at)] ?? 0;
}

/** A text without what is hidden of it. What overlaps is hidden together, and all of it is told. */
export function without(text: string, hidden: readonly Hidden[]): string {
  const sorted = hidden.toSorted((one, other) => one.start - other.start || other.end - one.end);
  let result = '';
  let from = 0;
  let shown = new Set<string>();
  for (const span of sorted) {
    if (span.start >= from) {
      result += [...shown].join(' ') + text.slice(from, span.start);
      shown = new Set();
    }
    if (span.shown !== '') shown.add(span.shown);
    from = Math.max(from, span.end);
  }
  return result + [...shown].join(' ') + text.slice(from);
}
