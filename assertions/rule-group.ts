import type { HistoryProblem } from '../history/journal-reader.ts';
import type { Observation, TrialEnd } from '../history/observation.ts';
import type { Disturbances } from './disturbances.ts';
import type { FactFinder, Facts } from './facts.ts';
import type { Knowledge } from './knowledge.ts';
import type { IsolationMatrix } from './matrix.ts';
import type { Report } from './report.ts';
import type { RunLedger } from './run-ledger.ts';

/** How the record ended. */
export interface Ending {
  /** The script and the quiet window went to their end: absence may be judged. */
  readonly complete: boolean;
  readonly end: TrialEnd | undefined;
  readonly problems: readonly HistoryProblem[];
}

/** What a group of rules works with. */
export interface Bench {
  readonly knowledge: Knowledge;
  readonly facts: FactFinder;
  readonly ledger: RunLedger;
  readonly disturbances: Disturbances;
  readonly report: Report;
  readonly matrix: IsolationMatrix;
}

/**
 * Rules that look at the same things, as one incremental fold: `observe` one observation after the other,
 * then `conclude`. Pure: it sees the history and nothing live.
 */
export interface RuleGroup {
  /** Full names of the rules. */
  readonly rules: readonly string[];
  /** Names of those that do not apply to this trial. */
  readonly notApplicable?: readonly string[];
  /** It looks at nothing but what users received; what they sent and did need not be shown to it. */
  readonly receivedOnly?: true;
  observe?(facts: Facts): void;
  /** Lines that concern no user (phases, the harness's own delay). */
  observeCrowd?(observation: Observation): void;
  conclude?(ending: Ending): void;
  /** How many things the rule examined; a rule that applies and examined nothing is inconclusive. */
  examined(rule: string): number;
}
