import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const ENTRY = fileURLToPath(new URL('../../cli/crosstalk.mjs', import.meta.url));

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
export function start(words: readonly string[], { cwd, env }: Settings = {}): Started {
  const { CROSSTALK_TARGET: _target, CROSSTALK_PLAN: _plan, ...rest } = process.env;
  const child = spawn(process.execPath, [ENTRY, ...words], {
    cwd: cwd ?? temporaryDirectory(),
    env: { ...rest, ...env },
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

/** Runs a command to its end. */
export function crosstalk(words: readonly string[], settings?: Settings): Promise<Ended> {
  return start(words, settings).ended;
}

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
