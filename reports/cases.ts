import type { Finding, Outcome, Summary, Verdict } from '../history/verdict.ts';
import { guaranteesOf, type Category, type Kept } from './guarantees.ts';
import type { JudgedTrial } from './judged-trial.ts';
import { showUntrustedUpTo } from './untrusted.ts';

const FINDINGS_SHOWN_MAX = 20;
const TEXT_CHARACTERS_MAX = 1000;

/** What test reports call the outcome of a guarantee: `broken` could not be judged. */
export type CaseStatus = 'passed' | 'failed' | 'broken' | 'skipped';

/** One test case of the test reports: a guarantee in a trial. All texts are harmless lines. */
export interface GuaranteeCase {
  readonly name: string;
  readonly category: Category;
  readonly status: CaseStatus;
  /** The rule that decided, or `inconclusive`; empty for a case that is well. */
  readonly type: string;
  /** Why it is not well; empty for a case that is. */
  readonly lines: readonly string[];
  readonly findings: readonly Finding[];
}

/** The cases of one trial. */
export interface TrialCases {
  /**
   * Scenario and transport, with a number from the second trial of both on. The same from night to
   * night, and never shared by two trials of a campaign: a test report would take the later one for a
   * retry, and a leak followed by a pass for a flaky test.
   */
  readonly name: string;
  readonly scenario: string;
  readonly transport: string;
  /** Null for what concerns the campaign as a whole. */
  readonly trial: JudgedTrial | null;
  readonly cases: readonly GuaranteeCase[];
}

/** The test cases of a campaign: each guarantee in each trial, and what no trial says. */
export function casesOf(summary: Summary, trials: readonly JudgedTrial[]): TrialCases[] {
  const seen = new Map<string, number>();
  const all = trials.map((trial): TrialCases => {
    const scenario = shown(trial.verdict.trial.scenario);
    const transport = shown(trial.verdict.trial.transport);
    const plain = `${scenario} on ${transport}`;
    const number = (seen.get(plain) ?? 0) + 1;
    seen.set(plain, number);
    const name = number === 1 ? plain : `${plain} (${number})`;
    return { name, scenario, transport, trial, cases: trialCases(trial.verdict) };
  });
  // What keeps a campaign from passing although no trial says so must not be lost in a green report.
  const said = trials.some(({ verdict }) => verdict.verdict === summary.verdict);
  if (said || summary.verdict === 'pass') return all;
  const own = unproven(summary.reasons, summary.cause === 'unavailable');
  return [
    ...all,
    { name: 'campaign', scenario: 'campaign', transport: '', trial: null, cases: [own] },
  ];
}

function trialCases(verdict: Verdict): GuaranteeCase[] {
  const cases = guaranteesOf(verdict).map(caseOf);
  const said = cases.some(({ status }) => status === 'failed' || status === 'broken');
  if (verdict.verdict === 'pass' || said) return cases;
  const own = unproven(verdict.reasons, verdict.cause === 'unavailable');
  return cases.map((entry) => (entry.name === own.name ? own : entry));
}

const STATUS: Readonly<Record<Outcome | 'not-applicable', CaseStatus>> = {
  pass: 'passed',
  fail: 'failed',
  inconclusive: 'broken',
  'not-applicable': 'skipped',
};

function caseOf(kept: Kept): GuaranteeCase {
  const { guarantee, category, outcome, findings, rules } = kept;
  const status = STATUS[outcome];
  const isWell = status === 'passed' || status === 'skipped';
  return {
    name: guarantee.name,
    category,
    status,
    type: isWell ? '' : shown(findings[0]?.rule ?? rules[0] ?? outcome),
    lines: isWell ? [] : linesOf(findings, rules),
    findings,
  };
}

function linesOf(findings: readonly Finding[], rules: readonly string[]): string[] {
  const lines = findings.slice(0, FINDINGS_SHOWN_MAX).map((finding) => {
    const witness = finding.witness[0];
    const at = witness === undefined ? '' : ` (line ${witness.line})`;
    return shown(`${finding.rule}: ${finding.message}${at}`);
  });
  if (findings.length > lines.length) lines.push(`and ${findings.length - lines.length} more`);
  return lines.length > 0 ? lines : [shown(`could not be judged: ${rules.join(', ')}`)];
}

function unproven(reasons: readonly string[], isOutage: boolean): GuaranteeCase {
  return {
    name: 'the evidence allows a verdict',
    category: isOutage ? 'infrastructure' : 'evidence',
    status: 'broken',
    type: 'inconclusive',
    lines: reasons.length === 0 ? ['nothing is proven'] : reasons.map(shown),
    findings: [],
  };
}

function shown(text: string): string {
  return showUntrustedUpTo(text, TEXT_CHARACTERS_MAX);
}
