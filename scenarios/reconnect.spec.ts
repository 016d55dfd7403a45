import { expect, test } from './fixtures.ts';
import { reconnect } from './stories/disturbances.ts';

/**
 * Every other user loses its connection, each at another event, comes back while a tool runs, and goes on.
 */
test('reconnect', { tag: ['@nightly', '@signoff'] }, async ({ crowd }) => {
  await reconnect(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
