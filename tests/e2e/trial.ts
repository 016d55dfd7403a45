import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  readDeeds,
  unexplained,
  type Deed,
  type Unexplained,
} from '../../assertions/ground-truth.ts';
import { judgeHistory } from '../../assertions/judge.ts';
import { defaultPlan, type Transport, type TrialPlan } from '../../clients/plan.ts';
import type { Verdict } from '../../history/verdict.ts';
import { recordPlainTrial, type PlainTrial } from '../../scenarios/plain-trial.ts';
import { storyOf, type Story } from '../../scenarios/stories/table.ts';
import { PATIENT } from '../patient.ts';
import { turns } from './turns.ts';

export interface TrialResult {
  readonly verdict: Verdict;
  /** Names of rules with violations. */
  readonly violated: readonly string[];
  readonly deeds: readonly Deed[];
  readonly unexplained: readonly Unexplained[];
}

/** How a trial differs from the golden path on sockets. */
export interface TrialChange extends Partial<TrialPlan> {
  /** Further words of the embedded target's command line. */
  readonly args?: readonly string[];
  readonly transport?: Transport;
  /** What the crowd goes through instead. */
  readonly story?: Story;
  /** Starts the target; a process of its own unless given. */
  readonly start?: PlainTrial['start'];
}

const OVERLOADED = 'evidence/harness-overloaded';

/**
 * One golden path on the real engine: the embedded target as a child process, real sockets, the judge
 * from disk with calibration. Without Playwright Test, which `tests/cli` covers: it would only add its
 * start-up to each of a hundred trials. A machine that stood still in the middle says nothing: one more, then.
 */
export async function goldenPath(change: TrialChange): Promise<TrialResult> {
  const result = await goldenPathOnce(change);
  const isOverloaded = result.verdict.findings.some(({ rule }) => rule === OVERLOADED);
  return isOverloaded ? goldenPathOnce(change) : result;
}

async function goldenPathOnce(change: TrialChange): Promise<TrialResult> {
  const {
    args = [],
    transport = 'websocket',
    story = storyOf('golden-path'),
    start,
    ...changes
  } = change;
  const dir = mkdtempSync(join(tmpdir(), 'crosstalk-e2e-'));
  const plan: TrialPlan = {
    ...defaultPlan({}, dir),
    pace: 0.2,
    timeoutMs: 6_000,
    outDir: dir,
    slo: PATIENT,
    ...changes,
  };
  try {
    const { historyPath, truthPath } = await turns.together(() =>
      recordPlainTrial({ plan, story, transport, args, ...(start !== undefined && { start }) }),
    );
    const verdict = await turns.alone(() => judgeHistory(historyPath, { calibrate: true }));
    const deeds = readDeeds(truthPath);
    const violations = verdict.findings.filter((finding) => finding.severity === 'violation');
    return {
      verdict,
      violated: [...new Set(violations.map((finding) => finding.rule))],
      deeds,
      unexplained: unexplained(verdict, deeds),
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What a failed expectation shows: enough to see why without running it again. */
export function explainResult({ verdict, unexplained: open, deeds }: TrialResult): string {
  return [
    `verdict ${verdict.verdict} (${verdict.cause}), ${deeds.length} deeds`,
    ...verdict.reasons,
    ...open
      .slice(0, 5)
      .map(({ finding, why }) => `unexplained ${finding.rule}: ${finding.message}: ${why}`),
  ].join('\n');
}
