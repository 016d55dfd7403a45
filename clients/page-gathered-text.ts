import type { StreamReader } from './page-followed-stream.ts';

/** What a page read of a reply that may break off, kept in case it does. */
export class GatheredText implements StreamReader {
  readonly #bytesMax: number;
  readonly #pieces: Buffer[] = [];
  #size = 0;

  /** @param bytesMax longest text that is kept; of what is longer one byte more, which tells that it is. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  begin(data: string): void {
    this.#keep(data, (piece) => this.#pieces.unshift(piece));
  }

  push(data: string): void {
    this.#keep(data, (piece) => this.#pieces.push(piece));
  }

  say(): void {}
  end(): void {}

  #keep(data: string, add: (piece: Buffer) => void): void {
    const piece = Buffer.from(data, 'base64').subarray(0, this.#bytesMax + 1 - this.#size);
    this.#size += piece.length;
    if (piece.length > 0) add(piece);
  }
}
