import { test } from './explore-fixture.ts';

test.use({ lasting: true, transports: ['websocket'] });

const USUAL_MS = 30_000;

/**
 * A few users do random things, again and again, until something is wrong; then the shortest script that
 * shows it is kept.
 */
test('explore', { tag: ['@nightly'] }, async ({ explore }) => {
  await explore(USUAL_MS);
});
