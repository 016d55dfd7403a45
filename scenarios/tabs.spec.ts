import { expect, test } from './fixtures.ts';
import { tabs } from './stories/disturbances.ts';

/** Every other user has a second tab, and asks in the first. */
test('tabs', { tag: ['@nightly'] }, async ({ crowd }) => {
  await tabs(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
