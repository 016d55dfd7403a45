import { join } from 'node:path';
import type { Summary, Verdict } from '../history/verdict.ts';
import { writeAllureResults } from '../reports/allure.ts';
import { renderCtrf } from '../reports/ctrf.ts';
import type { JudgedTrial } from '../reports/judged-trial.ts';
import { renderJunit } from '../reports/junit.ts';
import { manifestEntry, manifestOf } from '../reports/manifest.ts';
import { renderSummaryMarkdown } from '../reports/summary-markdown.ts';
import { renderCampaign, renderOutcome } from '../reports/terminal.ts';
import { jsonText, writeArtifact, writeJsonArtifact } from '../reports/write-artifact.ts';
import type { Output } from './output.ts';

const SHEET_FILE = 'summary.md';
const SUMMARY_FILE = 'summary.json';

/** Writes the reports of a campaign into its directory, where its verdicts lie already. */
export function writeReports(out: string, summary: Summary, trials: readonly JudgedTrial[]): void {
  writeArtifact(join(out, 'junit.xml'), renderJunit(summary, trials));
  writeJsonArtifact(join(out, 'ctrf-report.json'), renderCtrf(summary, trials));
  writeAllureResults(out, summary, trials);
  // After all others, for it holds their digests.
  writeArtifact(
    join(out, SHEET_FILE),
    renderSummaryMarkdown(summary, trials, [
      manifestEntry(SUMMARY_FILE, jsonText(summary)),
      ...manifestOf(out, new Set([SHEET_FILE, SUMMARY_FILE])),
    ]),
  );
  // Last: who waits for the summary finds everything else.
  writeJsonArtifact(join(out, SUMMARY_FILE), summary);
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
