import { expect, test } from './fixtures.ts';
import { switchAccount } from './stories/switch-account.ts';

// What one user leaves behind for the next is the point, not who is there at one moment.
test.use({ overlapFloor: 0 });

/** One user works and signs out, then another goes on in the same browser profile. */
test('switch account', { tag: ['@nightly', '@signoff'] }, async ({ crowd }) => {
  await switchAccount(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
