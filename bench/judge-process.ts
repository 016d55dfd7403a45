import assert from 'node:assert/strict';
import { Judge } from '../assertions/history-judge.ts';
import { keepHeapLean } from '../assertions/lean-heap.ts';
import { readHistory } from '../history/journal-reader.ts';
import type { Observation, TrialEnd, TrialHeader } from '../history/observation.ts';
import { judgeJobSchema, type JudgeJob, type JudgeResult } from './jobs.ts';
import { serveJob } from './processes.ts';

/**
 * Judges one recorded history again and again, in a process of its own, and keeps the best sample. From
 * `memory`: what was read once is judged, so that reading does not count. From `disk`: all of it counts.
 */

/** CPU seconds of one judging, and how many of them `conclude` took. */
interface Judged {
  readonly observations: number;
  readonly cpuSeconds: number;
  readonly concludeSeconds: number;
}

type JudgeOnce = () => Judged;

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function conclude(judge: Judge, end: TrialEnd | undefined): number {
  const from = cpuSeconds();
  const { verdict, reasons } = judge.conclude({ end });
  // The generated history is clean; a benchmark of anything else would measure findings.
  assert.equal(verdict, 'pass', reasons.join('; '));
  return cpuSeconds() - from;
}

function fromDisk(path: string): JudgeOnce {
  return () => {
    const from = cpuSeconds();
    let judge: Judge | undefined;
    let observations = 0;
    const { end, problems } = readHistory(path, {
      header: (header) => {
        judge = new Judge(header);
      },
      observation: (observation) => {
        observations += 1;
        judge?.observe(observation);
      },
    });
    assert.ok(judge !== undefined && problems.length === 0, 'the history cannot be read');
    const concludeSeconds = conclude(judge, end);
    return { observations, cpuSeconds: cpuSeconds() - from, concludeSeconds };
  };
}

function fromMemory(path: string): JudgeOnce {
  const all: Observation[] = [];
  let header: TrialHeader | undefined;
  const { end } = readHistory(path, {
    header: (first) => {
      header = first;
    },
    observation: (observation) => all.push(observation),
  });
  return () => {
    assert.ok(header !== undefined);
    const from = cpuSeconds();
    const judge = new Judge(header);
    for (const observation of all) judge.observe(observation);
    const concludeSeconds = conclude(judge, end);
    return { observations: all.length, cpuSeconds: cpuSeconds() - from, concludeSeconds };
  };
}

async function work(job: JudgeJob): Promise<JudgeResult> {
  // As `crosstalk judge` has it.
  keepHeapLean();
  const judge = job.source === 'disk' ? fromDisk(job.path) : fromMemory(job.path);
  // The first judging warms up.
  const first = judge();
  const peakMegabytes = process.resourceUsage().maxRSS / 1024;
  let best = first;
  for (let sample = 0; sample < job.samples; sample += 1) {
    const next = sampleOf(judge, job.observationsPerSample);
    if (costOf(next) < costOf(best)) best = next;
  }
  return {
    observations: first.observations,
    nanoseconds: costOf(best),
    concludeNanoseconds: (best.concludeSeconds / best.observations) * 1e9,
    peakMegabytes,
  };
}

function costOf({ cpuSeconds: seconds, observations }: Judged): number {
  return (seconds / observations) * 1e9;
}

function sampleOf(judge: JudgeOnce, observationsMin: number): Judged {
  const sum = { observations: 0, cpuSeconds: 0, concludeSeconds: 0 };
  while (sum.observations < observationsMin) {
    const judged = judge();
    sum.observations += judged.observations;
    sum.cpuSeconds += judged.cpuSeconds;
    sum.concludeSeconds += judged.concludeSeconds;
  }
  return sum;
}

serveJob((job) => work(judgeJobSchema.parse(job)));
