import { spawn, type ChildProcess } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, within } from './waiting.ts';

const OUTPUT_CHARACTERS_MAX = 4_000;
const REASON_CHARACTERS_MAX = 300;
const TELLING = /error|unable|cannot|fail|ended after|ENOENT|EACCES/i;
const STOP_MS_MAX = 5_000;
const LOOKUP_MS_MAX = 5_000;

/** How a command ended. */
export interface CommandEnd {
  /** Whether it ended by itself, in time, and with 0. */
  readonly ok: boolean;
  /** The last of what it printed, or why it could not be started. */
  readonly output: string;
}

/** What looking for a browser needs of a machine; tests put another in its place. */
export interface BrowserMachine {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly isRoot: boolean;
  /** Playwright's own command, as a file for Node. */
  readonly playwrightCli: string;
  /** Which builds Playwright downloads: the text of `browsers.json`. */
  readonly playwrightBuilds: string;
  isExecutable(path: string): boolean;
  /** Names in a directory; none when there is no such directory. */
  list(directory: string): readonly string[];
  /** Whether a host has an address, as far as this machine can tell. */
  resolves(host: string): Promise<boolean>;
  /** Runs a command to its end, and ends it after `ms` or when the signal is aborted. */
  run(words: readonly string[], limit: CommandLimit): Promise<CommandEnd>;
}

export interface CommandLimit {
  readonly ms: number;
  readonly signal?: AbortSignal | undefined;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The machine this process runs on. */
export function thisMachine(env: BrowserMachine['env'] = process.env): BrowserMachine {
  const playwright = createRequire(import.meta.url).resolve('playwright/package.json');
  const core = createRequire(playwright).resolve('playwright-core/package.json');
  return {
    platform: process.platform,
    env,
    home: homedir(),
    isRoot: isRoot(),
    playwrightCli: join(dirname(playwright), 'cli.js'),
    playwrightBuilds: readFileSync(join(dirname(core), 'browsers.json'), 'utf8'),
    isExecutable,
    list,
    resolves,
    run: (words, limit) => run(words, { ...limit, env: { ...env, ...limit.env } }),
  };
}

/** The line of an output that says what went wrong, for a message of one line. */
export function tellingLine(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const telling = lines.findLast((line) => TELLING.test(line));
  return (telling ?? lines.at(-1) ?? 'it said nothing').slice(0, REASON_CHARACTERS_MAX);
}

/** Whether this process may do everything; Chromium's sandbox refuses to start then. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // Absent, or not ours to start: both are no browser.
  }
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory).toSorted();
  } catch {
    return [];
  }
}

function resolves(host: string): Promise<boolean> {
  const found = lookup(host).then(
    () => true,
    () => false,
  );
  return within(found, LOOKUP_MS_MAX, () => false);
}

function run(
  [command = '', ...args]: readonly string[],
  { ms, signal, env }: Omit<CommandLimit, 'env'> & { readonly env: NodeJS.ProcessEnv },
): Promise<CommandEnd> {
  return new Promise((resolve) => {
    let output = '';
    // A group of its own, so that whatever it started can be ended with it.
    const child = spawn(command, args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
    });
    let cancelKill = (): void => undefined;
    // A package manager that is cut off in the middle leaves a system to repair, so it is asked first.
    const stop = (): void => {
      signalGroup(child, 'SIGTERM');
      cancelKill = after(STOP_MS_MAX, () => signalGroup(child, 'SIGKILL'));
    };
    const cancel = after(ms, () => {
      output += `\nended after ${Math.round(ms / 1000)} s`;
      stop();
    });
    signal?.addEventListener('abort', stop, { once: true });
    const end = (ok: boolean): void => {
      cancel();
      cancelKill();
      signal?.removeEventListener('abort', stop);
      resolve({ ok, output: output.trim() });
    };
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-OUTPUT_CHARACTERS_MAX);
      });
    child.once('error', (error) => {
      output += error.message;
      end(false);
    });
    child.once('close', (code) => end(code === 0));
    if (signal?.aborted === true) stop();
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined && process.platform !== 'win32') process.kill(-child.pid, signal);
    else child.kill(signal);
  } catch {
    // Everything in the group has ended already.
  }
}
