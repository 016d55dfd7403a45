import { expect, test } from './fixtures.ts';
import { revoked } from './stories/authority.ts';

/** All sessions of every other user are taken back while its run is under way. */
test('revoked', { tag: ['@nightly', '@signoff'] }, async ({ crowd }) => {
  await revoked(crowd);
  await expect(crowd).toBeIsolated();
});
