import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { TrialPlan } from '../../clients/plan.ts';
import { writeProfile } from '../cli/profiles.ts';
import { Closers, planFor, temporaryDirectory } from '../clients/lab.ts';
import { PATIENT } from '../patient.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CLI = join(
  dirname(createRequire(import.meta.url).resolve('playwright/package.json')),
  'cli.js',
);

const closers = new Closers();
afterEach(() => closers.closeAll());

interface Started {
  readonly child: ChildProcess;
  readonly dir: string;
  readonly over: Promise<{ readonly code: number | null; readonly output: string }>;
}

/** Starts Playwright Test on the golden path, or on another script. */
function start(changes: Partial<TrialPlan>, script?: string): Started {
  const plan = planFor(temporaryDirectory(closers), {
    users: 4,
    timeoutMs: 60_000,
    slo: PATIENT,
    ...changes,
  });
  const { CROSSTALK_REPORTER: _reporter, ...env } = process.env;
  const which = script === undefined ? 'golden-path' : '--config=cli/playwright.config.ts';
  const child = spawn(process.execPath, [CLI, 'test', which], {
    cwd: ROOT,
    env: {
      ...env,
      CROSSTALK_PLAN: JSON.stringify(plan),
      CROSSTALK_SPECS: JSON.stringify(script === undefined ? [] : [script]),
      CI: '1',
      NO_COLOR: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  closers.add(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const over = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, output }));
  });
  return { child, dir: join(plan.outDir, 'trials', 'golden-path-websocket'), over };
}

/** For what hangs; a busy machine takes its time to start all that a trial consists of. */
const RECORDED_MS_MAX = 120_000;
const GONE_MS_MAX = 60_000;

/** Waits until the history holds the text. */
async function recorded(dir: string, text: string): Promise<string> {
  const path = join(dir, 'history.ndjson');
  for (let waited = 0; waited < RECORDED_MS_MAX; waited += 50) {
    if (existsSync(path) && readFileSync(path, 'utf8').includes(text))
      return readFileSync(path, 'utf8');
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  throw new Error(`the history never held ${text}`);
}

async function gone(url: string): Promise<void> {
  for (let waited = 0; waited < GONE_MS_MAX; waited += 100) {
    try {
      await fetch(url);
    } catch {
      return;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
  throw new Error(`${url} still answers`);
}

const urlIn = (history: string): string => /"url":"(http:[^"]+)"/.exec(history)?.[1] ?? '';

describe('npx playwright test', () => {
  test('runs the golden path on a target of its own and writes a verdict', async () => {
    const { dir, over } = start({ pace: 0.1 });
    const { code, output } = await over;
    expect(code, output).toBe(0);
    const verdict: unknown = JSON.parse(readFileSync(join(dir, 'verdict.json'), 'utf8'));
    expect(verdict).toMatchObject({ schema: 1, verdict: 'pass', trial: { users: 4 } });
    expect(output).toContain('1 passed');
    await gone(urlIn(readFileSync(join(dir, 'history.ndjson'), 'utf8')));
  });

  test('fails on a leak and names the verdict; the ground truth lies beside it', async () => {
    const { dir, over } = start({ pace: 0.1, faults: ['broadcast'] });
    const { code, output } = await over;
    expect(code, output).toBe(1);
    expect(output).toContain("the trial's verdict is fail (leak)");
    expect(existsSync(join(dir, 'truth.ndjson'))).toBe(true);
  });

  test('fails on a leak although the script says that it is expected to', async () => {
    const script = join(temporaryDirectory(closers), 'golden-path.spec.mts');
    writeFileSync(
      script,
      `import { expect, test } from '${join(ROOT, 'scenarios/fixtures.ts')}';
       import { goldenPath } from '${join(ROOT, 'scenarios/stories/golden-path.ts')}';
       test.fail('a known leak', async ({ crowd }) => {
         await goldenPath(crowd);
         await expect(crowd).toBeIsolated();
       });`,
    );
    const { over } = start({ pace: 0.1, users: 2, faults: ['broadcast'] }, script);
    const { code, output } = await over;
    expect(code, output).toBe(1);
    expect(output).toContain("the trial's verdict is fail (leak)");
  });

  test('leaves the judging to its parent where the plan says so', async () => {
    const { dir, over } = start({ pace: 0.1, judgeInParent: true });
    const { code, output } = await over;
    expect(code, output).toBe(0);
    expect(readFileSync(join(dir, 'history.ndjson'), 'utf8')).toContain('"reason":"done"');
    expect(existsSync(join(dir, 'verdict.json'))).toBe(false);
  });

  test('passes over a browser where the profile describes no page', async () => {
    const directory = temporaryDirectory(closers);
    writeProfile(directory, 'pageless', 'page: undefined');
    const { over } = start({
      target: join(directory, 'pageless.mts'),
      transports: ['browser', 'mixed'],
    });
    const { code, output } = await over;
    expect(code, output).toBe(0);
    expect(output).toContain('2 skipped');
  });

  test('killed, leaves a history without an end, and no target behind', async () => {
    const { child, dir, over } = start({ pace: 4 });
    const history = await recorded(dir, '"act":"ask"');
    child.kill('SIGKILL');
    await over;
    await gone(urlIn(history));
    expect(readFileSync(join(dir, 'history.ndjson'), 'utf8')).not.toContain('"kind":"end"');
  });

  test('interrupted, ends the history as interrupted or not at all', async () => {
    const { child, dir, over } = start({ pace: 4 });
    const history = await recorded(dir, '"act":"ask"');
    child.kill('SIGINT');
    expect((await over).code).not.toBe(0);
    await gone(urlIn(history));
    const text = readFileSync(join(dir, 'history.ndjson'), 'utf8');
    expect(text).not.toContain('"reason":"done"');
  });
});
