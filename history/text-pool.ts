/** Texts kept at once; where two of them fall into one slot, the later one takes it. */
const SLOTS = 1 << 14;
/** Where a text stands among bytes. */
interface TextAt {
  readonly from: number;
  readonly to: number;
  readonly hash: number;
}

/** Longer texts recur too rarely to be kept. */
const BYTES_MAX = 64;

/**
 * Texts that recur from line to line (names, ids), each made once: a text that is already there costs no
 * memory, and whoever looks it up has its hash at hand.
 */
export class TextPool {
  readonly #texts: (string | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  readonly #bytes = new Uint8Array(SLOTS * BYTES_MAX);

  /**
   * The ASCII text that stands in the bytes; `hash` is of these bytes, and any that tells most of them
   * apart will do.
   */
  get(bytes: Buffer, { from, to, hash }: TextAt): string {
    const length = to - from;
    if (length > BYTES_MAX) return bytes.toString('latin1', from, to);
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const known = this.#texts[slot];
    if (known?.length === length && this.#holds(slot, bytes, from, to)) return known;
    const fresh = bytes.toString('latin1', from, to);
    this.#texts[slot] = fresh;
    for (let i = from, at = slot * BYTES_MAX; i < to; i += 1, at += 1)
      this.#bytes[at] = bytes[i] ?? 0;
    return fresh;
  }

  // oxlint-disable-next-line max-params -- called for every member of every line
  #holds(slot: number, bytes: Buffer, from: number, to: number): boolean {
    const own = this.#bytes;
    for (let i = from, at = slot * BYTES_MAX; i < to; i += 1, at += 1)
      if (own[at] !== bytes[i]) return false;
    return true;
  }
}
