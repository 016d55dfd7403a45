import { expect, test } from './fixtures.ts';
import { history } from './stories/returning.ts';

/** Everybody signs out, comes back, and finds all of its conversations and no other. */
test('history', { tag: ['@nightly'] }, async ({ crowd }) => {
  await history(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
