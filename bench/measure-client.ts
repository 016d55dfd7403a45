import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeCast, writeCast } from './cast.ts';
import { clientResultSchema, serverReadySchema, type ClientJob, type Variant } from './jobs.ts';
import { LIMITS } from './limits.ts';
import { runChild, startChild } from './processes.ts';
import type { Measurement, Workbench } from './report.ts';
import { interleaved, ratios, spreadOf } from './statistics.ts';

const CLIENT_MS_MAX = 120_000;
const SERVER_MS_MAX = 60_000;

const USERS = 200;
const QUESTIONS_WARM_UP = 20;
const CONNECTIONS = 100;

/** CPU per event of the client pipeline, against the least that any client must do. */
export async function measureClient(bench: Workbench): Promise<Measurement> {
  const { quick, dir } = bench;
  const questions = quick ? 50 : 200;
  const passes = quick ? 1 : 3;
  const castPath = join(dir, 'cast.json');
  // 192 of the questions make whole writes of a flood.
  writeCast(castPath, makeCast(USERS, 200 + QUESTIONS_WARM_UP));
  const server = await startChild({
    entry: new URL('./load-server.ts', import.meta.url),
    job: { castPath },
    limitMs: SERVER_MS_MAX,
  });
  try {
    const { url } = serverReadySchema.parse(server.answer);
    const common = { url, castPath };
    const closed = await measureShape(bench, ['bare', 'parse', 'pipeline', 'pipeline+judge'], {
      ...common,
      shape: 'closed',
      connections: USERS,
      warmUp: QUESTIONS_WARM_UP,
      measured: questions,
    });
    const flood = await measureShape(bench, ['bare', 'parse', 'pipeline'], {
      ...common,
      shape: 'flood',
      connections: CONNECTIONS,
      warmUp: 1,
      measured: passes,
    });
    return {
      title: 'Client: CPU microseconds per event',
      notes: [
        `closed loop: ${USERS} users x ${questions} questions, five events each, one frame per write`,
        `packed flood: ${CONNECTIONS} connections, 160 frames per write`,
      ],
      rows: [...rowsOf('closed loop', closed, 'bare'), ...rowsOf('packed flood', flood, 'parse')],
      judged: [
        { ...LIMITS.closedLoop, actual: ratioOf(closed, 'pipeline', 'bare') },
        { ...LIMITS.liveJudging, actual: ratioOf(closed, 'pipeline+judge', 'bare') },
        { ...LIMITS.packedFlood, actual: ratioOf(flood, 'pipeline', 'parse') },
      ],
    };
  } finally {
    await server.stop();
  }
}

type Results = ReadonlyMap<Variant, readonly number[]>;

function measureShape(
  bench: Workbench,
  variants: readonly Variant[],
  job: Omit<ClientJob, 'variant' | 'journalPath'>,
): Promise<Results> {
  return interleaved(variants, bench.rounds, async (variant, round) => {
    bench.progress(`${job.shape} ${variant}, round ${round + 1} of ${bench.rounds}`);
    const journalPath = join(bench.dir, `${job.shape}-${variant}-${round}.ndjson`);
    const answer = await runChild({
      entry: new URL('./load-client.ts', import.meta.url),
      job: { ...job, variant, journalPath },
      limitMs: CLIENT_MS_MAX,
      profileDir: bench.profileDir,
    });
    rmSync(journalPath, { force: true });
    const { cpuSeconds, events } = clientResultSchema.parse(answer);
    return (cpuSeconds / events) * 1e6;
  });
}

function ratioOf(results: Results, above: Variant, below: Variant): number {
  return spreadOf(ratios(results.get(above) ?? [], results.get(below) ?? [])).median;
}

function rowsOf(shape: string, results: Results, base: Variant): Measurement['rows'] {
  return [...results].map(([variant, values]) => ({
    name: `${shape}, ${variant}`,
    values: {
      'us/event': spreadOf(values),
      [`x ${base}`]: spreadOf(ratios(values, results.get(base) ?? [])),
    },
  }));
}
