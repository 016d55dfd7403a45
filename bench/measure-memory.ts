import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeCast, writeCast } from './cast.ts';
import { clientResultSchema, serverReadySchema, type Variant } from './jobs.ts';
import { LIMITS } from './limits.ts';
import { runChild, startChild } from './processes.ts';
import type { Measurement, Workbench } from './report.ts';
import { interleaved, spreadOf } from './statistics.ts';

const CLIENT_MS_MAX = 120_000;
const SERVER_MS_MAX = 60_000;
const ROUNDS_MAX = 3;
const KILOBYTE = 1024;

/** Growth of a client process per connection that is open, greeted and idle. */
export async function measureMemory(bench: Workbench): Promise<Measurement> {
  const { quick, dir, profileDir } = bench;
  const connections = quick ? 2_000 : 10_000;
  const rounds = Math.min(bench.rounds, ROUNDS_MAX);
  const castPath = join(dir, 'idle-cast.json');
  writeCast(castPath, makeCast(connections, 0));
  const server = await startChild({
    entry: new URL('./load-server.ts', import.meta.url),
    job: { castPath },
    limitMs: SERVER_MS_MAX,
  });
  const heap = new Map<Variant, number[]>();
  try {
    const { url } = serverReadySchema.parse(server.answer);
    const results = await interleaved(
      ['bare', 'pipeline'] as const,
      rounds,
      async (variant, round) => {
        bench.progress(
          `${connections} idle connections, ${variant}, round ${round + 1} of ${rounds}`,
        );
        const journalPath = join(dir, `idle-${variant}-${round}.ndjson`);
        const idle = { shape: 'idle', warmUp: 0, measured: 0, connections } as const;
        const answer = await runChild({
          entry: new URL('./load-client.ts', import.meta.url),
          job: { ...idle, variant, url, castPath, journalPath },
          limitMs: CLIENT_MS_MAX,
          nodeOptions: ['--expose-gc'],
          profileDir,
        });
        rmSync(journalPath, { force: true });
        const result = clientResultSchema.parse(answer);
        heap.set(variant, [
          ...(heap.get(variant) ?? []),
          (result.heapBytesPerConnection ?? Number.NaN) / KILOBYTE,
        ]);
        return (result.bytesPerConnection ?? Number.NaN) / KILOBYTE;
      },
    );
    return {
      title: `Memory: kilobytes per idle connection (${connections} connections)`,
      notes: [
        'growth of the resident set after garbage collection; heap: of the JavaScript heap alone',
      ],
      rows: [...results].map(([variant, values]) => ({
        name: variant,
        values: { 'KB resident': spreadOf(values), 'KB heap': spreadOf(heap.get(variant) ?? []) },
      })),
      judged: [{ ...LIMITS.idleKilobytes, actual: spreadOf(results.get('pipeline') ?? []).median }],
    };
  } finally {
    await server.stop();
  }
}
