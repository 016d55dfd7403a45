import { expect, test } from './fixtures.ts';
import { askAtOnce } from './stories/crowding.ts';

/** Every other user asks in the moment in which its connection greets. */
test('ask at once', { tag: ['@nightly'] }, async ({ crowd }) => {
  await askAtOnce(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
