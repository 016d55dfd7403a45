import type { CharacterEncoding } from './decoded-view.ts';

/**
 * Decoded views of a text: what a reader would see after undoing one layer of escaping or encoding.
 * Views are made only when the text shows the layer's own signs, so ordinary frames cost nothing.
 */

const JSON_ESCAPE = /\\(?:u\{0*[0-9a-f]{1,6}\}|u[0-9a-f]{4}|x[0-9a-f]{2}|.)/gi;
const PERCENT_SEQUENCE = /(?:%[0-9a-f]{2})+/gi;
const REFERENCE = /&(?:#x0*([0-9a-f]{1,6})|#0*([0-9]{1,7})|([a-z][a-z0-9]{1,31})(?=;));?/gi;

/** Characters of one byte that can be seen, and spaces. */
export const IS_ASCII = /^[\x20-\x7e]*$/;

/** Line breaks stay, for base64 is read across them. */
const SINGLE_ESCAPES: Readonly<Record<string, string>> = {
  '\\"': '"',
  "\\'": "'",
  '\\\\': '\\',
  '\\/': '/',
  '\\n': '\n',
  '\\r': '\r',
};

/** Undoes JSON and JavaScript string escapes, without needing the text to be a whole JSON value. */
export function unescapeJson(text: string): string {
  return text.replace(JSON_ESCAPE, unescape);
}

function unescape(escape: string): string {
  return SINGLE_ESCAPES[escape] ?? codeOf(escape);
}

/** What an escape with digits stands for; any other only separates words. */
function codeOf(escape: string): string {
  if (escape.length === 2) return ' ';
  const digits = escape.charAt(2) === '{' ? escape.slice(3, -1) : escape.slice(2);
  return codePoint(Number.parseInt(digits, 16));
}

/** Undoes percent-encoding; malformed sequences stay as they are. `+` is left alone. */
export function decodePercent(text: string): string {
  return text.replace(PERCENT_SEQUENCE, undoPercent);
}

/** As `encodeURIComponent`, which throws at halves of characters: what a target calls a token or a name may have some. */
export function encodePercent(text: string): string {
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, '\ufffd'));
}

function undoPercent(sequence: string): string {
  return Buffer.from(sequence.replaceAll('%', ''), 'hex').toString('utf8');
}

/** Named references that stand for what another encoding is made of, so that decoding can go on. */
const NAMED_CHARACTERS = new Map(
  Object.entries({
    amp: '&',
    num: '#',
    semi: ';',
    percnt: '%',
    bsol: '\\',
    lbrace: '{',
    lcub: '{',
    rbrace: '}',
    rcub: '}',
    plus: '+',
    sol: '/',
    equals: '=',
    newline: '\n',
    lowbar: '_',
    quot: '"',
    comma: ',',
    colon: ':',
    // Invisible: another decoded view takes them out.
    shy: '\u00ad',
    zwnj: '\u200c',
    zwj: '\u200d',
    zerowidthspace: '\u200b',
    nobreak: '\u2060',
    lrm: '\u200e',
    rlm: '\u200f',
  }),
);

/**
 * Undoes character references. A named one stands for a letter only in the mathematical alphabets (`&xfr;`);
 * any that is not known here stands for something between letters, and becomes a space.
 */
export function decodeCharacterReferences(text: string): string {
  return text.replace(REFERENCE, (...[, hex, ten, name]: (string | undefined)[]) =>
    referred(hex, ten, name),
  );
}

function referred(hex?: string, ten?: string, name?: string): string {
  if (name !== undefined) return namedCharacter(name);
  return codePoint(hex === undefined ? Number(ten) : Number.parseInt(hex, 16));
}

function namedCharacter(name: string): string {
  const letter = /^([a-z])(?:fr|scr|opf)$/i.exec(name)?.[1];
  return letter ?? NAMED_CHARACTERS.get(name.toLowerCase()) ?? ' ';
}

/** Zero-width characters, soft hyphens, direction marks; joiners and selectors that combine, apart. */
const INVISIBLE =
  /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]|\u034f|[\ufe00-\ufe0f]/g;

/** Removes characters that are not seen: zero-width spaces and joiners, soft hyphens, direction marks. */
export function stripInvisible(text: string): string {
  return text.replace(INVISIBLE, '');
}

/** Characters whose plain form may hold a letter or digit; making all of a text plain is slow. */
const COMPATIBILITY =
  /[\u00a0-\u00ff\u0132-\u0149\u017f\u01c4-\u01f3\u02b0-\u02ff\u1d2c-\u1dbf\u1e9a\u2002-\u33ff\ua69c-\ua7ff\ufb00-\ufffc\u{107a5}\u{1ccd6}-\u{1ccf9}\u{1d400}-\u{1d7ff}\u{1f100}-\u{1f1ff}\u{1fbf0}-\u{1fbf9}]+/gu;

/** Compatibility forms (full-width, mathematical, circled letters) to plain ones. */
export function toPlainLetters(text: string): string {
  return text.replace(COMPATIBILITY, (letters) => letters.normalize('NFKC'));
}

/** A run of base64 (either alphabet) as text; bytes that are no UTF-8 leave ASCII around them alone. */
export function decodeBase64(run: string): string {
  return Buffer.from(run, 'base64').toString('utf8');
}

/** A run of hexadecimal digits as text, in the same way. */
export function decodeHex(run: string): string {
  return Buffer.from(run, 'hex').toString('utf8');
}

/** Lists of numbers as text: bytes, or the codes of its characters where one is no byte. */
export function decodeNumbers(text: string): string {
  return text.replaceAll(INDEX, '').replace(NUMBER_LIST, textOfNumbers);
}

/** What `JSON.stringify` puts before each of an array of bytes, as if it were a member. */
const INDEX = /"\d{1,7}"\s*:\s*(?=\d{1,5}\b)/g;
/**
 * Numbers in a row that may be letters; what is shorter is shorter than a marker, an id and most credentials. No more of
 * them at once than an expression has room for; those of a longer list follow without a gap.
 */
const NUMBER_LIST = /\b\d{1,5}(?:\s*,\s*\d{1,5}){7,4000}\s*,?/g;
const BYTE_MAX = 0xff;

function textOfNumbers(list: string): string {
  const numbers = list.match(/\d+/g)?.map(Number) ?? [];
  if (numbers.every((number) => number <= BYTE_MAX)) return Buffer.from(numbers).toString('utf8');
  return numbers.map((number) => String.fromCharCode(number)).join('');
}

/** The same number by number. Both kinds of lists have a comma and a number before the next one. */
export const NUMBERS: CharacterEncoding = {
  hint: ',',
  sign: /,\s*(?:"\d{1,7}"\s*:\s*)?\d{1,5}(?:\s*,\s*(?:"\d{1,7}"\s*:\s*)?\d{1,5}){6}/,
  pattern: /(?:"\d{1,7}"\s*:\s*)?\b\d{1,3}\b\s*,?\s*/g,
  decode: (number) => String.fromCharCode(Number(/\d+(?=\D*$)/.exec(number)?.[0])),
};

const SPACE = 0x20;
const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;
/** Fewer characters than any list has, and how far around one of them there is nothing but the list. */
const LIST_STEP = 24;
const LIST_REACH = 3;
const SECOND_OF_ARRAY = ',"1":';

/** Whether a text holds {@link NUMBERS}. Looks at one of each few characters: an expression would cost every frame more. */
export function mayHoldNumbers(text: string): boolean {
  const { length } = text;
  for (let at = LIST_STEP; at < length; at += LIST_STEP) {
    const code = text.charCodeAt(at);
    if (code <= NINE && (code >= COMMA || code <= SPACE) && isWithinList(text, at))
      return NUMBERS.sign.test(text);
  }
  return text.includes(SECOND_OF_ARRAY) && NUMBERS.sign.test(text);
}

function isWithinList(text: string, at: number): boolean {
  let hasComma = false;
  let hasDigit = false;
  for (let i = at - LIST_REACH; i <= at + LIST_REACH; i += 1) {
    const code = text.charCodeAt(i);
    if (code === COMMA) hasComma = true;
    else if (code > NINE || (code < ZERO && code > SPACE)) return false;
    else if (code > SPACE) hasDigit = true;
  }
  // Where each number has a line of its own, there may be nothing but spaces around.
  return hasComma || !hasDigit;
}

function codePoint(value: number): string {
  return value <= 0x10ffff ? String.fromCodePoint(value) : ' ';
}

/** The escapes of JSON; they are looked at where they hide what a credential is made of, or broken base64. */
export const JSON_ESCAPES: CharacterEncoding = {
  hint: '\\',
  sign: /\\(?:u(?:00|\{0*)[2-7]|x[2-7]|[nr/](?<=[\w+/-]{8}\\.))/,
  pattern: JSON_ESCAPE,
  decode: unescape,
};

/** What else is done to single characters. */
export const CHARACTER_ENCODINGS: readonly CharacterEncoding[] = [
  {
    hint: '%',
    sign: /%(?:2[1-9A-Fa-f]|[3-7][0-9A-Fa-f])/,
    pattern: PERCENT_SEQUENCE,
    decode: undoPercent,
  },
  {
    hint: '&',
    sign: /&(?:#|[A-Za-z]+;)/,
    pattern: REFERENCE,
    decode: (reference) => decodeCharacterReferences(reference),
  },
  // Mailers and some encoders break the lines of base64.
  { hint: '\n', sign: /\n(?<=[\w+/-]{8}\r?\n)/, pattern: /\r?\n/g, decode: () => '' },
  // Two bytes a character (UTF-16), in bytes that are read one by one.
  { hint: '\0', sign: /(?:[!-~]\0){8}/, pattern: /\0/g, decode: () => '' },
];
