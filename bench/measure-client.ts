import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeCast, writeCast } from './cast.ts';
import { clientResultSchema, serverReadySchema, type ClientJob, type Variant } from './jobs.ts';
import { LIMITS } from './limits.ts';
import { runChild, startChild } from './processes.ts';
import type { Measurement, Workbench } from './report.ts';
import { interleaved, ratios, spreadOf } from './statistics.ts';
import { EVENTS_PER_RUN } from './wire.ts';

const CLIENT_MS_MAX = 120_000;
const SERVER_MS_MAX = 60_000;

const USERS = 200;
/** 50,000 events: by then the compilers have done nearly all of their work. */
const QUESTIONS_WARM_UP = 50;
const CONNECTIONS = 100;

/** CPU per event of the client pipeline, against the least that any client must do. */
export async function measureClient(bench: Workbench): Promise<Measurement> {
  const { quick, dir } = bench;
  const questions = quick ? 50 : 200;
  const passes = quick ? 1 : 3;
  const castPath = join(dir, 'cast.json');
  // 224 of the questions make whole writes of a flood.
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
    const asking = await measureShape(bench, ['bare', 'pipeline'], {
      ...common,
      shape: 'ask',
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
        `every client makes and sends its own questions; what the pipeline adds is all it does beside that`,
        `asking: ${USERS} users x ${questions} questions that nobody answers, per question`,
        `receiving: the closed loop as if the pipeline asked by a bare send too`,
        `packed flood: ${CONNECTIONS} connections, 160 frames per write`,
      ],
      rows: [
        ...rowsOf('closed loop', closed, 'bare'),
        receivingRow(closed, asking),
        ...rowsOf('asking', asking, 'bare'),
        ...rowsOf('packed flood', flood, 'parse'),
      ],
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

/**
 * What is left of the pipeline's closed loop when what asking costs it beyond a bare send is taken off:
 * receive, stamp, decode, redact, journal, beside a bare client that receives and sends.
 */
function receivingRow(closed: Results, asking: Results): Measurement['rows'][number] {
  const bare = closed.get('bare') ?? [];
  const extra = (asking.get('pipeline') ?? []).map(
    (value, round) => (value - (asking.get('bare')?.[round] ?? Number.NaN)) / EVENTS_PER_RUN,
  );
  const receiving = (closed.get('pipeline') ?? []).map(
    (value, round) => value - (extra[round] ?? Number.NaN),
  );
  return {
    name: 'closed loop, pipeline, receiving',
    values: { 'us/event': spreadOf(receiving), 'x bare': spreadOf(ratios(receiving, bare)) },
  };
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
