import type { Crowd } from '../../clients/crowd.ts';
import type { User } from '../../clients/user.ts';

const USUAL_MS = 60_000;
/** A page keeps all it has shown; after so many rounds it is opened anew. */
const ROUNDS_PER_PAGE = 25;

/**
 * Users come over the ramp, and each asks and reads, asks and reads, until the time is over. Pages are
 * opened anew now and then, so that a browser does not grow with the length of the trial.
 */
export async function soak(crowd: Crowd): Promise<void> {
  await crowd.throughout('ask again and again', {
    usualMs: USUAL_MS,
    first: async (user) => {
      await user.signIn();
      await user.openChat();
    },
    again: async (user, round) => {
      await user.ask();
      await user.answered();
      if (user.transport === 'browser' && round % ROUNDS_PER_PAGE === 0) await openAnew(user);
    },
  });
}

async function openAnew(user: User): Promise<void> {
  await user.drop();
  await user.reconnect();
}
