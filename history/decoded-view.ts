/** A part of a text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What an encoding does to single characters of a text. */
export interface CharacterEncoding {
  /** What must be there for the text to hold anything of it; quick to look for. */
  readonly hint: string;
  /** Whether it hides anything that a credential is made of. */
  readonly sign: RegExp;
  readonly pattern: RegExp;
  readonly decode: (encoded: string) => string;
}

/** Where a piece of a view was decoded from. */
interface Decoded {
  readonly view: Span;
  readonly of: Span;
}

/** A text with one encoding undone, which knows where in the text each part of it stands. */
export class DecodedView {
  readonly text: string;
  readonly #decoded: readonly Decoded[];

  constructor(of: string, { pattern, decode }: CharacterEncoding) {
    const decoded: Decoded[] = [];
    const parts: string[] = [];
    let length = 0;
    let from = 0;
    for (const { 0: encoded, index } of of.matchAll(pattern)) {
      const plain = decode(encoded);
      parts.push(of.slice(from, index), plain);
      const start = length + index - from;
      length = start + plain.length;
      from = index + encoded.length;
      decoded.push({ view: { start, end: length }, of: { start: index, end: from } });
    }
    this.text = parts.join('') + of.slice(from);
    this.#decoded = decoded;
  }

  /** Where in the text a part of the view stands. */
  spanOf({ start, end }: Span): Span {
    const [first, last] = [this.#before(start), this.#before(end - 1)];
    return {
      start:
        first === undefined
          ? start
          : start < first.view.end
            ? first.of.start
            : first.of.end + start - first.view.end,
      end: last === undefined ? end : last.of.end + Math.max(0, end - last.view.end),
    };
  }

  /** The last piece that begins at a position or before it. */
  #before(position: number): Decoded | undefined {
    let low = 0;
    let high = this.#decoded.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#decoded[middle]?.view.start ?? Infinity) <= position) low = middle + 1;
      else high = middle;
    }
    return this.#decoded[low - 1];
  }
}
