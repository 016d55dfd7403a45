import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Summary, Verdict } from '../history/verdict.ts';
import { ALLURE_DIRECTORY, writeAllureResults } from '../reports/allure.ts';
import { renderCtrf } from '../reports/ctrf.ts';
import { renderReportHtml } from '../reports/html/report-page.tsx';
import { jsonText } from '../reports/json-text.ts';
import type { JudgedTrial } from '../reports/judged-trial.ts';
import { renderJunit } from '../reports/junit.ts';
import { manifestEntry, manifestOf } from '../reports/manifest.ts';
import type { Campaign } from '../reports/report-campaign.ts';
import { renderSummaryMarkdown } from '../reports/summary-markdown.ts';
import { renderCampaign, renderOutcome } from '../reports/terminal.ts';
import { ArtifactNotWritten, writeArtifact, writeJsonArtifact } from '../reports/write-artifact.ts';
import type { Output } from './output.ts';

const SHEET_FILE = 'summary.md';
export const SUMMARY_FILE = 'summary.json';

/** What is rendered from a campaign into one file, by its name: the one list of `run`, `judge`, `report`. */
const RENDERINGS: Readonly<Record<string, (campaign: Campaign) => string>> = {
  'report.html': renderReportHtml,
  'junit.xml': ({ summary, trials }) => renderJunit(summary, trials),
  'ctrf-report.json': ({ summary, trials }) => jsonText(renderCtrf(summary, trials)),
};

/**
 * Writes every rendering of a campaign into its directory, where its verdicts lie already; `summaryJson` is
 * what its summary.json holds, or will.
 * @returns their names, relative to the directory
 */
export function writeRenderings(
  out: string,
  campaign: Campaign,
  summaryJson: string | Uint8Array = readFileSync(join(out, SUMMARY_FILE)),
): string[] {
  const { summary, trials } = campaign;
  for (const [file, render] of Object.entries(RENDERINGS))
    writeArtifact(join(out, file), render(campaign));
  writeAllureResults(out, summary, trials);
  // After all others, for it holds their digests.
  const manifest = [
    manifestEntry(SUMMARY_FILE, summaryJson),
    ...manifestOf(out, {
      except: new Set([SHEET_FILE, SUMMARY_FILE]),
      folded: [ALLURE_DIRECTORY],
    }),
  ];
  writeArtifact(join(out, SHEET_FILE), renderSummaryMarkdown(summary, trials, manifest));
  return [...Object.keys(RENDERINGS), ALLURE_DIRECTORY, SHEET_FILE];
}

/** A campaign that is about to be written. */
export interface Publication {
  readonly trials: readonly JudgedTrial[];
  /** Its summary, given what could not be written of it. */
  readonly summaryOf: (unwritten: readonly string[]) => Summary;
}

/**
 * Writes the verdicts and reports of a campaign into its directory. A full disk hides no verdict: what the
 * file system refuses is told in the summary, which is worth less then.
 * @returns the summary
 */
export function writeCampaign(out: string, { trials, summaryOf }: Publication): Summary {
  const unwritten = new Set<string>();
  const attempt = (write: () => void): void => {
    try {
      write();
    } catch (error) {
      const refusal = error instanceof ArtifactNotWritten ? error.cause : error;
      // Anything else is a defect of the harness.
      if (!(refusal instanceof Error && 'syscall' in refusal)) throw error;
      unwritten.add(`artifacts could not be written: ${refusal.message}`);
    }
  };
  attempt(() => {
    for (const { verdictFile, verdict } of trials)
      if (verdictFile !== null) writeJsonArtifact(verdictFile, verdict);
  });
  const summary = summaryOf([...unwritten]);
  const noted = unwritten.size;
  attempt(() => writeReports(out, summary, trials));
  if (unwritten.size === noted) return summary;
  const lacking = summaryOf([...unwritten]);
  const path = join(out, SUMMARY_FILE);
  // What lies there must not say more than what is printed, and there may be no room for another.
  attempt(() => rmSync(path, { force: true }));
  attempt(() => writeJsonArtifact(path, lacking));
  return lacking;
}

/** Writes the reports of a campaign into its directory, where its verdicts lie already. */
export function writeReports(out: string, summary: Summary, trials: readonly JudgedTrial[]): void {
  try {
    writeRenderings(out, { summary, trials }, jsonText(summary));
  } finally {
    // Last, so that who waits for the summary finds everything else; and whatever a rendering does.
    writeJsonArtifact(join(out, SUMMARY_FILE), summary);
  }
}

/** Prints what `run` and `judge` end with. */
export function printCampaign(
  output: Output,
  summary: Summary,
  view: { readonly trials: readonly JudgedTrial[]; readonly out: string | null },
): void {
  const verdicts: readonly Verdict[] = view.trials.map(({ verdict }) => verdict);
  output.document({ ...summary, verdicts });
  const color = output.color.out;
  output.text(
    output.quiet
      ? renderOutcome(summary, { color })
      : renderCampaign({ summary, trials: view.trials, out: view.out }, { color }),
  );
}
