import { expect, test } from './fixtures.ts';
import { idleLimit } from './stories/disturbances.ts';

// Connections are closed by the target, whoever holds them; what pages make of silence `idle` shows.
test.use({ waits: true, transports: ['websocket'] });

/** Everybody is silent for nearly four minutes, and then goes on over the same connection. */
test('idle limit', { tag: ['@nightly', '@soak'] }, async ({ crowd }) => {
  await idleLimit(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
