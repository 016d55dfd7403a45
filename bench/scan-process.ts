import { markerlessText, MARKERLESS_KINDS, pickFrom } from './random-texts.ts';
import { scanJobSchema, type ScanJob, type ScanResult } from './jobs.ts';
import { serveJob } from './processes.ts';
import { SCANNED_TEXTS } from './scanned-texts.ts';
import { SearchedTexts } from './searched-texts.ts';

/** Searches texts for what is in none of them, in a process of its own. */

/** Users whose ids the search knows; its cost must not depend on them. */
const USERS = 1_000;
/** A sample is repeated until it has taken so long: the CPU clock ticks in milliseconds. */
const SAMPLE_SECONDS_MIN = 0.1;

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** CPU seconds of one search of a text; the best of several samples. */
function costOf(searched: SearchedTexts, text: string, samples: number): number {
  let best = Infinity;
  for (let sample = 0; sample < samples; sample += 1) {
    const from = cpuSeconds();
    let searches = 0;
    let spent = 0;
    while (spent < SAMPLE_SECONDS_MIN) {
      if (searched.sightingsIn(text).length > 0) throw new Error('found what is not there');
      searches += 1;
      spent = cpuSeconds() - from;
    }
    best = Math.min(best, spent / searches);
  }
  return best;
}

function work(job: ScanJob): ScanResult {
  const searched = new SearchedTexts(USERS);
  const texts = SCANNED_TEXTS.map((scanned) => {
    const [once, twice] = [1, 2].map((times) =>
      scanned.make(job.bytes * times, searched.campaignPrefix, pickFrom(1)),
    );
    if (once === undefined || twice === undefined) throw new Error('no text was made');
    costOf(searched, once, 1);
    const seconds = costOf(searched, once, job.samples);
    const ratio = costOf(searched, twice, job.samples) / seconds;
    return {
      name: scanned.name,
      megabytesPerSecond: Buffer.byteLength(once) / 1e6 / seconds,
      ratio,
    };
  });
  return { texts, ...alarms(searched, job.markerlessTexts) };
}

/** Sightings in texts that hold no marker, however alike: there may be none. */
function alarms(
  searched: SearchedTexts,
  texts: number,
): Pick<ScanResult, 'searched' | 'falseAlarms'> {
  let falseAlarms = 0;
  for (let text = 0; text < texts; text += 1) {
    const kind = MARKERLESS_KINDS[text % MARKERLESS_KINDS.length] ?? '';
    const made = markerlessText(kind, searched.campaignPrefix, pickFrom(text));
    if (searched.sightingsIn(made).length > 0) falseAlarms += 1;
  }
  return { searched: texts, falseAlarms };
}

serveJob((job) => Promise.resolve(work(scanJobSchema.parse(job))));
