import { describe, expect, test } from 'vitest';
import {
  actsInBrowser,
  defaultPlan,
  parsePlan,
  PlanInvalid,
  planFromEnvironment,
  type Transport,
  type TrialPlan,
} from '../../clients/plan.ts';
import { planMistakes, signInMethodOf, transportMistakes } from '../../clients/plan-check.ts';
import { judgingOfTrial, nameOf } from '../../clients/trial.ts';
import reference from '../../targets/reference.ts';
import { planFor, tinyTarget } from './lab.ts';
import { streamTarget } from './stream-chat.ts';

const ADDRESSES = {
  api: 'http://127.0.0.1:1',
  auth: 'http://127.0.0.1:1',
  socket: 'ws://127.0.0.1:1/ws',
  page: 'http://127.0.0.1:1',
};

describe('a plan', () => {
  test('survives its way through the environment', () => {
    const plan = planFor('/somewhere', { users: 7, slo: { connect: { limit: 5 } } });
    expect(planFromEnvironment({ CROSSTALK_PLAN: JSON.stringify(plan) })).toEqual(plan);
  });

  test('without one is ten users on the embedded target', () => {
    const plan = planFromEnvironment({}, '/project');
    expect(plan).toMatchObject({ target: 'reference', users: 10, rounds: 1, timeoutMs: 60_000 });
    expect(plan.outDir).toMatch(
      new RegExp(`^/project/artifacts/\\d{4}-\\d\\d-\\d\\dT[\\d-]{8}Z-${plan.seed}$`),
    );
    expect(parsePlan(JSON.stringify(plan))).toEqual(plan);
  });

  test('puts as many users into browsers as its transport says', () => {
    const inBrowsers = (changes: Partial<TrialPlan>, transport: Transport): boolean[] =>
      [0, 1, 2, 3, 4].map((index) =>
        actsInBrowser(planFor('/', { users: 5, ...changes }), transport, index),
      );
    expect(inBrowsers({}, 'websocket')).not.toContain(true);
    expect(inBrowsers({}, 'browser')).not.toContain(false);
    expect(inBrowsers({}, 'mixed')).toEqual([true, true, true, false, false]);
    expect(inBrowsers({ browserUsers: 1 }, 'mixed')).toEqual([true, false, false, false, false]);
  });

  test('without one takes the target from the environment', () => {
    expect(defaultPlan({ CROSSTALK_TARGET: 'netra' }, '/').target).toBe('netra');
  });

  test('with mistakes is refused with all of them', () => {
    const wrong = { ...planFor('/'), users: 0, seed: 'a b', outDir: 'here', extra: 1 };
    const parse = (): TrialPlan => parsePlan(JSON.stringify(wrong));
    expect(parse).toThrow(PlanInvalid);
    expect(parse).toThrow(/plan\.users.*plan\.seed.*plan\.outDir.*extra/s);
  });

  test('that is no JSON is refused without being quoted', () => {
    expect(() => parsePlan('{"headers":[["k","secret"')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret') }),
    );
  });
});

describe('a plan against a target', () => {
  const mistakes = (changes: Partial<TrialPlan>, target = tinyTarget()): string[] =>
    planMistakes(planFor('/', changes), target, ADDRESSES);

  test('needs a page for browsers', () => {
    const pageless = tinyTarget();
    expect(transportMistakes('websocket', pageless)).toEqual([]);
    expect(transportMistakes('mixed', pageless)).toEqual([
      expect.stringMatching(/transport "mixed" needs a page/),
    ]);
    expect(mistakes({ transports: ['mixed'], users: 4, browserUsers: 5 })).toEqual([
      expect.stringMatching(/a mixed crowd of 4 .* got 5/),
    ]);
  });

  test('needs a browser for events that stream', () => {
    const streaming = streamTarget();
    expect(transportMistakes('browser', streaming)).toEqual([]);
    for (const transport of ['websocket', 'mixed'] as const)
      expect(transportMistakes(transport, streaming)).toEqual([
        expect.stringMatching(`transport "${transport}" needs a socket, .* --transport browser`),
      ]);
  });

  test('within all limits has no mistake', () => {
    expect(mistakes({})).toEqual([]);
  });

  test('beyond several limits is told all of them', () => {
    const target = tinyTarget({
      production: true,
      limits: { ...reference.limits, usersMax: 5, startsPerSecondMax: 4, questionsMax: 12 },
    });
    const all = mistakes({ users: 10, rounds: 2, signIn: 'password' }, target).join('\n');
    expect(all).toContain('--allow-production');
    expect(all).toContain('at most 5 users, got 10');
    expect(all).toContain('at most 4 starts a second');
    expect(all).toContain('at most 12 questions a campaign, got 20');
    expect(all).toContain('sign-in methods register, got password');
  });

  test('needs one person for each user', () => {
    const entry = { email: 'a@example.com', password: 'p' };
    const all = mistakes({ users: 3, usersFile: [entry, entry] }, reference).join('\n');
    expect(all).toContain('an entry for each of 3 users, got 2');
    expect(all).toContain('the same email twice');
  });

  test('needs in each entry what its user signs in with', () => {
    const [person, token] = [{ email: 'a@example.com', password: 'p' }, { token: 't' }];
    const told = (signIn: TrialPlan['signIn'], users = 2): string[] =>
      mistakes({ users, signIn, usersFile: [person, token] }, reference);
    expect(told(null)).toEqual([
      expect.stringContaining('must have "email" for the sign-in method password, but entry 1'),
    ]);
    expect(told('token')).toEqual([
      expect.stringContaining('must have "token" for the sign-in method token, but entry 0'),
    ]);
    expect(told(null, 1)).toEqual([]);
    const mailed = { usersFile: [{ email: 'a@example.com', token: 't' }], users: 1 };
    expect(mistakes({ ...mailed, signIn: 'password' }, reference)).toEqual([
      expect.stringContaining('must have "password" for the sign-in method password'),
    ]);
    expect(mistakes({ users: 1, usersFile: [] }, reference)).toEqual([
      expect.stringMatching(/got 0\. Add entries\.$/),
    ]);
  });

  test('signs in as the users file allows', () => {
    const plan = planFor('/', { users: 1, usersFile: [{ token: 't' }] });
    expect(signInMethodOf(plan, reference)).toBe('token');
    expect(signInMethodOf(planFor('/'), reference)).toBe('register');
  });

  test('puts its SLOs into the judging data, enforced', () => {
    const judging = judgingOfTrial(
      planFor('/', { slo: { connect: { limit: 7 } } }),
      reference,
      0.5,
    );
    expect(judging.gates.connect).toEqual({ limit: 7, percentile: 'p95', enforced: true });
    expect(judging.limits.overlapFloor).toBe(0.5);
  });

  test('with equal questions expects no marker of a question back', () => {
    const judging = judgingOfTrial(planFor('/', { variants: ['equal-questions'] }), reference);
    expect(judging.questionMarkers).toBe(false);
    expect(judging.claims.echo).toEqual({ tool_completed: ['note'], agent_completed: ['note'] });
  });
});

test('user names have as many digits as the crowd needs, two at least', () => {
  expect([nameOf(3, 10), nameOf(3, 1_000), nameOf(3, 1_001)]).toEqual(['u03', 'u003', 'u0003']);
});
