import { expect, test } from './fixtures.ts';

/**
 * Everybody signs in, opens a chat, asks at one moment and reads the answer. The questions are the same
 * words for all but a marker and a number, so that whatever confuses users has every reason to.
 */
test('golden path', { tag: ['@smoke', '@nightly', '@signoff'] }, async ({ crowd }) => {
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  for (const round of crowd.rounds) {
    await crowd.together('ask', (user) => user.ask(), { round });
    await crowd.each('read the answer', (user) => user.answered(), { round });
  }
  await expect(crowd).toHaveSeenEveryEventInOrder();
  await expect(crowd).toBeIsolated();
});
