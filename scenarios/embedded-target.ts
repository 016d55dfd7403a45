import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { within } from '../clients/waiting.ts';
import { programWords } from './compiled-programs.ts';

/** How to start the embedded target. */
export interface EmbeddedTargetOptions {
  readonly faults?: readonly string[];
  readonly variants?: readonly string[];
  /** 1 is a run of about 2.5 s; null leaves it to the target. */
  readonly pace?: number | null;
  readonly seed?: string;
  /** File of the ground-truth log; null for none. */
  readonly truthPath?: string | null;
  /** A question that holds this word makes a tool fail. */
  readonly failWord?: string | undefined;
  /** Further command-line words. */
  readonly args?: readonly string[];
}

/** A running embedded target. */
export interface EmbeddedTarget {
  readonly url: string;
  /** Ends the target: politely, then for certain. Resolves when the process is gone. */
  stop(): Promise<void>;
  /**
   * Ends the target and starts it again at the same address: it knows nobody any more.
   * @throws EmbeddedTargetFailed as {@link startEmbeddedTarget}.
   */
  restart(): Promise<void>;
}

type RunningProcess = Pick<EmbeddedTarget, 'url' | 'stop'>;

/** The embedded target did not start; the message holds what it said on standard error. */
export class EmbeddedTargetFailed extends Error {
  override readonly name = 'EmbeddedTargetFailed';
}

const MAIN = new URL('../reference/main.ts', import.meta.url);
/** A nice value: the least comes first. */
const BEFORE_BROWSERS = -10;
/** How long a target may take to announce its address. */
export const START_MS_MAX = 30_000;
const STOP_MS_MAX = 5_000;
const STDERR_CHARACTERS_MAX = 8_192;

/**
 * Starts the embedded target on a free port as a child process that ends with this one, whatever becomes
 * of it.
 * @throws EmbeddedTargetFailed when it does not announce its address within 30 s.
 */
export async function startEmbeddedTarget(
  options: EmbeddedTargetOptions = {},
): Promise<EmbeddedTarget> {
  let running = await startProcess(options);
  const { url } = running;
  const { args = [] } = options;
  return {
    url,
    stop: () => running.stop(),
    restart: async () => {
      await running.stop();
      running = await startProcess({ ...options, args: [...args, '--port', new URL(url).port] });
    },
  };
}

async function startProcess(options: EmbeddedTargetOptions): Promise<RunningProcess> {
  const { truthPath = null } = options;
  if (truthPath !== null) mkdirSync(dirname(truthPath), { recursive: true });
  const { file, execArgv } = programWords(MAIN);
  const child = fork(file, [...wordsOf(options)], {
    execArgv: [...execArgv],
    env: childEnvironment(process.env),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  preferToBrowsers(child);
  const said = collect(child);
  const stop = stopper(child);
  try {
    const url = await within(announcedUrl(child, said), START_MS_MAX, () => {
      throw new EmbeddedTargetFailed(
        `the embedded target did not announce its address within ${START_MS_MAX} ms. It said: ${said()}`,
      );
    });
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Lets a process have the processor before the browsers of the crowd, which would otherwise be what a slow
 * reply measures: Chromium raises its own priority (to −8 on Linux) where it may, and ten pages that load
 * keep every core busy. Only root may; without that right Chromium stays as it is, too.
 */
export function preferToBrowsers({ pid }: Pick<ChildProcess, 'pid'>): void {
  try {
    if (pid !== undefined) setPriority(pid, BEFORE_BROWSERS);
  } catch {
    // Not allowed, or it has ended already, which whoever waits for it is told.
  }
}

/** The target's command line. */
export function wordsOf(options: EmbeddedTargetOptions): readonly string[] {
  const {
    faults = [],
    variants = [],
    pace = null,
    seed,
    truthPath = null,
    failWord,
    args = [],
  } = options;
  const words: string[] = [];
  if (faults.length > 0) words.push('--fault', faults.join(','));
  if (variants.length > 0) words.push('--variant', variants.join(','));
  if (pace !== null) words.push('--pace', String(pace));
  // A seed may begin with a dash, so it goes into one word with its option.
  if (seed !== undefined) words.push(`--seed=${seed}`);
  if (truthPath !== null) words.push('--truth', truthPath);
  if (failWord !== undefined) words.push('--fail-word', failWord);
  return [...words, ...args];
}

/** The target is no part of the harness: it inherits neither its plan nor what its runner preloads. */
export function childEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, CROSSTALK_PLAN: _plan, ...rest } = env;
  return rest;
}

/** Keeps the end of what the child says on standard error. */
function collect(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-STDERR_CHARACTERS_MAX);
  });
  return () => (text.trim() === '' ? 'nothing' : text.trim());
}

function announcedUrl(child: ChildProcess, said: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    // The pipes are read to their end before the reason of a failed start is told.
    child.once('close', (code, signal) =>
      reject(
        new EmbeddedTargetFailed(
          `the embedded target ended at its start with ${signal ?? `code ${code}`}. It said: ${said()}`,
        ),
      ),
    );
    if (child.stdout === null) return;
    let first = true;
    // Later lines are read and dropped, so that the child never waits for a full pipe.
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!first) return;
      first = false;
      const url = urlIn(line);
      if (url === undefined)
        reject(new EmbeddedTargetFailed(`the embedded target began with "${line.slice(0, 200)}"`));
      else resolve(url);
    });
  });
}

function urlIn(line: string): string | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('url' in value)) return undefined;
    return typeof value.url === 'string' ? value.url : undefined;
  } catch {
    return undefined; // The caller says what came instead.
  }
}

function stopper(child: ChildProcess): () => Promise<void> {
  const gone = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  return async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await within(gone, STOP_MS_MAX, () => {
      child.kill('SIGKILL');
    });
    await within(gone, STOP_MS_MAX, () => undefined);
  };
}
