import { decodeCharacterReferences, decodePercent, unescapeJson } from './encodings.ts';
import { TextUnits } from './text-units.ts';

/** What a string may be filed with: anything that is there. */
export type IndexValue = object | string | number;

export type AnchorHit<V> = (text: string, value: V, at: number) => void;

/** Receives hits of a caller's own pass. */
export interface AnchorSink<V> {
  id(text: string, value: V, at: number): void;
}

/** A text during a caller's own pass over it. */
export interface AnchorText {
  readonly text: string;
  /** Its UTF-16 units. */
  readonly units: Uint16Array;
  /** Positions mean nothing to a reader, and are reported as −1. */
  readonly hidden: boolean;
}

/** 1 for ASCII letters and digits. Other letters never occur in ids; they only separate. */
const WORD = new Uint8Array(128);
for (let code = 48; code <= 57; code += 1) WORD[code] = 1;
for (let code = 65; code <= 90; code += 1) WORD[code] = 1;
for (let code = 97; code <= 122; code += 1) WORD[code] = 1;

/** Words that a longer identity may hold on either side of a shorter one: a bound for hostile texts. */
const WORDS_BESIDE_MAX = 8;
/** What may stand beside an identity, in an encoding, and how much of it is undone. */
const UNDONE = [decodePercent, unescapeJson, decodeCharacterReferences];
const ENCODED_BESIDE_MAX = 200;
/** The text next to a position that may belong to the same name; what ends it; and whether it is encoded. */
const NEXT_TO = { before: /[^\s"'<>]*$/, after: /^[^\s"'<>]*/ };
const ENDS_NAME = new Uint8Array(128);
for (const character of ' \t\n\v\f\r"\'<>') ENDS_NAME[character.charCodeAt(0)] = 1;
const ENCODING = /[%\\&]/;

/** As ids are usually written; without its dashes a UUID is one run. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const BARE_UUID = /^[0-9a-f]{32}$/i;
const BARE_UUID_LENGTH = 32;
const UUID_LENGTH = 36;
/** A kind of id followed by a UUID, with its dashes or without: `thread_…`. */
const PREFIXED_UUID =
  /^([a-z][a-z0-9]{0,23}[-_:./])([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})$/;
/** Kinds of ids; where there are more, what precedes the UUIDs are no kinds, and they mean nothing alone. */
const PREFIXES_MAX = 16;

/** Start value of the hash over a run; see {@link hashStep}. */
const HASH_SEED = 5381;
const FILTER_BITS_MIN = 4096;
const BUCKETS_MIN = 64;

/** Whether a UTF-16 unit is an ASCII letter or digit. */
function isWord(code: number): boolean {
  return code < 128 && WORD[code] === 1;
}

/** Adds one letter or digit to a run's hash. `code | 32` folds case: it leaves digits as they are. */
function hashStep(hash: number, code: number): number {
  return (Math.imul(hash, 33) ^ (code | 32)) | 0;
}

/** Whether a letter or digit stands on both sides of a position: no string begins or ends there. */
function joins(units: Uint16Array, position: number, length: number): boolean {
  return (
    position > 0 &&
    position < length &&
    isWord(units[position - 1] ?? 0) &&
    isWord(units[position] ?? 0)
  );
}

/** A length as one bit; all long ones share the last. */
function lengthBit(length: number): number {
  return 1 << Math.min(length, 31);
}

/** Anchors shorter than this are passed over while a longer one exists. */
const ANCHOR_LENGTH_MIN = 4;

/** Numbers of an entry, in this order: hash of its anchor, where that stands in it, its length. */
const ANCHOR_AT = 1;
const ANCHOR_LENGTH = 2;
/** The next entry in the same bucket, filed later, plus 1; 0 if there is none. */
const NEXT = 3;
const ENTRY_NUMBERS = 4;
const ENTRIES_MIN = 64;

/**
 * Finds any of a large, growing set of strings (ids, e-mails, credentials) in a text in one linear
 * pass whose cost does not depend on how many strings there are.
 *
 * Each string is filed under one of its own runs of letters and digits, its anchor: the one that the
 * fewest others share, the longest among those. A scan walks the text once, hashes each run of letters
 * and digits as it goes, and looks only at runs whose hash is filed; a hit is confirmed by comparing the
 * whole string around the anchor. So ids inside longer ids (`run_<thread id>_7`) are found too, and a
 * string is never found inside a longer word (`user_1` in `user_12`).
 */
export class AnchorIndex<V extends IndexValue> {
  /**
   * First entry of each bucket, plus 1. By the hash of the anchor, which folds case: a string is found
   * whatever the case it appears in.
   */
  #buckets = new Int32Array(BUCKETS_MIN);
  /** {@link ENTRY_NUMBERS} numbers an entry. A soak files hundreds of thousands: objects would cost thrice as much. */
  #entries = new Int32Array(ENTRIES_MIN * ENTRY_NUMBERS);
  readonly #entryTexts: string[] = [];
  /** The same in lower case, which is nearly always the same string. */
  readonly #entryLowers: string[] = [];
  readonly #entryValues: V[] = [];
  readonly #values = new Map<string, V>();
  /** Names of people among the strings, in lower case, how long they are, and what their words are joined by. */
  readonly #identities = new Set<string>();
  readonly #identityLengths = new Set<number>();
  #longestIdentity = 0;
  readonly #joints = new Set<number>();
  /** One bit a hash; small enough to stay in a processor's nearest cache. */
  #filter = new Int32Array(FILTER_BITS_MIN >> 5);
  /** Lengths of anchors, one bit each. */
  #lengths = 0;
  #shortest = Infinity;
  #holdsUuids = false;
  readonly #prefixes = new Set<string>();
  readonly #join: ((text: string, values: readonly V[]) => V) | undefined;
  /** Strings that differ in case only, with their values, by what they are in lower case. */
  readonly #twins = new Map<string, Map<string, V>>();
  readonly #units = new TextUnits();

  /**
   * `join` makes one value of several that the same text may mean. With it strings that differ in case only
   * are told apart, and a UUID is found without the prefix that it was filed with.
   */
  constructor(join?: (text: string, values: readonly V[]) => V) {
    this.#join = join;
  }

  /** Whether a UUID is among them. */
  get holdsUuids(): boolean {
    return this.#holdsUuids;
  }

  /** How many strings are filed. */
  get size(): number {
    return this.#values.size;
  }

  /** The value filed for exactly this string. */
  get(text: string): V | undefined {
    return this.#values.get(text);
  }

  /** Every filed string with its value. */
  entries(): IterableIterator<[string, V]> {
    return this.#values.entries();
  }

  /** The values of strings that differ in case only, for each of them together. */
  *twins(): Generator<readonly V[]> {
    for (const alike of this.#twins.values()) yield [...alike.values()];
  }

  /** Remembers a string for {@link get} only: scans pass over it. */
  addUnsearched(text: string, value: V): void {
    this.#values.set(text, value);
  }

  /**
   * Files a string; a later value for the same string replaces the earlier. A UUID in lower case is found
   * without its dashes as well: to file that spelling, too, would double what a run costs.
   */
  add(text: string, value: V): void {
    this.#values.set(text, value);
    if (UUID.test(text)) {
      this.#holdsUuids = true;
      this.#lengths |= lengthBit(BARE_UUID_LENGTH);
    }
    const lower = text.toLowerCase();
    const anchor = this.#anchorOf(lower, this.#prefixIn(lower));
    if (anchor === undefined) return;
    if (this.#join !== undefined) this.#findTwins(text, { lower, anchor, value });
    for (let known = this.#first(anchor.hash); known !== -1; known = this.#next(known))
      if (this.#entryTexts[known] === text && this.#isAnchoredAt(known, anchor)) {
        this.#entryValues[known] = value;
        return;
      }
    this.#makeRoom();
    const entry = this.#entryTexts.push(text) - 1;
    this.#entryLowers.push(lower);
    this.#entryValues.push(value);
    const numbers = entry * ENTRY_NUMBERS;
    this.#entries[numbers] = anchor.hash;
    this.#entries[numbers + ANCHOR_AT] = anchor.at;
    this.#entries[numbers + ANCHOR_LENGTH] = anchor.length;
    this.#file(entry);
  }

  /**
   * Files what names a person: a user id or a mail address. It is not found where it is but a part of a longer
   * one that is filed as well and stands there whole: `e2e-x-b` does not name `e2e-x`, nor
   * `mary-ann@example.com` `ann@example.com`. Other strings are found inside each other, as a thread's id in a
   * run's.
   */
  addIdentity(text: string, value: V): void {
    const lower = text.toLowerCase();
    this.#identities.add(lower);
    this.#identityLengths.add(lower.length);
    this.#longestIdentity = Math.max(this.#longestIdentity, lower.length);
    for (let i = 0; i < lower.length; i += 1)
      if (!isWord(lower.charCodeAt(i))) this.#joints.add(lower.charCodeAt(i));
    this.add(text, value);
  }

  /** Calls `hit` for every filed string in the text, in the order of their anchors. */
  scan(text: string, hit: AnchorHit<V>): void {
    if (this.#entryTexts.length === 0) return;
    const units = this.#units.of(text);
    const at: AnchorText = { text, units, hidden: false };
    const sink: AnchorSink<V> = { id: hit };
    let start = -1;
    for (let i = 0; i <= text.length; i += 1) {
      const code = units[i] ?? 0;
      if (code < 128 && WORD[code] === 1) {
        if (start === -1) start = i;
      } else if (start !== -1) {
        if (this.mayHoldRun(i - start)) this.run(at, start, i, sink);
        start = -1;
      }
    }
  }

  /** No run shorter than this is an anchor; infinite while nothing is filed. */
  get shortestRun(): number {
    return this.#shortest;
  }

  /** Whether a run of this length may be an anchor; most others are dismissed here. */
  mayHoldRun(length: number): boolean {
    return (this.#lengths & lengthBit(length)) !== 0;
  }

  /** Handles one run of letters and digits found by a caller's own pass over the text. */
  // oxlint-disable-next-line max-params -- called for many runs of every frame
  run(of: AnchorText, start: number, end: number, sink: AnchorSink<V>): void {
    const { units } = of;
    if (this.#holdsUuids && end - start === BARE_UUID_LENGTH) this.#bareUuid(of, start, sink);
    let hash = HASH_SEED;
    for (let i = start; i < end; i += 1) hash = hashStep(hash, units[i] ?? 0);
    if (!this.#mayHold(hash)) return;
    for (let entry = this.#first(hash); entry !== -1; entry = this.#next(entry)) {
      const numbers = entry * ENTRY_NUMBERS;
      if (this.#entries[numbers] !== hash || this.#entries[numbers + ANCHOR_LENGTH] !== end - start)
        continue;
      this.#confirm(entry, of, { at: start - (this.#entries[numbers + ANCHOR_AT] ?? 0), sink });
    }
  }

  #bareUuid(of: AnchorText, start: number, sink: AnchorSink<V>): void {
    const bare = of.text.slice(start, start + BARE_UUID_LENGTH);
    if (!BARE_UUID.test(bare)) return;
    const uuid = dashed(bare);
    const value = this.#values.get(uuid);
    if (value !== undefined) sink.id(bare, value, of.hidden ? -1 : start);
    const prefixed = this.#prefixed(uuid, { text: of.text, start, alone: value === undefined });
    if (prefixed !== undefined) sink.id(bare, prefixed, of.hidden ? -1 : start);
  }

  /** Remembers the prefix of a UUID, and says where the UUID begins. */
  #prefixIn(lower: string): number {
    if (this.#join === undefined || lower.length <= BARE_UUID_LENGTH) return 0;
    const prefix = PREFIXED_UUID.exec(lower)?.[1];
    if (prefix === undefined) return 0;
    // One more than allowed says that there were too many.
    if (this.#prefixes.size <= PREFIXES_MAX) this.#prefixes.add(prefix);
    this.#holdsUuids = true;
    this.#lengths |= lengthBit(BARE_UUID_LENGTH);
    return prefix.length;
  }

  /**
   * What a UUID in a text means that was filed with a prefix: the string whose prefix stands before it, or,
   * where it stands `alone`, any of those that hold it. Looked up, for to file it as well would cost too much.
   */
  #prefixed(
    uuid: string,
    { text, start, alone }: { text: string; start: number; alone: boolean },
  ): V | undefined {
    if (this.#prefixes.size === 0 || this.#prefixes.size > PREFIXES_MAX) return undefined;
    const values = new Set<V>();
    for (const prefix of this.#prefixes)
      for (const spelling of [uuid, uuid.replaceAll('-', '')]) {
        const value = this.#values.get(prefix + spelling);
        if (value === undefined) continue;
        if (text.slice(Math.max(0, start - prefix.length), start).toLowerCase() === prefix)
          return value;
        values.add(value);
      }
    const [first, ...more] = values;
    if (!alone || first === undefined) return undefined;
    return more.length === 0 ? first : this.#join?.(uuid, [first, ...more]);
  }

  /** Reports a UUID that was filed with a prefix, and stands without it. */
  #confirmUuid(
    entry: number,
    of: AnchorText,
    { at, sink }: { readonly at: number; readonly sink: AnchorSink<V> },
  ): void {
    const prefix = PREFIXED_UUID.exec(this.#entryLowers[entry] ?? '')?.[1];
    if (prefix === undefined) return;
    const start = at + prefix.length;
    const end = start + UUID_LENGTH;
    const { text, units, hidden } = of;
    if (start < 0 || joins(units, start, text.length) || joins(units, end, text.length)) return;
    const found = text.slice(start, end);
    const uuid = found.toLowerCase();
    if (uuid !== (this.#entryLowers[entry] ?? '').slice(prefix.length)) return;
    const alone = !this.#values.has(uuid);
    const value = this.#prefixed(uuid, { text, start, alone });
    if (value !== undefined) sink.id(found, value, hidden ? -1 : start);
  }

  #findTwins(
    text: string,
    { lower, anchor, value }: { lower: string; anchor: Anchor; value: V },
  ): void {
    for (let known = this.#first(anchor.hash); known !== -1; known = this.#next(known)) {
      const other = this.#entryTexts[known];
      const of = this.#entryValues[known];
      if (this.#entryLowers[known] !== lower || other === undefined || of === undefined) continue;
      if (other === text || of === value) continue;
      const twins = this.#twins.get(lower) ?? new Map<string, V>();
      this.#twins.set(lower, twins.set(other, of).set(text, value));
    }
  }

  /** What one of several strings that differ in case only means, where it stands in any case. */
  #ofTwins(entry: number, of: string, at: number): V | undefined {
    const twins = this.#twins.get(this.#entryLowers[entry] ?? '');
    const text = this.#entryTexts[entry] ?? '';
    const found = of.slice(at, at + text.length);
    if (twins === undefined || found === text) return this.#entryValues[entry];
    // As it stands there it is the other, or any of them.
    return twins.get(found) ?? this.#join?.(text.toLowerCase(), [...twins.values()]);
  }

  /** Reports a string whose anchor was found, if all of it stands there. */
  #confirm(
    entry: number,
    of: AnchorText,
    { at, sink }: { readonly at: number; readonly sink: AnchorSink<V> },
  ): void {
    if (!this.#standsAt(entry, of, at)) {
      if (this.#prefixes.size > 0) this.#confirmUuid(entry, of, { at, sink });
      return;
    }
    const text = this.#entryTexts[entry];
    const value =
      this.#twins.size === 0 ? this.#entryValues[entry] : this.#ofTwins(entry, of.text, at);
    if (text === undefined || value === undefined) return;
    if (!this.#isPartOfLonger(entry, of, at)) sink.id(text, value, of.hidden ? -1 : at);
  }

  /** Whether a whole string stands at a position, in any case, and not inside a longer word. */
  #standsAt(entry: number, { text, units }: AnchorText, at: number): boolean {
    const own = this.#entryTexts[entry] ?? '';
    const after = at + own.length;
    const { length } = text;
    if (at < 0 || after > length || joins(units, at, length) || joins(units, after, length))
      return false;
    if (text.startsWith(own, at)) return true;
    return text.slice(at, after).toLowerCase() === this.#entryLowers[entry];
  }

  /** Whether an identity that stands at a position is but a part of a longer one that stands there. */
  #isPartOfLonger(entry: number, { text, units }: AnchorText, at: number): boolean {
    const after = at + (this.#entryTexts[entry] ?? '').length;
    // Nearly always it stands alone between two quotes.
    if (this.#endsName(units, at - 1, text.length) && this.#endsName(units, after, text.length))
      return false;
    if (!this.#identities.has(this.#entryLowers[entry] ?? '')) return false;
    if (this.#isCovered(text, at, after)) return true;
    // The longer one may be whole only when an encoding is undone: `acme%2F2`, `acme\/2`.
    const own = text.slice(at, after);
    const before = NEXT_TO.before.exec(text.slice(Math.max(0, at - ENCODED_BESIDE_MAX), at));
    const behind = NEXT_TO.after.exec(text.slice(after, after + ENCODED_BESIDE_MAX));
    const [[left], [right]] = [before ?? [''], behind ?? ['']];
    if (!ENCODING.test(left) && !ENCODING.test(right)) return false;
    return UNDONE.some((undo) => {
      const plain = undo(left);
      const end = plain.length + own.length;
      return this.#isCovered(`${plain}${own}${undo(right)}`, plain.length, end);
    });
  }

  /** Whether no name goes on over a position: it lies outside of the text, or ends all names that are known. */
  #endsName(units: Uint16Array, position: number, length: number): boolean {
    if (position < 0 || position >= length) return true;
    const code = units[position] ?? 0;
    return code < ENDS_NAME.length && ENDS_NAME[code] === 1 && !this.#joints.has(code);
  }

  /** Whether a known identity stands in a text, whole, that is longer than a part of it and holds that part. */
  #isCovered(text: string, start: number, end: number): boolean {
    const beginnings = this.#bordersFrom(text, start, -1);
    const ends = this.#bordersFrom(text, end, 1);
    for (const from of beginnings)
      for (const to of ends)
        if (
          to - from > end - start &&
          this.#identityLengths.has(to - from) &&
          this.#identities.has(text.slice(from, to).toLowerCase())
        )
          return true;
    return false;
  }

  /** Where words begin (or end) from a position on outwards, as long as only such text comes as joins words. */
  #bordersFrom(of: string, position: number, step: 1 | -1): readonly number[] {
    const borders = [position];
    // Of the character that is stepped over.
    const behind = step === 1 ? 0 : -1;
    for (let beside = 0; beside < this.#longestIdentity; beside += 1) {
      const at = position + beside * step;
      const code = of.charCodeAt(at + behind);
      if (!isWord(code) && !this.#joints.has(code)) break;
      if (isWord(code) && isWord(of.charCodeAt(at + behind + step))) continue;
      borders.push(at + step);
      if (borders.length > WORDS_BESIDE_MAX) break;
    }
    return borders;
  }

  /** Whether a run with this hash may be an anchor; nearly every other run is dismissed here. */
  #mayHold(hash: number): boolean {
    const filter = this.#filter;
    return (((filter[(hash >>> 5) & (filter.length - 1)] ?? 0) >>> (hash & 31)) & 1) === 1;
  }

  /** The run, from a position on, that the fewest others share; of those the longest, of those the first. */
  #anchorOf(lower: string, from: number): Anchor | undefined {
    let best: Anchor | undefined;
    let bestScore = -Infinity;
    let hash = HASH_SEED;
    let start = -1;
    for (let i = from; i <= lower.length; i += 1) {
      const code = i < lower.length ? lower.charCodeAt(i) : 0;
      if (isWord(code)) {
        if (start === -1) start = i;
        hash = hashStep(hash, code);
      } else if (start !== -1) {
        const anchor = { at: start, length: i - start, hash };
        const others = this.#othersAt(anchor, lower);
        if (others === -1) return anchor;
        const short = anchor.length < ANCHOR_LENGTH_MIN ? 1_000 : 0;
        const score = Math.min(anchor.length, 60) - others * 100 - short;
        if (score > bestScore) {
          best = anchor;
          bestScore = score;
        }
        start = -1;
        hash = HASH_SEED;
      }
    }
    return best;
  }

  /** How many other strings are filed under a run; −1 if this one already is. */
  #othersAt(anchor: Anchor, lower: string): number {
    let others = 0;
    for (let entry = this.#first(anchor.hash); entry !== -1; entry = this.#next(entry)) {
      if (!this.#isAnchoredAt(entry, anchor)) continue;
      if (this.#entryLowers[entry] === lower) return -1;
      others += 1;
    }
    return others;
  }

  /** The first entry of a hash's bucket, or -1. */
  #first(hash: number): number {
    return (this.#buckets[hash & (this.#buckets.length - 1)] ?? 0) - 1;
  }

  #next(entry: number): number {
    return (this.#entries[entry * ENTRY_NUMBERS + NEXT] ?? 0) - 1;
  }

  #isAnchoredAt(entry: number, { hash, length }: Anchor): boolean {
    const numbers = entry * ENTRY_NUMBERS;
    return this.#entries[numbers] === hash && this.#entries[numbers + ANCHOR_LENGTH] === length;
  }

  /** Behind those of its bucket that were filed before. */
  #file(entry: number): void {
    const numbers = entry * ENTRY_NUMBERS;
    const hash = this.#entries[numbers] ?? 0;
    const length = this.#entries[numbers + ANCHOR_LENGTH] ?? 0;
    this.#lengths |= lengthBit(length);
    this.#shortest = Math.min(this.#shortest, length);
    const word = (hash >>> 5) & (this.#filter.length - 1);
    this.#filter[word] = (this.#filter[word] ?? 0) | (1 << (hash & 31));
    let last = this.#first(hash);
    if (last === -1) {
      this.#buckets[hash & (this.#buckets.length - 1)] = entry + 1;
      return;
    }
    for (let next = this.#next(last); next !== -1; next = this.#next(last)) last = next;
    this.#entries[last * ENTRY_NUMBERS + NEXT] = entry + 1;
  }

  /** Buckets stay at most half full; the filter 1/8, so that one look dismisses nearly every other run. */
  #makeRoom(): void {
    const filed = this.#entryTexts.length;
    if ((filed + 1) * ENTRY_NUMBERS > this.#entries.length) {
      const larger = new Int32Array(this.#entries.length * 2);
      larger.set(this.#entries);
      this.#entries = larger;
    }
    const crowded = (filed + 1) * 2 > this.#buckets.length;
    const dense = (filed + 1) * 8 > this.#filter.length * 32;
    if (!crowded && !dense) return;
    if (dense) this.#filter = new Int32Array(this.#filter.length * 4);
    this.#buckets = new Int32Array(this.#buckets.length * (crowded ? 4 : 1));
    for (let entry = 0; entry < filed; entry += 1) {
      this.#entries[entry * ENTRY_NUMBERS + NEXT] = 0;
      this.#file(entry);
    }
  }
}

/** A UUID as it is usually written: with dashes, in lower case. */
export function dashed(uuid: string): string {
  return uuid
    .replaceAll('-', '')
    .toLowerCase()
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** A run of letters and digits of a string, in lower case. */
interface Anchor {
  readonly at: number;
  readonly length: number;
  readonly hash: number;
}
