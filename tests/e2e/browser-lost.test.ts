import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import type { Crowd } from '../../clients/crowd.ts';
import { explainResult, goldenPath, type TrialResult } from './trial.ts';

/** Longest that any phase may take; what hangs must be noticed within it. */
const PHASE_MS_MAX = 30_000;
/** Sign-in, chat, question, answer, the quiet at the end and closing: no trial takes longer. */
const TRIAL_MS_MAX = 5 * PHASE_MS_MAX;
const USERS = 4;
const RENDERER = '--type=renderer';

const stopped: number[] = [];
/** Processes that were there before the trial: other tests of this worker leave a browser for the next. */
let earlier: ReadonlySet<number> = new Set();
afterEach(() => {
  // A process that stands still does not notice that its browser has ended.
  for (const pid of stopped.splice(0)) signal(pid, 'SIGKILL');
});

test('a browser that ends in mid-trial makes it inconclusive for all who sat in it', async () => {
  const result = await disturbed(() => {
    signal(oneBrowser(), 'SIGKILL');
  });
  expectInconclusive(result, /browser was lost/);
});

test('pages that stand still in mid-trial make it inconclusive for all who look at them', async () => {
  const result = await disturbed(() => {
    const pages = descendantsOf(oneBrowser()).filter((pid) => wordsOf(pid).includes(RENDERER));
    expect(pages.length).toBeGreaterThan(0);
    stopped.push(...pages);
    for (const pid of pages) signal(pid, 'SIGSTOP');
  });
  expectInconclusive(result, /browser was lost/);
});

/** A golden path that is disturbed while everybody waits for an answer. */
async function disturbed(disturb: () => void): Promise<TrialResult> {
  earlier = new Set(descendantsOf(process.pid));
  const from = performance.now();
  const result = await goldenPath({
    transport: 'browser',
    users: USERS,
    browsers: 2,
    pace: 1,
    timeoutMs: PHASE_MS_MAX,
    story: { name: 'golden-path', reveals: [], walk: (crowd) => walk(crowd, disturb) },
  });
  expect(performance.now() - from).toBeLessThan(TRIAL_MS_MAX);
  return result;
}

async function walk(crowd: Crowd, disturb: () => void): Promise<void> {
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  await crowd.together('ask', (user) => user.ask());
  disturb();
  await crowd.each('read the answer', (user) => user.answered());
}

function expectInconclusive(result: TrialResult, reason: RegExp): void {
  const story = explainResult(result);
  expect(result.verdict.verdict, story).toBe('inconclusive');
  expect(result.violated, story).toEqual([]);
  expect(result.verdict.reasons.join('\n'), story).toMatch(reason);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended with its browser.
  }
}

/** The process id of one of the two browsers of the trial; what was started may be a script in front of it. */
function oneBrowser(): number {
  const pid = descendantsOf(process.pid).find(
    (one) =>
      !earlier.has(one) &&
      wordsOf(one).includes('--remote-debugging-pipe') &&
      childrenOf(one).some((child) => wordsOf(child).includes('--type=')),
  );
  if (pid === undefined) throw new Error('there is no browser');
  return pid;
}

function descendantsOf(pid: number): number[] {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap((child) => descendantsOf(child))];
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      (textIn(`/proc/${pid}/task/${thread}/children`) ?? '')
        .split(' ')
        .filter((word) => word !== '')
        .map(Number),
    );
  } catch {
    return []; // The process has ended.
  }
}

function wordsOf(pid: number): string {
  return (textIn(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ');
}

function textIn(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // The process has ended.
  }
}
