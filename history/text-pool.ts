/** Texts kept at once. */
const SLOTS = 1 << 14;
/**
 * Slots that a text may be in. With one alone the ids of a crowd of a thousand push each other out before they
 * recur: every line of it then made a text more than one of a crowd of ten.
 */
const WAYS = 4;
/** Longer texts recur too rarely to be kept. */
const BYTES_MAX = 64;
/** Texts that recur, above all ids, differ in their last characters: so many are looked at to find them. */
const HASHED_MAX = 12;
const WORD_BYTES = 4;

/** Bytes, and the same four at a time from anywhere. */
export class Words {
  readonly bytes: Buffer;
  readonly #view: DataView;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  at(offset: number): number {
    return this.#view.getInt32(offset, true);
  }

  put(offset: number, word: number): void {
    this.#view.setInt32(offset, word, true);
  }
}

/**
 * Texts that recur from line to line (names, ids), each made once: a text that is already there costs no
 * memory, and whoever looks it up has its hash at hand.
 */
export class TextPool {
  // oxlint-disable-next-line unicorn/no-new-array -- a length; calling a function for each slot takes a millisecond
  readonly #texts = new Array<string | undefined>(SLOTS).fill(undefined);
  /** What is kept in each slot, by its hash: nearly every other text is dismissed here. */
  readonly #hashes = new Int32Array(SLOTS);
  readonly #own = new Words(Buffer.alloc(SLOTS * BYTES_MAX));
  /** Which of its slots the next text takes that has to be made, for each hash. */
  readonly #oldest = new Uint8Array(SLOTS / WAYS);

  /** The kept text that stands there; undefined if none does, or if it was pushed out. */
  find(of: Words, from: number, to: number): string | undefined {
    const length = to - from;
    if (length > BYTES_MAX) return undefined;
    const hash = hashOf(of, from, to);
    const first = setOf(hash) * WAYS;
    for (let slot = first; slot < first + WAYS; slot += 1) {
      if (this.#hashes[slot] !== hash) continue;
      const known = this.#texts[slot];
      if (known?.length === length && this.#holds(slot, of, from, to)) return known;
    }
    return undefined;
  }

  /** Makes the ASCII text that stands there, and keeps it. Not for one that is found. */
  add(of: Words, from: number, to: number): string {
    const fresh = of.bytes.toString('latin1', from, to);
    if (to - from > BYTES_MAX) return fresh;
    const hash = hashOf(of, from, to);
    const set = setOf(hash);
    const way = this.#oldest[set] ?? 0;
    this.#oldest[set] = (way + 1) & (WAYS - 1);
    const slot = set * WAYS + way;
    this.#texts[slot] = fresh;
    this.#hashes[slot] = hash;
    const own = this.#own;
    let at = slot * BYTES_MAX;
    let i = from;
    for (; i + WORD_BYTES <= to; i += WORD_BYTES, at += WORD_BYTES) own.put(at, of.at(i));
    for (; i < to; i += 1, at += 1) own.bytes[at] = of.bytes[i] ?? 0;
    return fresh;
  }

  // oxlint-disable-next-line max-params -- called for every member of every line
  #holds(slot: number, of: Words, from: number, to: number): boolean {
    const own = this.#own;
    let at = slot * BYTES_MAX;
    let i = from;
    for (; i + WORD_BYTES <= to; i += WORD_BYTES, at += WORD_BYTES)
      if (own.at(at) !== of.at(i)) return false;
    for (; i < to; i += 1, at += 1) if (own.bytes[at] !== of.bytes[i]) return false;
    return true;
  }
}

/** Which of the sets of slots a text of this hash is in. */
function setOf(hash: number): number {
  return (hash ^ (hash >>> 15)) & (SLOTS / WAYS - 1);
}

function hashOf(of: Words, from: number, to: number): number {
  let hash = to - from;
  if (hash >= HASHED_MAX)
    for (let i = to - HASHED_MAX; i < to; i += WORD_BYTES) hash = mixed(hash, of.at(i));
  else for (let i = from; i < to; i += 1) hash = mixed(hash, of.bytes[i] ?? 0);
  return hash;
}

/** Multiplying spreads upwards only, so the upper half is brought down again. */
function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}
