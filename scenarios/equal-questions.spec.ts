import { expect, test } from './fixtures.ts';
import { askEqualTwice } from './stories/crowding.ts';

test.use({ questions: 'equal' });

/** Everybody asks the same words twice; only the private notes tell the answers apart. */
test('equal questions', { tag: ['@nightly'] }, async ({ crowd }) => {
  await askEqualTwice(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
