import type { Crowd } from '../../clients/crowd.ts';
import type { User } from '../../clients/user.ts';
import { undisturbed } from './interference.ts';

const isFirst = (user: User): boolean => user.index === 0;
const isOther = (user: User): boolean => user.index !== 0;
const isOdd = (user: User): boolean => user.index % 2 === 1;
const isEven = (user: User): boolean => !isOdd(user);

/** The one before: of an odd user the even one, which goes through no disturbance. */
function neighbourOf(crowd: Crowd, user: User): User {
  return crowd.users[user.index - 1] ?? user;
}

async function arrive(crowd: Crowd): Promise<void> {
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
}

/** One user stops its run; nobody else's may end with it, and later answers stay with their askers. */
export async function cancel(crowd: Crowd): Promise<void> {
  await arrive(crowd);
  await crowd.together('ask', (user) => user.ask());
  await crowd.each('cancel or read', async (user) => {
    if (isOther(user)) return user.answered();
    await user.until('agent_thinking');
    return user.cancel();
  });
  await crowd.together('ask again', (user) => user.ask());
  await crowd.each('read again', (user) => user.answered());
}

/**
 * Every other user loses its connection before its tool runs and comes back while a neighbour's tool is
 * running, so that something was missed meanwhile; then it goes on with its run.
 */
export async function reconnect(crowd: Crowd): Promise<void> {
  await arrive(crowd);
  await crowd.together('ask', (user) => user.ask());
  await crowd.each(
    'lose the connection and come back',
    async (user) => {
      await user.until('agent_thinking');
      await user.drop();
      await neighbourOf(crowd, user).until('tool_executing');
      await user.reconnect();
    },
    { only: isOdd },
  );
  await crowd.each('read the answer', (user) => user.answered());
}

/** A tool fails for one user; nobody else's run may fail with it. */
export async function error(crowd: Crowd): Promise<void> {
  await arrive(crowd);
  await undisturbed(crowd);
  await crowd.each('ask for trouble', async (user) => user.provokeError(), { only: isFirst });
  await crowd.together('ask', (user) => user.ask());
  await crowd.each('read the answer', (user) => user.answered());
}

/** Half of the crowd has finished when the other half arrives: nothing of the first may wait for it. */
export async function staggered(crowd: Crowd): Promise<void> {
  for (const only of [isEven, isOdd]) {
    await crowd.each('sign in', (user) => user.signIn(), { only });
    await crowd.each('open chat', (user) => user.openChat(), { only });
    await crowd.together('ask', (user) => user.ask(), { only });
    await crowd.each('read the answer', (user) => user.answered(), { only });
  }
}

/** Every other user signs out elsewhere while its run is under way; nothing of it may reach the old socket. */
export async function signOut(crowd: Crowd): Promise<void> {
  await arrive(crowd);
  await crowd.together('ask', (user) => user.ask());
  await crowd.each('sign out or read', async (user) => {
    if (isEven(user)) return user.answered();
    await user.until('agent_thinking');
    return user.signOut('elsewhere');
  });
}

/** Every other user has a second tab, and asks in the first. */
export async function tabs(crowd: Crowd): Promise<void> {
  await arrive(crowd);
  await crowd.each('duplicate the tab', (user) => user.duplicateTab(), { only: isOdd });
  await crowd.together('ask', (user) => user.ask());
  await crowd.each('read the answer', (user) => user.answered());
}

/**
 * Every other user asks in the moment in which its connection greets. The others have been there for
 * some time by then, so that a question lost to the hurry is not everybody's.
 */
export async function askAtOnce(crowd: Crowd): Promise<void> {
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat(), { only: isEven });
  await crowd.each('store a note', (user) => user.storeNote(), { only: isOdd });
  await crowd.settle();
  await crowd.each('connect and ask at once', async (user) => {
    if (isOdd(user)) await user.connect();
    await user.ask();
  });
  await crowd.each('read the answer', (user) => user.answered());
}

/** Every other user gets new tokens while its run is under way. */
export async function tokenRefresh(crowd: Crowd): Promise<void> {
  await arrive(crowd);
  for (const round of crowd.rounds) {
    await crowd.together('ask', (user) => user.ask(), { round });
    await crowd.each(
      'refresh the token',
      async (user) => {
        await user.until('tool_executing');
        await user.refreshToken();
      },
      { only: isOdd, round },
    );
    await crowd.each('read the answer', (user) => user.answered(), { round });
  }
}
