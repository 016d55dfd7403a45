import { AnchorIndex } from './anchor-index.ts';
import { decodeBase64, decodeHex, decodePercent, unescapeJson } from './encodings.ts';
import { ALPHABET, CUT_OFF_LENGTH_MIN, MARKER_LENGTH } from './markers.ts';

/** Any marker, of whatever campaign; a beginning that tells whose it is counts as well. */
const MARKER = new RegExp(`xtk[${ALPHABET}]{${CUT_OFF_LENGTH_MIN - 3},${MARKER_LENGTH - 3}}`, 'gi');
/** What may stand between the characters of a marker. */
const SEPARATORS = /[^0-9A-Za-z]+/g;
/** Runs that may be encoded text, from the length on that a user id needs. */
const BASE64_RUN = /[A-Za-z0-9+/_-]{16,}/g;
const HEX_RUN = /(?:[0-9a-f]{2}){12,}/gi;
/** What may be put after a hash wherever that stands: in JSON, an address, a cookie or a header. */
const HARMLESS = /^[^"'\\<>&;,\s\p{Cc}]+$/u;
/** Shorter words would be found in ordinary secrets. */
const WORD_LENGTH_MIN = 8;
const KEPT_MAX = 20;
/** Longest value that is kept whole. */
const LEAF_LENGTH_MAX = 200;
/** Values that are remembered decoded; longer ones hardly recur. */
const REMEMBERED_MAX = 500;
const REMEMBERED_LENGTH_MAX = 4_096;

/**
 * What a value that must not be shown may hold of the crowd all the same: markers, and ids and addresses
 * of its users. None of that is secret, and where somebody else receives it, it is the evidence; it must
 * not vanish with the secret around it.
 */
export class Evidence {
  readonly #words = new AnchorIndex<string>();
  /** Of the values that came last. */
  readonly #pieces = new Map<string, readonly Piece[]>();

  /** From now on this id or address of the crowd is evidence. */
  tell(word: string): void {
    if (word.length < WORD_LENGTH_MIN || !HARMLESS.test(word) || this.#words.get(word) === word)
      return;
    this.#words.addIdentity(word, word);
  }

  /** Whether the whole value is such an id or address: then there is nothing to hide. */
  is(value: string): boolean {
    return this.#words.get(value) !== undefined;
  }

  /** What a value holds, as it is or encoded once or twice, each thing once. */
  of(value: string): readonly string[] {
    const found = new Set<string>();
    for (const { text, isLeaf } of this.#piecesOf(value)) {
      const words = this.#wordsOf(text);
      const isShown =
        isLeaf && words.length > 0 && text.length <= LEAF_LENGTH_MAX && HARMLESS.test(text);
      for (const word of isShown ? [text] : words) found.add(word);
    }
    return [...found].slice(0, KEPT_MAX);
  }

  /** A token comes with each request of its user: it is decoded once. */
  #piecesOf(value: string): readonly Piece[] {
    const known = this.#pieces.get(value);
    if (known !== undefined) return known;
    if (value.length > REMEMBERED_LENGTH_MAX) return piecesOf(value);
    if (this.#pieces.size >= REMEMBERED_MAX) this.#pieces.clear();
    // In memory of its own: a part of a frame would keep all of it for as long as it is remembered.
    const own = Buffer.from(value, 'utf16le').toString('utf16le');
    const pieces = piecesOf(own);
    this.#pieces.set(own, pieces);
    return pieces;
  }

  #wordsOf(text: string): string[] {
    const words: string[] = [];
    for (const view of [text, text.replaceAll(SEPARATORS, '')])
      for (const [marker] of view.matchAll(MARKER)) words.push(marker.toLowerCase());
    // As they stand there: ids may differ in nothing but their case.
    this.#words.scan(text, (word, _same, at) => words.push(text.slice(at, at + word.length)));
    return words;
  }
}

/** Something that a value says, in whatever encoding. */
interface Piece {
  readonly text: string;
  /**
   * Whether it is a whole text within JSON: a name that is found in one may be a part of a longer one that nobody
   * knows so far, and then all of it is kept.
   */
  readonly isLeaf: boolean;
}

function piecesOf(value: string): readonly Piece[] {
  const once = [value, decodePercent(value), unescapeJson(value)];
  const twice = once.flatMap((view) => decodedRuns(view));
  const views = new Set([...once, ...twice, ...twice.map((inner) => decodePercent(inner))]);
  return [...views].flatMap(
    (view): readonly Piece[] =>
      jsonTexts(view)?.map((text) => ({ text, isLeaf: true })) ?? [{ text: view, isLeaf: false }],
  );
}

/** All texts within a JSON object or array; undefined where a text is none. */
function jsonTexts(text: string): readonly string[] | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  const texts: string[] = [];
  try {
    JSON.parse(text, (name, value: unknown) => {
      texts.push(name);
      if (typeof value === 'string' || typeof value === 'number') texts.push(String(value));
      return value;
    });
    return texts;
  } catch {
    return undefined;
  }
}

/** The runs of a text that may be base64 or hexadecimal, as what they would say. */
function decodedRuns(text: string): string[] {
  return [
    ...Array.from(text.matchAll(BASE64_RUN), ([run]) => decodeBase64(run)),
    ...Array.from(text.matchAll(HEX_RUN), ([run]) => decodeHex(run)),
  ];
}
