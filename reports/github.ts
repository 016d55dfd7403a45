import type { Summary } from '../history/verdict.ts';
import { casesOf } from './cases.ts';
import { headlineOf, outcomeWord } from './headline.ts';
import type { JudgedTrial } from './judged-trial.ts';

/** GitHub shows ten annotations of a kind per step. */
const ANNOTATIONS_MAX = 10;
const LINES_MAX = 5;
/** A step summary may have 1 MiB; what is longer is not shown at all. */
const STEP_SUMMARY_BYTES_MAX = 1_000_000;

/** One message on the summary page of a workflow. All texts are harmless lines. */
export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice';
  readonly title: string;
  readonly message: string;
}

/** The outcome of a campaign, and then its broken guarantees: violations first, then what is unproven. */
export function annotationsOf(summary: Summary, trials: readonly JudgedTrial[]): Annotation[] {
  const cases = casesOf(summary, trials).flatMap((suite) =>
    suite.cases.map((entry) => ({ suite: suite.name, entry })),
  );
  const outcome: Annotation = {
    level: LEVELS[summary.verdict],
    title: `Crosstalk: ${outcomeWord(summary)}`,
    message: headlineOf(summary),
  };
  const broken = (['failed', 'broken'] as const).flatMap((status) =>
    cases
      .filter(({ entry }) => entry.status === status)
      .map(({ suite, entry }): Annotation => ({
        level: status === 'failed' ? 'error' : 'warning',
        title: `${suite}: ${entry.name}`,
        message: entry.lines.slice(0, LINES_MAX).join('\n'),
      })),
  );
  return [outcome, ...broken].slice(0, ANNOTATIONS_MAX);
}

const LEVELS: Readonly<Record<Summary['verdict'], Annotation['level']>> = {
  pass: 'notice',
  inconclusive: 'warning',
  fail: 'error',
};

/** The sign-off sheet, cut to what GitHub shows. */
export function stepSummaryOf(sheet: string): string {
  if (Buffer.byteLength(sheet) <= STEP_SUMMARY_BYTES_MAX) return sheet;
  const part = Buffer.from(sheet).subarray(0, STEP_SUMMARY_BYTES_MAX).toString();
  return `${part.slice(0, part.lastIndexOf('\n'))}\n\nCut: the whole of it is in summary.md.\n`;
}
