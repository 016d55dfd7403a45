import { spawn, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PLAN_VARIABLE, type Transport, type TrialPlan } from '../clients/plan.ts';
import type { Progress } from '../history/progress.ts';
import { LANE_VARIABLE, SPECS_VARIABLE } from './specs.ts';
import { parseRunnerMessage } from '../reports/runner-messages.ts';

const PROJECT_DIRECTORY = fileURLToPath(new URL('../', import.meta.url));
const CONFIG = fileURLToPath(new URL('./playwright.config.ts', import.meta.url));
const REPORTER = fileURLToPath(new URL('../reports/playwright-reporter.ts', import.meta.url));
/** After SIGTERM whatever is left of the group is killed. */
const STOP_WITHIN_MS = 1200;
const POLL_EVERY_MS = 25;
/** Last lines of output kept for a report of a defect. */
const OUTPUT_LINES_MAX = 60;

/** What to run. */
export interface RunnerTask {
  readonly plan: TrialPlan;
  /** Absolute paths of spec files. */
  readonly specs: readonly string[];
  readonly transports: readonly Transport[];
  /** Of word characters and dashes, without `@`; undefined runs everything in the files. */
  readonly tag: string | undefined;
  /** Added to the environment of the trials. */
  readonly env: Readonly<Record<string, string>>;
}

export interface RunnerListener {
  /** How many trials there are, before the first. */
  begin(trials: number): void;
  progress(progress: Progress): void;
  /** A line that a script, or a process it started, printed. */
  output(line: string): void;
}

/** How a run of Playwright Test ended. It holds no verdict: that is made from the histories. */
export interface RunnerEnd {
  /** Null when it was killed. */
  readonly code: number | null;
  /** Tests found, or null when it ended before it had looked. */
  readonly tests: number | null;
  readonly errors: readonly { readonly test: string | null; readonly message: string }[];
  /** The last lines of whatever was printed, for a report of a defect. */
  readonly output: readonly string[];
}

/** Playwright Test as a child process with a process group of its own. */
export interface Runner {
  readonly ended: Promise<RunnerEnd>;
  /** Ends the whole group, in order if it can, within a limit. */
  stop(): Promise<void>;
  /** Ends the whole group now. */
  kill(): void;
}

/**
 * Starts several at once, which count as one. Where each of them is, is told of the first alone: two places
 * at a time would only confuse.
 */
export function startRunners(tasks: readonly RunnerTask[], listener: RunnerListener): Runner {
  const found = new Map<number, number>();
  const runners = tasks.map((task, lane) =>
    startRunner(
      { ...task, env: { ...task.env, [LANE_VARIABLE]: `${lane}` } },
      {
        begin(trials) {
          found.set(lane, trials);
          if (found.size === tasks.length) listener.begin(sumOf([...found.values()]));
        },
        progress(progress) {
          if (lane === 0 || progress.kind !== 'phase') listener.progress(progress);
        },
        output: (line) => listener.output(line),
      },
    ),
  );
  return {
    ended: Promise.all(runners.map(({ ended }) => ended)).then(asOne),
    async stop() {
      await Promise.all(runners.map((runner) => runner.stop()));
    },
    kill() {
      for (const runner of runners) runner.kill();
    },
  };
}

/** The ends of several as that of one: whatever went wrong in any of them. */
function asOne(ends: readonly RunnerEnd[]): RunnerEnd {
  const tests = ends.map((end) => end.tests).filter((count) => count !== null);
  const broken = ends.find(({ code }) => code !== 0);
  return {
    code: broken === undefined ? 0 : broken.code,
    tests: tests.length < ends.length ? null : sumOf(tests),
    errors: ends.flatMap(({ errors }) => errors),
    output: ends.flatMap((end) => end.output),
  };
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((a, b) => a + b, 0);
}

/**
 * Starts Playwright Test on scenario scripts. The plan travels in the environment, for it holds secrets;
 * progress and script errors come back over an IPC channel, whose end also tells the child that its
 * parent is gone.
 */
function startRunner(task: RunnerTask, listener: RunnerListener): Runner {
  const child = spawn(process.execPath, [playwrightCli(), 'test', ...wordsOf(task)], {
    cwd: PROJECT_DIRECTORY,
    env: {
      ...process.env,
      ...task.env,
      [PLAN_VARIABLE]: JSON.stringify(task.plan),
      [SPECS_VARIABLE]: JSON.stringify(task.specs),
      CROSSTALK_REPORTER: REPORTER,
    },
    // Its own group: a Ctrl-C in the terminal is answered here, and the group can be ended as a whole.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const group = { pid: child.pid };
  return {
    ended: watch(child, listener).finally(() => signalGroup(group.pid, 'SIGKILL')),
    stop: () => stopGroup(group.pid),
    kill: () => signalGroup(group.pid, 'SIGKILL'),
  };
}

function playwrightCli(): string {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve('playwright/package.json')), 'cli.js');
}

function wordsOf({ transports, tag }: RunnerTask): string[] {
  return [
    `--config=${CONFIG}`,
    ...transports.map((transport) => `--project=${transport}`),
    ...(tag === undefined ? [] : [`--grep=@${tag}(?![\\w-])`]),
  ];
}

async function watch(child: ChildProcess, listener: RunnerListener): Promise<RunnerEnd> {
  const errors: { test: string | null; message: string }[] = [];
  const output: string[] = [];
  let tests: number | null = null;
  const keep = (line: string): void => {
    output.push(line);
    if (output.length > OUTPUT_LINES_MAX) output.shift();
  };
  child.on('message', (value) => {
    const message = parseRunnerMessage(value);
    switch (message?.type) {
      case 'begin':
        tests = message.tests;
        listener.begin(message.tests);
        break;
      case 'progress':
        listener.progress(message.progress);
        break;
      case 'output':
        keep(message.text);
        listener.output(message.text);
        break;
      case 'error':
        errors.push({ test: message.test, message: message.message });
        break;
      case undefined:
    }
  });
  // The reporter prints nothing, so what comes here is Playwright's own complaint.
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line.trim() !== '') keep(line);
    });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { code, tests, errors, output };
}

async function stopGroup(pid: number | undefined): Promise<void> {
  // The one that leads the group alone: a target that ended before its users would be taken for one that
  // failed them.
  signal(pid, 'SIGTERM');
  for (let waited = 0; waited < STOP_WITHIN_MS && groupLives(pid); waited += POLL_EVERY_MS)
    // Only direct children announce their end; the rest of the group has to be looked at.
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_EVERY_MS);
    });
  signalGroup(pid, 'SIGKILL');
}

function groupLives(pid: number | undefined): boolean {
  return signalGroup(pid, 0);
}

/** Signals a process group; false when there is none (any more). */
function signalGroup(pid: number | undefined, name: NodeJS.Signals | 0): boolean {
  return pid !== undefined && signal(-pid, name);
}

/** Signals a process, or with a negative number its group; false when there is none (any more). */
function signal(pid: number | undefined, name: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false; // ESRCH: everything in the group has ended already.
  }
}
