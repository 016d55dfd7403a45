import { expect, test } from './fixtures.ts';
import { goldenPath } from './stories/golden-path.ts';

test.use({ alike: true, questions: 'equal' });

/**
 * Golden path of users who are as alike as can be: names that look the same, one thread title, the same
 * questions, mail names that begin or end alike.
 */
test('equal names', { tag: ['@nightly', '@signoff'] }, async ({ crowd }) => {
  await goldenPath(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
