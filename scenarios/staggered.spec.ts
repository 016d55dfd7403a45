import { expect, test } from './fixtures.ts';
import { staggered } from './stories/disturbances.ts';

// Those who come late meet those who are done: not to overlap is the point.
test.use({ overlapFloor: 0 });

/**
 * Half of the crowd has finished when the other half arrives: nothing of the first may wait for
 * it.
 */
test('staggered', { tag: ['@nightly'] }, async ({ crowd }) => {
  await staggered(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
