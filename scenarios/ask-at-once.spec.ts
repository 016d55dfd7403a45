import { expect, test } from './fixtures.ts';
import { askAtOnce } from './stories/disturbances.ts';

/** Everybody asks in the moment in which the connection greets. */
test('ask at once', { tag: ['@nightly'] }, async ({ crowd }) => {
  await askAtOnce(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
