import type { Cause, Outcome, Summary } from '../history/verdict.ts';
import { CAUSES, worseOutcome } from '../history/verdict.ts';
import type { JudgedTrial } from './judged-trial.ts';
import { violationCount } from './judged-trial.ts';

const REASONS_MAX = 50;
const DECISIONS: Readonly<Record<Outcome, NonNullable<Summary['signoff']>>> = {
  pass: 'GO',
  inconclusive: 'INCONCLUSIVE',
  fail: 'NO-GO',
};

/** What a summary says beside the verdicts of its trials. */
export interface SummaryInput {
  readonly trials: readonly JudgedTrial[];
  /**
   * Why the campaign as a whole is no better than `inconclusive` (a trial without a history, a script
   * that broke off), with the cause; empty when nothing stands against the trials' own verdicts.
   */
  readonly shortcomings: readonly { readonly reason: string; readonly cause: Cause }[];
  /** Scenarios that could not be run on a transport at all; none unless given. */
  readonly notApplicable?: Summary['notApplicable'];
  /** Whether the campaign decides on a release; not unless given. */
  readonly decides?: boolean;
  readonly environment: Summary['environment'];
  readonly versions: Summary['versions'];
  readonly commit: string | null;
  readonly seed: string;
  readonly command: string;
}

/**
 * The summary of a campaign: the worst verdict counts, no trial improves another (DESIGN §3.9), and a
 * campaign without any trial is `inconclusive`.
 */
export function summarise(input: SummaryInput): Summary {
  const { trials, shortcomings } = input;
  const none = trials.length === 0 && shortcomings.length === 0;
  const floor: Outcome = shortcomings.length > 0 || none ? 'inconclusive' : 'pass';
  const verdict = trials.map((trial) => trial.verdict.verdict).reduce(worseOutcome, floor);
  const several = trials.length > 1;
  const reasons = worstFirst(trials).flatMap((trial) =>
    trial.verdict.reasons.map((reason) => (several ? `${nameOf(trial)}: ${reason}` : reason)),
  );
  const own = none ? ['no trial was judged'] : shortcomings.map(({ reason }) => reason);
  return {
    schema: 1,
    verdict,
    cause: causeOf(input, verdict),
    reasons: [...new Set([...own, ...reasons])].slice(0, REASONS_MAX),
    signoff: input.decides === true ? decisionOf(verdict) : null,
    trials: trials.map((trial) => ({
      scenario: trial.verdict.trial.scenario,
      transport: trial.verdict.trial.transport,
      dir: trial.dir,
      verdict: trial.verdict.verdict,
      cause: trial.verdict.cause,
      findings: violationCount(trial.verdict),
      durationMs: trial.verdict.trial.durationMs,
    })),
    notApplicable: [...(input.notApplicable ?? [])],
    environment: { ...input.environment },
    versions: { ...input.versions },
    commit: input.commit,
    seed: input.seed,
    command: input.command,
  };
}

/** Only so many reasons are listed, and readers take the first for the one that counts. */
function worstFirst(trials: readonly JudgedTrial[]): JudgedTrial[] {
  const order: readonly Outcome[] = ['fail', 'inconclusive', 'pass'];
  return trials.toSorted(
    (a, b) => order.indexOf(a.verdict.verdict) - order.indexOf(b.verdict.verdict),
  );
}

/** What a verdict means for a release. */
export function decisionOf(verdict: Outcome): NonNullable<Summary['signoff']> {
  return DECISIONS[verdict];
}

/** The first of {@link CAUSES} among whatever has the campaign's verdict. */
function causeOf({ trials, shortcomings }: SummaryInput, verdict: Outcome): Cause | null {
  if (verdict === 'pass') return null;
  const causes = new Set<Cause | null>(
    trials.filter((trial) => trial.verdict.verdict === verdict).map((trial) => trial.verdict.cause),
  );
  if (verdict === 'inconclusive') for (const { cause } of shortcomings) causes.add(cause);
  return CAUSES.find((cause) => causes.has(cause)) ?? 'blind';
}

function nameOf({ verdict }: JudgedTrial): string {
  return `${verdict.trial.scenario} on ${verdict.trial.transport}`;
}
