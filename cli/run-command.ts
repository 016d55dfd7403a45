import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createProgressView, SILENT_VIEW, type ProgressView } from '../reports/progress.ts';
import { RUN, type CampaignKind } from './campaign-kind.ts';
import { readyBrowser, type BrowserReadiness } from './browser.ts';
import { watchInterrupt } from './interrupt.ts';
import type { Output } from './output.ts';
import { createOutDirectory } from './out-directory.ts';
import type { CommandCall } from './program.ts';
import { readRunSettings, type RunSettings } from './run-options.ts';
import { lanesOf } from './lanes.ts';
import { builtInScenarios } from './scenarios.ts';
import { unshownFaults } from './selftest-cases.ts';
import { startRunners, type Runner, type RunnerEnd } from './runner.ts';

/** `crosstalk run …`: runs scenarios, judges their histories, writes the artifacts, prints the verdict. */
export function runCommand(call: CommandCall): Promise<number> {
  return runCampaign(call, RUN);
}

/** Runs a campaign of a kind from its command line to its exit code. */
export async function runCampaign(call: CommandCall, kind: CampaignKind): Promise<number> {
  const settings = await readRunSettings(call, kind);
  const { output } = call;
  createOutDirectory(settings.plan.outDir);
  const view = progressView(output);
  let runner: Runner | undefined;
  const interrupt = watchInterrupt(() => runner?.kill());
  const { signal } = interrupt;
  for (const line of [...passedOver(settings), ...unshownHere(settings)]) view.remark(line);
  const browser = await readyBrowser(settings.plan.transports, {
    headed: settings.plan.headed,
    tell: (text) => view.remark(text),
    signal,
  });
  if (browser.missing !== undefined) view.remark(browser.missing);
  if (!signal.aborted && browser.transports.length > 0)
    runner = startTrials(settings, browser, view);
  // Judging needs much that starting does not; it is loaded while the runner starts.
  const judging = import('./conclude.ts');
  const end = runner === undefined ? undefined : await endOf(runner, view, signal);
  view.stop();
  // What Playwright Test keeps of a failure stands in the history and in what is printed.
  rmSync(join(settings.plan.outDir, 'playwright'), { recursive: true, force: true });
  const { conclude } = await judging;
  return conclude({ settings, end, browserMissing: browser.missing, output, interrupted: signal });
}

/** What the default leaves out on this target, a line for each transport. */
function passedOver({ notApplicable }: RunSettings): ReadonlySet<string> {
  return new Set(notApplicable.map(({ transport, reason }) => `no ${transport} trial: ${reason}`));
}

/** Of scripts of the caller nobody knows what they provoke. */
function unshownHere({ plan, scenarios }: RunSettings): readonly string[] {
  if (plan.faults.length === 0) return [];
  const builtIn = new Set(builtInScenarios().map(({ path }) => path));
  if (!scenarios.every(({ path }) => builtIn.has(path))) return [];
  return unshownFaults({ ...plan, scenarios: scenarios.map(({ name }) => name) });
}

function startTrials(
  settings: RunSettings,
  { transports, env }: BrowserReadiness,
  view: ProgressView,
): Runner {
  const { plan, tag } = settings;
  const tasks = lanesOf(settings, transports).map((lane) => ({
    plan: { ...plan, transports: [...lane.transports] },
    specs: lane.scenarios.map(({ path }) => path),
    transports: lane.transports,
    tag,
    env,
  }));
  return startRunners(tasks, {
    begin: (trials) => view.begin(trials),
    progress: (progress) => view.receive(progress),
    output: (line) => view.remark(line),
  });
}

async function endOf(runner: Runner, view: ProgressView, signal: AbortSignal): Promise<RunnerEnd> {
  const stopping = new Promise<void>((resolve, reject) => {
    signal.addEventListener('abort', () => {
      view.remark('interrupted: stopping, then judging what was recorded');
      runner.stop().then(resolve, reject);
    });
  });
  const end = await runner.ended;
  // The group may outlive the process that leads it; nothing may write a history that is being judged.
  if (signal.aborted) await stopping;
  return end;
}

function progressView(output: Output): ProgressView {
  return output.quiet
    ? SILENT_VIEW
    : createProgressView({ stream: process.stderr, color: output.color.err });
}
