import { dirname } from 'node:path';
import { judgeHistory } from '../assertions/judge.ts';
import type { Verdict } from '../history/verdict.ts';
import { readNotApplicable, type NotApplicableTrial } from '../reports/not-applicable.ts';

/** What a recorded trial came to. */
export interface TrialOutcome {
  readonly verdict: Verdict;
  /** Set where the script broke itself off, for the target does not offer what it needs. */
  readonly notApplicable: NotApplicableTrial | undefined;
}

/** Judges a recorded trial by its history. @throws HistoryUnreadable */
export function judgeTrial(history: string): TrialOutcome {
  const missing = readNotApplicable(dirname(history));
  const verdict = judgeHistory(history, { calibrate: true });
  return { verdict, notApplicable: isBroken(verdict) ? undefined : missing };
}

/**
 * Whether a script that broke itself off had seen a leak, or another broken promise, before. Service levels
 * are measured over whole scripts.
 */
function isBroken({ findings }: Verdict): boolean {
  return findings.some(
    ({ rule, severity }) => severity === 'violation' && !rule.startsWith('gate/'),
  );
}
