import { SortedSecrets } from './sorted-secrets.ts';

/** Shorter secrets are words of some text: only where they stand alone do they mean anything. */
const SECRET_LENGTH_MIN = 16;
/** Characters that a secret is known by, and of them those that are looked at together. */
const WINDOW = 12;
const BLOCK = 3;
const SHIFT_MAX = WINDOW - BLOCK + 1;
const SHIFTS = 1 << 16;

/**
 * Finds secrets wherever they stand in a text: between other letters, as in bytes whose lengths happen to be
 * letters or in cells of a table that were read as one text, and cut off at their end. Most of a text is never
 * looked at (the algorithm of Wu and Manber): characters that are in no beginning of a secret are stepped over.
 */
export class SecretSearch {
  readonly #secrets = new SortedSecrets();
  readonly #shifts = new Uint8Array(SHIFTS).fill(SHIFT_MAX);

  add(secret: string): void {
    if (secret.length < SECRET_LENGTH_MIN) return;
    this.#secrets.add(secret);
    for (let end = BLOCK; end <= WINDOW; end += 1) {
      const block = blockBefore(secret, end);
      this.#shifts[block] = Math.min(this.#shifts[block] ?? 0, WINDOW - end);
    }
  }

  /** Calls `hit` for each secret in the text, or what is left of it, in their order; none overlap. */
  scan(text: string, hit: (secret: string | undefined, start: number, end: number) => void): void {
    if (this.#secrets.size === 0) return;
    for (let end = WINDOW; end <= text.length;) {
      const shift = this.#shifts[blockBefore(text, end)] ?? 0;
      const start = end - WINDOW;
      const found = shift === 0 ? this.#secrets.at(text, start) : undefined;
      if (found !== undefined && found.length >= WINDOW) {
        hit(found.secret, start, start + found.length);
        end = start + found.length + WINDOW;
      } else end += Math.max(1, shift);
    }
  }
}

/** The last characters before a position, as a number. */
function blockBefore(text: string, end: number): number {
  const [first, second] = [text.charCodeAt(end - 3), text.charCodeAt(end - 2)];
  return (first ^ (second << 5) ^ (text.charCodeAt(end - 1) << 10)) & (SHIFTS - 1);
}
