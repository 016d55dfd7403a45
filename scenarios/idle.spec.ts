import { expect, test } from './fixtures.ts';
import { idle } from './stories/disturbances.ts';

/** Everybody is silent past the heartbeats, and then goes on over the same connection. */
test('idle', { tag: ['@nightly'] }, async ({ crowd }) => {
  await idle(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
