import { expect, test } from './fixtures.ts';
import { coldStart } from './stories/returning.ts';

/**
 * The target is started again, and everybody signs in at once: these are the first requests that it serves.
 */
test('cold start', { tag: ['@nightly'] }, async ({ crowd }) => {
  await coldStart(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
