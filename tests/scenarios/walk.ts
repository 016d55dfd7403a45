import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDeeds, unexplained } from '../../assertions/ground-truth.ts';
import { judgeHistory } from '../../assertions/judge.ts';
import { defaultPlan, type TrialPlan } from '../../clients/plan.ts';
import type { Verdict } from '../../history/verdict.ts';
import { recordPlainTrial, type PlainTrial } from '../../scenarios/plain-trial.ts';
import type { Story } from '../../scenarios/stories/table.ts';
import { linesOf, type Line } from '../clients/lab.ts';
import { PATIENT } from '../patient.ts';
import { serveTarget } from '../served-target.ts';
import { turns } from '../e2e/turns.ts';

/** What a story left behind. */
export interface Walk {
  readonly verdict: Verdict;
  /** Lines of the history. */
  readonly lines: readonly Line[];
  /** Violations that the ground truth does not explain. */
  readonly untrue: readonly string[];
  readonly violated: readonly string[];
}

/** Walks a story over raw sockets on an embedded target of its own, and judges it. */
export async function walk(story: Story, changes: Partial<TrialPlan> = {}): Promise<Walk> {
  const dir = mkdtempSync(join(tmpdir(), 'crosstalk-walk-'));
  try {
    const trial: PlainTrial = {
      plan: {
        ...defaultPlan({}, dir),
        users: 4,
        pace: 0.1,
        timeoutMs: 20_000,
        slo: PATIENT,
        ...changes,
      },
      story,
      transport: 'websocket',
      start: serveTarget,
    };
    const { historyPath, truthPath } = await turns.together(() => recordPlainTrial(trial));
    const verdict = await turns.alone(() => judgeHistory(historyPath, { calibrate: true }));
    const violations = verdict.findings.filter(({ severity }) => severity === 'violation');
    return {
      verdict,
      lines: linesOf(historyPath),
      untrue: unexplained(verdict, readDeeds(truthPath)).map(({ finding }) => finding.message),
      violated: [...new Set(violations.map(({ rule }) => rule))],
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
