/** Stories in which many do the same, or nearly the same, at nearly the same time. */
import type { Crowd } from '../../clients/crowd.ts';
import type { User } from '../../clients/user.ts';
import { arrive, isEven, isOdd, roundsOf, talk } from './arrival.ts';

const BURSTS = 4;
/** Two runs that begin within a few milliseconds share what a careless service keeps for one. */
const SPREAD_MS = 50;
const THREADS_EACH = 3;
const GROUPS = 3;

/** Round after round everybody asks: at one moment, and then each a little later than another. */
export async function concurrentBurst(crowd: Crowd): Promise<void> {
  await arrive(crowd);
  for (const round of roundsOf(crowd, BURSTS)) {
    const spreadMs = round % 2 === 0 ? SPREAD_MS : 0;
    await crowd.together('ask', (user) => user.ask(), { round, spreadMs });
    await crowd.each('read the answer', (user) => user.answered(), { round });
  }
}

/** Everybody asks in several conversations without waiting for the answers in the others. */
export async function interleavedThreads(crowd: Crowd): Promise<void> {
  const missing = crowd.users.map((user) => user.cannot('askMeanwhile'));
  const reason = missing.find((one) => one !== undefined);
  if (reason !== undefined && missing.every((one) => one !== undefined))
    crowd.notApplicable(reason);
  const able = { only: (user: User): boolean => user.cannot('askMeanwhile') === undefined };
  const others = { only: (user: User): boolean => !able.only(user) };
  await arrive(crowd);
  for (const round of crowd.rounds) {
    await crowd.together('ask', (user) => user.ask(), { round });
    for (let thread = 2; thread <= THREADS_EACH; thread += 1) {
      await crowd.each(`open thread ${thread}`, (user) => user.newThread(), { ...able, round });
      await crowd.together(`ask in thread ${thread}`, (user) => user.ask(), { ...able, round });
    }
    await crowd.each('read all answers', (user) => user.answered(), { ...able, round });
    await crowd.each('read the answer', (user) => user.answered(), { ...others, round });
  }
}

/** Golden path of two rounds at least: what is kept of the first shows in the second. */
export async function askTwice(crowd: Crowd): Promise<void> {
  await arrive(crowd);
  await talk(crowd, 2);
}

/** As {@link askTwice}, of questions without markers: nothing but the notes tells whose an answer is. */
export async function askEqualTwice(crowd: Crowd): Promise<void> {
  crowd.needs('storeNote');
  await askTwice(crowd);
}

/**
 * Users come and go all the time: each group arrives and asks while the one before it is at work, which
 * then reads its answer and signs out; the first group comes back at the end.
 */
export async function staggered(crowd: Crowd): Promise<void> {
  crowd.needs('signOut');
  const groups = Array.from({ length: GROUPS + 1 }, (_, turn) => ({
    turn: turn + 1,
    only: (user: User): boolean => user.index % GROUPS === turn % GROUPS,
  }));
  for (const { turn, only } of groups) {
    await crowd.each(`group ${turn} signs in`, (user) => user.signIn(), { only });
    await crowd.each(`group ${turn} opens the chat`, (user) => user.openChat(), { only });
    await crowd.together(`group ${turn} asks`, (user) => user.ask(), { only });
    const before = groups[turn - 2];
    if (before !== undefined) await leave(crowd, before);
  }
  const last = groups.at(-1);
  if (last !== undefined) await leave(crowd, last);
}

async function leave(
  crowd: Crowd,
  { turn, only }: { readonly turn: number; readonly only: (user: User) => boolean },
): Promise<void> {
  await crowd.each(`group ${turn} reads`, (user) => user.answered(), { only });
  await crowd.each(`group ${turn} signs out`, (user) => user.signOut(), { only });
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
