import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../cli/command-line.ts';
import { startStorage, type StorageServer } from './storage-server.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const WORDS = ['run', '--users', '3', '--transport', 'websocket', '--pace', '0.1'];

let storage: StorageServer;
beforeAll(async () => {
  storage = await startStorage();
});
afterAll(() => storage.close());

/** One night, with its lock in the storage server; resolves to its exit code. */
function night(nights: string, words: readonly string[]): Promise<number | null> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'deploy/nightly.ts', ...words], {
    cwd: ROOT,
    stdio: 'ignore',
    env: {
      ...process.env,
      NIGHTS_DIR: nights,
      LOCK_BUCKET: 'nights',
      LOCK_NAME: 'users',
      STORAGE_EMULATOR_HOST: storage.url,
    },
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
}

describe('a night', () => {
  it('ends as its campaign, keeps its artifacts, renders the trend, and gives the lock back', async () => {
    const nights = temporaryDirectory();
    expect(await night(nights, [...WORDS, '--fault', 'broadcast'])).toBe(1);
    const [campaign = ''] = readdirSync(nights).filter((name) => name.endsWith('-nightly'));
    expect(existsSync(join(nights, campaign, 'trials/golden-path-websocket/history.ndjson'))).toBe(
      true,
    );
    expect(JSON.parse(readFileSync(join(nights, 'trend.json'), 'utf8'))).toMatchObject({
      nights: [{ outcome: 'fail', cause: 'leak', campaigns: [campaign] }],
    });
    expect(storage.objects.size).toBe(0);
  });

  it('does not run while another one holds the test users', async () => {
    const nights = temporaryDirectory();
    const until = Date.now() + 60_000;
    storage.objects.set('users', { generation: 7, body: JSON.stringify({ until }) });
    expect(await night(nights, WORDS)).toBe(75);
    expect(readdirSync(nights)).toEqual([]);
    expect(storage.objects.size).toBe(1);
    storage.objects.clear();
  });

  it('gives the lock back when nothing could be started', async () => {
    expect(await night(temporaryDirectory(), ['run', '--users', '0'])).toBe(64);
    expect(storage.objects.size).toBe(0);
  });

  it('is no success when nothing was started', async () => {
    const nights = temporaryDirectory();
    expect(await night(nights, ['run', '--help'])).toBe(70);
    expect(readdirSync(nights)).toEqual([]);
  });

  it('ends as its campaign although it cannot be kept', async () => {
    // A night fits into the directory for temporary files, but not into that of the nights.
    const nights = '/proc/self';
    expect(await night(nights, [...WORDS, '--fault', 'broadcast'])).toBe(1);
    expect(storage.objects.size).toBe(0);
  });
});
