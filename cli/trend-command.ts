import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readCampaign, type Campaign } from '../reports/report-campaign.ts';
import { renderTrendHtml } from '../reports/trend/trend-page.tsx';
import { trendOf, type DatedCampaign, type Trend } from '../reports/trend/trend.ts';
import { showUntrusted } from '../reports/untrusted.ts';
import { writeArtifact, writeJsonArtifact } from '../reports/write-artifact.ts';
import { EXIT } from './exit-codes.ts';
import { OptionReader } from './option-reader.ts';
import { checkWritable } from './out-directory.ts';
import type { CommandCall } from './program.ts';
import type { Mistakes } from './usage-error.ts';

const FILES = ['trend.html', 'trend.json'] as const;
/** `artifacts/<UTC time>-<seed>` says when a campaign started, even if it left nothing else. */
const DATED_NAME = /^(\d{4}-\d{2}-\d{2})T\d{2}-\d{2}-\d{2}Z-/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/**
 * `crosstalk trend <dir>`: renders the campaigns in a folder as one page and one JSON file over time.
 * 0 once they are written, whatever they say; 64 when the folder holds no campaign.
 */
export async function trendCommand({
  options,
  args,
  mistakes,
  output,
}: CommandCall): Promise<number> {
  const read = new OptionReader(options, mistakes);
  const until = readDate(read.text('until'), mistakes);
  const [dir, ...others] = args;
  if (dir === undefined)
    mistakes.add(
      'MISSING_ARGUMENT',
      '"trend" needs a folder of campaigns, got nothing. Pass for example artifacts.',
    );
  for (const other of others)
    mistakes.add('UNEXPECTED_ARGUMENT', `"trend" takes one folder, got "${other}" as well.`);
  const campaigns = dir === undefined ? [] : campaignsIn(dir, mistakes);
  const givenOut = read.text('out');
  const out = givenOut ?? dir ?? '';
  if (givenOut !== undefined || campaigns.length > 0) checkWritable(out, '"--out"', mistakes);
  mistakes.throwIfAny();

  const trend = trendOf(campaigns, until);
  const [page, data] = FILES.map((name) => join(out, name));
  writeArtifact(page ?? '', renderTrendHtml(trend));
  writeJsonArtifact(data ?? '', trend);
  output.document(trend);
  output.text(output.quiet ? outcomeOf(trend) : `${outcomeOf(trend)}\n  ${page}\n  ${data}`);
  return EXIT.pass;
}

function readDate(text: string | undefined, mistakes: Mistakes): string | undefined {
  if (text === undefined) return undefined;
  if (isDay(text)) return text;
  mistakes.add('BAD_VALUE', `"--until" must be a day such as 2026-01-31, got "${text}".`);
  return undefined;
}

function campaignsIn(dir: string, mistakes: Mistakes): DatedCampaign[] {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    mistakes.add('UNREADABLE_FILE', `"${dir}" must be a folder of campaigns, and is no folder.`);
    return [];
  }
  // Links are not followed, so that `latest` does not count a campaign twice.
  const found = readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => datedCampaign(dir, name));
  if (found.length === 0)
    mistakes.add(
      'BAD_FILE',
      `"${dir}" must hold campaigns, each in a directory with a summary.json, and holds none.`,
    );
  return found;
}

/** Nothing for a directory that is no campaign. */
function datedCampaign(dir: string, name: string): DatedCampaign[] {
  const path = join(dir, name);
  const isCampaign = statSync(join(path, 'summary.json'), { throwIfNoEntry: false }) !== undefined;
  const [dated, day = ''] = DATED_NAME.exec(name) ?? [];
  if (!isCampaign && dated === undefined) return [];
  const named = isDay(day) ? day : undefined;
  const reading = readCampaign(path);
  if ('problems' in reading) {
    const date = named ?? dayOf(statSync(path).mtimeMs);
    const [problem] = reading.problems;
    return [{ dir: name, date, reading: { problem: problem?.text ?? 'unreadable' } }];
  }
  const date = startOf(reading.campaign) ?? named;
  return [{ dir: name, date: date ?? dayOf(statSync(path).mtimeMs), reading }];
}

function startOf({ trials }: Campaign): string | undefined {
  const [first] = trials
    .map(({ verdict }) => Date.parse(verdict.trial.startedAt))
    .toSorted((a, b) => a - b);
  const day = first === undefined || Number.isNaN(first) ? undefined : dayOf(first);
  return day !== undefined && isDay(day) ? day : undefined;
}

/** Whether there is such a day; a trend has no place for one after the year 9999. */
function isDay(text: string): boolean {
  return DATE.test(text) && !Number.isNaN(Date.parse(text)) && dayOf(Date.parse(text)) === text;
}

function dayOf(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 10);
}

function outcomeOf({ nights, findings }: Trend): string {
  const ran = nights.filter(({ campaigns }) => campaigns.length > 0);
  const last = ran.at(-1);
  const open = findings.filter((finding) => finding.open).length;
  return showUntrusted(
    `${ran.length} of ${nights.length} nights ran; ${last?.date ?? 'never'}: ${last?.outcome ?? 'none'}; open findings: ${open}`,
  );
}
