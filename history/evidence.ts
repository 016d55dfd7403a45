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

/**
 * What a value that must not be shown may hold of the crowd all the same: markers, and ids and addresses
 * of its users. None of that is secret, and where somebody else receives it, it is the evidence; it must
 * not vanish with the secret around it.
 */
export class Evidence {
  readonly #words = new AnchorIndex<string>();

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
    const once = [value, decodePercent(value), unescapeJson(value)];
    const twice = once.flatMap((view) => decodedRuns(view));
    for (const view of new Set([...once, ...twice, ...twice.map((inner) => decodePercent(inner))]))
      this.#collect(view, found);
    return [...found].slice(0, KEPT_MAX);
  }

  /** A name may be a part of a longer one that nobody knows so far: of JSON the whole value is kept. */
  #collect(view: string, found: Set<string>): void {
    const leaves = jsonTexts(view);
    if (leaves === undefined) for (const word of this.#wordsOf(view)) found.add(word);
    else
      for (const leaf of leaves) {
        const words = this.#wordsOf(leaf);
        const isShown = words.length > 0 && leaf.length <= LEAF_LENGTH_MAX && HARMLESS.test(leaf);
        for (const word of isShown ? [leaf] : words) found.add(word);
      }
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
