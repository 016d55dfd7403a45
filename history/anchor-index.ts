import { TextUnits } from './text-units.ts';

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
interface Entry<V> {
  readonly text: string;
  readonly lower: string;
  value: V;
  readonly anchorAt: number;
  readonly anchorLength: number;
  readonly hash: number;
  /** The next in the same bucket, filed later. */
  next: Entry<V> | undefined;
}

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

/** What the part of a mail address before the @ may hold beside letters and digits, and all of it. */
const JOINS_ADDRESS = /[._+-]/;
const OF_ADDRESS = /[\w.+-]/;
/** Characters before the @ (RFC 5321, 4.5.3.1.1). */
const LOCAL_PART_MAX = 64;

/** As ids are usually written; without its dashes a UUID is one run. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const BARE_UUID_LENGTH = 32;

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

export class AnchorIndex<V> {
  /** By the hash of the anchor, which folds case: a string is found whatever the case it appears in. */
  #buckets: (Entry<V> | undefined)[] = emptyBuckets(BUCKETS_MIN);
  #filed = 0;
  readonly #values = new Map<string, V>();
  /** Mail addresses among the strings, in lower case. */
  readonly #addresses = new Set<string>();
  /** One bit a hash; small enough to stay in a processor's nearest cache. */
  #filter = new Int32Array(FILTER_BITS_MIN >> 5);
  /** Lengths of anchors, one bit each. */
  #lengths = 0;
  #shortest = Infinity;
  #holdsUuids = false;
  readonly #units = new TextUnits();

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
    const anchor = this.#anchorOf(lower);
    if (anchor === undefined) return;
    for (let known = this.#bucket(anchor.hash); known !== undefined; known = known.next)
      if (known.text === text && isAnchoredAt(known, anchor)) {
        known.value = value;
        return;
      }
    this.#makeRoom();
    const { at: anchorAt, length: anchorLength, hash } = anchor;
    this.#file({ text, lower, value, anchorAt, anchorLength, hash, next: undefined });
    this.#filed += 1;
  }

  /**
   * Files a mail address. It is not found where it is but the end of a longer one that is filed as well:
   * `mary-ann@example.com` does not name `ann@example.com`. Other strings are found inside each other, as a
   * thread's id in a run's.
   */
  addAddress(text: string, value: V): void {
    this.#addresses.add(text.toLowerCase());
    this.add(text, value);
  }

  /** Calls `hit` for every filed string in the text, in the order of their anchors. */
  scan(text: string, hit: AnchorHit<V>): void {
    if (this.#filed === 0) return;
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
    for (let entry = this.#bucket(hash); entry !== undefined; entry = entry.next) {
      if (entry.hash !== hash || entry.anchorLength !== end - start) continue;
      const at = start - entry.anchorAt;
      if (standsAt(entry, of, at) && !this.#endsLonger(entry, of.text, at))
        sink.id(entry.text, entry.value, of.hidden ? -1 : at);
    }
  }

  #bareUuid({ text, hidden }: AnchorText, start: number, sink: AnchorSink<V>): void {
    const bare = text.slice(start, start + BARE_UUID_LENGTH);
    const value = this.#values.get(dashed(bare));
    if (value !== undefined) sink.id(bare, value, hidden ? -1 : start);
  }

  /** Whether an address that stands at a position is the end of a longer one that is known. */
  #endsLonger({ text, lower }: Entry<V>, of: string, at: number): boolean {
    if (at === 0 || !JOINS_ADDRESS.test(of.charAt(at - 1)) || !this.#addresses.has(lower))
      return false;
    const after = at + text.length;
    for (let from = at - 1; from >= 0 && at - from <= LOCAL_PART_MAX; from -= 1) {
      if (!OF_ADDRESS.test(of.charAt(from))) return false;
      if (this.#addresses.has(of.slice(from, after).toLowerCase())) return true;
    }
    return false;
  }

  /** Whether a run with this hash may be an anchor; nearly every other run is dismissed here. */
  #mayHold(hash: number): boolean {
    const filter = this.#filter;
    return (((filter[(hash >>> 5) & (filter.length - 1)] ?? 0) >>> (hash & 31)) & 1) === 1;
  }

  /** The run that the fewest others share; of those the longest, of those the first. */
  #anchorOf(lower: string): Anchor | undefined {
    let best: Anchor | undefined;
    let bestScore = -Infinity;
    let hash = HASH_SEED;
    let start = -1;
    for (let i = 0; i <= lower.length; i += 1) {
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
    for (let entry = this.#bucket(anchor.hash); entry !== undefined; entry = entry.next) {
      if (!isAnchoredAt(entry, anchor)) continue;
      if (entry.lower === lower) return -1;
      others += 1;
    }
    return others;
  }

  #bucket(hash: number): Entry<V> | undefined {
    return this.#buckets[hash & (this.#buckets.length - 1)];
  }

  /** Behind those of its bucket that were filed before. */
  #file(entry: Entry<V>): void {
    const { hash } = entry;
    this.#lengths |= lengthBit(entry.anchorLength);
    this.#shortest = Math.min(this.#shortest, entry.anchorLength);
    const word = (hash >>> 5) & (this.#filter.length - 1);
    this.#filter[word] = (this.#filter[word] ?? 0) | (1 << (hash & 31));
    let last = this.#bucket(hash);
    if (last === undefined) {
      this.#buckets[hash & (this.#buckets.length - 1)] = entry;
      return;
    }
    while (last.next !== undefined) last = last.next;
    last.next = entry;
  }

  /** Buckets stay at most half full; the filter 1/8, so that one look dismisses nearly every other run. */
  #makeRoom(): void {
    const crowded = (this.#filed + 1) * 2 > this.#buckets.length;
    const dense = (this.#filed + 1) * 8 > this.#filter.length * 32;
    if (dense) this.#filter = new Int32Array(this.#filter.length * 4);
    const old = this.#buckets;
    if (crowded) this.#buckets = emptyBuckets(old.length * 4);
    if (!crowded && !dense) return;
    if (!crowded) this.#buckets = emptyBuckets(old.length);
    for (const first of old)
      for (let entry = first; entry !== undefined;) {
        const { next } = entry;
        entry.next = undefined;
        this.#file(entry);
        entry = next;
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

/** Whether a whole string stands at a position, in any case, and not inside a longer word. */
function standsAt<V>(entry: Entry<V>, { text, units }: AnchorText, at: number): boolean {
  const after = at + entry.text.length;
  const { length } = text;
  if (at < 0 || after > length || joins(units, at, length) || joins(units, after, length))
    return false;
  return text.startsWith(entry.text, at) || text.slice(at, after).toLowerCase() === entry.lower;
}

function isAnchoredAt<V>(entry: Entry<V>, anchor: Anchor): boolean {
  return entry.hash === anchor.hash && entry.anchorLength === anchor.length;
}

function emptyBuckets<V>(count: number): (Entry<V> | undefined)[] {
  return Array.from({ length: count }, () => undefined);
}
