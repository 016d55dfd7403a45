import { statSync } from 'node:fs';
import { expect as base } from 'playwright/test';
import type { Finding, Verdict } from '../history/verdict.ts';

/** What a matcher needs of a crowd: its record so far, once all is quiet. */
export interface Judgeable {
  readonly historyPath: string;
  /** Waits for the quiet window and until everything observed is on disk. */
  settle(): Promise<void>;
}

/** Findings shown in a matcher's message; the verdict file has all. */
const FINDINGS_SHOWN = 5;

const EVERY_EVENT = /^(order|delivery)\//;
const ISOLATED = /^isolation\//;
/** Without evidence neither statement can be made. */
const EVIDENCE = /^evidence\//;

/**
 * `expect(crowd)` matchers. They wait for silence, judge the record so far, and **throw** when the judge
 * cannot tell: neither `expect(…)` nor `expect(…).not` may pass on missing evidence (DESIGN §3.9).
 */
export const expect = base.extend({
  /** Every run of every user showed every required event, in order, exactly as the profile says. */
  async toHaveSeenEveryEventInOrder(crowd: Judgeable) {
    return matched('toHaveSeenEveryEventInOrder', await judged(crowd), EVERY_EVENT);
  },
  /** No user saw anything of any other user, on any surface. */
  async toBeIsolated(crowd: Judgeable) {
    return matched('toBeIsolated', await judged(crowd), ISOLATED);
  },
});

interface Judged {
  readonly bytes: number;
  readonly verdict: Promise<Verdict>;
}

/** Two assertions about the same record need one judgement. */
const lastJudged = new WeakMap<Judgeable, Judged>();

type JudgeSoFar = (historyPath: string) => Promise<Verdict>;

const judges = new WeakMap<Judgeable, JudgeSoFar>();

/** Lends a judge that is loaded already to assertions about one crowd. */
export function lendJudge(crowd: Judgeable, judge: JudgeSoFar): void {
  judges.set(crowd, judge);
}

/** Loaded only when needed: listing scenarios needs no judge. */
async function ownJudge(historyPath: string): Promise<Verdict> {
  const { judgeSoFar } = await import('./judge.ts');
  return judgeSoFar(historyPath);
}

async function judged(crowd: Judgeable): Promise<Verdict> {
  await crowd.settle();
  const bytes = statSync(crowd.historyPath).size;
  const last = lastJudged.get(crowd);
  if (last?.bytes === bytes) return last.verdict;
  const verdict = (judges.get(crowd) ?? ownJudge)(crowd.historyPath);
  lastJudged.set(crowd, { bytes, verdict });
  return verdict;
}

function matched(name: string, verdict: Verdict, rules: RegExp) {
  const concerning = verdict.findings.filter((finding) => rules.test(finding.rule));
  const violations = concerning.filter((finding) => finding.severity === 'violation');
  if (violations.length === 0) refuseToGuess(name, verdict, rules);
  return {
    name,
    pass: violations.length === 0,
    expected: 'no violation',
    actual: violations.map((finding) => finding.rule),
    message: () =>
      violations.length === 0
        ? `${name}: expected a violation of ${rules.source}, found none`
        : [
            `${name}: ${violations.length} violation(s)`,
            ...violations.slice(0, FINDINGS_SHOWN).map(line),
          ].join('\n'),
  };
}

/** Throws when rules of the family, or the evidence for them, are inconclusive. */
function refuseToGuess(name: string, verdict: Verdict, rules: RegExp): void {
  const open = verdict.rules.filter(
    ({ rule, outcome }) => outcome === 'inconclusive' && (rules.test(rule) || EVIDENCE.test(rule)),
  );
  // The detector is calibrated after the trial; while it runs that rule is open by nature.
  const blocking = open.filter(({ rule }) => rule !== 'evidence/detector-missed');
  if (blocking.length === 0) return;
  const because = verdict.findings.filter(({ rule }) =>
    blocking.some((other) => other.rule === rule),
  );
  throw new Error(
    [
      `${name}: inconclusive, the record does not allow a statement`,
      ...blocking.map(({ rule, examined }) => `  ${rule} (examined ${examined})`),
      ...because.slice(0, FINDINGS_SHOWN).map(line),
    ].join('\n'),
  );
}

function line(finding: Finding): string {
  return `  ${finding.rule}: ${finding.message}`;
}
