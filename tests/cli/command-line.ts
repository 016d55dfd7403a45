import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { askChild, forkModule } from '../../scenarios/ask-child.ts';
import type { CommandOrder, Ended } from './command-server.ts';

export type { Ended };

const ENTRY = fileURLToPath(new URL('../../cli/crosstalk.mjs', import.meta.url));
const SERVER = new URL('./command-server.ts', import.meta.url);

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
  const child = spawn(process.execPath, [ENTRY, ...words], {
    ...placeOf(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
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

const idle: ChildProcess[] = [];
const servers: ChildProcess[] = [];

/** Runs a command to its end, in a process that has run others before; {@link start} has one of its own. */
export async function crosstalk(words: readonly string[], settings?: Settings): Promise<Ended> {
  const server = idle.pop() ?? startServer();
  const order: CommandOrder = { words, ...placeOf(settings) };
  const ended = await askChild<Ended>(server, order);
  idle.push(server);
  return ended;
}

function startServer(): ChildProcess {
  const server = forkModule(SERVER);
  servers.push(server);
  return server;
}

afterAll(() => {
  for (const server of servers) server.kill();
});

const directories: string[] = [];

/** A directory that is gone when the test file is over. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'crosstalk-test-'));
  directories.push(directory);
  return directory;
}

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});
