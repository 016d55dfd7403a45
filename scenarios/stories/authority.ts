/** Stories in which a user's right to be there ends or changes while its connection is open. */
import type { Crowd } from '../../clients/crowd.ts';
import { arrive, isEven, isOdd } from './arrival.ts';

/** An event in the middle of a run: something came, and the best is still to come. */
function midway(crowd: Crowd): string | undefined {
  return crowd.events[Math.floor((crowd.events.length - 1) / 2)];
}

/**
 * Every other user signs out elsewhere while its run is under way; nothing of it may reach the old socket,
 * and the old session is good for nothing.
 */
export async function signOut(crowd: Crowd): Promise<void> {
  crowd.needs('signOut');
  await arrive(crowd);
  await crowd.together('ask', (user) => user.ask());
  await crowd.each('sign out or read', (user) =>
    isEven(user) ? user.answered() : user.signOut('elsewhere', { at: crowd.events[1] }),
  );
  await crowd.each('use the old session', (user) => user.stale(), { only: isOdd });
}

/**
 * All sessions of every other user are taken back while its run is under way; nothing of it may reach the
 * old socket, and the old session is good for nothing.
 */
export async function revoked(crowd: Crowd): Promise<void> {
  crowd.needs('revoke');
  await arrive(crowd);
  await crowd.together('ask', (user) => user.ask());
  await crowd.each('revoke or read', (user) =>
    isEven(user) ? user.answered() : user.revoke({ at: crowd.events[1] }),
  );
  await crowd.each('use the old session', (user) => user.stale(), { only: isOdd });
}

/**
 * Every other user gets new tokens while its run is under way. They must be good for a connection as well, and
 * for nobody else's: one more is opened with them.
 */
export async function tokenRefresh(crowd: Crowd): Promise<void> {
  crowd.needs('refreshToken');
  await arrive(crowd);
  for (const round of crowd.rounds) {
    await crowd.together('ask', (user) => user.ask(), { round });
    await crowd.each('refresh the token', (user) => user.refreshToken({ at: midway(crowd) }), {
      only: isOdd,
      round,
    });
    await crowd.each('read the answer', (user) => user.answered(), { round });
  }
  await crowd.each('open a tab with the new token', (user) => user.duplicateTab(), { only: isOdd });
}
