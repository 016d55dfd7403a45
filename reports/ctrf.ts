import { ReportBuilder, TestBuilder, type CTRFReport, type Test, type TestStatus } from 'ctrf';
import type { Summary } from '../history/verdict.ts';
import { casesOf, type CaseStatus, type GuaranteeCase, type TrialCases } from './cases.ts';
import { identifierOf, uuidOf } from './case-identity.ts';
import type { JudgedTrial } from './judged-trial.ts';
import { showUntrusted } from './untrusted.ts';

/** What could not be judged is no success: a reader of CTRF that counts failures must stop on it. */
const STATUS: Readonly<Record<CaseStatus, TestStatus>> = {
  passed: 'passed',
  failed: 'failed',
  broken: 'failed',
  skipped: 'skipped',
};

/**
 * `ctrf-report.json` in the Common Test Report Format: a test per trial and guarantee. Nothing is ever a
 * retry or flaky; an inconclusive guarantee is `failed` with the raw status `broken`.
 */
export function renderCtrf(summary: Summary, trials: readonly JudgedTrial[]): CTRFReport {
  const suites = casesOf(summary, trials);
  const started = trials
    .map(({ verdict }) => Date.parse(verdict.trial.startedAt))
    .toSorted((a, b) => a - b);
  const builder = new ReportBuilder()
    .reportId(uuidOf(`${summary.seed} ${started[0] ?? ''}`))
    .timestamp(new Date(started[0] ?? 0))
    .generatedBy('crosstalk')
    .tool({ name: 'crosstalk', version: summary.versions['crosstalk'] ?? 'unknown' })
    .environment({ extra: { ...summary.environment, seed: showUntrusted(summary.seed) } })
    .extra({ verdict: summary.verdict, cause: summary.cause, signoff: summary.signoff });
  for (const suite of suites) builder.addTests(suite.cases.map((entry) => testOf(suite, entry)));
  const ends = trials.map(({ verdict }) => endOf(verdict.trial));
  return builder
    .summaryOverrides({ start: started[0] ?? 0, stop: Math.max(0, ...ends), flaky: 0 })
    .build();
}

function testOf(suite: TrialCases, entry: GuaranteeCase): Test {
  const { trial } = suite;
  const identifier = identifierOf(suite, entry);
  const about = trial?.verdict.trial;
  const test = new TestBuilder()
    .testId(uuidOf(identifier))
    .name(entry.name)
    .status(STATUS[entry.status])
    .rawStatus(entry.status)
    .duration(about?.durationMs ?? 0)
    .suite(['crosstalk', suite.name])
    .type('e2e')
    .tags([entry.category])
    .retries(0)
    .flaky(false);
  if (entry.lines.length > 0) test.message(entry.lines[0] ?? '').trace(entry.lines.join('\n'));
  if (about !== undefined)
    test
      .start(Date.parse(about.startedAt))
      .stop(endOf(about))
      .parameters({ users: about.users, transport: suite.transport })
      .extra({ reproduce: showUntrusted(about.reproduce) });
  return test.build();
}

function endOf({ startedAt, durationMs }: { startedAt: string; durationMs: number }): number {
  return Date.parse(startedAt) + Math.round(durationMs);
}
