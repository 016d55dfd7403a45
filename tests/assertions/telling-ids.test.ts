import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTelling } from '../../assertions/knowledge.ts';

/** The same without a shortcut for long ones. */
function isTellingInWords(id: string): boolean {
  if (id.length < 6) return false;
  if (/^[0-9]+$/.test(id)) return id.length >= 10;
  return !/^[A-Za-z]+$/.test(id) || id.length >= 16;
}

test('numbers, words and short ids mean nothing by themselves, up to their lengths', () => {
  const id = fc.oneof(
    fc.stringMatching(/^[0-9]{0,20}$/),
    fc.stringMatching(/^[A-Za-z]{0,20}$/),
    fc.stringMatching(/^[A-Za-z0-9_-]{0,20}$/),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
  );
  fc.assert(
    fc.property(id, (text) => {
      expect(isTelling(text)).toBe(isTellingInWords(text));
    }),
    { numRuns: 2_000 },
  );
});
