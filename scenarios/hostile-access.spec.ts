import { expect, test } from './fixtures.ts';
import { hostileAccess } from './stories/hostile-access.ts';

/**
 * Everybody tries what must be refused: foreign ids, forged, expired and missing tokens, a
 * foreign origin.
 */
test('hostile access', { tag: ['@nightly', '@signoff', '@hostile'] }, async ({ crowd }) => {
  await hostileAccess(crowd);
  await expect(crowd).toBeIsolated();
});
