import { expect, test } from './fixtures.ts';
import { slowReader } from './stories/disturbances.ts';

/**
 * One user stops reading in mid-run; the others go on as if nothing was, and then it reads on.
 */
test('slow reader', { tag: ['@nightly'] }, async ({ crowd }) => {
  await slowReader(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
