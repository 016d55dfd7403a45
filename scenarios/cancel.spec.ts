import { expect, test } from './fixtures.ts';
import { cancel } from './stories/disturbances.ts';

/**
 * Every third user stops its run, each at another event; nobody else's may end with it, and later answers
 * stay with their askers.
 */
test('cancel', { tag: ['@nightly', '@signoff'] }, async ({ crowd }) => {
  await cancel(crowd);
  await expect(crowd).toBeIsolated();
});
