import type { Summary } from '../../history/verdict.ts';
import type { JudgedTrial } from '../judged-trial.ts';
import type { ManifestEntry } from '../manifest.ts';
import { cell } from '../markdown.ts';

/** What a sign-off sheet is made from: summary.json, each verdict.json, and what lies beside them. */
export interface Sheet {
  readonly summary: Summary;
  readonly trials: readonly JudgedTrial[];
  readonly manifest: readonly ManifestEntry[];
}

/** The first two cells of a row about a trial. */
export function trialCells({ verdict }: JudgedTrial): [scenario: string, transport: string] {
  return [cell(verdict.trial.scenario), cell(verdict.trial.transport)];
}

/** The trials that walk the golden path and nothing else; all trials where there is none of them. */
export function goldenTrials(trials: readonly JudgedTrial[]): readonly JudgedTrial[] {
  const golden = trials.filter(({ verdict }) => verdict.trial.scenario === 'golden-path');
  return golden.length > 0 ? golden : trials;
}

const WORST_FIRST = ['fail', 'inconclusive', 'pass', 'not-applicable'] as const;
type RuleOutcome = (typeof WORST_FIRST)[number];

/** The worst of several outcomes; `not-applicable` of none. */
export function worstOf(outcomes: readonly RuleOutcome[]): RuleOutcome {
  return WORST_FIRST.find((worst) => outcomes.includes(worst)) ?? 'not-applicable';
}

/** An outcome as a cell: what is not well is bold, what did not apply a dash. */
export function outcomeCell(outcome: RuleOutcome): string {
  if (outcome === 'not-applicable') return '–';
  return outcome === 'pass' ? 'pass' : `**${outcome}**`;
}

/** The outcome of a rule in a trial; `not-applicable` where the verdict does not list it. */
export function ruleOutcome({ verdict }: JudgedTrial, rule: string): RuleOutcome {
  return verdict.rules.find((one) => one.rule === rule)?.outcome ?? 'not-applicable';
}
