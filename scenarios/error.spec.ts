import { expect, test } from './fixtures.ts';
import { error as toolError } from './stories/disturbances.ts';

/** A tool fails for one user; nobody else's run may fail with it. */
test('error', { tag: ['@nightly'] }, async ({ crowd }) => {
  await toolError(crowd);
  await expect(crowd).toBeIsolated();
});
