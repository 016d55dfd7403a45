import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../history/verdict.ts';
import { trendOf, type DatedCampaign } from '../../reports/trend/trend.ts';
import { renderTrendHtml } from '../../reports/trend/trend-page.tsx';
import { campaignOf, failureOf, findingOf, HOSTILE, verdictOf } from './verdicts.ts';

/** A campaign of a night; the commit is that of its working directory. */
function nightly(
  date: string,
  verdicts: readonly Verdict[],
  change: { commit?: string; build?: string; dir?: string } = {},
): DatedCampaign {
  const { summary, trials } = campaignOf(...verdicts);
  const { commit = 'c'.repeat(40), build, dir = date } = change;
  const environment = build === undefined ? {} : { targetBuild: build };
  return {
    dir,
    date,
    reading: { campaign: { summary: { ...summary, commit, environment }, trials } },
  };
}

const good = verdictOf();
const leak = failureOf([findingOf()]);
const opportunities = good.evidence.opportunities;

describe('a trend', () => {
  it('has a night for every day, and holes where nothing ran', () => {
    const { nights } = trendOf(
      [nightly('2026-01-31', [good]), nightly('2026-02-03', [leak])],
      '2026-02-05',
    );
    expect(nights.map(({ date, outcome }) => [date, outcome])).toEqual([
      ['2026-01-31', 'pass'],
      ['2026-02-01', 'none'],
      ['2026-02-02', 'none'],
      ['2026-02-03', 'fail'],
      ['2026-02-04', 'none'],
      ['2026-02-05', 'none'],
    ]);
  });

  it('shows a night that left no summary as one that did not tell', () => {
    const broken = { dir: 'x', date: '2026-01-02', reading: { problem: 'no summary.json' } };
    const { nights } = trendOf([nightly('2026-01-01', [good]), broken]);
    expect(nights[1]).toMatchObject({ outcome: 'unreadable', problems: ['no summary.json'] });
  });

  it('takes the worst of a night, in whichever order its campaigns ran', () => {
    for (const [a, b] of [
      [leak, good],
      [good, leak],
    ] as const) {
      const { nights } = trendOf([
        nightly('2026-01-01', [a], { dir: 'a' }),
        nightly('2026-01-01', [b], { dir: 'b' }),
      ]);
      expect(nights[0]).toMatchObject({ outcome: 'fail', cause: 'leak', campaigns: ['a', 'b'] });
      expect(nights[0]?.trials).toEqual([
        expect.objectContaining({ scenario: 'golden-path', verdict: 'fail' }),
      ]);
    }
  });

  it('lets no other failure of a night hide a leak', () => {
    const late = findingOf({ rule: 'delivery/timeout', surface: 'harness' });
    const other: Verdict = { ...failureOf([late]), cause: 'misbehaviour' };
    for (const [a, b] of [
      [leak, other],
      [other, leak],
    ] as const) {
      const { nights } = trendOf([
        nightly('2026-01-01', [good]),
        nightly('2026-01-02', [a], { dir: 'a' }),
        nightly('2026-01-02', [b], { dir: 'b' }),
      ]);
      expect(nights[1]).toMatchObject({
        cause: 'leak',
        trials: [{ verdict: 'fail', cause: 'leak' }],
        opportunitiesSinceLeak: 0,
        leakRateUpperBound95: null,
      });
    }
  });

  it('passes no night of which a campaign cannot be read', () => {
    const broken = { dir: 'x', date: '2026-01-01', reading: { problem: 'no summary.json' } };
    const night = (verdict: Verdict) =>
      trendOf([nightly('2026-01-01', [verdict]), broken]).nights[0];
    expect(night(good)).toMatchObject({
      outcome: 'inconclusive',
      cause: 'blind',
      problems: ['no summary.json'],
    });
    expect(night(leak)).toMatchObject({ outcome: 'fail', cause: 'leak' });
  });

  it('shows every night that ran, whatever a clock or a date on the command line said', () => {
    const ran = ['1970-01-01', '2026-01-01', '2026-01-03'];
    const { nights } = trendOf(
      ran.map((date) => nightly(date, [good])),
      '9999-01-01',
    );
    expect(nights.map(({ date }) => date)).toEqual([
      '1970-01-01',
      '2026-01-01',
      '2026-01-02',
      '2026-01-03',
      '9999-01-01',
    ]);
  });

  it('knows the first night of a finding, the last good build before it, and whether it is open', () => {
    const { findings } = trendOf([
      nightly('2026-01-01', [good], { build: 'r1' }),
      nightly('2026-01-02', [good], { build: 'r2' }),
      nightly('2026-01-03', [leak], { build: 'r3' }),
      nightly('2026-01-04', [failureOf([findingOf({ observer: 'u01' })])], { build: 'r4' }),
    ]);
    expect(findings).toEqual([
      expect.objectContaining({
        rule: 'isolation/misdelivered-event',
        firstNight: '2026-01-03',
        lastNight: '2026-01-04',
        nights: 2,
        lastGood: expect.objectContaining({ date: '2026-01-02', build: 'r2' }),
        open: true,
      }),
    ]);
  });

  it('keeps a finding that is not seen again', () => {
    const { findings } = trendOf([nightly('2026-01-01', [leak]), nightly('2026-01-02', [good])]);
    expect(findings[0]).toMatchObject({ firstNight: '2026-01-01', lastGood: null, open: false });
  });

  it('leaves a finding open when its trial did not run, or proved nothing', () => {
    const blind = verdictOf({ verdict: 'inconclusive', cause: 'blind' });
    const { findings } = trendOf([nightly('2026-01-01', [leak]), nightly('2026-01-02', [blind])]);
    expect(findings[0]?.open).toBe(true);
  });

  it('says what changed since the night that ran before, over holes', () => {
    const { nights } = trendOf([
      nightly('2026-01-01', [good], { commit: 'a'.repeat(40), build: 'r1' }),
      nightly('2026-01-03', [leak], { commit: 'b'.repeat(40), build: 'r2' }),
      nightly('2026-01-04', [good], { commit: 'b'.repeat(40), build: 'r2' }),
    ]);
    expect(nights[2]?.changes).toEqual([
      'build r1 → r2',
      `commit ${'a'.repeat(40)} → ${'b'.repeat(40)}`,
      'golden-path on websocket: pass → fail (leak)',
      expect.stringMatching(/^new: isolation\/misdelivered-event in golden-path on websocket: u03/),
    ]);
    expect(nights[3]?.changes).toEqual([
      'golden-path on websocket: fail (leak) → pass',
      'not seen again: isolation/misdelivered-event in golden-path on websocket',
    ]);
  });

  it('adds opportunities up, and begins anew after a leak', () => {
    const nights = ['2026-01-01', '2026-01-02', '2026-01-03', '2026-01-04'].map((date, index) =>
      nightly(date, [index === 2 ? leak : good]),
    );
    const bounds = trendOf(nights).nights.map(({ leakRateUpperBound95 }) => leakRateUpperBound95);
    expect(bounds).toEqual([3 / opportunities, 3 / (2 * opportunities), null, 3 / opportunities]);
  });

  it('takes the worst value of a gate and the least overlap', () => {
    const slow = verdictOf({
      gates: [{ name: 'connect', limit: 500, actual: 480, outcome: 'pass' }],
      evidence: { ...good.evidence, pairsOverlapping: 41 },
    });
    const { nights } = trendOf([nightly('2026-01-01', [good, slow])]);
    expect(nights[0]?.gates).toEqual([{ name: 'connect', limit: 500, actual: 480 }]);
    expect(nights[0]?.overlap).toEqual({ pairsOverlapping: 41, pairs: 45 });
  });
});

describe('trend.html', () => {
  it('shows outcomes, findings, lines with their gate, and what changed', () => {
    const html = renderTrendHtml(
      trendOf([nightly('2026-01-01', [good], { build: 'r1' }), nightly('2026-01-03', [leak])]),
    );
    for (const part of [
      'fail (leak)',
      '<td class="none" title="2026-01-02: did not run">·</td>',
      'What changed since the night before',
      'r1 (2026-01-01)',
      'aria-label="connect, ms, by night"',
      'class="gate"',
      'Leak rate at most (95 %)',
    ])
      expect(html).toContain(part);
  });

  it('loads nothing, runs nothing, and obeys no target', () => {
    const hostile = failureOf([findingOf({ message: HOSTILE, event: HOSTILE, surface: HOSTILE })]);
    const page = renderTrendHtml(
      trendOf([nightly('2026-01-01', [hostile], { build: HOSTILE, dir: HOSTILE })]),
    );
    // An icon of no bytes keeps the browser from asking for one.
    const html = page.replace('<link rel="icon" href="data:,"/>', '');
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/<script|<link|<img|<iframe|@import|url\(/i);
    expect(html).not.toMatch(/\son\w+=|href=|src=/i);
    expect(html.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
  });

  it('says that nothing ran since', () => {
    const html = renderTrendHtml(trendOf([nightly('2026-01-01', [good])], '2026-01-04'));
    expect(html).toContain('Nothing ran since');
    expect(html).toContain('3 of 4 nights did not run');
  });
});
