import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../history/verdict.ts';
import { summarise } from '../../reports/summary.ts';
import { renderCampaign, renderOutcome } from '../../reports/terminal.ts';
import { campaignOf, failureOf, findingOf, HOSTILE, verdictOf } from './verdicts.ts';

const plain = { color: false };
const unproven = verdictOf({
  verdict: 'inconclusive',
  cause: 'unavailable',
  reasons: ['the target could not be reached'],
});
const hostile = failureOf([
  findingOf({ message: HOSTILE, witness: [{ line: 7, excerpt: HOSTILE }] }),
]);

describe('the summary', () => {
  it('has the worst verdict, and the first cause of those trials that have it', () => {
    const { summary } = campaignOf(verdictOf(), failureOf([findingOf()]), unproven);
    expect(summary).toMatchObject({ verdict: 'fail', cause: 'leak' });
    expect(summary.trials.map(({ findings }) => findings)).toEqual([0, 1, 0]);
  });

  it('is inconclusive without a trial, and when a script broke off', () => {
    expect(campaignOf().summary).toMatchObject({ verdict: 'inconclusive', cause: 'blind' });
    const { trials, summary } = campaignOf(verdictOf());
    const broken = summarise({
      ...summary,
      trials,
      shortcomings: [{ reason: 'the script broke off', cause: 'blind' }],
    });
    expect(broken).toMatchObject({ verdict: 'inconclusive', reasons: ['the script broke off'] });
  });
});

describe('the terminal', () => {
  it('says of a pass on how much it rests', () => {
    const text = renderCampaign(campaignOf(verdictOf()), plain);
    expect(text.split('\n')[0]).toMatch(/^PASS {2}golden-path on websocket/);
    expect(text).toContain('45 of 45 pairs');
    expect(text).toContain('caught 24 of 24 planted');
    expect(text).toContain('leak rate at most 0.083 % (95 %, 3,600 opportunities)');
    expect(text).toContain('2 of 2 met');
  });

  it('says of a failure what was seen, where, how to see it again and where the evidence lies', () => {
    const text = renderCampaign(campaignOf(failureOf([findingOf()])), plain);
    expect(text).toMatch(/^FAIL \(leak\) {2}.*1 violation among 10 users/);
    expect(text).toContain('u03 received tool_completed of u07 (broadcast)');
    expect(text).toContain('line 123: {"n":121');
    expect(text).toContain('npx crosstalk run golden-path --seed 41');
    expect(text).toContain('trials/golden-path-websocket/history.ndjson');
    expect(text).toContain('npx crosstalk explain isolation/misdelivered-event');
  });

  it('shows gates that are exceeded, in their own units', () => {
    const gates: Verdict['gates'] = [
      { name: 'connect', limit: 500, actual: 912.4, outcome: 'fail' },
      { name: 'error-rate', limit: 0.001, actual: 0.1, outcome: 'fail' },
    ];
    const text = renderCampaign(campaignOf(verdictOf({ gates })), plain);
    expect(text).toContain('connect 912.4 ms, limit 500 ms: fail');
    expect(text).toContain('error-rate 10 %, limit 0.1 %: fail');
  });

  it('shows no more than a few findings of one rule', () => {
    const many = Array.from({ length: 90 }, () => findingOf());
    const text = renderCampaign(campaignOf(failureOf(many)), plain);
    expect(text.match(/line 123/g)).toHaveLength(3);
    expect(text).toContain('and 87 more');
  });

  it('lets nothing a target sends move the cursor, forge a line or reverse one', () => {
    const campaign = campaignOf(hostile);
    for (const text of [renderCampaign(campaign, plain), renderOutcome(campaign.summary, plain)]) {
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
      expect(text).not.toMatch(/^PASS/m);
    }
  });

  it('colours only where it is told to', () => {
    const campaign = campaignOf(verdictOf());
    expect(renderCampaign(campaign, plain)).not.toContain('\u001b[');
    expect(renderCampaign(campaign, { color: true })).toContain('\u001b[');
  });
});
