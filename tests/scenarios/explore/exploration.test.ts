import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { judgeHistory } from '../../../assertions/judge.ts';
import type { TrialPlan } from '../../../clients/plan.ts';
import { explore, type ExplorationSummary } from '../../../scenarios/explore/exploration.ts';
import { startEmbeddedTarget } from '../../../scenarios/embedded-target.ts';
import { loadTarget } from '../../../targets/load-target.ts';
import { Closers, planFor, temporaryDirectory } from '../../clients/lab.ts';
import { crosstalk, type Ended } from '../../cli/command-line.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

interface Explored {
  readonly summary: ExplorationSummary;
  readonly dir: string;
}

async function exploring(durationMs: number, changes: Partial<TrialPlan>): Promise<Explored> {
  const dir = temporaryDirectory(closers);
  const plan = planFor(dir, { users: 3, timeoutMs: 30_000, ...changes });
  const target = await loadTarget(plan.target);
  return { summary: await explore({ plan, target, durationMs, dir }), dir };
}

const linesIn = (path: string): string[] => readFileSync(path, 'utf8').trimEnd().split('\n');

describe('an exploration of the embedded target', () => {
  test('passes when it is clean, and leaves a try that stands for all', async () => {
    const { summary, dir } = await exploring(1_000, { seed: 'clean' });
    expect(summary).toMatchObject({ found: null, verdicts: { pass: 6, inconclusive: 0, fail: 0 } });
    const verdict = judgeHistory(join(dir, 'history.ndjson'), { calibrate: true });
    expect(verdict.verdict).toBe('pass');
    expect(verdict.evidence.runPairsOverlapping).toBeGreaterThan(0);
    expect(summary.opportunities).toBeGreaterThan(verdict.evidence.opportunities);
    expect(linesIn(join(dir, 'tries.ndjson'))).toHaveLength(summary.tries);
    expect(existsSync(join(dir, 'tries'))).toBe(false);
    expect(existsSync(join(dir, 'found.spec.mts'))).toBe(false);
  }, 120_000);

  test('finds a leak, shrinks it, and keeps a scenario that shows it again', async () => {
    const { summary, dir } = await exploring(180_000, {
      seed: 'overlap',
      faults: ['overlap-only'],
    });
    expect(summary.found).toMatchObject({
      rule: 'isolation/foreign-marker',
      steps: ['u00 and u01: ask'],
      script: { late: 0 },
      shownAgain: true,
    });
    // Where two miss each other on a busy machine each time that it is tried, a third one stays.
    expect(summary.found?.script.users).toBeLessThanOrEqual(3);
    const verdict = judgeHistory(join(dir, 'history.ndjson'));
    expect(verdict).toMatchObject({ verdict: 'fail', cause: 'leak' });
    expect(readFileSync(join(dir, 'truth.ndjson'), 'utf8')).toContain('overlap-only');
    expect(existsSync(join(dir, 'tries'))).toBe(false);

    // What depends on two runs meeting shows itself once in a few tries.
    const words = ['run', join(dir, 'found.spec.mts'), '--fault', 'overlap-only', '--users', '2'];
    // On a busy machine short runs miss each other five times in a row.
    words.push('--pace', '1');
    let shown: Ended | undefined;
    for (let count = 0; count < 5 && shown?.code !== 1; count += 1)
      shown = await crosstalk([
        ...words,
        '--transport',
        'websocket',
        '--out',
        join(dir, `${count}`),
      ]);
    expect(shown?.code).toBe(1);
    expect(shown?.out).toContain('isolation/foreign-marker');
  }, 300_000);

  test('meets new users in each try where the target stays the same', async () => {
    const embedded = await startEmbeddedTarget({ pace: 0.2, seed: 'one-for-all' });
    closers.add(() => embedded.stop());
    const { summary } = await exploring(12_000, { seed: 'same', url: embedded.url });
    expect(summary.tries).toBeGreaterThan(1);
    expect(summary.verdicts).toEqual({ pass: summary.tries, inconclusive: 0, fail: 0 });
  }, 120_000);

  test('is inconclusive, and stops, where nobody is there to be explored', async () => {
    const { summary, dir } = await exploring(60_000, { url: 'http://127.0.0.1:9' });
    expect(summary).toMatchObject({ tries: 1, verdicts: { inconclusive: 1 }, found: null });
    expect(judgeHistory(join(dir, 'history.ndjson'))).toMatchObject({
      verdict: 'inconclusive',
      cause: 'unavailable',
    });
  }, 60_000);
});
