import type { Crowd, PhaseOptions } from '../../clients/crowd.ts';
import type { User } from '../../clients/user.ts';

type Whom = Pick<PhaseOptions, 'only'>;

export const isOdd = (user: User): boolean => user.index % 2 === 1;
export const isEven = (user: User): boolean => !isOdd(user);

/** Everybody signs in and opens a chat. */
export async function arrive(crowd: Crowd, whom: Whom = {}): Promise<void> {
  await crowd.each('sign in', (user) => user.signIn(), whom);
  await crowd.each('open chat', (user) => user.openChat(), whom);
}

/** Everybody asks at one moment and reads the answer, `times` rounds or as many as the campaign has. */
export async function talk(crowd: Crowd, times = 1, whom: Whom = {}): Promise<void> {
  for (const round of roundsOf(crowd, times)) {
    await crowd.together('ask', (user) => user.ask(), { ...whom, round });
    await crowd.each('read the answer', (user) => user.answered(), { ...whom, round });
  }
}

/** The rounds of the campaign, `least` of them at least. */
export function roundsOf(crowd: Crowd, least: number): readonly number[] {
  const count = Math.max(least, crowd.rounds.length);
  return Array.from({ length: count }, (_, index) => index + 1);
}

/**
 * Who does something at which event of the run, in turns, until each event of the target has had its
 * turn: with ten users at work for five events one turn is enough, with two it takes three.
 */
export function turnsOf(crowd: Crowd, workers: readonly User[]): readonly Turn[] {
  const { events } = crowd;
  const turns = Math.ceil(events.length / Math.max(1, workers.length));
  return Array.from({ length: turns }, (_, turn) => ({
    number: turn + 1,
    eventOf: (user: User) =>
      events[(workers.indexOf(user) + turn * workers.length) % events.length] ?? '',
  }));
}

/** One turn of {@link turnsOf}. */
export interface Turn {
  /** From 1. */
  readonly number: number;
  /** The event at which one of the workers is to act. */
  readonly eventOf: (user: User) => string;
}
