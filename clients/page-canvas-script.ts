/**
 * What runs in pages and in their workers, and tells the texts that are drawn: they are but pixels afterwards.
 * The class is sent there as its source, so it must stand alone: nothing from outside it but types.
 */
/* oxlint-disable typescript/unbound-method -- a page's functions are put back where they came from */
import type { FurtherWatcher, PageRecord } from './page-text-script.ts';

/** Watches what is drawn in one document or worker; see the file's head. */
export class CanvasWatcher implements FurtherWatcher {
  /** What was told last; what is drawn anew all the time is told once. */
  readonly #told = new Set<string>();
  readonly #place: string;
  #charactersLeft: number;
  /** Letters that are being drawn beside each other. */
  #row: { readonly canvas: object; readonly y: unknown; text: string } | undefined;
  #put: (record: PageRecord) => void = () => undefined;

  /** @param charactersMax what may be told in all. */
  constructor(place: string, charactersMax: number) {
    const isWithin = typeof document !== 'undefined' && globalThis.top !== globalThis.self;
    const frame = isWithin ? `frame(${location.origin}${location.pathname}) ` : '';
    this.#place = frame + place;
    this.#charactersLeft = charactersMax;
  }

  start(put: (record: PageRecord) => void): void {
    this.#put = put;
    const drawn = (canvas: object, [text, , y]: readonly unknown[]): void => {
      if (typeof text !== 'string') return;
      if (text.length >= 6) this.#tell(text);
      else this.#drawLetters(canvas, text, y);
    };
    const kinds = [
      typeof CanvasRenderingContext2D === 'undefined' ? undefined : CanvasRenderingContext2D,
      typeof OffscreenCanvasRenderingContext2D === 'undefined'
        ? undefined
        : OffscreenCanvasRenderingContext2D,
    ];
    for (const kind of kinds)
      for (const verb of ['fillText', 'strokeText'] as const) {
        if (kind === undefined) continue;
        const own = kind.prototype[verb];
        kind.prototype[verb] = function (this: CanvasRenderingContext2D, ...parameters) {
          drawn(this, parameters);
          return own.apply(this, parameters);
        };
      }
  }

  look(): void {
    this.#endRow();
  }

  again(): void {
    this.#told.clear();
  }

  /** Letters by themselves name nobody: games and terminals draw them, and a line of them may. */
  #drawLetters(canvas: object, letters: string, y: unknown): void {
    const row = this.#row;
    if (row?.canvas === canvas && row.y === y && row.text.length <= 500) {
      row.text += letters;
      return;
    }
    if (row === undefined) globalThis.setTimeout(() => this.#endRow(), 1_500);
    else this.#endRow();
    this.#row = { canvas, y, text: letters };
  }

  #endRow(): void {
    const text = this.#row?.text ?? '';
    this.#row = undefined;
    if (text.length >= 12) this.#tell(text);
  }

  #tell(text: string): void {
    if (this.#told.has(text)) return;
    this.#told.add(text);
    if (this.#told.size > 2_000)
      for (const oldest of this.#told) {
        this.#told.delete(oldest);
        break;
      }
    const at = performance.timeOrigin + performance.now();
    this.#charactersLeft -= text.length;
    if (this.#charactersLeft >= 0) this.#put({ kind: 'text', place: this.#place, text, at });
    else this.#put({ kind: 'broken', text: 'the page draws more than is recorded', at });
  }
}
