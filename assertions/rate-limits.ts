import type { Observation } from '../history/observation.ts';

const TOO_MANY_REQUESTS = 429;
const ADVICE =
  'raise its limit for these users or the address they come from, or ask less of it: fewer users, limits.concurrentSignInsMax and limits.startsPerSecondMax in the profile, a longer --timeout';

/** Users whose last reply over HTTP, that to an upgrade included, was that they ask too often. */
export class RateLimits<User> {
  readonly #limited = new Map<User, { retryAfter: string | undefined; times: number }>();

  /** Takes in a response. */
  replied(user: User, { status, headers }: Observation): void {
    if (status !== TOO_MANY_REQUESTS) {
      if (this.#limited.size > 0) this.#limited.delete(user);
      return;
    }
    const times = (this.#limited.get(user)?.times ?? 0) + 1;
    this.#limited.set(user, { retryAfter: headers?.['retry-after'], times });
  }

  /** What to add to the message of a step that has failed just now; empty where it failed of something else. */
  behind(user: User): string {
    const limited = this.#limited.get(user);
    if (limited === undefined) return '';
    const { retryAfter, times } = limited;
    const asked =
      retryAfter === undefined ? 'no retry-after' : `"retry-after: ${retryAfter.slice(0, 40)}"`;
    const often = times === 1 ? 'once' : `${times} times in a row`;
    return `; the target limits the rate (429 ${often}, ${asked}): ${ADVICE}`;
  }
}
