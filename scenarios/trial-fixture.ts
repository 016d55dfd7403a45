import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TestInfo } from 'playwright/test';
import type { LiveJudge } from '../assertions/judge.ts';
import type { Crowd } from '../clients/crowd.ts';
import {
  PlanInvalid,
  planFromEnvironment,
  TRANSPORTS,
  trialDirectory,
  type Transport,
  type TrialPlan,
} from '../clients/plan.ts';
import { transportMistakes } from '../clients/plan-check.ts';
import { every, within } from '../clients/waiting.ts';
import { messageOf } from '../history/message-of.ts';
import type { Observation, TrialEnd, TrialHeader } from '../history/observation.ts';
import { encodeProgress, type Progress } from '../history/progress.ts';
import { ruleText } from '../history/rules.ts';
import type { Finding, Verdict } from '../history/verdict.ts';
import { writeNotApplicable } from '../reports/not-applicable.ts';
import { writeJsonArtifact } from '../reports/write-artifact.ts';
import { resolveAddresses } from '../targets/addresses.ts';
import { loadTarget } from '../targets/load-target.ts';
import type { Addresses, Target } from '../targets/target.ts';
import type { CrosstalkOptions } from './fixtures.ts';
import { startEmbeddedTarget, type EmbeddedTarget } from './embedded-target.ts';

/** Crowds up to this size are judged while the trial runs, so that the first violation shows at once. */
const LIVE_USERS_MAX = 100;
const LIVE_EVERY_MS = 250;
/** Pictures of all users, and their traces, take no longer than this. */
const EVIDENCE_MS_MAX = 30_000;
/** Reasons of a verdict that a failed test names. */
const REASONS_SHOWN = 5;

interface Trial {
  readonly plan: TrialPlan;
  readonly crowd: Crowd;
  readonly dir: string;
  readonly embedded: EmbeddedTarget | undefined;
  readonly view: LiveView;
  readonly judgeSoFar: JudgeSoFar;
  /** Why the script does not apply to this target, once it has said so. */
  readonly notApplicable: () => string | undefined;
}

/** What a scenario says about its trial. */
type TrialLook = Pick<CrosstalkOptions, 'overlapFloor' | 'alike' | 'questions'>;

type JudgeSoFar = (historyPath: string) => Promise<Verdict>;

/** A trial in a test: its crowd, and what must happen when the script is over. */
export interface TrialFixture {
  readonly crowd: Crowd;
  /** Judges the record so far, without holding up what is going on. */
  judgeSoFar(historyPath: string): Promise<Verdict>;
  /** Ends and, unless the parent does it, judges the trial; resolves to why the test fails, if it does. */
  conclude(testInfo: TestInfo): Promise<Error | undefined>;
}

/**
 * Opens the trial of a test, with an embedded target of its own where the plan has no address.
 * @throws PlanInvalid with all mistakes at once.
 */
export async function setUpTrial(options: TrialLook, testInfo: TestInfo): Promise<TrialFixture> {
  const trial = await setUp(options, testInfo);
  return {
    crowd: trial.crowd,
    judgeSoFar: trial.judgeSoFar,
    conclude: async (info) => {
      await tearDown(trial, info);
      // A script that broke itself off proves nothing, but what it saw before may still be a leak.
      if (trial.notApplicable() !== undefined) return undefined;
      if (trial.plan.judgeInParent) return undefined;
      return judgeTrial(trial.crowd.historyPath, trial.dir, info);
    },
  };
}

async function setUp(
  { overlapFloor, alike, questions }: TrialLook,
  testInfo: TestInfo,
): Promise<Trial> {
  const plan = planFromEnvironment(process.env);
  const transport = transportOf(testInfo.project.name);
  const scenario = basename(testInfo.file).replace(/\.spec\.[cm]?[jt]s$/, '');
  const dir = directoryOf(plan, transport, testInfo);
  const target = await loadTarget(plan.target);
  if (!plan.judgeInParent) skipWithoutPage(testInfo, transport, target);
  const starting = startIfEmbedded(plan, target, dir);
  // The target starts in a process of its own: meanwhile this one loads what walks and judges.
  const [{ openTrial }, { LiveJudge }] = await Promise.all([
    import('../clients/trial.ts'),
    import('../assertions/judge.ts'),
  ]);
  const embedded = await starting;
  const view = liveView(plan, (header) => new LiveJudge(header));
  let notApplicable: string | undefined;
  try {
    const crowd = await openTrial({
      plan,
      scenario,
      transport,
      target,
      addresses: addressesOf(plan, target, embedded),
      dir,
      overlapFloor: overlapFloor ?? undefined,
      alike,
      questions: questions ?? undefined,
      onProgress: tell,
      watch: view.watch,
      restartTarget: embedded === undefined ? undefined : () => embedded.restart(),
      onNotApplicable: (reason) => {
        notApplicable = reason;
        writeNotApplicable(dir, { scenario, transport, reason });
        // Ends the script here, as one that was passed over.
        testInfo.skip(true, reason);
      },
    });
    view.follow(crowd);
    return {
      plan,
      crowd,
      dir,
      embedded,
      view,
      judgeSoFar: judgeOnce(),
      notApplicable: () => notApplicable,
    };
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

/** A transport that a target does not offer is no failure, unless a command asked for it. */
function skipWithoutPage(testInfo: TestInfo, transport: Transport, target: Target): void {
  const [mistake] = transportMistakes(transport, target);
  testInfo.skip(mistake !== undefined, mistake);
}

/** Directory of a test's trial. */
export function directoryOf(plan: TrialPlan, transport: Transport, testInfo: TestInfo): string {
  const scenario = basename(testInfo.file).replace(/\.spec\.[cm]?[jt]s$/, '');
  const repetition = testInfo.repeatEachIndex === 0 ? '' : `-repeat-${testInfo.repeatEachIndex}`;
  return trialDirectory(plan, scenario, transport) + repetition;
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
    failWord: target.failWord,
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
  /** Whether there was a violation so far. */
  violated(): boolean;
  stop(): void;
}

/**
 * Tells the first violation and the first leak as they are seen, and ends the trial there where the plan says so. Observations
 * are judged in batches, so that judging is not in the way of a burst that is being received.
 */
function liveView(plan: TrialPlan, judgeOf: (header: TrialHeader) => LiveJudge): LiveView {
  if (plan.users > LIVE_USERS_MAX && !plan.failFast)
    return {
      watch: undefined,
      follow: () => undefined,
      violated: () => false,
      stop: () => undefined,
    };
  let crowd: Crowd | undefined;
  let live: LiveJudge | undefined;
  let waiting: Observation[] = [];
  let violated = false;
  const judgeWaiting = (): void => {
    const batch = waiting;
    waiting = [];
    for (const observation of batch) live?.observe(observation);
    const found = live?.violated === true ? live.violations : [];
    const [first] = found;
    if (first === undefined) return;
    const leak = found.find(({ rule }) => ruleText(rule).cause === 'leak');
    tellFindings(violated ? [leak] : [first, leak]);
    violated = true;
    // After another violation the first leak is still news; after that nothing is.
    if (leak !== undefined || plan.failFast) live = undefined;
    if (plan.failFast) crowd?.abort(`first violation: ${first.rule}`);
  };
  const stop = every(LIVE_EVERY_MS, judgeWaiting);
  return {
    watch: (header) => {
      live = judgeOf(header);
      return (observation) => {
        if (live !== undefined) waiting.push(observation);
      };
    },
    follow: (one) => {
      crowd = one;
    },
    violated: () => {
      judgeWaiting();
      return violated;
    },
    stop,
  };
}

/** Tells each finding that there is, once. */
function tellFindings(findings: readonly (Finding | undefined)[]): void {
  for (const finding of new Set(findings))
    if (finding !== undefined)
      tell({ kind: 'violation', rule: finding.rule, message: finding.message });
}

/**
 * Why a trial ended. It is `done` when the users did all they were told: the script went to its end, or
 * reached its assertions, or nobody was left to go on. An error in between cuts the evidence, and so does a
 * script that skips itself on the way: nobody knows what the rest of it would have shown.
 */
function endReason(crowd: Crowd, testInfo: TestInfo): TrialEnd['reason'] {
  if (crowd.abortion !== undefined) return 'fail-fast';
  if (testInfo.status === 'interrupted') return 'interrupted';
  if (testInfo.status === 'skipped') return 'failed';
  if (testInfo.errors.length === 0 || crowd.isSettled || crowd.isLost) return 'done';
  return 'failed';
}

/** Whatever goes wrong on the way, nothing that the trial started is left running. */
async function tearDown(trial: Trial, testInfo: TestInfo): Promise<void> {
  const { crowd, embedded, view } = trial;
  const reason = endReason(crowd, testInfo);
  try {
    if (trial.notApplicable() !== undefined) {
      await crowd.close(reason);
      return;
    }
    if (reason === 'done' || reason === 'failed') await crowd.settle();
    // Who interrupts does not wait for pictures.
    if (reason !== 'interrupted') await takeEvidence(trial, testInfo);
    await crowd.close(reason);
  } finally {
    view.stop();
    await embedded?.stop();
  }
}

/** What pages look like is worth keeping only of a trial that does not look like a pass. */
async function takeEvidence(trial: Trial, testInfo: TestInfo): Promise<void> {
  const { crowd } = trial;
  if (crowd.users.every(({ transport }) => transport === 'websocket')) return;
  const keep = await looksBad(trial, testInfo);
  const taken = Promise.all(crowd.users.map((user) => user.evidence(keep)));
  try {
    await within(taken, EVIDENCE_MS_MAX, () => undefined);
  } catch (error) {
    // A picture that could not be taken must not keep the trial from its end.
    tell({ kind: 'remark', text: `some evidence is missing: ${messageOf(error)}` });
  }
}

async function looksBad(trial: Trial, testInfo: TestInfo): Promise<boolean> {
  const { crowd, view, plan } = trial;
  if (view.violated() || testInfo.errors.length > 0 || crowd.abortion !== undefined) return true;
  if (crowd.users.some(({ isOut }) => isOut)) return true;
  if (plan.users > LIVE_USERS_MAX) return false;
  const { findings } = await trial.judgeSoFar(crowd.historyPath);
  // The detector is calibrated when the trial is over; until then that rule is open by nature.
  return findings.some(
    ({ rule, severity }) => severity !== 'note' && rule !== 'evidence/detector-missed',
  );
}

/** Judges a record that has grown since it was judged last; else says again what came of it. */
function judgeOnce(): JudgeSoFar {
  let last: { readonly bytes: number; readonly verdict: Promise<Verdict> } | undefined;
  return async (historyPath) => {
    const { judgeSoFar } = await import('../assertions/judge.ts');
    const bytes = statSync(historyPath).size;
    if (last?.bytes !== bytes) last = { bytes, verdict: judgeSoFar(historyPath) };
    return last.verdict;
  };
}

/** Judges a trial's history, writes the verdict beside it; resolves to why the test fails, if it does. */
export async function judgeTrial(
  historyPath: string,
  dir: string,
  testInfo: TestInfo,
): Promise<Error | undefined> {
  const { judgeHistory } = await import('../assertions/judge.ts');
  const verdict = judgeHistory(historyPath, { calibrate: true });
  const path = join(dir, 'verdict.json');
  writeJsonArtifact(path, verdict);
  await testInfo.attach('verdict.json', { path, contentType: 'application/json' });
  return verdict.verdict === 'pass' ? undefined : new Error(sentenceOf(verdict));
}

function sentenceOf({ verdict, cause, reasons, trial }: Verdict): string {
  return [
    `the trial's verdict is ${verdict}${cause === null ? '' : ` (${cause})`}`,
    ...reasons.slice(0, REASONS_SHOWN).map((reason) => `  ${reason}`),
    `  Reproduce: ${trial.reproduce}`,
  ].join('\n');
}

/** Where a reporter of ours reads along, progress goes to standard output; else nobody could read it. */
export function tell(progress: Progress): void {
  if ((process.env['CROSSTALK_REPORTER'] ?? '') !== '')
    process.stdout.write(encodeProgress(progress));
}
