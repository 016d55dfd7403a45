import { fork, spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { askChild } from '../../scenarios/ask-child.ts';
import { programWords } from '../../scenarios/compiled-programs.ts';

const ENTRY = fileURLToPath(new URL('../../cli/crosstalk.mjs', import.meta.url));
const MAIN = new URL('../../cli/main.ts', import.meta.url);
const SERVER = fileURLToPath(new URL('./command-server.mjs', import.meta.url));

/** One command line for the server. Plain data: it travels between processes. */
interface CommandOrder {
  readonly words: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What a command left behind. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A started command. */
export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

interface Settings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the real command, as a user does, with a colourless environment of its own. */
export function start(words: readonly string[], settings?: Settings): Started {
  return watched(
    spawn(process.execPath, [ENTRY, ...words], {
      ...placeOf(settings),
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
}

/** The same where no file may grow beyond so many blocks of 512 bytes: for what is written, a full disk. */
export function startConfined(
  words: readonly string[],
  { blocksMax, ...settings }: Settings & { readonly blocksMax: number },
): Started {
  return startInShell(`ulimit -f ${blocksMax}; exec "$0" "$@"`, words, settings);
}

/** The same where standard output goes to a disk that is full. */
export function startUnprinted(words: readonly string[], settings?: Settings): Started {
  return startInShell('exec "$0" "$@" >/dev/full', words, settings);
}

function startInShell(script: string, words: readonly string[], settings?: Settings): Started {
  return watched(
    spawn('/bin/sh', ['-c', script, process.execPath, ENTRY, ...words], {
      ...placeOf(settings),
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
}

function watched(child: ChildProcessByStdio<null, Readable, Readable>): Started {
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
  return { child, ended };
}

function placeOf({ cwd, env }: Settings = {}): Omit<CommandOrder, 'words'> {
  const { CROSSTALK_TARGET: _target, CROSSTALK_PLAN: _plan, ...rest } = process.env;
  return { cwd: cwd ?? temporaryDirectory(), env: { ...rest, ...env } };
}

/** Shared by all test files of this process, and gone with it. */
const idle: ChildProcess[] = [];

/** Runs a command to its end, in a process that has run others before; {@link start} has one of its own. */
export async function crosstalk(words: readonly string[], settings?: Settings): Promise<Ended> {
  const server = idle.pop() ?? startServer();
  const order: CommandOrder = { words, ...placeOf(settings) };
  const ended = await askChild<Ended>(server, order);
  idle.push(server);
  return ended;
}

function startServer(): ChildProcess {
  const { file, execArgv } = programWords(MAIN);
  return fork(SERVER, [file], {
    execArgv: [...execArgv],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

/** A directory that is gone when the tests are over. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(inject('temporaryDirectory'), 'cli-'));
}
