import { expect, test } from './fixtures.ts';
import { memory } from './stories/returning.ts';

// Those who ask come after those who told: not to overlap is the point.
test.use({ overlapFloor: 0 });

/** Half of the crowd tells the agent its secrets; then the other half asks as strangers. */
test('memory', { tag: ['@nightly', '@signoff'] }, async ({ crowd }) => {
  await memory(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
