import type { Crowd } from '../../clients/crowd.ts';
import type { OptionalVerb, User } from '../../clients/user.ts';

/** As many stretches of disturbance as it takes to tell interference from chance: 7 of 7 are below 1 %. */
const STRETCHES = 7;

const isFirst = (user: User): boolean => user.index === 0;

/** What the first user does while the others' runs are under way, in turn; what the target does not offer is left out. */
const DISTURBANCES: readonly {
  readonly needs: OptionalVerb;
  readonly disturb: (user: User) => Promise<void>;
}[] = [
  {
    needs: 'cancel',
    disturb: async (user) => {
      await user.until('agent_thinking');
      await user.cancel();
    },
  },
  {
    // Where a run cannot be gone on with, what it shows after a drop is lost, and nobody's fault.
    needs: 'reconnect',
    disturb: async (user) => {
      await user.until('agent_thinking');
      await user.drop();
      await user.reconnect();
      await user.answered();
    },
  },
];

/** Everybody asks at one moment and reads, and nobody does anything else: what disturbed runs are held against. */
export async function undisturbed(crowd: Crowd, round?: number): Promise<void> {
  const options = round === undefined ? {} : { round };
  await crowd.together('ask undisturbed', (user) => user.ask(), options);
  await crowd.each('read undisturbed', (user) => user.answered(), options);
}

/**
 * The same crowd asks without and with a disturbance, again and again: one user stops its run or loses its
 * connection, and what the others get, and when, must be as before.
 */
export async function interference(crowd: Crowd): Promise<void> {
  const first = crowd.users.find(isFirst);
  const possible = DISTURBANCES.filter(({ needs }) => first?.cannot(needs) === undefined);
  if (possible.length === 0) crowd.needs('cancel');
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  for (let stretch = 0; stretch < STRETCHES * crowd.rounds.length; stretch += 1) {
    const chosen = possible[stretch % possible.length];
    await undisturbed(crowd);
    await crowd.together('ask', (user) => user.ask());
    await crowd.each('disturb or read', async (user) => {
      if (isFirst(user)) await chosen?.disturb(user);
      else await user.answered();
    });
  }
}
