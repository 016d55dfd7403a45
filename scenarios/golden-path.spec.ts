import { expect, test } from './fixtures.ts';
import { goldenPath } from './stories/golden-path.ts';

/** Everybody signs in, opens a chat, asks at one moment and reads the answer. */
test('golden path', { tag: ['@smoke', '@nightly', '@signoff'] }, async ({ crowd }) => {
  await goldenPath(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
