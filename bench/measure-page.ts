import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeCast, writeCast } from './cast.ts';
import { pageResultSchema, serverReadySchema, type PageResult, type PageVariant } from './jobs.ts';
import { LIMITS } from './limits.ts';
import { runChild, startChild } from './processes.ts';
import type { Measurement, Row, Workbench } from './report.ts';
import { interleaved, ratios, spreadOf } from './statistics.ts';

const CLIENT_MS_MAX = 180_000;
const SERVER_MS_MAX = 60_000;
const ROUNDS_MAX = 3;
const QUESTIONS = 200;
const VARIANTS = ['bare', 'recorder'] as const;
const EXECUTABLE = '/usr/bin/chromium-headless-shell';

/** A page that is sent frames: whether it draws them, and how many come a second. */
interface Shape {
  readonly name: string;
  readonly draws: boolean;
  readonly perSecond: number;
}
const FLOOD: Shape = { name: '3,000 frames/s', draws: false, perSecond: 3_000 };
const DRAWN: Shape = { name: '300 frames/s, drawn', draws: true, perSecond: 300 };

/** Frames a page is sent, and what recording them costs beside merely being told of them. */
export async function measurePage(bench: Workbench): Promise<Measurement> {
  const seconds = bench.quick ? 3 : 10;
  const castPath = join(bench.dir, 'page-cast.json');
  writeCast(castPath, makeCast(1, QUESTIONS));
  const server = await startChild({
    entry: new URL('./page-server.ts', import.meta.url),
    job: { castPath },
    limitMs: SERVER_MS_MAX,
  });
  try {
    const { url } = serverReadySchema.parse(server.answer);
    const flood = await measureShape(bench, FLOOD, { url, seconds, castPath });
    const drawn = await measureShape(bench, DRAWN, { url, seconds, castPath });
    return {
      title: 'Page: frames on one page in Chromium, CPU microseconds per frame',
      notes: [
        `bare: Playwright's "framereceived" that only counts; recorder: everything the page gets, shows`,
        'and keeps, on disk. harness: this process; browser: all of its processes',
      ],
      rows: [...flood.rows, ...drawn.rows],
      judged: [{ ...LIMITS.pageFramesLost, actual: flood.lost + drawn.lost }],
    };
  } finally {
    await server.stop();
  }
}

async function measureShape(
  bench: Workbench,
  { name, draws, perSecond }: Shape,
  {
    url,
    seconds,
    castPath,
  }: { readonly url: string; readonly seconds: number; readonly castPath: string },
): Promise<{ readonly rows: Row[]; readonly lost: number }> {
  const frames = perSecond * seconds;
  const browser = new Map<PageVariant, number[]>(VARIANTS.map((variant) => [variant, []]));
  let lost = 0;
  const rounds = Math.min(bench.rounds, ROUNDS_MAX);
  const harness = await interleaved(VARIANTS, rounds, async (variant, round) => {
    bench.progress(`${name}, ${variant}, round ${round + 1} of ${rounds}`);
    const journalPath = join(bench.dir, `page-${variant}-${perSecond}-${round}.ndjson`);
    const executable = process.env['CROSSTALK_BROWSER'] ?? EXECUTABLE;
    const answer = await runChild({
      entry: new URL('./page-client.ts', import.meta.url),
      job: {
        variant,
        url,
        draws,
        frames,
        perSecond,
        warmUp: perSecond,
        castPath,
        journalPath,
        executable,
      },
      limitMs: CLIENT_MS_MAX,
      profileDir: bench.profileDir,
    });
    rmSync(journalPath, { force: true });
    const result = pageResultSchema.parse(answer);
    if (variant === 'recorder') lost += lostOf(result, frames);
    browser.get(variant)?.push((result.browserCpuSeconds / frames) * 1e6);
    return (result.cpuSeconds / frames) * 1e6;
  });
  const rows = [...harness].map(([variant, values]) => ({
    name: `${name}, ${variant}`,
    values: {
      'us harness': spreadOf(values),
      'x bare': spreadOf(ratios(values, harness.get('bare') ?? [])),
      'us browser': spreadOf(browser.get(variant) ?? []),
      'x bare ': spreadOf(ratios(browser.get(variant) ?? [], browser.get('bare') ?? [])),
    },
  }));
  return { rows, lost };
}

/** Frames that were sent and are not in the history. */
function lostOf({ counted, shown, written }: PageResult, frames: number): number {
  return frames - Math.min(counted, shown, written ?? counted);
}
