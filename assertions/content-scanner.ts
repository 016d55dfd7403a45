import type { AnchorIndex, AnchorText, IndexValue } from '../history/anchor-index.ts';
import { CutTexts, mayHoldCutTexts } from '../history/cut-texts.ts';
import {
  decodeBase64,
  decodeCharacterReferences,
  decodeHex,
  decodeNumbers,
  decodePercent,
  mayHoldNumbers,
  stripInvisible,
  toPlainLetters,
  unescapeJson,
} from '../history/encodings.ts';
import {
  ALPHABET,
  CAMPAIGN_PREFIX_LENGTH,
  CUT_OFF_LENGTH_MIN,
  isMarker,
  MARKER_LENGTH,
} from '../history/markers.ts';
import { TextUnits } from '../history/text-units.ts';
import { MARKER_END_LENGTH, type MarkerEnds } from './marker-ends.ts';
import { Unpacker, UUID_IN_BASE64, uuidInBase64 } from '../history/packed-bytes.ts';

/** A marker found in a text. */
export interface MarkerHit {
  /** As planted: lower case, no separators. One that is cut off or damaged still names its user. */
  readonly text: string;
  /** Where it begins in the scanned text, for excerpts; −1 inside a decoded view. */
  readonly at: number;
}

/** What a scan reports. */
export interface ScanSink<V> {
  marker(hit: MarkerHit): void;
  id(text: string, value: V, at: number): void;
  /** A run of at least {@link LONG_RUN_MIN} letters and digits that is no marker. */
  longRun(of: AnchorText, start: number, end: number): void;
}

/** Runs of letters and digits from this length on may be encoded text, or shared random tokens. */
export const LONG_RUN_MIN = 12;
/**
 * Base64 or hex of anything worth finding is at least this long. Of base64 only letters and digits count,
 * for ASCII text gives the other characters of its alphabets only for `>`, `?` and `~`, which are in no
 * marker; long runs are looked at with them too.
 */
const ENCODED_RUN_MIN = 20;
/** Characters that may stand between two characters of a marker (`x-t-k`, `x, t, k`). */
const GAP_MAX = 3;
/** Layers of encoding undone, beside the escapes of the JSON frame itself. */
const DEPTH_MAX = 2;
/** Depth of the text as it came. */
const OUTERMOST = -1;
/** Runs remembered as decoding to nothing; ids that recur in every frame are decoded once. */
const DULL_RUNS_MAX = 20_000;
/** Longer runs are no ids, do not recur, and would keep the frames alive that they were cut from. */
const DULL_LENGTH_MAX = 200;

const MARKER_CHARACTER = new Uint8Array(128);
for (const character of ALPHABET) MARKER_CHARACTER[character.charCodeAt(0)] = 1;

/** Signs of an encoding, as bits: kinds of characters below {@link WORD_KIND_MIN}. */
const ESCAPE = 1;
const PERCENT = 2;
const REFERENCE = 4;
const HIGH = 8;
const SIGNS = ESCAPE | PERCENT | REFERENCE | HIGH;
/** Characters of the base64 alphabets that are no letters or digits, and where mailers break its lines. */
const BASE64_JOINT = 16;
/** Kinds from here on are the lower case of an ASCII letter, or a digit as it is. */
const WORD_KIND_MIN = 48;

/** What each UTF-16 unit is to a scan: a letter or digit folded to lower case, a sign, a joint, or 0. */
const KIND = new Uint8Array(1 << 16).fill(HIGH, 128);
KIND[92] = ESCAPE;
KIND[37] = PERCENT;
KIND[38] = REFERENCE;
for (const character of '+/-_\r\n') KIND[character.charCodeAt(0)] = BASE64_JOINT;
for (let code = 48; code <= 57; code += 1) KIND[code] = code;
for (let code = 97; code <= 122; code += 1) {
  KIND[code] = code;
  KIND[code - 32] = code;
}

/** What one pass saw that asks for a closer look: signs of encodings, and borders of long runs. */
interface Closer {
  readonly signs: number;
  readonly longRuns: readonly number[];
}

const NO_RUNS: readonly number[] = [];

/**
 * Finds markers of a campaign and filed ids in texts, in one linear pass that is independent of the
 * number of users; of other campaigns whole markers without separators; of those planted also the end alone,
 * where nothing follows it. Case changes and separators are
 * seen through in the pass itself; escapes, URL and HTML encoding, base64, hex, numbers, texts cut over the members
 * of a list and invisible characters by looking at decoded views, two layers deep.
 */
export class ContentScanner<V extends IndexValue> {
  readonly #index: AnchorIndex<V>;
  readonly #ends: MarkerEnds;
  readonly #prefixText: string;
  readonly #prefix: Uint8Array;
  #dull = new Set<string>();
  #dullAtSize = 0;
  readonly #units = new TextUnits();
  readonly #unpacker = new Unpacker();

  /** `ends`: of the markers that were planted so far. */
  constructor(campaignPrefix: string, index: AnchorIndex<V>, ends: MarkerEnds) {
    this.#index = index;
    this.#ends = ends;
    this.#prefixText = campaignPrefix;
    this.#prefix = Uint8Array.from(campaignPrefix, (character) => character.charCodeAt(0));
  }

  /** Reports everything found in the text, in any encoding. Something may be reported twice. */
  scan(text: string, sink: ScanSink<V>): void {
    this.#unpacker.begin();
    this.#scan(text, sink, OUTERMOST);
  }

  #scan(text: string, sink: ScanSink<V>, depth: number): void {
    const { signs, longRuns } = this.#pass(text, sink, depth > OUTERMOST);
    if (depth >= DEPTH_MAX) return;
    const at = { sink, depth: Math.max(0, depth) };
    if (mayHoldNumbers(text)) this.#numbers(text, at);
    if (mayHoldCutTexts(text)) this.#cutTexts(text, at);
    if (signs !== 0) this.#characters(text, signs, { sink, depth });
    for (let i = 0; i < longRuns.length; i += 2)
      this.#decodeRun(text, [longRuns[i] ?? 0, longRuns[i + 1] ?? 0], at);
  }

  /** Undoes what was done to single characters. */
  #characters(text: string, signs: number, of: { sink: ScanSink<V>; depth: number }): void {
    const at = { sink: of.sink, depth: Math.max(0, of.depth) };
    // The escapes of a frame are part of the frame: what they hide may be encoded as often as anywhere.
    if ((signs & ESCAPE) !== 0) this.#view(unescapeJson(text), text, of);
    if ((signs & PERCENT) !== 0) this.#view(decodePercent(text), text, at);
    if ((signs & REFERENCE) !== 0) this.#view(decodeCharacterReferences(text), text, at);
    if ((signs & HIGH) === 0) return;
    this.#view(stripInvisible(text), text, at);
    this.#view(toPlainLetters(text), text, at);
  }

  #view(view: string, of: string, at: { sink: ScanSink<V>; depth: number }): void {
    if (view !== of) this.#scan(view, at.sink, at.depth + 1);
  }

  #numbers(text: string, at: { sink: ScanSink<V>; depth: number }): void {
    this.#view(decodeNumbers(text), text, at);
    for (const { bytes } of this.#unpacker.inNumbers(text))
      this.#scan(bytes.toString('utf8'), at.sink, at.depth + 1);
  }

  /** Ids are not looked for: what stands in two members need not belong together, and short ids end alike. */
  #cutTexts(text: string, { sink, depth }: { sink: ScanSink<V>; depth: number }): void {
    const joined = new CutTexts(text).joined((piece) =>
      piece.includes('\\') ? unescapeJson(piece) : piece,
    );
    if (joined === '') return;
    const markersOnly: ScanSink<V> = {
      marker: (hit) => {
        sink.marker(hit);
      },
      id: () => {},
      longRun: () => {},
    };
    this.#scan(joined, markersOnly, depth + 1);
  }

  #decodeRun(
    text: string,
    run: readonly [number, number],
    at: { sink: ScanSink<V>; depth: number },
  ): void {
    const [start, end] = run;
    const offsets = base64Offsets(text, start, end);
    const hexes = hexStarts(text, start, end);
    if (offsets.length === 0 && hexes.length === 0) return;
    const encoded = text.slice(start, end);
    if (this.#dullAtSize !== this.#index.size) {
      // What meant nothing before may be an id that somebody has been given since.
      this.#dull.clear();
      this.#dullAtSize = this.#index.size;
    }
    if (this.#dull.has(encoded)) return;
    const { sink, depth } = at;
    let found = false;
    const watching: ScanSink<V> = {
      marker: (hit) => {
        found = true;
        sink.marker(hit);
      },
      id: (id, value, position) => {
        found = true;
        sink.id(id, value, position);
      },
      longRun: () => {},
    };
    for (const offset of offsets)
      this.#scan(decodeBase64(text.slice(start + offset, end)), watching, depth + 1);
    for (const from of hexes) this.#scan(decodeHex(text.slice(from, end)), watching, depth + 1);
    this.#unpackRun(encoded, watching, depth);
    // Deeper inside, fewer layers are undone: what gave nothing there may give something elsewhere.
    if (found || depth > 0 || encoded.length > DULL_LENGTH_MAX) return;
    if (this.#dull.size >= DULL_RUNS_MAX) this.#dull = new Set();
    this.#dull.add(encoded);
  }

  /** Reads what was packed before it was written in base64 or in hexadecimal digits. */
  #unpackRun(encoded: string, sink: ScanSink<V>, depth: number): void {
    if (encoded.length < UNGATED_BASE64_MIN) return;
    for (const packed of [this.#unpacker.inBase64(encoded), this.#unpacker.inHex(encoded)])
      if (packed !== undefined) this.#scan(packed.bytes.toString('utf8'), sink, depth + 1);
  }

  /** Reports an id whose bytes, not letters, are written in base64. */
  #uuidIn(of: AnchorText, start: number, sink: ScanSink<V>): void {
    if (!this.#index.holdsUuids) return;
    const uuid = uuidInBase64(of.text.slice(start, start + UUID_IN_BASE64));
    const value = uuid === undefined ? undefined : this.#index.get(uuid);
    if (uuid !== undefined && value !== undefined) sink.id(uuid, value, of.hidden ? -1 : start);
  }

  /** The hot loop: one look at each character. Split into functions it is measurably slower. */
  // oxlint-disable-next-line complexity
  #pass(text: string, sink: ScanSink<V>, inView: boolean): Closer {
    const index = this.#index;
    const units = this.#units.of(text);
    const of: AnchorText = { text, units, hidden: inView };
    const length = text.length;
    const kinds = KIND;
    const firstOfPrefix = this.#prefix[0] ?? -1;
    const shortest = Math.min(index.shortestRun, LONG_RUN_MIN);
    let longRuns: number[] | undefined;
    let wideStart = -1;
    let runsBeforeWide = 0;
    let signs = 0;
    let markerEnd = 0;
    /** End of a campaign prefix that was seen to begin, and is reported with the word it ends in. */
    let prefixEnd = 0;
    for (let i = 0; ;) {
      let kind = kinds[units[i] ?? 0] ?? 0;
      while (kind < WORD_KIND_MIN) {
        if (wideStart !== -1 && kind !== BASE64_JOINT) {
          if (i - wideStart >= UNGATED_BASE64_MIN) {
            // Whatever its parts may be, the whole at all offsets shows it.
            longRuns?.splice(runsBeforeWide);
            (longRuns ??= []).push(wideStart, i);
          } else if (i - wideStart === UUID_IN_BASE64) this.#uuidIn(of, wideStart, sink);
          wideStart = -1;
        }
        if (i >= length) return { signs: signs & SIGNS, longRuns: longRuns ?? NO_RUNS };
        signs |= kind;
        i += 1;
        kind = kinds[units[i] ?? 0] ?? 0;
      }
      const start = i;
      for (;;) {
        // Nothing is called in here, so that everything stays in registers.
        while (kind >= WORD_KIND_MIN && kind !== firstOfPrefix) {
          i += 1;
          kind = kinds[units[i] ?? 0] ?? 0;
        }
        if (kind < WORD_KIND_MIN) break;
        const end = i >= prefixEnd ? this.#prefixEndFrom(units, i, length) : -1;
        if (end !== -1) {
          if (prefixEnd !== 0) markerEnd = this.#marker(of, prefixEnd, sink);
          prefixEnd = end;
        }
        i += 1;
        kind = kinds[units[i] ?? 0] ?? 0;
      }
      if (wideStart === -1) {
        wideStart = start;
        runsBeforeWide = longRuns?.length ?? 0;
      }
      if (prefixEnd !== 0 && prefixEnd <= i) {
        markerEnd = this.#marker(of, prefixEnd, sink);
        prefixEnd = 0;
      }
      // Nearly every run is an ordinary word.
      if (i - start < shortest) continue;
      if (index.mayHoldRun(i - start)) index.run(of, start, i, sink);
      if (i - start === MARKER_LENGTH && markerEnd <= start) this.#otherCampaign(of, start, sink);
      if (markerEnd !== i && i - start >= MARKER_END_LENGTH) this.#markerEnd(of, i, sink);
      // What follows a marker without a break is looked at on its own.
      const from = start > markerEnd ? start : markerEnd;
      if (i - from < LONG_RUN_MIN) continue;
      if (!inView) sink.longRun(of, from, i);
      if (i - from < ENCODED_RUN_MIN) continue;
      longRuns ??= [];
      longRuns.push(from, i);
    }
  }

  /** Where a campaign prefix ends whose first character stands at `from`, or −1 if none does. */
  #prefixEndFrom(units: Uint16Array, from: number, length: number): number {
    const prefix = this.#prefix;
    let matched = 1;
    let gap = 0;
    for (let i = from + 1; i < length; i += 1) {
      const kind = KIND[units[i] ?? 0] ?? 0;
      if (kind < WORD_KIND_MIN) {
        gap += 1;
        if (gap > GAP_MAX) return -1;
        continue;
      }
      if (kind !== prefix[matched]) return -1;
      gap = 0;
      matched += 1;
      if (matched === CAMPAIGN_PREFIX_LENGTH) return i + 1;
    }
    return -1;
  }

  /** Reports a whole marker of another campaign, which is known by its word and its check character. */
  #otherCampaign(of: AnchorText, start: number, sink: ScanSink<V>): void {
    if (KIND[of.units[start] ?? 0] !== this.#prefix[0]) return;
    const text = of.text.slice(start, start + MARKER_LENGTH).toLowerCase();
    if (isMarker(text)) sink.marker({ text, at: of.hidden ? -1 : start });
  }

  /** Reports the marker whose campaign prefix ends at `from`; returns where it ends itself. */
  #marker(of: AnchorText, from: number, sink: ScanSink<V>): number {
    const { end, text } = this.#readMarker(of, from);
    if (text.length >= CUT_OFF_LENGTH_MIN)
      sink.marker({ text, at: of.hidden ? -1 : Math.max(0, from - CAMPAIGN_PREFIX_LENGTH) });
    return end;
  }

  /** Reports the marker that ends there: what stands before its end may be missing. */
  #markerEnd(of: AnchorText, end: number, sink: ScanSink<V>): void {
    const text = this.#ends.endingAt(of, end);
    if (text !== undefined) sink.marker({ text, at: of.hidden ? -1 : end - MARKER_END_LENGTH });
  }

  /** Reads on after a campaign prefix, through separators, to the end of the marker. */
  #readMarker(of: AnchorText, from: number): { end: number; text: string } {
    const { text, units } = of;
    const begin = from - CAMPAIGN_PREFIX_LENGTH;
    if (isPlain(of, begin) && text.startsWith(this.#prefixText, begin))
      return { end: begin + MARKER_LENGTH, text: text.slice(begin, begin + MARKER_LENGTH) };
    let marker = this.#prefixText;
    let gap = 0;
    let i = from;
    for (; i < text.length && marker.length < MARKER_LENGTH; i += 1) {
      const kind = KIND[units[i] ?? 0] ?? 0;
      if (kind < WORD_KIND_MIN) {
        gap += 1;
        if (gap > GAP_MAX) break;
      } else if (MARKER_CHARACTER[kind] === 1) {
        marker += String.fromCharCode(kind);
        gap = 0;
      } else break;
    }
    return { end: i, text: marker };
  }
}

/** Whether a marker stands there as it was planted, from its first character on: the usual case. */
function isPlain({ text, units }: AnchorText, begin: number): boolean {
  const end = begin + MARKER_LENGTH;
  if (begin < 0 || end > text.length) return false;
  for (let i = begin; i < end; i += 1) {
    const code = units[i] ?? 0;
    if (code >= MARKER_CHARACTER.length || MARKER_CHARACTER[code] !== 1) return false;
  }
  return true;
}

/** Groups of four in a row that must look like encoded ASCII: a part of a marker needs no fewer. */
const BASE64_GROUPS_MIN = 5;
const HEX_PAIRS_MIN = 10;
/**
 * Runs long enough for a whole marker are decoded whatever they look like: letters that are not ASCII
 * (full-width ones, invisible ones in between) have encoded bytes that look like anything.
 */
const UNGATED_BASE64_MIN = Math.ceil((MARKER_LENGTH * 4) / 3);
const UNGATED_HEX_MIN = MARKER_LENGTH * 2;
const ALL_OFFSETS: readonly number[] = [0, 1, 2, 3];

/**
 * Offsets (0 to 3) at which a run may be base64 of ASCII text. Each group of such text begins with one of
 * `A`–`Z`, `a`–`f` (the first six bits of a byte below 128), which ids and hashes do not keep up for long.
 */
function base64Offsets(text: string, start: number, end: number): readonly number[] {
  if (end - start >= UNGATED_BASE64_MIN) return ALL_OFFSETS;
  let offsets: number[] | undefined;
  for (let offset = 0; offset < 4; offset += 1) {
    let groups = 0;
    for (let i = start + offset; i < end; i += 4) {
      const code = text.charCodeAt(i);
      const leads = (code >= 65 && code <= 90) || (code >= 97 && code <= 102);
      groups = leads ? groups + 1 : 0;
      if (groups < BASE64_GROUPS_MIN) continue;
      offsets ??= [];
      offsets.push(offset);
      break;
    }
  }
  return offsets ?? NO_RUNS;
}

/**
 * Beginnings, within a run, of what may be hexadecimal text: ten pairs in a row that are printable ASCII, or
 * digits enough for a whole marker in any characters. The digits may follow other letters (`0x…`).
 */
function hexStarts(text: string, start: number, end: number): readonly number[] {
  let starts: number[] | undefined;
  for (let from = start; from < end; from += 1) {
    let to = from;
    while (to < end && isHexDigit(text.charCodeAt(to))) to += 1;
    for (let at = from; at < from + 2; at += 1)
      if (to - at >= UNGATED_HEX_MIN || hasPrintablePairs(text, at, to)) {
        starts ??= [];
        starts.push(at);
      }
    from = to;
  }
  return starts ?? NO_RUNS;
}

function hasPrintablePairs(text: string, start: number, end: number): boolean {
  let pairs = 0;
  for (let i = start; i + 1 < end; i += 2) {
    const code = text.charCodeAt(i);
    pairs = code >= 50 && code <= 55 ? pairs + 1 : 0;
    if (pairs >= HEX_PAIRS_MIN) return true;
  }
  return false;
}

function isHexDigit(code: number): boolean {
  return (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 102);
}
