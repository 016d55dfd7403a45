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
  readonly value: V;
  readonly anchorAt: number;
}

export type AnchorHit<V> = (text: string, value: V, at: number) => void;

/** Receives hits of a caller's own pass. */
export interface AnchorSink<V> {
  id(text: string, value: V, at: number): void;
}

/** 1 for ASCII letters and digits. Other letters never occur in ids; they only separate. */
const WORD = new Uint8Array(128);
for (let code = 48; code <= 57; code += 1) WORD[code] = 1;
for (let code = 65; code <= 90; code += 1) WORD[code] = 1;
for (let code = 97; code <= 122; code += 1) WORD[code] = 1;

/** Start value of the hash over a run; see {@link hashStep}. */
export const HASH_SEED = 5381;
const FILTER_BITS_MIN = 12;

/** Whether a UTF-16 unit is an ASCII letter or digit. */
export function isWord(code: number): boolean {
  return code < 128 && WORD[code] === 1;
}

/** Adds one letter or digit to a run's hash. `code | 32` folds case: it leaves digits as they are. */
export function hashStep(hash: number, code: number): number {
  return (Math.imul(hash, 33) ^ (code | 32)) | 0;
}

function hashOf(text: string): number {
  let hash = HASH_SEED;
  for (let i = 0; i < text.length; i += 1) hash = hashStep(hash, text.charCodeAt(i));
  return hash;
}

/** Whether a letter or digit stands on both sides of a position: no string begins or ends there. */
function joins(text: string, position: number): boolean {
  return (
    position > 0 &&
    position < text.length &&
    isWord(text.charCodeAt(position - 1)) &&
    isWord(text.charCodeAt(position))
  );
}

/** Anchors shorter than this are passed over while a longer one exists. */
const ANCHOR_LENGTH_MIN = 4;

export class AnchorIndex<V> {
  /** Keys are lower case: a string is found whatever the case it appears in. */
  readonly #byAnchor = new Map<string, Entry<V>[]>();
  readonly #values = new Map<string, V>();
  #filter = new Uint8Array(1 << FILTER_BITS_MIN);

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

  /** Files a string; a later value for the same string replaces the earlier. */
  add(text: string, value: V): void {
    this.#values.set(text, value);
    const lower = text.toLowerCase();
    const anchor = this.#anchorOf(lower);
    if (anchor === undefined) return;
    const entry: Entry<V> = { text, lower, value, anchorAt: anchor.at };
    const entries = this.#byAnchor.get(anchor.run);
    if (entries === undefined) this.#byAnchor.set(anchor.run, [entry]);
    else {
      const at = entries.findIndex((other) => other.text === text);
      if (at === -1) entries.push(entry);
      else entries[at] = entry;
    }
    this.#mark(anchor.run);
  }

  /** Calls `hit` for every filed string in the text, in the order of their anchors. */
  scan(text: string, hit: AnchorHit<V>): void {
    const length = text.length;
    const sink: AnchorSink<V> = { id: hit };
    let hash = HASH_SEED;
    let start = -1;
    for (let i = 0; i <= length; i += 1) {
      const code = i < length ? text.charCodeAt(i) : 0;
      if (code < 128 && WORD[code] === 1) {
        if (start === -1) start = i;
        hash = (Math.imul(hash, 33) ^ (code | 32)) | 0;
      } else if (start !== -1) {
        this.run(hash, { text, start, end: i }, sink);
        start = -1;
        hash = HASH_SEED;
      }
    }
  }

  /** Whether a run with this hash may be an anchor; nearly every other run is dismissed here. */
  mayHold(hash: number): boolean {
    return this.#filter[hash & (this.#filter.length - 1)] === 1;
  }

  /**
   * Handles one run of letters and digits found by a caller's own pass over the text. `hidden` stands
   * for a position that means nothing to a reader, and reports −1.
   */
  // oxlint-disable-next-line max-params -- called once per run of every frame
  run(
    hash: number,
    run: { text: string; start: number; end: number },
    sink: AnchorSink<V>,
    hidden = false,
  ): void {
    if (!this.mayHold(hash)) return;
    const { text, start, end } = run;
    const entries = this.#byAnchor.get(text.slice(start, end).toLowerCase());
    if (entries === undefined) return;
    for (const entry of entries) {
      const at = start - entry.anchorAt;
      const after = at + entry.text.length;
      if (at < 0 || after > text.length || joins(text, at) || joins(text, after)) continue;
      const same =
        text.startsWith(entry.text, at) || text.slice(at, after).toLowerCase() === entry.lower;
      if (same) sink.id(entry.text, entry.value, hidden ? -1 : at);
    }
  }

  #anchorOf(lower: string): { run: string; at: number } | undefined {
    let best: { run: string; at: number; score: number } | undefined;
    for (const match of lower.matchAll(/[a-z0-9]+/g)) {
      const run = match[0];
      const entries = this.#byAnchor.get(run);
      if (entries?.some((entry) => entry.lower === lower) === true) return { run, at: match.index };
      const short = run.length < ANCHOR_LENGTH_MIN ? 1_000 : 0;
      const score = Math.min(run.length, 60) - (entries?.length ?? 0) * 100 - short;
      if (best === undefined || score > best.score) best = { run, at: match.index, score };
    }
    return best;
  }

  #mark(anchor: string): void {
    // Kept at most 1/8 full, so that nearly every unfiled run is dismissed by one look.
    if (this.#byAnchor.size * 8 > this.#filter.length) {
      this.#filter = new Uint8Array(this.#filter.length * 4);
      for (const run of this.#byAnchor.keys())
        this.#filter[hashOf(run) & (this.#filter.length - 1)] = 1;
    }
    this.#filter[hashOf(anchor) & (this.#filter.length - 1)] = 1;
  }
}
