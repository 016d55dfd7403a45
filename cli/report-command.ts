import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readCampaign, type Campaign } from '../reports/report-campaign.ts';
import { showUntrusted } from '../reports/untrusted.ts';
import { EXIT } from './exit-codes.ts';
import { findHistories } from './find-histories.ts';
import { checkWritable, TRIALS_DIRECTORY } from './out-directory.ts';
import type { CommandCall } from './program.ts';
import { SUMMARY_FILE, writeRenderings } from './publish.ts';
import { shellCommand } from './shell-words.ts';
import type { Mistakes } from './usage-error.ts';

/**
 * `crosstalk report <dir>`: renders the reports of a campaign again from its JSON files and histories,
 * into the same directory. Nothing is judged again. Always 0 once the reports are written, whatever
 * they say; 64 when the directory holds no campaign.
 */
export async function reportCommand({ args, mistakes, output }: CommandCall): Promise<number> {
  const [dir, ...others] = args;
  if (dir === undefined)
    mistakes.add(
      'MISSING_ARGUMENT',
      '"report" needs the directory of a campaign, got nothing. Pass for example artifacts/latest.',
    );
  for (const other of others)
    mistakes.add('UNEXPECTED_ARGUMENT', `"report" takes one directory, got "${other}" as well.`);
  const campaign = dir === undefined ? undefined : openCampaign(dir, mistakes);
  if (dir !== undefined && campaign !== undefined)
    checkWritable(dir, 'the directory of a campaign', mistakes);
  mistakes.throwIfAny();
  if (dir === undefined || campaign === undefined) throw new Error('unreachable: no campaign');

  const written = writeRenderings(dir, campaign);
  output.document({ verdict: campaign.summary.verdict, dir, written });
  if (!output.quiet) output.text(written.map((file) => showUntrusted(join(dir, file))).join('\n'));
  return EXIT.pass;
}

/** Whether a run left histories here and was killed before it could sum them up. */
function isCutShort(dir: string): boolean {
  const trials = join(dir, TRIALS_DIRECTORY);
  if (existsSync(join(dir, SUMMARY_FILE))) return false;
  try {
    return findHistories(trials).histories.length > 0;
  } catch {
    return false; // No directory, or one that nobody may read: no campaign that could be judged.
  }
}

function openCampaign(dir: string, mistakes: Mistakes): Campaign | undefined {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    mistakes.add(
      'UNREADABLE_FILE',
      `"${dir}" must be the directory of a campaign, and is no directory.`,
    );
    return undefined;
  }
  if (isCutShort(dir)) {
    mistakes.add(
      'UNREADABLE_FILE',
      `"${join(dir, SUMMARY_FILE)}" must be readable, and is not there: the run did not end. Pass what it recorded to "${shellCommand(['crosstalk', 'judge', dir])} --out DIR", which writes the reports as well.`,
    );
    return undefined;
  }
  const reading = readCampaign(dir);
  if ('campaign' in reading) return reading.campaign;
  for (const { kind, text } of reading.problems)
    mistakes.add(kind === 'bad' ? 'BAD_FILE' : 'UNREADABLE_FILE', text);
  return undefined;
}
