import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { missingTrials, narrowingsOf, type SignoffScope } from '../../cli/signoff-narrowing.ts';
import { TRANSPORTS } from '../../clients/plan.ts';
import type { Verdict } from '../../history/verdict.ts';
import { summarise } from '../../reports/summary.ts';
import { campaignOf, failureOf, findingOf, verdictOf } from '../reports/verdicts.ts';
import { patientIn } from '../patient.ts';
import { crosstalk, temporaryDirectory, type Ended } from './command-line.ts';
import { errorsIn, printedIn } from './documents.ts';

const WHOLE: SignoffScope = {
  named: [],
  tag: undefined,
  plan: { transports: [...TRANSPORTS], users: 10, faults: [] },
  slo: undefined,
  notApplicable: [],
};

describe('the scope of a sign-off', () => {
  it('is whole with all scenarios on all transports, ten users or more', () => {
    expect(narrowingsOf(WHOLE)).toEqual([]);
    expect(narrowingsOf({ ...WHOLE, plan: { ...WHOLE.plan, users: 50 } })).toEqual([]);
  });

  it.each<[string, Partial<SignoffScope>, string]>([
    ['a scenario', { named: ['golden-path'] }, 'partial: only the scenarios golden-path'],
    ['a tag', { tag: 'smoke' }, 'partial: only the scenarios tagged smoke'],
    ['other service levels', { slo: 'mine.json' }, 'partial: service levels of mine.json'],
    [
      'fewer transports',
      { plan: { ...WHOLE.plan, transports: ['websocket', 'mixed'] } },
      'partial: no trial on browser',
    ],
    ['fewer users', { plan: { ...WHOLE.plan, users: 9 } }, 'partial: 9 of at least 10 users'],
    [
      'a fault',
      { plan: { ...WHOLE.plan, faults: ['swap'] } },
      'partial: a target with faults: swap',
    ],
  ])('is narrowed by %s', (_what, change, reason) => {
    expect(narrowingsOf({ ...WHOLE, ...change })).toEqual([expect.stringContaining(reason)]);
  });

  it('is narrowed by a target without a page, which says why', () => {
    const reason = 'the profile of "bare" describes no page';
    const found = narrowingsOf({
      ...WHOLE,
      plan: { ...WHOLE.plan, transports: ['websocket'] },
      notApplicable: [
        { scenario: 'a', transport: 'browser', reason },
        { scenario: 'a', transport: 'mixed', reason },
      ],
    });
    expect(found).toEqual(
      ['browser', 'mixed'].map((on) => `partial: no trial on ${on}: ${reason}`),
    );
  });

  it('misses a trial that left no verdict', () => {
    const expected = ['websocket', 'browser'].map((transport) => ({ scenario: 'tabs', transport }));
    expect(missingTrials(expected, expected)).toEqual([]);
    expect(missingTrials(expected, expected.slice(1))).toEqual(['no trial of tabs on websocket']);
  });
});

describe('the decision', () => {
  const decisionOf = (verdicts: readonly Verdict[], shortcomings: readonly string[]) => {
    const { summary, trials } = campaignOf(...verdicts);
    const reasons = shortcomings.map((reason) => ({ reason, cause: 'blind' as const }));
    return summarise({ ...summary, trials, shortcomings: reasons, decides: true });
  };

  it('is GO for a whole sign-off that passed, and for nothing else', () => {
    expect(decisionOf([verdictOf()], []).signoff).toBe('GO');
    expect(decisionOf([], []).signoff).toBe('INCONCLUSIVE');
    expect(decisionOf([verdictOf({ verdict: 'inconclusive', cause: 'blind' })], []).signoff).toBe(
      'INCONCLUSIVE',
    );
    expect(campaignOf(verdictOf()).summary.signoff).toBeNull();
  });

  it('is never GO for a narrowed one, while a fail stays NO-GO', () => {
    const partial = ['partial: only the scenarios tabs'];
    expect(decisionOf([verdictOf()], partial)).toMatchObject({
      verdict: 'inconclusive',
      signoff: 'INCONCLUSIVE',
      reasons: partial,
    });
    const failed = decisionOf([verdictOf(), failureOf([findingOf()])], partial);
    expect(failed).toMatchObject({ verdict: 'fail', cause: 'leak', signoff: 'NO-GO' });
  });
});

describe('a narrowed sign-off on the embedded target', () => {
  const cwd = temporaryDirectory();
  const words = 'signoff golden-path --users 3 --transport websocket --pace 0.1 --json';
  let whole: Ended;
  let leaking: Ended;

  beforeAll(async () => {
    const patient = [...words.split(' '), ...patientIn(cwd)];
    whole = await crosstalk([...patient, '--out', 'a'], { cwd });
    leaking = await crosstalk([...words.split(' '), '--fault', 'broadcast', '--out', 'b'], { cwd });
  });

  it('is inconclusive when it passes, and says what it lacks', () => {
    expect(whole.code, whole.err).toBe(2);
    const printed = printedIn(whole.out);
    expect(printed).toMatchObject({ verdict: 'inconclusive', signoff: 'INCONCLUSIVE' });
    expect(printed.verdicts.map(({ verdict }) => verdict)).toEqual(['pass']);
    for (const lack of ['only the scenarios golden-path', 'no trial on mixed', '3 of at least 10'])
      expect(printed.reasons).toContainEqual(expect.stringContaining(`partial: ${lack}`));
    expect(printed.command).toMatch(/^npx crosstalk signoff golden-path /);
    expect(readFileSync(join(cwd, 'a', 'summary.md'), 'utf8')).toMatch(
      /^# Crosstalk sign-off: INCONCLUSIVE\n/,
    );
  });

  it('is NO-GO when it leaks', () => {
    expect(leaking.code, leaking.err).toBe(1);
    expect(printedIn(leaking.out)).toMatchObject({ verdict: 'fail', signoff: 'NO-GO' });
    expect(readFileSync(join(cwd, 'b', 'summary.md'), 'utf8')).toContain('**NO-GO.** Do not ship');
  });
});

it('a sign-off refuses what run refuses, before anything starts', async () => {
  const { code, out } = await crosstalk(['signoff', '--users', '0', '--tag', 'never', '--json']);
  expect(code).toBe(64);
  expect(errorsIn(out)).toHaveLength(2);
});
