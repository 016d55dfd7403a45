import { expect, test } from './fixtures.ts';
import { askTwice } from './stories/crowding.ts';

test.use({ questions: 'near' });

/** Everybody asks nearly the same twice: other capitals, spaces, a number and a marker. */
test('near-equal questions', { tag: ['@nightly', '@signoff'] }, async ({ crowd }) => {
  await askTwice(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
