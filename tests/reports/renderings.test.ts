import { describe, expect, it } from 'vitest';
import { convert } from 'xmlbuilder2';
import type { Verdict } from '../../history/verdict.ts';
import { renderJunit } from '../../reports/junit.ts';
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

describe('junit.xml', () => {
  const suitesOf = (...verdicts: readonly Verdict[]) => {
    const { summary, trials } = campaignOf(...verdicts);
    const xml = renderJunit(summary, trials);
    convert(xml, { format: 'object' }); // Throws unless it is well formed.
    return xml;
  };

  it('has a case per family: failures for violations, errors for what is unproven', () => {
    const failed = suitesOf(failureOf([findingOf()]));
    expect(failed).toContain('tests="5" failures="1" errors="0"');
    expect(failed).toContain('<failure type="isolation/misdelivered-event"');
    const blind = suitesOf(unproven);
    expect(blind).toContain('failures="0" errors="1"');
    expect(blind).toContain('the target could not be reached');
    expect(suitesOf(verdictOf())).toContain('failures="0" errors="0" skipped="1"');
  });

  it('is not green for a campaign without a trial', () => {
    expect(suitesOf()).toContain('errors="1"');
  });

  it('is well-formed whatever a target sends', () => {
    const xml = suitesOf(hostile);
    expect(xml).not.toContain('<script');
    expect(xml).toContain(String.raw`\u{1b}[2J`);
  });
});
