import { expect, test } from './fixtures.ts';
import { interleavedThreads } from './stories/crowding.ts';

/** Everybody asks in several conversations without waiting for the answers in the others. */
test('interleaved threads', { tag: ['@nightly', '@signoff'] }, async ({ crowd }) => {
  await interleavedThreads(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
