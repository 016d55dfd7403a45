import fc from 'fast-check';

const SURROGATES_FROM = 0xd800;
const SURROGATES = 0x800;
const LAST = 0x10ffff;

/**
 * The characters of any text, as `unit` of fast-check's strings. Its own `binary` are the same; but it looks up
 * every one of the million once, in each worker, to find out that `__proto__` is made of them.
 */
export const CHARACTER = fc
  .nat({ max: LAST - SURROGATES })
  .map((at) => String.fromCodePoint(at < SURROGATES_FROM ? at : at + SURROGATES), placeOf);

function placeOf(character: unknown): number {
  const code = typeof character === 'string' ? character.codePointAt(0) : undefined;
  if (code === undefined || character !== String.fromCodePoint(code))
    throw new Error('not one character');
  if (code < SURROGATES_FROM) return code;
  if (code < SURROGATES_FROM + SURROGATES) throw new Error('half a character');
  return code - SURROGATES;
}
