import { expect, test } from './fixtures.ts';
import { tokenRefresh } from './stories/authority.ts';

/** Every other user gets new tokens while its run is under way, and connects with them once more. */
test('token refresh', { tag: ['@nightly'] }, async ({ crowd }) => {
  await tokenRefresh(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
