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

/** Numbers kept of each place that was decoded: where it begins and ends in the view, and where in the text. */
const FIELDS = 4;

/** A text with one encoding undone, which knows where in the text each part of it stands. */
export class DecodedView {
  readonly text: string;
  /** One after the other, for a text may consist of nothing else. */
  readonly #decoded: readonly number[];

  constructor(of: string, { pattern, decode }: CharacterEncoding) {
    const decoded: number[] = [];
    const parts: string[] = [];
    let length = 0;
    let from = 0;
    for (const { 0: encoded, index } of of.matchAll(pattern)) {
      const plain = decode(encoded);
      parts.push(of.slice(from, index), plain);
      const start = length + index - from;
      length = start + plain.length;
      from = index + encoded.length;
      decoded.push(start, length, index, from);
    }
    this.text = parts.join('') + of.slice(from);
    this.#decoded = decoded;
  }

  /** Where in the text a part of the view stands. */
  spanOf({ start, end }: Span): Span {
    const first = this.#before(start);
    const last = this.#before(end - 1);
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

  /** The last place that begins at a position of the view or before it. */
  #before(position: number): { readonly view: Span; readonly of: Span } | undefined {
    let low = 0;
    let high = this.#decoded.length / FIELDS;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#decoded[middle * FIELDS] ?? Infinity) <= position) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return undefined;
    const at = (low - 1) * FIELDS;
    const [viewStart = 0, viewEnd = 0, start = 0, end = 0] = this.#decoded.slice(at, at + FIELDS);
    return { view: { start: viewStart, end: viewEnd }, of: { start, end } };
  }
}
