import type { Finding, Outcome, Severity, Verdict } from '../history/verdict.ts';

/** One judged trial of a campaign, with where its evidence lies. What all reports are made from. */
export interface JudgedTrial {
  readonly verdict: Verdict;
  /** Directory of the trial, relative to the campaign's (`trials/golden-path-websocket`). */
  readonly dir: string;
  /** Path of the history, as a reader of the report can open it. */
  readonly history: string;
  /** Path of verdict.json, or null when none was written. */
  readonly verdictFile: string | null;
}

const FINDINGS_PER_RULE_MAX = 3;

const DECIDING: Readonly<Record<Outcome, Severity | null>> = {
  pass: null,
  inconclusive: 'inconclusive',
  fail: 'violation',
};

/** Findings that decide the verdict: violations of a fail, what blinds an inconclusive; never notes. */
export function decidingFindings(verdict: Verdict): readonly Finding[] {
  const deciding = DECIDING[verdict.verdict];
  return verdict.findings.filter(({ severity }) => severity === deciding);
}

/** How many violations a verdict holds, those beyond the listed ones included. */
export function violationCount(verdict: Verdict): number {
  const listed = verdict.findings.filter(({ severity }) => severity === 'violation').length;
  return verdict.verdict === 'fail' ? listed + verdict.findingsOmitted : listed;
}

/**
 * The findings to show first: one of each rule in the order the judge lists them, then the next of
 * each, at most three of a rule and `countMax` in all.
 */
export function worstFindings(verdict: Verdict, countMax: number): readonly Finding[] {
  const queues = new Map<string, Finding[]>();
  for (const finding of decidingFindings(verdict)) {
    const queue = queues.get(finding.rule);
    if (queue === undefined) queues.set(finding.rule, [finding]);
    else queue.push(finding);
  }
  const chosen: Finding[] = [];
  for (let round = 0; round < FINDINGS_PER_RULE_MAX; round += 1) {
    for (const queue of queues.values()) {
      const finding = queue[round];
      if (finding !== undefined && chosen.length < countMax) chosen.push(finding);
    }
  }
  return chosen;
}
