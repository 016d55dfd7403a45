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

  it('names first what the verdict comes from, however much is open in other trials', () => {
    const open = verdictOf({
      verdict: 'inconclusive',
      cause: 'blind',
      reasons: Array.from({ length: 60 }, (_, index) => `open question ${index}`),
    });
    const { reasons } = campaignOf(open, failureOf([findingOf()])).summary;
    expect(reasons[0]).toContain(findingOf().rule);
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

  it('shows who saw whose in a small crowd, and nothing of it in a large one', () => {
    const users = ['u00', 'u01', 'u02'];
    const matrix: Verdict['matrix'] = {
      users,
      cells: [
        [0, 1, 12],
        [0, -1, 1],
        [2, 0, 5000],
      ],
    };
    const lines = renderCampaign(campaignOf({ ...failureOf([findingOf()]), matrix }), plain);
    expect(lines).toContain(
      [
        '  saw of   u00  u01  outside',
        '  u00            12        1',
        '  u02     >999    ·        ·',
      ].join('\n'),
    );
    const many = { ...matrix, users: Array.from({ length: 21 }, (_, index) => `u${index}`) };
    const large = renderCampaign(campaignOf({ ...failureOf([findingOf()]), matrix: many }), plain);
    expect(large).not.toContain('saw of');
    expect(renderCampaign(campaignOf(verdictOf()), plain)).not.toContain('saw of');
  });

  it('has a line for each trial that passed, all of the others, and the whole at the end', () => {
    const campaign = campaignOf(verdictOf(), failureOf([findingOf()]), verdictOf());
    const summary = { ...campaign.summary, signoff: 'NO-GO' as const };
    const text = renderCampaign({ ...campaign, summary }, plain);
    expect(
      text.match(/^PASS {2}golden-path on websocket: 10 users, 45 of 45 pairs/gm),
    ).toHaveLength(2);
    expect(text.match(/^ {2}Reproduce/gm)).toHaveLength(1);
    expect(text.trimEnd().split('\n').slice(-5)).toEqual([
      'FAIL (leak)  2 of 3 trials passed, seed 41',
      '',
      'NO-GO  Do not ship: users received data of other users, or could reach it.',
      '',
      '  Artifacts    artifacts/one',
    ]);
    expect(renderOutcome(summary, plain)).toMatch(/^NO-GO, FAIL \(leak\)/);
  });

  it('colours only where it is told to', () => {
    const campaign = campaignOf(verdictOf());
    expect(renderCampaign(campaign, plain)).not.toContain('\u001b[');
    expect(renderCampaign(campaign, { color: true })).toContain('\u001b[');
  });
});
