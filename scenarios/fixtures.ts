import { basename, join } from 'node:path';
import { test as base, type TestInfo } from 'playwright/test';
import { judgeHistory, LiveJudge } from '../assertions/judge.ts';
import type { Crowd } from '../clients/crowd.ts';
import {
  PlanInvalid,
  planFromEnvironment,
  TRANSPORTS,
  type Transport,
  type TrialPlan,
} from '../clients/plan.ts';
import { openTrial, trialDirectory } from '../clients/trial.ts';
import { every } from '../clients/waiting.ts';
import type { Observation, TrialEnd, TrialHeader } from '../history/observation.ts';
import { encodeProgress, type Progress } from '../history/progress.ts';
import type { Verdict } from '../history/verdict.ts';
import { writeJsonArtifact } from '../reports/write-artifact.ts';
import { resolveAddresses } from '../targets/addresses.ts';
import { loadTarget } from '../targets/load-target.ts';
import type { Addresses, Target } from '../targets/target.ts';
import { startEmbeddedTarget, type EmbeddedTarget } from './embedded-target.ts';

export { expect } from '../assertions/expect.ts';

/** Crowds up to this size are judged while the trial runs, so that the first violation shows at once. */
const LIVE_USERS_MAX = 100;
const LIVE_EVERY_MS = 250;
/** Reasons of a verdict that a failed test names. */
const REASONS_SHOWN = 5;
const EXIT_PARENT_GONE = 130;

// Whoever started this process is gone: end without a word. A teardown would write an end to a history
// that was cut off, and make it look complete.
process.on('disconnect', () => process.exit(EXIT_PARENT_GONE));

export interface CrosstalkOptions {
  /**
   * Share of user pairs whose runs must overlap, where the scenario differs from the profile; 0 where
   * overlap is not its point (DESIGN §3.4). `test.use({ overlapFloor: 0 })`.
   */
  readonly overlapFloor: number | null;
}

export interface CrosstalkFixtures {
  /** The crowd of one trial. Its end is judged by the whole rulebook whatever the script asserts. */
  readonly crowd: Crowd;
}

/** Playwright's `test` with a crowd: opened before the script, settled, closed and judged after it. */
export const test = base.extend<CrosstalkFixtures & CrosstalkOptions>({
  overlapFloor: [null, { option: true }],
  crowd: async ({ overlapFloor }, use, testInfo) => {
    const trial = await setUp(overlapFloor, testInfo);
    let verdict: Verdict | undefined;
    try {
      await use(trial.crowd);
    } finally {
      await tearDown(trial, endReason(trial.crowd, testInfo));
      if (!trial.plan.judgeInParent) verdict = await judge(trial, testInfo);
    }
    if (verdict !== undefined && verdict.verdict !== 'pass') throw new Error(messageOf(verdict));
  },
});

interface Trial {
  readonly plan: TrialPlan;
  readonly crowd: Crowd;
  readonly dir: string;
  readonly embedded: EmbeddedTarget | undefined;
  readonly view: LiveView;
}

async function setUp(overlapFloor: number | null, testInfo: TestInfo): Promise<Trial> {
  const plan = planFromEnvironment(process.env);
  const transport = transportOf(testInfo.project.name);
  const scenario = basename(testInfo.file).replace(/\.spec\.[cm]?[jt]s$/, '');
  const repetition = testInfo.repeatEachIndex === 0 ? '' : `-repeat-${testInfo.repeatEachIndex}`;
  const dir = trialDirectory(plan, scenario, transport) + repetition;
  const target = await loadTarget(plan.target);
  const embedded = await startIfEmbedded(plan, target, dir);
  const view = liveView(plan);
  try {
    const crowd = await openTrial({
      plan,
      scenario,
      transport,
      target,
      addresses: addressesOf(plan, target, embedded),
      dir,
      overlapFloor: overlapFloor ?? undefined,
      onProgress: tell,
      watch: view.watch,
    });
    view.follow(crowd);
    return { plan, crowd, dir, embedded, view };
  } catch (error) {
    view.stop();
    await embedded?.stop();
    throw error;
  }
}

function transportOf(project: string): Transport {
  const transport = TRANSPORTS.find((name) => name === project);
  if (transport !== undefined) return transport;
  throw new PlanInvalid([
    `project "${project}" must be named after a transport, one of ${TRANSPORTS.join(', ')}.`,
  ]);
}

/** Each trial has an embedded target of its own, so that no trial meets what another left behind. */
async function startIfEmbedded(
  plan: TrialPlan,
  target: Target,
  dir: string,
): Promise<EmbeddedTarget | undefined> {
  if (!target.embedded || plan.url !== null) return undefined;
  return startEmbeddedTarget({
    faults: plan.faults,
    variants: plan.variants,
    pace: plan.pace,
    seed: plan.seed,
    truthPath: plan.faults.length > 0 ? join(dir, 'truth.ndjson') : null,
  });
}

function addressesOf(
  plan: TrialPlan,
  target: Target,
  embedded: EmbeddedTarget | undefined,
): Addresses {
  const url = embedded?.url ?? plan.url ?? undefined;
  const resolved = resolveAddresses(target, { url, addresses: plan.addresses, env: process.env });
  if (!resolved.ok) throw new PlanInvalid(resolved.mistakes);
  return resolved.addresses;
}

interface LiveView {
  readonly watch: ((header: TrialHeader) => (observation: Observation) => void) | undefined;
  /** From now on a violation ends the crowd's trial, if the plan wants that. */
  follow(crowd: Crowd): void;
  stop(): void;
}

/**
 * Tells the first violation as it is seen, and ends the trial there where the plan says so. Observations
 * are judged in batches, so that judging is not in the way of a burst that is being received.
 */
function liveView(plan: TrialPlan): LiveView {
  if (plan.users > LIVE_USERS_MAX && !plan.failFast)
    return { watch: undefined, follow: () => undefined, stop: () => undefined };
  let crowd: Crowd | undefined;
  let live: LiveJudge | undefined;
  let waiting: Observation[] = [];
  const judgeWaiting = (): void => {
    const batch = waiting;
    waiting = [];
    for (const observation of batch) live?.observe(observation);
    const [first] = live?.violated === true ? live.violations : [];
    if (first === undefined) return;
    live = undefined;
    tell({ kind: 'violation', rule: first.rule, message: first.message });
    if (plan.failFast) crowd?.abort(`first violation: ${first.rule}`);
  };
  const stop = every(LIVE_EVERY_MS, judgeWaiting);
  return {
    watch: (header) => {
      live = new LiveJudge(header);
      return (observation) => {
        if (live !== undefined) waiting.push(observation);
      };
    },
    follow: (one) => {
      crowd = one;
    },
    stop,
  };
}

/**
 * Why a trial ended. It is `done` when the users did all they were told: the script went to its end, or
 * reached its assertions, or nobody was left to go on. An error in between cuts the evidence.
 */
function endReason(crowd: Crowd, testInfo: TestInfo): TrialEnd['reason'] {
  if (crowd.abortion !== undefined) return 'fail-fast';
  if (testInfo.status === 'interrupted') return 'interrupted';
  if (testInfo.errors.length === 0 || crowd.isSettled || crowd.isLost) return 'done';
  return 'failed';
}

/** Whatever goes wrong on the way, nothing that the trial started is left running. */
async function tearDown(trial: Trial, reason: TrialEnd['reason']): Promise<void> {
  const { crowd, embedded, view } = trial;
  try {
    if (reason === 'done' || reason === 'failed') await crowd.settle();
    await crowd.close(reason);
  } finally {
    view.stop();
    await embedded?.stop();
  }
}

async function judge({ crowd, dir }: Trial, testInfo: TestInfo): Promise<Verdict> {
  const verdict = judgeHistory(crowd.historyPath, { calibrate: true });
  const path = join(dir, 'verdict.json');
  writeJsonArtifact(path, verdict);
  await testInfo.attach('verdict.json', { path, contentType: 'application/json' });
  return verdict;
}

function messageOf({ verdict, cause, reasons, trial }: Verdict): string {
  return [
    `the trial's verdict is ${verdict}${cause === null ? '' : ` (${cause})`}`,
    ...reasons.slice(0, REASONS_SHOWN).map((reason) => `  ${reason}`),
    `  Reproduce: ${trial.reproduce}`,
  ].join('\n');
}

/** Where a reporter of ours reads along, progress goes to standard output; else nobody could read it. */
function tell(progress: Progress): void {
  if ((process.env['CROSSTALK_REPORTER'] ?? '') !== '')
    process.stdout.write(encodeProgress(progress));
}
