/** Texts kept at once; where two of them fall into one slot, the later one takes it. */
const SLOTS = 1 << 14;
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
}

/**
 * Texts that recur from line to line (names, ids), each made once: a text that is already there costs no
 * memory, and whoever looks it up has its hash at hand.
 */
export class TextPool {
  // oxlint-disable-next-line unicorn/no-new-array -- a length; calling a function for each slot takes a millisecond
  readonly #texts = new Array<string | undefined>(SLOTS).fill(undefined);
  readonly #own = new Words(Buffer.alloc(SLOTS * BYTES_MAX));

  /** The kept text that stands there; undefined if none does, or if it was pushed out. */
  find(of: Words, from: number, to: number): string | undefined {
    const length = to - from;
    if (length > BYTES_MAX) return undefined;
    const slot = slotOf(of, from, to);
    const known = this.#texts[slot];
    return known?.length === length && this.#holds(slot, of, from, to) ? known : undefined;
  }

  /** Makes the ASCII text that stands there, and keeps it. */
  add(of: Words, from: number, to: number): string {
    const fresh = of.bytes.toString('latin1', from, to);
    if (to - from > BYTES_MAX) return fresh;
    const slot = slotOf(of, from, to);
    this.#texts[slot] = fresh;
    const own = this.#own.bytes;
    for (let i = from, at = slot * BYTES_MAX; i < to; i += 1, at += 1) own[at] = of.bytes[i] ?? 0;
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

function slotOf(of: Words, from: number, to: number): number {
  let hash = to - from;
  if (hash >= HASHED_MAX)
    for (let i = to - HASHED_MAX; i < to; i += WORD_BYTES) hash = mixed(hash, of.at(i));
  else for (let i = from; i < to; i += 1) hash = mixed(hash, of.bytes[i] ?? 0);
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}

/** Multiplying spreads upwards only, so the upper half is brought down again. */
function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}
