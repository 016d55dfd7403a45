import type { Crowd } from '../../clients/crowd.ts';

const USUAL_MS = 60_000;
/** A page keeps all it has shown, and a browser what its pages needed; after so many rounds both are new. */
const ROUNDS_PER_PROFILE = 25;

/**
 * Users come over the ramp, and each asks and reads, asks and reads, until the time is over. Now and then a
 * user goes on in a new browser profile, so that a browser does not grow with the length of the trial.
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
      if (round % ROUNDS_PER_PROFILE === 0) await user.renewProfile();
    },
  });
}
