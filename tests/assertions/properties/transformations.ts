import { oneOf, type Pick } from '../../../bench/random-texts.ts';

/**
 * Ways in which a text may come back changed without its reader losing it: what an encoder, a page or a
 * model does to it. Each is written from the encoding's own definition, not from the search's code.
 */
export interface Transformation {
  readonly name: string;
  /** What the result is: the same letters, letters with more between them, or a code for them. */
  readonly gives: 'letters' | 'spaced' | 'code';
  /** What it may be applied to: a code in other case, or torn apart, is another code. */
  readonly takes: readonly ('letters' | 'spaced' | 'code')[];
  apply(text: string, pick: Pick): string;
}

const ZERO_WIDTH = ['\u200b', '\u200c', '\u200d', '\u2060', '\ufeff'];
const SEPARATORS = ['-', ' ', '.', '_', ',', ':', '|', '/', '·', '?', '\t', '\n'];
/** Named references for what may stand between the characters of a marker, or make up another code. */
const NAMED = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
  ['.', '&period;'],
  ['_', '&lowbar;'],
  [',', '&comma;'],
  [':', '&colon;'],
  ['|', '&vert;'],
  ['/', '&sol;'],
  ['\\', '&bsol;'],
  ['%', '&percnt;'],
  ['#', '&num;'],
  [';', '&semi;'],
  ['?', '&quest;'],
  ['+', '&plus;'],
  ['=', '&equals;'],
  ['{', '&lbrace;'],
  ['}', '&rbrace;'],
  ['·', '&middot;'],
  ['\t', '&Tab;'],
  ['\n', '&NewLine;'],
  ['\u00ad', '&shy;'],
  ['\u200b', '&ZeroWidthSpace;'],
  ['\u200c', '&zwnj;'],
  ['\u200d', '&zwj;'],
  ['\u2060', '&NoBreak;'],
]);

const hexOf = (character: string, digits: number): string =>
  (character.codePointAt(0) ?? 0).toString(16).padStart(digits, '0');

const anyCase = (text: string, pick: Pick): string =>
  Array.from(text)
    .map((c) => (pick(2) === 0 ? c.toUpperCase() : c.toLowerCase()))
    .join('');

/** Changes some of the characters, or all of them. */
function each(
  text: string,
  pick: Pick,
  change: (character: string, chosen: boolean) => string,
): string {
  const share = 1 + pick(3);
  return Array.from(text)
    .map((character) => change(character, share === 3 || pick(3) < share))
    .join('');
}

const jsonEscapes = (spell: (unit: string, pick: Pick) => string): Transformation['apply'] =>
  function escape(text, pick) {
    return each(text, pick, (character, chosen) => {
      if ('\\"'.includes(character) && !chosen) return `\\${character}`;
      if (character < ' ' || chosen || '\\"'.includes(character))
        return character
          .split('')
          .map((unit) => spell(unit, pick))
          .join('');
      return character;
    });
  };

const ANYTHING = ['letters', 'spaced', 'code'] as const;
const CODE = { gives: 'code', takes: ANYTHING } as const;
const LETTERS = { gives: 'letters', takes: ANYTHING } as const;
const SPACED = { gives: 'spaced', takes: ANYTHING } as const;

/** A text in a few pieces. */
function cut(text: string, pick: Pick): string[] {
  const length = Math.ceil(text.length / (2 + pick(5)));
  return Array.from({ length: Math.ceil(text.length / length) }, (_piece, at) =>
    text.slice(at * length, (at + 1) * length),
  );
}

/** How lists and members of several pieces are written. */
const LISTS: Readonly<Record<string, (pieces: readonly string[]) => string>> = {
  'objects in a list': (pieces) =>
    JSON.stringify(pieces.map((insert, at) => (at % 2 === 0 ? { insert } : { at, insert }))),
  'lists in a list': (pieces) => JSON.stringify(pieces.map((piece) => [piece, 0.5])),
  'a list with spaces': (pieces) => `[${pieces.map((piece) => JSON.stringify(piece)).join(', ')}]`,
  'members called by their places': (pieces) => JSON.stringify(Object.assign({}, pieces)),
};

export const TRANSFORMATIONS: readonly Transformation[] = [
  {
    name: 'JSON \\uXXXX escapes',
    ...CODE,
    apply: jsonEscapes((unit, pick) => `\\u${anyCase(hexOf(unit, 4), pick)}`),
  },
  {
    name: 'JavaScript \\x and \\u{} escapes',
    ...CODE,
    apply: jsonEscapes((unit) =>
      unit.charCodeAt(0) < 256 ? `\\x${hexOf(unit, 2)}` : `\\u{${hexOf(unit, 1)}}`,
    ),
  },
  {
    name: 'URL encoding',
    ...CODE,
    apply: (text, pick) =>
      each(text, pick, (character, chosen) =>
        chosen || !/[\w.~-]/.test(character)
          ? anyCase(Buffer.from(character).toString('hex').replaceAll(/../g, '%$&'), pick)
          : character,
      ),
  },
  {
    name: 'named HTML entities',
    ...CODE,
    apply: (text) =>
      Array.from(text)
        .map((character) => NAMED.get(character) ?? character)
        .join(''),
  },
  {
    name: 'decimal HTML entities',
    ...CODE,
    apply: (text, pick) =>
      each(text, pick, (character, chosen) =>
        chosen || '&<>'.includes(character) ? `&#${character.codePointAt(0)};` : character,
      ),
  },
  {
    name: 'hexadecimal HTML entities',
    ...CODE,
    apply: (text, pick) =>
      each(text, pick, (character, chosen) =>
        chosen || '&<>'.includes(character)
          ? `&#${oneOf(['x', 'X', 'x0'], pick)}${hexOf(character, 2)};`
          : character,
      ),
  },
  ...(['base64', 'base64url'] as const).flatMap((encoding) =>
    [0, 1, 2].map((alignment): Transformation => ({
      name: `${encoding}, alignment ${alignment}`,
      ...CODE,
      apply: (text, pick) =>
        Buffer.from(`${'so '.slice(0, alignment)}${text}${oneOf(['', '!', ' ok'], pick)}`)
          .toString(encoding)
          .replace(/=+$/, pick(2) === 0 ? '' : '$&'),
    })),
  ),
  {
    name: 'bytes as a list of numbers',
    ...CODE,
    apply: (text, pick) => `[${[...Buffer.from(text)].join(oneOf([',', ', ', ',\n  '], pick))}]`,
  },
  {
    name: 'bytes as JavaScript writes an array of them',
    ...CODE,
    apply: (text) => JSON.stringify(Uint8Array.from(Buffer.from(text))),
  },
  {
    name: 'character codes as a list of numbers',
    ...CODE,
    apply: (text) => JSON.stringify(text.split('').map((unit) => unit.charCodeAt(0))),
  },
  ...Object.entries(LISTS).map(([name, write]): Transformation => ({
    name,
    ...CODE,
    apply: (text, pick) => write(cut(text, pick)),
  })),
  {
    name: 'base64 in lines, as mailers and PEM files break it',
    ...CODE,
    apply: (text, pick) =>
      Buffer.from(`${'It begins like this: '.slice(pick(20))}${text} and so on, and on, and on`)
        .toString('base64')
        .replaceAll(/.{64}(?=.)/g, `$&${oneOf(['\n', '\r\n'], pick)}`),
  },
  {
    name: 'hex',
    ...CODE,
    apply: (text, pick) => {
      const hex = Buffer.from(text).toString('hex');
      return `${oneOf(['', '0x', '\\x'], pick)}${oneOf([hex, hex.toUpperCase()], pick)}`;
    },
  },
  { name: 'case changes', gives: 'letters', takes: ['letters', 'spaced'], apply: anyCase },
  {
    name: 'separators',
    gives: 'spaced',
    // Between letters that stand apart already it would make gaps longer than the search claims to skip.
    takes: ['letters'],
    apply: (text, pick) => {
      const most = 1 + pick(3);
      return each(text, pick, (character, chosen) =>
        chosen
          ? character + Array.from({ length: most }, () => oneOf(SEPARATORS, pick)).join('')
          : character,
      );
    },
  },
  {
    name: 'zero-width characters',
    ...SPACED,
    apply: (text, pick) =>
      each(text, pick, (character, chosen) =>
        chosen
          ? character + Array.from({ length: 1 + pick(4) }, () => oneOf(ZERO_WIDTH, pick)).join('')
          : character,
      ),
  },
  {
    name: 'soft hyphens',
    ...SPACED,
    apply: (text, pick) =>
      each(text, pick, (character, chosen) => (chosen ? `${character}\u00ad` : character)),
  },
  {
    name: 'full-width letters',
    ...LETTERS,
    apply: (text, pick) =>
      each(text, pick, (character, chosen) =>
        chosen && /^[!-~]$/.test(character)
          ? String.fromCharCode(character.charCodeAt(0) + 0xfe_e0)
          : character,
      ),
  },
  {
    name: 'mathematical letters',
    ...LETTERS,
    apply: (text, pick) =>
      each(text, pick, (character, chosen) => (chosen ? mathematical(character) : character)),
  },
];

function mathematical(character: string): string {
  const code = character.charCodeAt(0);
  if (/^[a-z]$/.test(character)) return String.fromCodePoint(0x1_d4_1a + code - 97);
  if (/^[A-Z]$/.test(character)) return String.fromCodePoint(0x1_d4_00 + code - 65);
  return /^[0-9]$/.test(character) ? String.fromCodePoint(0x1_d7_ce + code - 48) : character;
}

/** Chains of up to two transformations that a reader could still undo. */
export function chains(): readonly (readonly Transformation[])[] {
  const pairs = TRANSFORMATIONS.flatMap((first) =>
    TRANSFORMATIONS.filter(({ takes }) => takes.includes(first.gives)).map((second) => [
      first,
      second,
    ]),
  );
  return [[], ...TRANSFORMATIONS.map((one) => [one]), ...pairs];
}
