import { existsSync, readdirSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { HistoryUnreadable } from '../history/journal-reader.ts';
import type { Cause, Summary } from '../history/verdict.ts';
import type { JudgedTrial } from '../reports/judged-trial.ts';
import type { NotApplicableTrial } from '../reports/not-applicable.ts';
import { summarise } from '../reports/summary.ts';
import { showUntrustedUpTo } from '../reports/untrusted.ts';
import { describeEnvironment } from './environment.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { HISTORY_FILE } from './find-histories.ts';
import { tellGitHub } from './github-actions.ts';
import { judgeTrial } from './judge-trial.ts';
import { digestOf, NOTIFY_TIMEOUT_MS, postDigest, type Digest } from './notify.ts';
import type { Output } from './output.ts';
import { TRIALS_DIRECTORY } from './out-directory.ts';
import { printCampaign, writeCampaign } from './publish.ts';
import type { RunSettings } from './run-options.ts';
import type { RunnerEnd } from './runner.ts';
import { SCENARIOS_DIRECTORY } from './scenarios.ts';
import { missingTrials } from './signoff-narrowing.ts';
import { targetBuildIn } from './target-build.ts';

const MESSAGE_CHARACTERS_MAX = 2000;
const REASON_CHARACTERS_MAX = 300;
const REMOVED =
  'the directory of the artifacts was removed while the trials ran: pass one that nothing clears';
/** Who interrupts waits three seconds at most, for everything. */
const NOTIFY_INTERRUPTED_MS = 500;

/** What a campaign left when its runner had ended. */
export interface Conclusion {
  readonly settings: RunSettings;
  /** Undefined when no trial was started at all. */
  readonly end: RunnerEnd | undefined;
  /** Why there was no browser for the trials that need one. */
  readonly browserMissing: string | undefined;
  readonly output: Output;
  readonly interrupted: AbortSignal;
}

interface Shortcoming {
  readonly reason: string;
  readonly cause: Cause;
}

/** Judges what a campaign recorded, writes its artifacts, prints the verdict; returns the exit code. */
export async function conclude(conclusion: Conclusion): Promise<number> {
  const { settings, end, output, interrupted } = conclusion;
  const { plan, out } = settings;
  const judged = await judgeTrials(settings);
  const { trials, unreadable, notApplicable } = judged;
  const removed = !existsSync(join(plan.outDir, TRIALS_DIRECTORY));
  const histories = trials.length + unreadable.length + notApplicable.length;
  const defect = end && !removed ? defectOf(end, histories) : undefined;
  const shortcomings = campaignShortcomings(conclusion, judged, defect);
  const environment = environmentOf(settings, trials);
  const summaryOf = (unwritten: readonly string[]): Summary =>
    summarise({
      trials,
      shortcomings: [
        ...[
          ...(removed ? [REMOVED] : []),
          ...unreadable.map(({ reason }) => reason),
          ...unwritten,
        ].map((reason) => ({ reason, cause: 'blind' }) as const),
        ...shortcomings,
      ],
      notApplicable: [...settings.notApplicable, ...notApplicable],
      decides: settings.decides,
      ...environment,
      seed: plan.seed,
      command: plan.reproduce,
    });
  const summary = writeCampaign(plan.outDir, { trials, summaryOf });
  printCampaign(output, summary, { trials, out });
  for (const { scenario, transport, reason } of notApplicable)
    output.remark(
      `not applicable: ${scenario} on ${transport}: ${showUntrustedUpTo(reason, REASON_CHARACTERS_MAX)}`,
    );
  await tellGitHub({ summary, trials, outDir: plan.outDir }, output);
  await notify(conclusion, digestOf(summary, trials));
  if (summary.verdict === 'fail') return EXIT.fail;
  if (interrupted.aborted) return EXIT.interrupted;
  if (end === undefined || defect === undefined) return exitCodeOf(summary.verdict);
  explainDefect(defect, end, output);
  return usesOwnScripts(settings) ? EXIT.inconclusive : EXIT.defect;
}

/** Where it was run, and on which build of the target, where that tells. */
function environmentOf(
  { plan }: RunSettings,
  trials: readonly JudgedTrial[],
): ReturnType<typeof describeEnvironment> {
  const described = describeEnvironment();
  const histories = trials.map(({ dir }) => join(plan.outDir, dir, HISTORY_FILE));
  const targetBuild = targetBuildIn(histories);
  if (targetBuild === null) return described;
  return { ...described, environment: { ...described.environment, targetBuild } };
}

/** Tells whoever wants to be told. The outcome is settled: what goes wrong here is a remark. */
async function notify(
  { settings, output, interrupted }: Conclusion,
  digest: Digest,
): Promise<void> {
  if (settings.notify === undefined) return;
  const limit = interrupted.aborted ? NOTIFY_INTERRUPTED_MS : NOTIFY_TIMEOUT_MS;
  const problem = await postDigest(settings.notify, digest, limit);
  if (problem !== undefined) output.remark(`crosstalk: --notify: ${problem}`);
}

interface JudgedTrials {
  readonly trials: JudgedTrial[];
  /** Trials that left something that is no history: the name of the directory, and why. */
  readonly unreadable: { readonly name: string; readonly reason: string }[];
  /** Trials whose scripts broke themselves off, for the target does not offer what they need. */
  readonly notApplicable: NotApplicableTrial[];
}

async function judgeTrials({ plan, out }: RunSettings): Promise<JudgedTrials> {
  const trials: JudgedTrial[] = [];
  const unreadable: JudgedTrials['unreadable'] = [];
  const notApplicable: NotApplicableTrial[] = [];
  for (const name of trialDirectories(plan.outDir).flatMap((one) => withTries(plan.outDir, one))) {
    const dir = join(TRIALS_DIRECTORY, name);
    const history = join(out, dir, HISTORY_FILE);
    // Judging is one long computation; between two of them an interrupt gets its turn.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    try {
      const { verdict, notApplicable: missing } = judgeTrial(join(plan.outDir, dir, HISTORY_FILE));
      if (missing !== undefined) notApplicable.push(missing);
      else trials.push({ verdict, dir, history, verdictFile: join(out, dir, 'verdict.json') });
    } catch (error) {
      if (!(error instanceof HistoryUnreadable)) throw error;
      unreadable.push({ name, reason: error.message.replaceAll(plan.outDir, out) });
    }
  }
  return { trials, unreadable, notApplicable };
}

function trialDirectories(outDir: string): string[] {
  try {
    return readdirSync(join(outDir, TRIALS_DIRECTORY)).toSorted();
  } catch {
    return []; // No trial got as far as making its directory.
  }
}

/**
 * A trial, and what an exploration that was stopped left behind of tries that were under way: they may hold a leak
 * already. Until one of its tries is over it has no history of its own.
 */
function withTries(outDir: string, trial: string): string[] {
  const hasHistory = (name: string): boolean =>
    existsSync(join(outDir, TRIALS_DIRECTORY, name, HISTORY_FILE));
  const directory = join(outDir, TRIALS_DIRECTORY, trial, 'tries');
  const names = existsSync(directory) ? readdirSync(directory).toSorted() : [];
  const tries = names.map((name) => join(trial, 'tries', name)).filter(hasHistory);
  return tries.length > 0 && !hasHistory(trial) ? tries : [trial, ...tries];
}

/** Why Playwright Test did not run every trial it should have, or undefined when it did. */
function defectOf(end: RunnerEnd, histories: number): string | undefined {
  if (end.tests === null) return 'the scenario scripts could not be loaded';
  if (end.tests === 0) return 'the scenario scripts hold no trial';
  if (histories === 0) return 'no trial got as far as writing a history';
  if (histories < end.tests && end.errors.length > 0)
    return `${end.tests - histories} of ${end.tests} trials wrote no history`;
  return undefined;
}

/** What stands against a campaign beside the verdicts of its trials. */
function campaignShortcomings(
  { settings, end, browserMissing, interrupted }: Conclusion,
  judged: JudgedTrials,
  defect: string | undefined,
): Shortcoming[] {
  if (interrupted.aborted) return [{ reason: 'interrupted', cause: 'blind' }];
  const found = end === undefined ? [] : scriptShortcomings(end, judged.trials, defect);
  found.push(
    ...scopeShortcomings(settings, judged, { browserMissing, told: defect !== undefined }),
  );
  if (browserMissing === undefined) return found;
  return [{ reason: browserMissing, cause: 'unavailable' }, ...found];
}

/**
 * A campaign is the whole of what it was asked for: a script that was skipped, or that never opened a crowd,
 * has proven nothing. A release is decided on no less than everything. What the target cannot do at all is
 * no part of it; the summary names it.
 */
function scopeShortcomings(
  { decides, narrowings, scenarios, plan, notApplicable }: RunSettings,
  judged: JudgedTrials,
  { browserMissing, told }: { browserMissing: string | undefined; told: boolean },
): Shortcoming[] {
  // What else kept trials from being there need not be said once more for each of them.
  if (!decides && told) return [];
  const needsBrowser = (transport: string): boolean => transport !== 'websocket';
  const left = new Set(judged.unreadable.map(({ name }) => name));
  const expected = scenarios
    .flatMap(({ name }) => plan.transports.map((transport) => ({ scenario: name, transport })))
    .filter(({ scenario, transport }) => !left.has(`${scenario}-${transport}`))
    .filter(({ transport }) => decides || browserMissing === undefined || !needsBrowser(transport));
  const present = [
    ...judged.trials.map(({ verdict }) => verdict.trial),
    ...judged.notApplicable,
    ...notApplicable,
  ];
  const reasons = [...narrowings, ...missingTrials(expected, present)];
  return reasons.map((reason) => ({ reason, cause: 'blind' }));
}

function scriptShortcomings(
  end: RunnerEnd,
  trials: readonly JudgedTrial[],
  defect: string | undefined,
): Shortcoming[] {
  // A script that broke off although its history looks complete: it did not do all it was meant to.
  const brokeOff = end.code !== 0 && trials.every(({ verdict }) => verdict.verdict === 'pass');
  const told = end.errors.filter(
    ({ test }) => defect !== undefined || brokeOff || isCutShort(test, trials),
  );
  const reasons = told.map(({ test, message }) => `${test ?? 'script error'}: ${oneLine(message)}`);
  if (defect !== undefined) reasons.unshift(defect);
  if (reasons.length === 0 && brokeOff)
    reasons.push(`Playwright Test ended with ${end.code ?? 'a signal'}`);
  return reasons.map((reason) => ({ reason, cause: 'blind' }));
}

/**
 * Whether the history of a test's trial is not whole. It cannot say why itself: the script threw, or the disk was
 * full.
 */
function isCutShort(test: string | null, trials: readonly JudgedTrial[]): boolean {
  const [transport, file = ''] = test?.split(' › ') ?? [];
  return trials.some(
    ({ verdict: { trial, findings } }) =>
      trial.transport === transport &&
      basename(file).startsWith(`${trial.scenario}.spec.`) &&
      findings.some(({ rule }) => rule === 'evidence/incomplete-history'),
  );
}

function oneLine(message: string): string {
  return message.replaceAll(/\s+/g, ' ').trim().slice(0, REASON_CHARACTERS_MAX);
}

function explainDefect(defect: string, end: RunnerEnd, output: Output): void {
  const told = [...end.errors.flatMap(({ message }) => message.split('\n')), ...end.output];
  const lines = told.map((line) => `  ${showUntrustedUpTo(line, MESSAGE_CHARACTERS_MAX)}`);
  output.remark([`crosstalk: ${defect}`, ...lines].join('\n'));
}

/** Scripts of the caller's own may fail for reasons of their own, which are no defect of the harness. */
function usesOwnScripts({ scenarios }: RunSettings): boolean {
  return scenarios.some(({ path }) => relative(SCENARIOS_DIRECTORY, path).startsWith('..'));
}
