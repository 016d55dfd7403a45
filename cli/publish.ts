import { join } from 'node:path';
import type { Summary, Verdict } from '../history/verdict.ts';
import type { JudgedTrial } from '../reports/judged-trial.ts';
import { renderJunit } from '../reports/junit.ts';
import { renderSummaryMarkdown } from '../reports/summary-markdown.ts';
import { renderCampaign, renderOutcome } from '../reports/terminal.ts';
import { writeArtifact, writeJsonArtifact } from '../reports/write-artifact.ts';
import type { Output } from './output.ts';

/** Writes the reports of a campaign into its directory. */
export function writeReports(out: string, summary: Summary, trials: readonly JudgedTrial[]): void {
  writeArtifact(join(out, 'summary.md'), renderSummaryMarkdown(summary, trials));
  writeArtifact(join(out, 'junit.xml'), renderJunit(summary, trials));
  // Last: who waits for the summary finds everything else.
  writeJsonArtifact(join(out, 'summary.json'), summary);
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
