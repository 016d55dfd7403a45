import { expect, test } from './fixtures.ts';
import { signOut } from './stories/authority.ts';

/**
 * Every other user signs out while its run is under way; nothing of it may reach the old socket.
 */
test('sign out', { tag: ['@nightly', '@signoff'] }, async ({ crowd }) => {
  await signOut(crowd);
  await expect(crowd).toBeIsolated();
});
