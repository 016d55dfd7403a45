import type { Observation, TrialHeader } from '../history/observation.ts';
import { isStop } from './run-ledger.ts';

/** A recorded trial. */
interface Sample {
  readonly header: TrialHeader;
  readonly observations: readonly Observation[];
}

const known = new WeakMap<readonly Observation[], (event: Observation) => boolean>();

/**
 * Tells of an event whether its run went to its end and nobody stopped it: of such a run everything is
 * owed, so a break planted in it must be found. Where events name no run, the user's acts decide, and whether as many
 * runs came to their end as the user asked for: of one who signed out in mid-run it is not known which did not.
 */
export function settledRuns(sample: Sample): (event: Observation) => boolean {
  const { observations } = sample;
  const before = known.get(observations);
  if (before !== undefined) return before;
  const { last } = sample.header.profile.order;
  const ended = new Set(observations.flatMap(({ event, run }) => (event === last ? [run] : [])));
  const { runs, users } = stoppedIn(observations);
  const unended = askersLeftWithout(last, observations);
  const isSettled = ({ run, user }: Observation): boolean =>
    !users.has(user) && (run === undefined ? !unended.has(user) : ended.has(run) && !runs.has(run));
  known.set(observations, isSettled);
  return isSettled;
}

/** Users who asked more often than an answer came to its end. */
function askersLeftWithout(
  last: string,
  observations: readonly Observation[],
): ReadonlySet<string | null> {
  const left = new Map<string | null, number>();
  for (const { act, event, user } of observations)
    if (act === 'ask') left.set(user, (left.get(user) ?? 0) + 1);
    else if (event === last) left.set(user, (left.get(user) ?? 0) - 1);
  return new Set([...left].flatMap(([user, count]) => (count > 0 ? [user] : [])));
}

/** Runs that their askers stopped, and users who stopped a run without naming it. */
function stoppedIn(observations: readonly Observation[]): {
  readonly runs: ReadonlySet<string>;
  readonly users: ReadonlySet<string | null>;
} {
  const askerOf = new Map<string, string | null>();
  const runs = new Set<string>();
  const users = new Set<string | null>();
  for (const observation of observations) {
    const { ids, run, user } = observation;
    if (ids?.run !== undefined) askerOf.set(ids.run, user);
    if (!isStop(observation)) continue;
    if (run === undefined) users.add(user);
    // Trying to stop another's run leaves that run as it was.
    else if ((askerOf.get(run) ?? user) === user) runs.add(run);
  }
  return { runs, users };
}
