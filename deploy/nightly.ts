import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../history/message-of.ts';
import { takeBucketLock, type HeldLock } from './bucket-lock.ts';

/** The night did not run because another one holds the test users (`EX_TEMPFAIL`). */
const EXIT_LOCKED = 75;
/** Something of this script went wrong, not of the campaign (`EX_SOFTWARE`). */
const EXIT_DEFECT = 70;
const LOCK_SECONDS_DEFAULT = 7200;
const COMMAND = fileURLToPath(new URL('../cli/crosstalk.mjs', import.meta.url));

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A night: takes the lock on the test users, runs `crosstalk` with these words, keeps the campaign in
 * `NIGHTS_DIR`, renders the trend of all nights there, gives the lock back.
 * @returns the exit code of the campaign, 75 when another night holds the lock.
 */
async function night(words: readonly string[], env: Environment): Promise<number> {
  const nights = env['NIGHTS_DIR'] ?? 'nights';
  mkdirSync(nights, { recursive: true });
  const lock = await takeLock(env);
  if (lock === undefined) {
    process.stderr.write('another night holds the test users: this one does not run\n');
    return EXIT_LOCKED;
  }
  const work = mkdtempSync(join(tmpdir(), 'crosstalk-night-'));
  try {
    // Names like those of `artifacts/`, so that a night that left nothing else still has its date.
    const name = `${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}Z-nightly`;
    const out = join(work, name);
    const code = await crosstalk([...words, '--out', out, ...secretWords(work, env)]);
    // A mounted bucket is no place for an append-only journal: it is written here and kept there.
    // Mostly a usage error. Where nothing was started nothing can have passed either (`run --help`).
    if (!existsSync(out)) return code === 0 ? EXIT_DEFECT : code;
    if (!isKept(out, join(nights, name))) return code === 0 ? EXIT_DEFECT : code;
    await crosstalk(['trend', nights, '--until', name.slice(0, 10), '--quiet']);
    return code;
  } finally {
    rmSync(work, { recursive: true, force: true });
    await lock.release();
  }
}

/** Keeps a campaign. What cannot be kept must not hide what came of it. */
function isKept(out: string, kept: string): boolean {
  try {
    cpSync(out, kept, { recursive: true });
    return true;
  } catch (error) {
    process.stderr.write(`nightly: the night is not kept: ${messageOf(error)}\n`);
    return false;
  }
}

/** Without a bucket somebody else sees to it that nights do not overlap (`concurrency` of a workflow). */
async function takeLock(env: Environment): Promise<HeldLock | undefined> {
  const { LOCK_BUCKET: bucket, LOCK_NAME: name = 'crosstalk-lock', LOCK_SECONDS: seconds } = env;
  if (bucket === undefined || bucket === '') return { release: async () => undefined };
  const emulator = env['STORAGE_EMULATOR_HOST'] ?? '';
  return takeBucketLock({
    bucket,
    name,
    seconds: Number(seconds ?? LOCK_SECONDS_DEFAULT),
    now: Date.now,
    ...(emulator === '' ? {} : { storage: emulator, token: async () => 'emulator' }),
  });
}

/** Test users and the address for the digest come from the environment, and reach no artifact. */
function secretWords(work: string, env: Environment): string[] {
  const { CROSSTALK_USERS: users = '', CROSSTALK_NOTIFY: notify = '' } = env;
  const words: string[] = [];
  if (users !== '') {
    const path = join(work, 'users.json');
    writeFileSync(path, users, { mode: 0o600 });
    words.push('--users-file', path);
  }
  if (notify !== '') words.push('--notify', notify);
  return words;
}

/** Runs the command; whoever tells this script to end tells it too, and its artifacts are still kept. */
async function crosstalk(words: readonly string[]): Promise<number> {
  const { CROSSTALK_USERS: _users, CROSSTALK_NOTIFY: _notify, ...env } = process.env;
  const child = spawn(process.execPath, [COMMAND, ...words], { stdio: 'inherit', env });
  const pass = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  process.on('SIGTERM', pass);
  process.on('SIGINT', pass);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve(code ?? EXIT_DEFECT));
    });
  } finally {
    process.off('SIGTERM', pass);
    process.off('SIGINT', pass);
  }
}

try {
  process.exitCode = await night(process.argv.slice(2), process.env);
} catch (error) {
  process.stderr.write(`nightly: ${messageOf(error)}\n`);
  process.exitCode = EXIT_DEFECT;
}
