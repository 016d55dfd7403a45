import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LoopDelay } from '../../clients/loop-delay.ts';
import { Recorder } from '../../clients/recorder.ts';
import { startClock } from '../../history/clock.ts';
import { JournalWriter } from '../../history/journal-writer.ts';
import { Vault } from '../../history/redaction.ts';
import {
  Closers,
  headerFor,
  linesOf,
  PREFIX,
  temporaryDirectory,
  tinyTarget,
  type Line,
} from './lab.ts';

const PULSE_MS = 10;
const closers = new Closers();
let now = 0;

beforeEach(() => {
  now = 0;
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await closers.closeAll();
});

/** Lets time go on by pulses that are so late each, and resolves to the last `delay` and the `stall` lines. */
async function felt(
  lates: readonly number[],
): Promise<{ readonly delay: Line; readonly stalls: Line[] }> {
  const path = join(temporaryDirectory(closers), 'history.ndjson');
  const clock = { ...startClock(), now: () => now };
  const journal = new JournalWriter({ path, clock, header: headerFor(tinyTarget()) });
  const watch = new LoopDelay(new Recorder(journal, new Vault(), PREFIX));
  for (const late of lates) {
    now += PULSE_MS + late;
    vi.advanceTimersByTime(PULSE_MS);
  }
  watch.stop();
  await journal.end('done');
  const lines = linesOf(path);
  return {
    delay: lines.findLast(({ kind }) => kind === 'delay') ?? {},
    stalls: lines.filter(({ kind }) => kind === 'stall'),
  };
}

const quiet = (pulses: number): number[] => Array.from({ length: pulses }, () => 0);

test('a standstill counts as long as it lasts', async () => {
  // A minute with ten of them: a thousandth of the pulses, and a hundredth of the time waits for over 50 ms.
  const lates = Array.from({ length: 10 }, () => [...quiet(500), 120]).flat();
  const { delay, stalls } = await felt(lates);
  expect(Number(delay['p99'])).toBeGreaterThan(50);
  expect(Number(delay['p95'])).toBeLessThan(10);
  expect(Number(delay['max'])).toBeCloseTo(120, 0);
  expect(stalls).toEqual([]);
});

test('one short standstill of a whole trial excuses nothing', async () => {
  const { delay } = await felt([...quiet(3_000), 120, ...quiet(3_000)]);
  expect(Number(delay['p99'])).toBeLessThan(10);
  expect(Number(delay['max'])).toBeCloseTo(120, 0);
});

test('a long one is told by itself', async () => {
  const { stalls } = await felt([...quiet(100), 300, ...quiet(100)]);
  expect(stalls).toEqual([expect.objectContaining({ delay: 300, surface: 'harness' })]);
});
