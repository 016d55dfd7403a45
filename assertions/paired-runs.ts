import type { Disturbances } from './disturbances.ts';
import type { UserIndex } from './knowledge.ts';
import type { Run, RunLedger } from './run-ledger.ts';

/** A run of a user who did nothing but ask, during another's disturbance, and one before it without any. */
export interface RunPair {
  readonly user: UserIndex;
  readonly control: Run;
  readonly exposed: Run;
  /**
   * Which stretch of disturbance it was, from 0. What happens to the users of one stretch may have one
   * cause that is no disturbance, so only stretches count as independent.
   */
  readonly stretch: number;
}

/** A time during which somebody disturbed, on the trial's clock. */
interface Disturbance {
  readonly user: UserIndex;
  readonly from: number;
  readonly to: number;
}

/**
 * Pairs each run during which another disturbed with its asker's latest run before it during which nobody
 * did (DESIGN §4.7, `isolation/interference`). Runs whose askers disturbed meanwhile are in no pair.
 */
export function pairRuns(ledger: RunLedger, disturbances: Disturbances): RunPair[] {
  const disturbing = disturbancesIn(ledger, disturbances);
  if (disturbing.length === 0) return [];
  const pairs: Omit<RunPair, 'stretch'>[] = [];
  const controls = new Map<UserIndex, Run>();
  for (const run of ledger.runs) {
    const meanwhile = disturbing.filter(({ from, to }) => from <= endOf(run) && to >= run.ask.t);
    const control = controls.get(run.asker);
    if (meanwhile.length === 0) controls.set(run.asker, run);
    else if (control !== undefined && meanwhile.every(({ user }) => user !== run.asker))
      pairs.push({ user: run.asker, control, exposed: run });
  }
  return numberStretches(pairs);
}

/** Milliseconds from the question to the last event; null while there was none. */
export function durationOf({ ask, lastAt }: Run): number | null {
  return lastAt === undefined ? null : lastAt - (ask.intended ?? ask.t);
}

function disturbancesIn(ledger: RunLedger, { deeds }: Disturbances): Disturbance[] {
  const acts = deeds.map(({ user, observation: { t } }) => ({ user, from: t, to: t }));
  const failing = ledger.runs
    .filter(({ provoked }) => provoked)
    .map((run) => ({ user: run.asker, from: run.ask.t, to: endOf(run) }));
  return [...acts, ...failing];
}

/** A run without an end was under way until the trial was over. */
function endOf({ lastAt, terminals }: Run): number {
  return terminals.length === 0 ? Infinity : (lastAt ?? Infinity);
}

/** Runs that overlap, one way or another, are of one stretch. */
function numberStretches(pairs: readonly Omit<RunPair, 'stretch'>[]): RunPair[] {
  let stretch = -1;
  let until = -Infinity;
  return pairs
    .toSorted((a, b) => a.exposed.ask.t - b.exposed.ask.t)
    .map((pair) => {
      if (pair.exposed.ask.t > until) stretch += 1;
      until = Math.max(until, endOf(pair.exposed));
      return { ...pair, stretch };
    });
}
