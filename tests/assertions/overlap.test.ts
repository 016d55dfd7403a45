import fc from 'fast-check';
import { expect, test } from 'vitest';
import { overlapOf, OVERLAP_MS_MIN, type RunInterval } from '../../assertions/overlap.ts';

const USERS = 4;

/** Every two runs, looked at. */
function overlapOneByOne(intervals: readonly RunInterval[]): { pairs: number; runPairs: number } {
  const pairs = new Set<string>();
  let runPairs = 0;
  for (const [at, a] of intervals.entries())
    for (const b of intervals.slice(at + 1)) {
      const shared = Math.min(a.to, b.to) - Math.max(a.from, b.from);
      if (a.user === b.user || shared < OVERLAP_MS_MIN) continue;
      runPairs += 1;
      pairs.add([a.user, b.user].toSorted((one, other) => one - other).join(' '));
    }
  return { pairs: pairs.size, runPairs };
}

test('overlaps are counted as if every two runs were looked at, also when all pairs were met', () => {
  const interval = fc
    .record({
      user: fc.nat({ max: USERS - 1 }),
      from: fc.nat({ max: 30 }),
      lasting: fc.nat({ max: 20 }),
    })
    .map(({ user, from, lasting }): RunInterval => ({ user, from, to: from + lasting }));
  fc.assert(
    fc.property(fc.array(interval, { maxLength: 30 }), (intervals) => {
      expect(overlapOf(intervals, USERS)).toEqual(overlapOneByOne(intervals));
    }),
    { numRuns: 1_000 },
  );
});
