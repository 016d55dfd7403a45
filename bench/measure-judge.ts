import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeCast } from './cast.ts';
import { LINES_PER_QUESTION, LINES_PER_USER, writeHistory } from './history-file.ts';
import { usageOf } from './command-usage.ts';
import { judgeResultSchema, type CommandUsage, type JudgeJob, type JudgeResult } from './jobs.ts';
import { LIMITS } from './limits.ts';
import { runChild } from './processes.ts';
import type { Measurement, Row, Workbench } from './report.ts';

const JUDGE_MS_MAX = 300_000;
const CROWDS = [10, 100, 1_000, 10_000] as const;
/** The crowds of the long histories: few users who ask all day, and a load test. */
const SOAK_CROWDS = [10, 1_000] as const;
/** Enough for a sample to take tens of milliseconds, which the CPU clock can tell. */
const OBSERVATIONS_PER_SAMPLE = 100_000;

type Source = JudgeJob['source'];

/** Cost of judging per observation, for crowds of all sizes, and of one long history. */
export async function measureJudge(bench: Workbench): Promise<Measurement> {
  const passes = bench.quick ? 1 : Math.min(3, bench.rounds);
  const results = new Map<string, JudgeResult[]>();
  const paths = new Map(CROWDS.map((users) => [users, generate(bench, users, 1)]));
  for (let pass = 0; pass < passes; pass += 1)
    for (const [users, path] of paths)
      for (const source of ['memory', 'disk'] as const) {
        bench.progress(`judge ${users} users from ${source}, pass ${pass + 1} of ${passes}`);
        const key = `${users} ${source}`;
        const samples = users === 10_000 ? 2 : 5;
        const result = await judge(bench, { path, source, samples });
        results.set(key, [...(results.get(key) ?? []), result]);
      }
  for (const path of paths.values()) rmSync(path);
  const best = (users: number, source: Source): JudgeResult =>
    bestOf(results.get(`${users} ${source}`) ?? []);
  const soaks: Soak[] = [];
  for (const users of SOAK_CROWDS) soaks.push(await measureSoak(bench, users));
  const worst = (of: (usage: CommandUsage) => number): number =>
    Math.max(...soaks.map(({ usage }) => of(usage)));
  const scaling = (source: Source): number =>
    best(10_000, source).nanoseconds / best(100, source).nanoseconds;
  return {
    title: 'Judge: CPU nanoseconds per observation (best sample)',
    notes: [
      'golden path, one question per user; all: observe and conclude, from disk: reading too',
    ],
    rows: [...CROWDS.map((users) => rowOf(users, best)), ...soaks.map((soak) => soakRow(soak))],
    judged: [
      { ...LIMITS.judgeScaling, actual: scaling('memory') },
      { ...LIMITS.judgeScalingDisk, actual: scaling('disk') },
      { ...LIMITS.millionSeconds, actual: worst((usage) => usage.wallSeconds) },
      { ...LIMITS.millionMegabytes, actual: worst((usage) => usage.peakMegabytes) },
    ],
  };
}

function rowOf(users: number, best: (users: number, source: Source) => JudgeResult): Row {
  const memory = best(users, 'memory');
  const disk = best(users, 'disk');
  return {
    name: `${users} users, ${memory.observations} observations`,
    values: {
      'memory, all': memory.nanoseconds,
      'memory, conclude': memory.concludeNanoseconds,
      'disk, all': disk.nanoseconds,
      'disk, peak MB': disk.peakMegabytes,
    },
  };
}

/** One long history and what judging it cost. */
interface Soak {
  readonly users: number;
  readonly observations: number;
  readonly usage: CommandUsage;
}

function soakRow({ users, observations, usage }: Soak): Row {
  return {
    name: `soak: ${users} users, ${observations} observations`,
    values: {
      'wall s': usage.wallSeconds,
      'CPU s': usage.cpuSeconds,
      'peak MB': usage.peakMegabytes,
    },
  };
}

/** `crosstalk judge` itself, calibration and start included; the quickest of several. */
async function measureSoak(bench: Workbench, users: number): Promise<Soak> {
  const observations = bench.quick ? 200_000 : 1_000_000;
  const questions = Math.ceil((observations / users - LINES_PER_USER) / LINES_PER_QUESTION);
  const path = generate(bench, users, questions);
  const usages: CommandUsage[] = [];
  for (let pass = 0; pass < (bench.quick ? 1 : 2); pass += 1) {
    bench.progress(
      `judge ${observations} observations of ${users} users from disk, pass ${pass + 1}`,
    );
    usages.push(await usageOf(['judge', path], bench.profileDir));
  }
  rmSync(path);
  const usage = usages.reduce((a, b) => (b.wallSeconds < a.wallSeconds ? b : a));
  return { users, observations, usage };
}

function generate(bench: Workbench, users: number, questions: number): string {
  bench.progress(`writing a history of ${users} users with ${questions} questions each`);
  const path = join(bench.dir, `history-${users}-${questions}.ndjson`);
  writeHistory(path, makeCast(users, questions));
  return path;
}

async function judge(
  bench: Workbench,
  job: Omit<JudgeJob, 'observationsPerSample'>,
): Promise<JudgeResult> {
  const answer = await runChild({
    entry: new URL('./judge-process.ts', import.meta.url),
    job: { ...job, observationsPerSample: OBSERVATIONS_PER_SAMPLE },
    limitMs: JUDGE_MS_MAX,
    profileDir: bench.profileDir,
  });
  return judgeResultSchema.parse(answer);
}

function bestOf(results: readonly JudgeResult[]): JudgeResult {
  return results.reduce((a, b) => (b.nanoseconds < a.nanoseconds ? b : a));
}
