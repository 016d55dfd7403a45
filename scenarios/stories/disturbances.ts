/** Stories in which some users stop, lose, double or neglect what the others must not notice. */
import type { Crowd } from '../../clients/crowd.ts';
import type { User } from '../../clients/user.ts';
import { arrive, isEven, isOdd, talk, turnsOf } from './arrival.ts';
import { undisturbed } from './interference.ts';

const isFirst = (user: User): boolean => user.index === 0;
/** One in three disturbs, so that two of three are undisturbed witnesses. */
const EVERY_THIRD = 3;
const PAST_HEARTBEATS_MS = 20_000;
/** Just short of the four minutes after which many a proxy closes what is silent. */
const SHORT_OF_THE_LIMIT_MS = 235_000;

/**
 * Every third user stops its run, each at another event, until each event has had its turn; nobody else's
 * may end with it, and later answers stay with their askers.
 */
export async function cancel(crowd: Crowd): Promise<void> {
  crowd.needs('cancel');
  await arrive(crowd);
  const cancelling = crowd.users.filter(({ index }) => index % EVERY_THIRD === 0);
  for (const { number, eventOf } of turnsOf(crowd, cancelling)) {
    await crowd.together(`ask ${number}`, (user) => user.ask());
    await crowd.each(`cancel or read ${number}`, (user) =>
      cancelling.includes(user) ? user.cancel({ at: eventOf(user) }) : user.answered(),
    );
  }
  await crowd.together('ask again', (user) => user.ask());
  await crowd.each('read again', (user) => user.answered());
}

/**
 * Every other user loses its connection, each at another event, until each event has had its turn. It
 * comes back when the others' runs are one event further, so that something was missed meanwhile and
 * their tools may be at work; then it goes on with its run.
 */
export async function reconnect(crowd: Crowd): Promise<void> {
  crowd.needs('reconnect');
  await arrive(crowd);
  const staying = crowd.users.filter(isEven);
  for (const { number, eventOf } of turnsOf(crowd, crowd.users.filter(isOdd))) {
    await crowd.together(`ask ${number}`, (user) => user.ask());
    await crowd.each(
      `lose the connection and come back ${number}`,
      async (user) => {
        const cut = eventOf(user);
        await user.drop({ at: cut });
        const next = crowd.events[crowd.events.indexOf(cut) + 1];
        if (next !== undefined) await Promise.all(staying.map((other) => other.untilSeen(next)));
        await user.reconnect();
      },
      { only: isOdd },
    );
    await crowd.each(`read the answer ${number}`, (user) => user.answered());
  }
}

/** A tool fails for one user; nobody else's run may fail with it. */
export async function error(crowd: Crowd): Promise<void> {
  crowd.needs('provokeError');
  await arrive(crowd);
  await undisturbed(crowd);
  await crowd.each('ask for trouble', async (user) => user.provokeError(), { only: isFirst });
  await talk(crowd);
}

/** Every other user has a second tab, and asks in the first. */
export async function tabs(crowd: Crowd): Promise<void> {
  await arrive(crowd);
  await crowd.each('duplicate the tab', (user) => user.duplicateTab(), { only: isOdd });
  await talk(crowd);
}

/**
 * One user stops reading in mid-run. The others go on as if nothing was, round after round; then it
 * reads on, and everything that waited for it is there.
 */
export async function slowReader(crowd: Crowd): Promise<void> {
  const sleeper = crowd.users.find((user) => user.cannot('stall') === undefined);
  if (sleeper === undefined)
    crowd.notApplicable(crowd.users[0]?.cannot('stall') ?? 'nobody can stop reading');
  const isSleeper = (user: User): boolean => user === sleeper;
  const others = { only: (user: User): boolean => user !== sleeper };
  await arrive(crowd);
  await crowd.together('ask', (user) => user.ask());
  const [at] = crowd.events;
  await crowd.each('stop reading', (user) => user.stall({ at }), { only: isSleeper });
  await crowd.each('read the answer', (user) => user.answered(), others);
  await crowd.together('ask again', (user) => user.ask(), others);
  await crowd.each('read again', (user) => user.answered(), others);
  await crowd.each(
    'read on',
    async (user) => {
      user.goOn();
      await user.answered();
    },
    { only: isSleeper },
  );
}

/** Everybody is silent past the heartbeats, and then goes on over the same connection. */
export async function idle(crowd: Crowd): Promise<void> {
  await rest(crowd, PAST_HEARTBEATS_MS);
}

/** Everybody is silent for nearly four minutes, and then goes on over the same connection. */
export async function idleLimit(crowd: Crowd): Promise<void> {
  await rest(crowd, SHORT_OF_THE_LIMIT_MS);
}

async function rest(crowd: Crowd, ms: number): Promise<void> {
  await arrive(crowd);
  await talk(crowd);
  await crowd.each('be silent', (user) => user.idle(ms));
  await crowd.together('ask after the silence', (user) => user.ask());
  await crowd.each('read the answer after it', (user) => user.answered());
}
