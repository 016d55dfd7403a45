import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { DEFAULT_OPTIONS, parseOptions } from '../../reference/options.ts';
import { TestUser, asJson, call, text } from './crowd.ts';

const MAIN = fileURLToPath(new URL('../../reference/main.ts', import.meta.url));
const TSX = ['--import', 'tsx'];

async function urlOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no standard output');
  const [line] = await once(createInterface(child.stdout), 'line');
  return text(asJson(JSON.parse(text(line)))['url']);
}

describe('the process', () => {
  test('says where it is, writes the truth at once, and ends well on SIGTERM', async () => {
    const truth = join(mkdtempSync(join(tmpdir(), 'reference-')), 'truth.ndjson');
    const words = ['--fault', 'unhealthy', '--truth', truth, '--pace', '0.02'];
    const child = spawn(process.execPath, [...TSX, MAIN, ...words]);
    const url = await urlOf(child);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await call(url, '/health')).status).toBe(503);
    expect(readFileSync(truth, 'utf8')).toContain('"fault":"unhealthy"');
    const user = await TestUser.register(url);
    const socket = await user.connect();
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
    expect(await socket.closed).toBe(1001);
  });

  test('ends with its parent', async () => {
    const child = fork(MAIN, [], { execArgv: TSX, silent: true });
    await urlOf(child);
    child.disconnect();
    const [code] = await once(child, 'exit');
    expect(code).toBe(0);
  });

  test('lists every mistake and exits with 64', async () => {
    const words = ['--fault', 'nonsense', '--pace', 'fast'];
    const child = spawn(process.execPath, [...TSX, MAIN, ...words]);
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString('utf8');
    });
    const [code] = await once(child, 'exit');
    expect(code).toBe(64);
    expect(errors.trim().split('\n')).toHaveLength(2);
  });
});

describe('the options', () => {
  test('default to a clean target on a free port of loopback', () => {
    expect(parseOptions([])).toEqual({ kind: 'options', options: DEFAULT_OPTIONS });
    expect(DEFAULT_OPTIONS).toMatchObject({ port: 0, host: '127.0.0.1', faults: [], variants: [] });
  });

  test('take several faults and variants, by comma and by repetition', () => {
    const words = ['--fault', 'swap,stall', '--fault=presence', '--variant', 'constant-ids'];
    expect(parseOptions(words)).toMatchObject({
      options: { faults: ['swap', 'stall', 'presence'], variants: ['constant-ids'] },
    });
  });

  test('are refused together, each mistake by name', () => {
    const words = [
      '--port',
      '70000',
      '--seed',
      'a b',
      '--variant',
      'x',
      '--bogus',
      'y',
      '--e2e-key',
    ];
    const parsed = parseOptions(words);
    expect(
      parsed.kind === 'errors' ? parsed.errors.map((error) => error.slice(0, 22)) : [],
    ).toEqual([
      'Unknown option "--bogu',
      'Unexpected word "y".',
      '--port must be a whole',
      'Unknown variant "x". K',
      '--e2e-key needs a valu',
      '--seed must be 1 to 64',
    ]);
  });

  test('of help win over mistakes', () => {
    expect(parseOptions(['--help', '--port', 'x'])).toEqual({ kind: 'help' });
  });
});
