import { expect, test } from './fixtures.ts';
import { goldenPath } from './stories/golden-path.ts';

test.use({ alike: true });

/**
 * Golden path of users who are as alike as can be: one name, one thread title, mail names that
 * begin alike.
 */
test('equal names', { tag: ['@nightly', '@signoff'] }, async ({ crowd }) => {
  await goldenPath(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
