/** A text that comes in pieces, handed on event by event (a blank line ends one). */
export class EventStream {
  readonly #tell: (text: string, at: number) => void;
  readonly #decoder = new TextDecoder();
  /** Pieces that came before the answer with what had come before them. */
  #early: { readonly data: string; readonly at: number }[] | undefined = [];
  #rest = '';
  #lastAt = 0;

  constructor(tell: (text: string, at: number) => void) {
    this.#tell = tell;
  }

  /** What had come before anybody asked, base64. */
  begin(data: string, at: number): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    this.#take(data, at);
    for (const piece of early) this.#take(piece.data, piece.at);
  }

  push(data: string, at: number): void {
    if (this.#early === undefined) this.#take(data, at);
    else this.#early.push({ data, at });
  }

  end(): void {
    if (this.#rest.trim() !== '') this.#tell(this.#rest, this.#lastAt);
    this.#rest = '';
  }

  #take(data: string, at: number): void {
    this.#lastAt = at;
    this.#rest += this.#decoder.decode(Buffer.from(data, 'base64'), { stream: true });
    const parts = this.#rest.split(/\r?\n\r?\n/);
    this.#rest = parts.pop() ?? '';
    for (const part of parts) if (part.trim() !== '') this.#tell(part, at);
  }
}
