import { expect, test } from './fixtures.ts';
import { concurrentBurst } from './stories/crowding.ts';

/** Round after round everybody asks: at one moment, and then each a little later than another. */
test('concurrent burst', { tag: ['@nightly', '@signoff'] }, async ({ crowd }) => {
  await concurrentBurst(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
