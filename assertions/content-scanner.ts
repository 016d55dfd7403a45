import { HASH_SEED, isWord, type AnchorIndex } from '../history/anchor-index.ts';
import {
  decodeBase64,
  decodeCharacterReferences,
  decodeHex,
  decodePercent,
  stripInvisible,
  toPlainLetters,
  unescapeJson,
} from '../history/encodings.ts';
import {
  ALPHABET,
  CAMPAIGN_PREFIX_LENGTH,
  MARKER_LENGTH,
  parseMarker,
  USER_PREFIX_LENGTH,
  type MarkerParts,
} from '../history/markers.ts';

/** A marker found in a text. */
export interface MarkerHit {
  /** As planted: lower case, no separators; shorter than a marker when `parts` is undefined. */
  readonly text: string;
  /** Undefined for a marker that is cut off or damaged, but still names its user. */
  readonly parts: MarkerParts | undefined;
  /** Where it begins in the scanned text, for excerpts; −1 inside a decoded view. */
  readonly at: number;
}

/** What a scan reports. */
export interface ScanSink<V> {
  marker(hit: MarkerHit): void;
  id(text: string, value: V, at: number): void;
  /** A run of at least {@link LONG_RUN_MIN} letters and digits that is no marker. */
  longRun(text: string, start: number, end: number): void;
}

/** Runs of letters and digits from this length on may be encoded text, or shared random tokens. */
export const LONG_RUN_MIN = 12;
/** Base64 or hex of anything worth finding is at least this long. */
const ENCODED_RUN_MIN = 20;
/** Characters that may stand between two characters of a marker (`x-t-k`, `x, t, k`). */
const GAP_MAX = 3;
/** A cut-off marker counts when it names its user and shows this much more. */
const PARTIAL_LENGTH_MIN = USER_PREFIX_LENGTH + 6;
/** Layers of encoding undone. */
const DEPTH_MAX = 2;
/** Runs remembered as decoding to nothing; ids that recur in every frame are decoded once. */
const DULL_RUNS_MAX = 20_000;

const MARKER_CHARACTER = new Uint8Array(128);
for (const character of ALPHABET) MARKER_CHARACTER[character.charCodeAt(0)] = 1;

const BACKSLASH = 92;
const PERCENT = 37;
const AMPERSAND = 38;

/** Signs of an encoding seen in one pass. */
interface Signs {
  backslash: boolean;
  percent: boolean;
  reference: boolean;
  high: boolean;
  longRuns: number[];
}

/**
 * Finds markers of a campaign and filed ids in texts, in one linear pass that is independent of the
 * number of users. Case changes and separators are seen through in the pass itself; escapes, URL and HTML
 * encoding, base64, hex and invisible characters by looking at decoded views, two layers deep.
 */
export class ContentScanner<V> {
  readonly #index: AnchorIndex<V>;
  readonly #prefix: Uint8Array;
  /** Knuth–Morris–Pratt failure function of the prefix. */
  readonly #failure: Uint8Array;
  #dull = new Set<string>();

  constructor(campaignPrefix: string, index: AnchorIndex<V>) {
    this.#index = index;
    this.#prefix = Uint8Array.from(campaignPrefix, (character) => character.charCodeAt(0));
    this.#failure = failureOf(this.#prefix);
  }

  /** Reports everything found in the text, in any encoding. Something may be reported twice. */
  scan(text: string, sink: ScanSink<V>): void {
    this.#scan(text, sink, 0);
  }

  #scan(text: string, sink: ScanSink<V>, depth: number): void {
    const signs = this.#pass(text, sink, depth > 0);
    if (depth >= DEPTH_MAX) return;
    if (signs.backslash) this.#view(unescapeJson(text), text, { sink, depth });
    if (signs.percent) this.#view(decodePercent(text), text, { sink, depth });
    if (signs.reference) this.#view(decodeCharacterReferences(text), text, { sink, depth });
    if (signs.high) {
      this.#view(stripInvisible(text), text, { sink, depth });
      this.#view(toPlainLetters(text), text, { sink, depth });
    }
    for (let i = 0; i < signs.longRuns.length; i += 2)
      this.#decodeRun(text, [signs.longRuns[i] ?? 0, signs.longRuns[i + 1] ?? 0], { sink, depth });
  }

  #view(view: string, of: string, at: { sink: ScanSink<V>; depth: number }): void {
    if (view !== of) this.#scan(view, at.sink, at.depth + 1);
  }

  #decodeRun(
    text: string,
    run: readonly [number, number],
    at: { sink: ScanSink<V>; depth: number },
  ): void {
    const [start, end] = widen(text, run);
    const encoded = text.slice(start, end);
    if (encoded.length < ENCODED_RUN_MIN || this.#dull.has(encoded)) return;
    let found = false;
    const sink: ScanSink<V> = {
      marker: (hit) => {
        found = true;
        at.sink.marker(hit);
      },
      id: (id, value, position) => {
        found = true;
        at.sink.id(id, value, position);
      },
      longRun: () => {},
    };
    for (const reading of decodeBase64(encoded)) this.#scan(reading, sink, at.depth + 1);
    if (/^[0-9a-f]+$/i.test(encoded))
      for (const reading of decodeHex(encoded)) this.#scan(reading, sink, at.depth + 1);
    if (found) return;
    if (this.#dull.size >= DULL_RUNS_MAX) this.#dull = new Set();
    this.#dull.add(encoded);
  }

  /** The hot loop: one look at each character. */
  #pass(text: string, sink: ScanSink<V>, inView: boolean): Signs {
    const signs: Signs = {
      backslash: false,
      percent: false,
      reference: false,
      high: false,
      longRuns: [],
    };
    const index = this.#index;
    const prefix = this.#prefix;
    const length = text.length;
    let hash = HASH_SEED;
    let start = -1;
    let matched = 0;
    let gap = 0;
    let markerEnd = 0;
    for (let i = 0; i <= length; i += 1) {
      const code = i < length ? text.charCodeAt(i) : 0;
      if (isWord(code)) {
        const folded = code | 32;
        if (start === -1) start = i;
        hash = (Math.imul(hash, 33) ^ folded) | 0;
        gap = 0;
        while (matched > 0 && folded !== prefix[matched]) matched = this.#failure[matched - 1] ?? 0;
        if (folded === prefix[matched]) matched += 1;
        if (matched === CAMPAIGN_PREFIX_LENGTH) {
          matched = 0;
          const found = readMarker(text, i + 1, prefix);
          markerEnd = Math.max(i + 1, found.end);
          if (found.hit !== undefined)
            sink.marker({
              ...found.hit,
              at: inView ? -1 : Math.max(0, i + 1 - CAMPAIGN_PREFIX_LENGTH),
            });
        }
        continue;
      }
      if (start !== -1) {
        if (index.mayHold(hash))
          index.run(hash, { text, start, end: i }, (id, value, at) =>
            sink.id(id, value, inView ? -1 : at),
          );
        // What follows a marker without a break is looked at on its own.
        const from = Math.max(start, markerEnd);
        if (i - from >= LONG_RUN_MIN) {
          if (!inView) sink.longRun(text, from, i);
          signs.longRuns.push(from, i);
        }
        start = -1;
        hash = HASH_SEED;
      }
      gap += 1;
      if (gap > GAP_MAX) matched = 0;
      if (code === BACKSLASH) signs.backslash = true;
      else if (code === PERCENT) signs.percent = true;
      else if (code === AMPERSAND) signs.reference = true;
      else if (code > 127) signs.high = true;
    }
    return signs;
  }
}

/** Reads on after a campaign prefix, through separators, to the end of the marker. */
function readMarker(
  text: string,
  from: number,
  prefix: Uint8Array,
): { end: number; hit: Omit<MarkerHit, 'at'> | undefined } {
  let marker = String.fromCharCode(...prefix);
  let gap = 0;
  let i = from;
  for (; i < text.length && marker.length < MARKER_LENGTH; i += 1) {
    const code = text.charCodeAt(i);
    if (isWord(code)) {
      if (MARKER_CHARACTER[code | 32] !== 1) break;
      marker += String.fromCharCode(code | 32);
      gap = 0;
    } else {
      gap += 1;
      if (gap > GAP_MAX) break;
    }
  }
  if (marker.length < PARTIAL_LENGTH_MIN) return { end: i, hit: undefined };
  return { end: i, hit: { text: marker, parts: parseMarker(marker) } };
}

/** A run of letters and digits with the further characters of either base64 alphabet around it. */
function widen(text: string, [from, to]: readonly [number, number]): readonly [number, number] {
  let start = from;
  let end = to;
  while (start > 0 && isBase64(text.charCodeAt(start - 1))) start -= 1;
  while (end < text.length && isBase64(text.charCodeAt(end))) end += 1;
  return [start, end];
}

function isBase64(code: number): boolean {
  return isWord(code) || code === 43 || code === 47 || code === 45 || code === 95;
}

function failureOf(prefix: Uint8Array): Uint8Array {
  const failure = new Uint8Array(prefix.length);
  let matched = 0;
  for (let i = 1; i < prefix.length; i += 1) {
    while (matched > 0 && prefix[i] !== prefix[matched]) matched = failure[matched - 1] ?? 0;
    if (prefix[i] === prefix[matched]) matched += 1;
    failure[i] = matched;
  }
  return failure;
}
