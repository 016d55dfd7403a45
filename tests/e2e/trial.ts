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
import { recordPlainTrial } from '../../scenarios/plain-trial.ts';
import { storyOf, type Story } from '../../scenarios/stories/table.ts';

/**
 * Several trials share the machine here, and a busy machine is slow: timing gates are lifted unless a
 * test is about one.
 */
export const PATIENT: TrialPlan['slo'] = {
  connect: { limit: 60_000 },
  'first-event': { limit: 60_000 },
  delivery: { limit: 60_000 },
  api: { limit: 60_000 },
};

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
}

/**
 * One golden path on the real engine: the embedded target as a child process, real sockets, the judge
 * from disk with calibration. Without Playwright Test, which `tests/cli` covers: it would only add its
 * start-up to each of a hundred trials.
 */
export async function goldenPath(change: TrialChange): Promise<TrialResult> {
  const { args = [], transport = 'websocket', story = storyOf('golden-path'), ...changes } = change;
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
      recordPlainTrial({ plan, story, transport, args }),
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

/**
 * Trials are recorded together, but judged while none is running: judging in one go stands in the way of
 * the event loop, and a harness that stands still is itself a finding.
 */
class Turns {
  #running = 0;
  #idle: (() => void)[] = [];
  #judging: Promise<void> = Promise.resolve();
  #waiting = 0;

  async together<T>(work: () => Promise<T>): Promise<T> {
    while (this.#waiting > 0) await this.#judging;
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) for (const wake of this.#idle.splice(0)) wake();
    }
  }

  alone<T>(work: () => T): Promise<T> {
    this.#waiting += 1;
    const turn = this.#judging.then(async () => {
      if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
      return work();
    });
    this.#judging = turn.then(
      () => this.#left(),
      () => this.#left(),
    );
    return turn;
  }

  #left(): void {
    this.#waiting -= 1;
  }
}

const turns = new Turns();

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
