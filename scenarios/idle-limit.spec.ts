import { expect, test } from './fixtures.ts';
import { idleLimit } from './stories/disturbances.ts';

/** Everybody is silent for nearly four minutes, and then goes on over the same connection. */
test('idle limit', { tag: ['@soak'] }, async ({ crowd }) => {
  await idleLimit(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
