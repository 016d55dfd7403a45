import { expect, test } from './fixtures.ts';
import { staggered } from './stories/crowding.ts';

// Those who come late meet only those before and after them: not to overlap is the point.
test.use({ overlapFloor: 0 });

/** Users come and go all the time: each group arrives while the one before it is at work. */
test('staggered', { tag: ['@nightly'] }, async ({ crowd }) => {
  await staggered(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
