import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { summarySchema } from '../../history/verdict.ts';
import { crosstalk, start, temporaryDirectory, type Started } from './command-line.ts';
import { printedIn } from './documents.ts';

const HISTORY = 'out/trials/golden-path-websocket/history.ndjson';
const STARTED_WITHIN_MS = 40_000;
/** 3 s on a machine that does nothing else; what is not interrupted takes far longer. */
const INTERRUPTED_WITHIN_MS = 10_000;
/** The runner and its worker notice one after the other that they are alone; the run would last twice as long. */
const SILENT_WITHIN_MS = 8_000;

/** Starts a campaign and waits until its users have asked. */
async function midRun(cwd: string): Promise<Started> {
  const started = start('run --rounds 6 --users 4 --out out --transport websocket'.split(' '), {
    cwd,
  });
  const isAsking = (): boolean => {
    const path = join(cwd, HISTORY);
    return existsSync(path) && readFileSync(path, 'utf8').includes('"act":"ask"');
  };
  await expect.poll(isAsking, { timeout: STARTED_WITHIN_MS, interval: 50 }).toBe(true);
  return started;
}

/** Whether nobody writes the history any more, although the run is far from its end. */
async function isSilent(history: string): Promise<boolean> {
  const size = (): number => readFileSync(history).length;
  const before = size();
  await new Promise((resolve) => {
    setTimeout(resolve, 1_000);
  });
  return size() === before;
}

/** Whether a try of an exploration has recorded that two users were shown one and the same run. */
function holdsLeak(cwd: string): boolean {
  const tries = join(cwd, 'out/trials/explore-websocket/tries');
  if (!existsSync(tries)) return false;
  return readdirSync(tries).some((name) => {
    const history = join(tries, name, 'history.ndjson');
    if (!existsSync(history)) return false;
    const started = readFileSync(history, 'utf8').matchAll(
      /"user":"(u\d+)".*?"dir":"in".*?"event":"agent_started".*?"run":"([^"]+)"/g,
    );
    const askers = new Map<string, string>();
    return [...started].some(([, user = '', run = '']) => {
      const first = askers.get(run) ?? user;
      askers.set(run, first);
      return first !== user;
    });
  });
}

it('a run whose directory is removed on the way proves nothing, and is no defect', async () => {
  const cwd = temporaryDirectory();
  const { ended } = await midRun(cwd);
  rmSync(join(cwd, 'out'), { recursive: true });
  const { code, out, err } = await ended;
  expect(code, err).toBe(2);
  expect(out).toContain('the directory of the artifacts was removed while the trials ran');
});

describe('an interrupted run', () => {
  it('fails for a leak that the tries of an exploration hold already', async () => {
    const cwd = temporaryDirectory();
    const words = 'run explore --for 60s --fault broadcast --out out --json --quiet'.split(' ');
    const { child, ended } = start(words, { cwd });
    const within = { timeout: STARTED_WITHIN_MS, interval: 20 };
    await expect.poll(() => holdsLeak(cwd), within).toBe(true);
    child.kill('SIGINT');
    const { code, out } = await ended;
    expect(code).toBe(1);
    expect(printedIn(out)).toMatchObject({ verdict: 'fail', cause: 'leak' });
  });

  it('ends soon on SIGINT, with valid artifacts that do not pass', async () => {
    const cwd = temporaryDirectory();
    const { child, ended } = await midRun(cwd);
    const asked = performance.now();
    child.kill('SIGINT');
    const { code, out } = await ended;
    expect(performance.now() - asked).toBeLessThan(INTERRUPTED_WITHIN_MS);
    expect(code).toBe(130);
    expect(out).toMatch(/^INCONCLUSIVE/);
    const summary = summarySchema.parse(
      JSON.parse(readFileSync(join(cwd, 'out/summary.json'), 'utf8')),
    );
    expect(summary).toMatchObject({
      verdict: 'inconclusive',
      trials: [{ verdict: 'inconclusive' }],
    });
    expect(summary.reasons).toContain('interrupted');
  });

  it('ends users before their target, whose end would be told as failing them', async () => {
    const cwd = temporaryDirectory();
    const scenarios = fileURLToPath(new URL('../../scenarios/', import.meta.url));
    // Stands for a target: a child of the trial that says so when it is told to end.
    const target = "trap 'echo told > told' TERM; echo listening; while :; do sleep 0.01; done";
    writeFileSync(
      join(cwd, 'hosting.spec.mts'),
      `import { spawn } from 'node:child_process';
       import { test } from '${scenarios}fixtures.ts';
       test('hosting', async ({ crowd }) => {
         await crowd.each('sign in', (user) => user.signIn());
         const options = { cwd: ${JSON.stringify(cwd)}, stdio: 'inherit' };
         spawn('/bin/sh', ['-c', ${JSON.stringify(target)}], options);
         await new Promise(() => undefined);
       });`,
    );
    const words = 'run ./hosting.spec.mts --users 2 --out out --transport websocket --json';
    const { child, ended } = start(words.split(' '), { cwd });
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (text: string) => {
        if (text.includes('listening')) resolve();
      });
    });
    child.kill('SIGINT');
    const { code, out } = await ended;
    expect(code, out).toBe(130);
    expect(printedIn(out)).toMatchObject({ verdict: 'inconclusive', trials: [{ findings: 0 }] });
    expect(existsSync(join(cwd, 'told'))).toBe(false);
  });

  it('leaves nothing running after a kill, and a history that judges to anything but a pass', async () => {
    const cwd = temporaryDirectory();
    const { child, ended } = await midRun(cwd);
    child.kill('SIGKILL');
    await ended;
    await expect
      .poll(() => isSilent(join(cwd, HISTORY)), { timeout: SILENT_WITHIN_MS, interval: 50 })
      .toBe(true);
    const judged = await crosstalk(['judge', 'out', '--json'], { cwd });
    expect(judged.code).toBe(2);
    expect(JSON.parse(judged.out)).toMatchObject({ verdict: 'inconclusive' });
  });
});

describe('an interrupted self-test', () => {
  it('starts no further trial and ends soon on SIGINT, with what was done until then', async () => {
    const { child, ended } = start(['selftest', '--transport', 'websocket', '--json']);
    const [line] = z.tuple([z.string()]).parse(await once(child.stderr ?? child, 'data'));
    const asked = performance.now();
    child.kill('SIGINT');
    const { code, out } = await ended;
    expect(performance.now() - asked).toBeLessThan(INTERRUPTED_WITHIN_MS);
    expect(code).toBe(130);
    const rows = z.array(z.looseObject({ name: z.string() })).parse(JSON.parse(out));
    expect(line).toContain(rows[0]?.name);
  });
});
