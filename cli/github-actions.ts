import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../history/message-of.ts';
import type { Summary } from '../history/verdict.ts';
import { annotationsOf, stepSummaryOf } from '../reports/github.ts';
import type { JudgedTrial } from '../reports/judged-trial.ts';
import type { Output } from './output.ts';

/** A campaign that ended in a workflow, and where its artifacts lie. */
export interface EndedCampaign {
  readonly summary: Summary;
  readonly trials: readonly JudgedTrial[];
  readonly outDir: string;
}

/**
 * In GitHub Actions: annotations, and summary.md as the summary of the step; elsewhere nothing. With
 * `--json` there are no annotations, for they are lines on standard output. Never changes an outcome:
 * what goes wrong is a remark.
 */
export async function tellGitHub(
  { summary, trials, outDir }: EndedCampaign,
  output: Output,
): Promise<void> {
  if (process.env['GITHUB_ACTIONS'] !== 'true') return;
  try {
    const core = await import('@actions/core');
    if (!output.json)
      for (const { level, title, message } of annotationsOf(summary, trials))
        core[level](message, { title });
    const sheet = readFileSync(join(outDir, 'summary.md'), 'utf8');
    if ((process.env['GITHUB_STEP_SUMMARY'] ?? '') !== '')
      await core.summary.addRaw(stepSummaryOf(sheet)).write();
  } catch (error) {
    output.remark(`crosstalk: GitHub was not told: ${messageOf(error)}`);
  }
}
