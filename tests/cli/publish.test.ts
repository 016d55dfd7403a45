import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeCampaign } from '../../cli/publish.ts';
import type { Summary } from '../../history/verdict.ts';
import { summarise } from '../../reports/summary.ts';
import { campaignOf, verdictOf } from '../reports/verdicts.ts';
import { temporaryDirectory } from './command-line.ts';

const campaign = campaignOf(verdictOf());

function summaryOf(unwritten: readonly string[]): Summary {
  const shortcomings = unwritten.map((reason) => ({ reason, cause: 'blind' as const }));
  return summarise({ ...campaign.summary, trials: campaign.trials, shortcomings });
}

it('a campaign whose artifacts are all written is as good as its trials', () => {
  const out = temporaryDirectory();
  const trials = campaign.trials.map((trial) => ({ ...trial, verdictFile: null }));
  expect(writeCampaign(out, { trials, summaryOf }).verdict).toBe('pass');
});

it.each(['a verdict', 'a report'])('does not pass where %s could not be written', (what) => {
  const out = temporaryDirectory();
  writeFileSync(join(out, 'file'), '');
  const verdictFile = what === 'a verdict' ? join(out, 'file', 'verdict.json') : null;
  if (what === 'a report') mkdirSync(join(out, 'report.html'));
  const trials = campaign.trials.map((trial) => ({ ...trial, verdictFile }));
  const summary = writeCampaign(out, { trials, summaryOf });
  expect(summary).toMatchObject({
    verdict: 'inconclusive',
    cause: 'blind',
    reasons: [expect.stringContaining('artifacts could not be written')],
  });
  expect(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'))).toEqual(summary);
});
