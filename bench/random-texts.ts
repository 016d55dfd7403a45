import { ALPHABET, MARKER_LENGTH } from '../history/markers.ts';

/** A repeatable source of numbers from 0 up to, not including, `below`. */
export type Pick = (below: number) => number;

/** Mulberry32: small, fast, and the same everywhere, so that a failing text can be made again from its seed. */
export function pickFrom(seed: number): Pick {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** One of several values. @throws RangeError when there is none. */
export function oneOf<T>(from: readonly T[], pick: Pick): T {
  const chosen = from[pick(from.length)];
  if (chosen === undefined) throw new RangeError('nothing to pick from');
  return chosen;
}

/** So many characters, each from the given ones. */
export function textOf(characters: string, length: number, pick: Pick): string {
  let text = '';
  for (let i = 0; i < length; i += 1) text += characters.charAt(pick(characters.length));
  return text;
}

const WORDS = 'the agent read a note about order and answered with care so that nobody waits'.split(
  ' ',
);
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const HEX = '0123456789abcdef';

/** A text for a campaign that holds no marker of it, however much it may look like one. */
type Maker = (campaignPrefix: string, pick: Pick) => string;

/** What a search could mistake for a marker, by the name it is reported under. */
const MAKERS: Readonly<Record<string, Maker>> = {
  prose: (_prefix, pick) =>
    Array.from({ length: 5 + pick(40) }, () => oneOf(WORDS, pick)).join(' '),
  'marker alphabet': (_prefix, pick) => textOf(ALPHABET, 20 + pick(400), pick),
  'any letters': (_prefix, pick) => textOf(`${LETTERS}-_ `, 20 + pick(400), pick),
  base64: (_prefix, pick) => bytesOf(20 + pick(300), pick).toString('base64'),
  'base64 of text': (_prefix, pick) =>
    Buffer.from(textOf(`${ALPHABET} ,`, 20 + pick(200), pick)).toString('base64url'),
  hex: (_prefix, pick) => textOf(HEX, 20 + pick(400), pick),
  'hex of text': (_prefix, pick) => Buffer.from(textOf(ALPHABET, 60, pick)).toString('hex'),
  escapes: (_prefix, pick) =>
    Array.from({ length: 60 }, () => oneOf(['\\u00', '%', '&#x', '\\x', '&#', ';'], pick)).join(
      textOf(HEX, 2, pick),
    ),
  scripts: (_prefix, pick) =>
    Array.from({ length: 80 }, () => String.fromCodePoint(0x20 + pick(0x2_fff))).join(''),
  /** The campaign's prefix, one character short or one character wrong, and no marker of another campaign either. */
  'near prefix': (prefix, pick) => {
    const at = pick(prefix.length);
    const short = `${prefix.slice(0, at)}${prefix.slice(at + 1)}a`;
    const wrong = prefix.slice(0, at) + otherThan(prefix.charAt(at), pick) + prefix.slice(at + 1);
    const body = `${oneOf([short, wrong], pick)}${textOf(`${ALPHABET}!`, 27, pick)}`;
    return body + otherThan(checkOf(body), pick);
  },
  /** Everything right but the check character: a marker that was copied wrongly, or made up. */
  'wrong check': (prefix, pick) => {
    const body = prefix + textOf(ALPHABET, MARKER_LENGTH - 1 - prefix.length, pick);
    return `see ${body}${otherThan(checkOf(body), pick)} there`;
  },
  /** Parts of a marker too short to name anybody. */
  beginnings: (prefix, pick) =>
    Array.from(
      { length: 8 },
      () => `${prefix}${textOf(ALPHABET, pick(10), pick)}${oneOf(['…', '\u0000', 'u', 'a'], pick)}`,
    ).join('    '),
};

/** Names of the kinds of texts that {@link markerlessText} makes. */
export const MARKERLESS_KINDS: readonly string[] = Object.keys(MAKERS);

/** A text of one kind that holds no marker of the campaign. */
export function markerlessText(kind: string, campaignPrefix: string, pick: Pick): string {
  const maker = MAKERS[kind];
  if (maker === undefined) throw new RangeError(`there are no texts of kind "${kind}"`);
  return maker(campaignPrefix, pick);
}

function bytesOf(length: number, pick: Pick): Buffer {
  return Buffer.from(Array.from({ length }, () => pick(256)));
}

function otherThan(character: string, pick: Pick): string {
  const others = ALPHABET.replace(character, '');
  return others.charAt(pick(others.length));
}

/** Luhn mod 30, written down a second time on purpose: the search must agree with the definition. */
export function checkOf(body: string): string {
  const base = ALPHABET.length;
  let sum = 0;
  for (const [fromRight, character] of Array.from(body).toReversed().entries()) {
    const doubled = ALPHABET.indexOf(character) * (fromRight % 2 === 0 ? 2 : 1);
    sum += Math.floor(doubled / base) + (doubled % base);
  }
  return ALPHABET.charAt((base - (sum % base)) % base);
}
