/**
 * What the watchers of a page keep of what they told. The class is sent to pages and their workers as its
 * source, so it must stand alone: nothing from outside it but types.
 */
import type { PageRecord } from './page-text-script.ts';

/** Tells each thing once, and in all no more than is recorded; see the file's head. */
export class PageLedger {
  /** Places with their texts that were told; the oldest are forgotten. */
  readonly #told = new Set<string>();
  readonly #does: string;
  readonly #charactersMax: number;
  #charactersLeft: number;
  #put: (record: PageRecord) => void = () => undefined;

  /**
   * @param does what a page is said to do too much of, as `draws`.
   * @param charactersMax what may be told in all; whatever comes after that is told as missing.
   */
  constructor(does: string, charactersMax: number) {
    this.#does = does;
    this.#charactersMax = charactersMax;
    this.#charactersLeft = charactersMax;
  }

  start(put: (record: PageRecord) => void): void {
    this.#put = put;
  }

  /** Everything is news from now on: somebody else looks. */
  forget(): void {
    this.#told.clear();
    this.#charactersLeft = this.#charactersMax;
  }

  /** Tells something, unless it was told of this place before. */
  tell(kind: 'text' | 'kept' | 'cookie', place: string, text: string): void {
    const key = `${kind} ${place}\n${text}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    if (this.#told.size > 2_000)
      for (const oldest of this.#told) {
        this.#told.delete(oldest);
        break;
      }
    this.tellEach(kind, place, text);
  }

  /** Tells something however often it comes. */
  tellEach(kind: 'text' | 'kept' | 'cookie' | 'message', place: string, text: string): void {
    const at = performance.timeOrigin + performance.now();
    if (this.#charactersLeft >= text.length) {
      this.#charactersLeft -= text.length;
      this.#put({ kind, place, text, at });
    } else if (this.#charactersLeft >= 0) {
      this.#charactersLeft = -1;
      this.#put({ kind: 'broken', text: `the page ${this.#does} more than is recorded`, at });
    }
  }
}
