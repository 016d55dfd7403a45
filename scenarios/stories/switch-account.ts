import type { Crowd } from '../../clients/crowd.ts';
import type { User } from '../../clients/user.ts';

/**
 * Users 2k and 2k+1 share a browser profile, one after the other. The first signs in, works and signs
 * out, and tries its old session once more; then the second takes over, signs in and works, without
 * loading the page anew where the page allows for it. Nothing of the first may be anywhere by then. Users without a browser share nothing, but their old sessions are
 * tried all the same. A last odd user is a first one without a second.
 */
export async function switchAccount(crowd: Crowd): Promise<void> {
  const isFirst = (user: User): boolean => user.index % 2 === 0;
  const formerOf = (user: User): User | undefined => crowd.users[user.index - 1];
  const firsts = { only: isFirst };
  const seconds = { only: (user: User): boolean => !isFirst(user) };

  await work(crowd, 'first users', firsts);
  await crowd.each('sign out', (user) => user.signOut(), firsts);
  await crowd.each('use the old session', (user) => user.stale(), firsts);
  // Whoever could not sign out is still at home: the second then begins in a profile of its own.
  await crowd.each('take over', (user) => takeOver(user, formerOf(user)), seconds);
  await work(crowd, 'second users', seconds);
  await crowd.each('look back', (user) => user.lookBack(), seconds);
}

/** The golden path of half the crowd. */
async function work(
  crowd: Crowd,
  whose: string,
  half: { readonly only: (user: User) => boolean },
): Promise<void> {
  await crowd.each(`${whose} sign in`, (user) => user.signIn(), half);
  await crowd.each(`${whose} open chat`, (user) => user.openChat(), half);
  for (const round of crowd.rounds) {
    await crowd.together(`${whose} ask`, (user) => user.ask(), { ...half, round });
    await crowd.each(`${whose} read`, (user) => user.answered(), { ...half, round });
  }
}

async function takeOver(user: User, former: User | undefined): Promise<void> {
  if (former !== undefined && !former.isOut) await user.takeOver(former);
}
