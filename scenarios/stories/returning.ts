/** Stories in which something is told, and somebody comes back or comes after. */
import type { Crowd } from '../../clients/crowd.ts';
import { arrive, isEven, isOdd, talk } from './arrival.ts';

/** Half of the crowd tells the agent its secrets; then the other half asks, as strangers, and again the first. */
export async function memory(crowd: Crowd): Promise<void> {
  for (const only of [isEven, isOdd]) {
    await arrive(crowd, { only });
    await talk(crowd, 1, { only });
  }
  await crowd.together('ask again', (user) => user.ask());
  await crowd.each('read again', (user) => user.answered());
}

/** Everybody has two conversations, signs out, comes back, and finds both of them and no other. */
export async function history(crowd: Crowd): Promise<void> {
  crowd.needs('newThread', 'ownThreads', 'signOut');
  await arrive(crowd);
  await talk(crowd);
  await crowd.each('begin another conversation', (user) => user.newThread());
  await talk(crowd);
  await crowd.each('sign out', (user) => user.signOut());
  await crowd.each('sign in again', (user) => user.signIn());
  await crowd.each('connect again', (user) => user.connect());
  await crowd.each('find the own threads', (user) => user.ownThreads());
  await crowd.together('ask once more', (user) => user.ask());
  await crowd.each('read once more', (user) => user.answered());
}

/**
 * Everybody works and signs out; the target is started again and knows nobody. Then all sign in at once,
 * those first who came last before, and their requests are the first that it serves.
 */
export async function coldStart(crowd: Crowd): Promise<void> {
  crowd.needs('restartTarget', 'signOut');
  await arrive(crowd);
  await talk(crowd);
  await crowd.each('sign out', (user) => user.signOut());
  await crowd.restartTarget();
  await crowd.each('sign in first of all', (user) => user.signIn());
  for (const only of [isOdd, isEven])
    await crowd.each('open chat', (user) => user.openChat(), { only });
  await crowd.together('ask', (user) => user.ask());
  await crowd.each('read the answer', (user) => user.answered());
}
