import type { Crowd } from '../../clients/crowd.ts';

/**
 * Everybody signs in, opens a chat, asks at one moment and reads the answer, as often as there are
 * rounds. The questions are the same words for all but a marker and a number, so that whatever confuses
 * users has every reason to.
 */
export async function goldenPath(crowd: Crowd): Promise<void> {
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  for (const round of crowd.rounds) {
    await crowd.together('ask', (user) => user.ask(), { round });
    await crowd.each('read the answer', (user) => user.answered(), { round });
  }
}
