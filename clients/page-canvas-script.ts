/**
 * What runs in pages and in their workers, and tells the texts that are drawn: they are but pixels afterwards.
 * The class is sent there as its source, so it must stand alone: nothing from outside it but types.
 */
/* oxlint-disable typescript/unbound-method -- a page's functions are put back where they came from */
import type { PageLedger } from './page-ledger-script.ts';
import type { FurtherWatcher, PageRecord } from './page-text-script.ts';

/** Watches what is drawn in one document or worker; see the file's head. */
export class CanvasWatcher implements FurtherWatcher {
  /** What is drawn anew all the time is told once. */
  readonly #ledger: PageLedger;
  readonly #place: string;
  /** Letters that are being drawn beside each other. */
  #row: { readonly canvas: object; readonly y: unknown; text: string } | undefined;

  constructor(place: string, ledger: PageLedger) {
    const isWithin = typeof document !== 'undefined' && globalThis.top !== globalThis.self;
    const frame = isWithin ? `frame(${location.origin}${location.pathname}) ` : '';
    this.#place = frame + place;
    this.#ledger = ledger;
  }

  start(put: (record: PageRecord) => void): void {
    this.#ledger.start(put);
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
    this.#ledger.forget();
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
    this.#ledger.tell('text', this.#place, text);
  }
}
