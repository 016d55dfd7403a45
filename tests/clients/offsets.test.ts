import { expect, test } from 'vitest';
import { offsetsOf } from '../../clients/offsets.ts';

const NAMES = Array.from({ length: 200 }, (_, index) => `u${index}`);

test('offsets lie within the spread, are the same for a seed, and differ between seeds', () => {
  const drawn = NAMES.map(offsetsOf('seed', 50));
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...drawn)).toBeLessThan(50);
  expect(Math.max(...drawn) - Math.min(...drawn)).toBeGreaterThan(40);
  expect(NAMES.map(offsetsOf('seed', 50))).toEqual(drawn);
  expect(NAMES.map(offsetsOf('other', 50))).not.toEqual(drawn);
});

test('without a spread everybody is released in one loop', () => {
  expect(NAMES.map(offsetsOf('seed', 0))).toEqual(NAMES.map(() => 0));
});
