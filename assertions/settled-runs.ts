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
 * owed, so a break planted in it must be found. Where events name no run, the user's acts decide, and whether an
 * end came before the next question.
 */
export function settledRuns(sample: Sample): (event: Observation) => boolean {
  const { observations } = sample;
  const before = known.get(observations);
  if (before !== undefined) return before;
  const { last } = sample.header.profile.order;
  const ended = new Set(observations.flatMap(({ event, run }) => (event === last ? [run] : [])));
  const { runs, users } = stoppedIn(observations);
  const unnamed = endedWithoutName(sample);
  const isSettled = (event: Observation): boolean => {
    const { run, user } = event;
    if (users.has(user)) return false;
    return run === undefined ? unnamed.has(event.line) : ended.has(run) && !runs.has(run);
  };
  known.set(observations, isSettled);
  return isSettled;
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

/** Lines of events that name no run, and whose receiver was shown an end before it asked again. */
function endedWithoutName({ header, observations }: Sample): ReadonlySet<number> {
  const { last } = header.profile.order;
  const found = new Set<number>();
  const ending = new Set<string | null>();
  for (const observation of observations.toReversed()) {
    const { act, event, run, user } = observation;
    if (act === 'ask') ending.delete(user);
    else if (event === last) ending.add(user);
    if (event !== undefined && run === undefined && ending.has(user)) found.add(observation.line);
  }
  return found;
}
