import { expect, test } from './fixtures.ts';
import { interference } from './stories/interference.ts';

/** One user stops its run or loses its connection; the others are served as before, and as soon. */
test('interference', { tag: ['@nightly'] }, async ({ crowd }) => {
  await interference(crowd);
  await expect(crowd).toBeIsolated();
});
