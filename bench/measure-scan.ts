import { scanResultSchema } from './jobs.ts';
import { LIMITS } from './limits.ts';
import { runChild } from './processes.ts';
import type { Measurement, Workbench } from './report.ts';

const SCAN_MS_MAX = 1_200_000;
const MEGABYTE = 1_000_000;

/** Speed of the search for markers over texts of all kinds, and how its cost grows with their size. */
export async function measureScan(bench: Workbench): Promise<Measurement> {
  const { quick, profileDir } = bench;
  const bytes = quick ? MEGABYTE / 4 : MEGABYTE;
  const markerlessTexts = quick ? 50_000 : 1_000_000;
  bench.progress(`search texts of ${bytes / MEGABYTE} and ${(bytes / MEGABYTE) * 2} MB`);
  bench.progress(`search ${markerlessTexts} texts that hold no marker`);
  const { texts, searched, falseAlarms } = scanResultSchema.parse(
    await runChild({
      entry: new URL('./scan-process.ts', import.meta.url),
      job: { bytes, samples: quick ? 2 : Math.max(3, bench.rounds), markerlessTexts },
      limitMs: SCAN_MS_MAX,
      profileDir,
    }),
  );
  return {
    title: 'Search: megabytes per CPU second (best sample)',
    notes: [
      `texts of ${bytes / MEGABYTE} MB, ids of 1,000 users known; twice: cost of a text of twice the size`,
      `${searched} random texts without a marker of the crowd: ${falseAlarms} sightings`,
    ],
    rows: texts.map(({ name, megabytesPerSecond, ratio }) => ({
      name,
      values: { 'MB/s': megabytesPerSecond, 'x for twice': ratio },
    })),
    judged: [
      { ...LIMITS.scanGrowth, actual: Math.max(...texts.map(({ ratio }) => ratio)) },
      {
        ...LIMITS.scanSlowest,
        actual: 1_000 / Math.min(...texts.map(({ megabytesPerSecond }) => megabytesPerSecond)),
      },
      { ...LIMITS.falseAlarms, actual: falseAlarms },
    ],
  };
}
