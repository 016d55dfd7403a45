import { create } from 'xmlbuilder2';
import type { Summary } from '../history/verdict.ts';
import { casesOf, type CaseStatus, type TrialCases } from './cases.ts';
import type { JudgedTrial } from './judged-trial.ts';
import { showUntrusted } from './untrusted.ts';

type Element = ReturnType<ReturnType<typeof create>['ele']>;

/**
 * `junit.xml`: a suite per trial, a test case per guarantee. A violation is a `failure`; a guarantee that
 * could not be judged is an `error`; one that does not apply is `skipped`.
 */
export function renderJunit(summary: Summary, trials: readonly JudgedTrial[]): string {
  const document = create({
    version: '1.0',
    encoding: 'UTF-8',
    invalidCharReplacement: '\u{fffd}',
  });
  const root = document.ele('testsuites', { name: 'crosstalk' });
  for (const suite of casesOf(summary, trials)) addSuite(root, suite);
  return `${document.end({ prettyPrint: true })}\n`;
}

function addSuite(root: Element, { name, trial, cases }: TrialCases): void {
  const count = (status: CaseStatus): number =>
    cases.filter((entry) => entry.status === status).length;
  const about = trial?.verdict.trial;
  const suite = root.ele('testsuite', {
    name,
    tests: cases.length,
    failures: count('failed'),
    errors: count('broken'),
    skipped: count('skipped'),
    time: ((about?.durationMs ?? 0) / 1000).toFixed(3),
    ...(about === undefined ? {} : { timestamp: showUntrusted(about.startedAt) }),
  });
  for (const entry of cases) {
    const attributes = { classname: `crosstalk.${name}`, name: entry.name, time: '0.000' };
    const testcase = suite.ele('testcase', attributes);
    if (entry.status === 'skipped') testcase.ele('skipped');
    if (entry.status === 'failed' || entry.status === 'broken')
      testcase
        .ele(entry.status === 'failed' ? 'failure' : 'error', {
          type: entry.type,
          message: entry.lines[0] ?? '',
        })
        .txt(entry.lines.join('\n'));
  }
}
