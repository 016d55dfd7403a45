import fc from 'fast-check';
import { expect, test } from 'vitest';
import { restoreUuids, shortenUuids } from '../../assertions/uuid-bytes.ts';
import { CHARACTER } from '../any-text.ts';

test('a text comes back as it was, however many UUIDs it holds', () => {
  const part = fc.oneof(fc.uuid(), fc.string({ unit: CHARACTER }), fc.constantFrom('\n', 'msg_'));
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const text = parts.join('').replaceAll('\f', ' ');
      expect(restoreUuids(shortenUuids(text) ?? '')).toBe(text);
    }),
  );
});

test('a UUID takes a character for each of its bytes', () => {
  const id = 'msg_32b9385e-6963-4dfe-93fb-a8d66f9f5bc4';
  expect(shortenUuids(id)).toHaveLength('msg_'.length + 1 + 16);
  // In capitals it is another text, and stays as it is.
  expect(shortenUuids(id.toUpperCase())).toBe(id.toUpperCase());
});

test('what could not be told apart from a shortened UUID is not shortened', () => {
  expect(shortenUuids('a\fb')).toBeUndefined();
});
