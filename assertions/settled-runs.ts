import type { Observation, TrialHeader } from '../history/observation.ts';

/** A recorded trial. */
interface Sample {
  readonly header: TrialHeader;
  readonly observations: readonly Observation[];
}

const known = new WeakMap<readonly Observation[], (event: Observation) => boolean>();

/**
 * Tells of an event whether its run went to its end and nobody stopped it: of such a run everything is
 * owed, so a break planted in it must be found. Where events name no run, the user's acts decide.
 */
export function settledRuns(sample: Sample): (event: Observation) => boolean {
  const { observations } = sample;
  const before = known.get(observations);
  if (before !== undefined) return before;
  const { last } = sample.header.profile.order;
  const ended = new Set<string>();
  const stopped = new Set<string>();
  const stoppers = new Set<string>();
  for (const { event, act, run, user } of observations) {
    if (event === last && run !== undefined) ended.add(run);
    if (act !== 'cancel' && act !== 'stop' && act !== 'probe') continue;
    if (run !== undefined) stopped.add(run);
    else if (act !== 'probe') stoppers.add(user ?? '');
  }
  const isSettled = ({ run, user }: Observation): boolean =>
    !stoppers.has(user ?? '') && (run === undefined || (ended.has(run) && !stopped.has(run)));
  known.set(observations, isSettled);
  return isSettled;
}
