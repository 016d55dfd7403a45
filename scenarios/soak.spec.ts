import { expect, test } from './fixtures.ts';
import { soak } from './stories/soak.ts';

test.use({ lasting: true });

/** Users come one after the other and ask again and again, for as long as `--for` says. */
test('soak', { tag: ['@soak'] }, async ({ crowd }) => {
  await soak(crowd);
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
