import { describe, expect, test } from 'vitest';
import { act, browserPath, reply } from './browser-history.ts';
import { FIVE, HistoryBuilder, clean, type Line } from './history-builder.ts';
import { judgeNaively } from './naive/judge.ts';

const READ = 'http GET /api/threads/{id}';
const STOP = 'socket stop_agent';

interface Attempt {
  readonly by?: string;
  readonly place?: string;
  readonly source?: string;
  readonly owner?: string;
  readonly got?: 'refused' | 'accepted' | 'unclear' | 'nothing';
  readonly run?: string | undefined;
}

/** One probe and its result; `between` adds what the target said. */
function probe(
  history: HistoryBuilder,
  { by = 'u00', place = READ, source = 'foreign id', owner, got = 'refused', run }: Attempt,
  between?: () => void,
): void {
  const about: Line = { place, source, ...(owner === undefined ? {} : { owner }) };
  const message = source === 'own id' ? 'must be accepted' : 'must be refused';
  act(history, by, 'probe', { ...about, message, ...(run === undefined ? {} : { run }) });
  between?.();
  if (got !== 'nothing') act(history, by, 'probe-result', { ...about, reason: got });
}

const told = (history: HistoryBuilder) =>
  history
    .verdict()
    .findings.filter(({ rule }) => !rule.startsWith('gate/'))
    .map(
      ({ rule, severity, observer, owner }) =>
        `${severity} ${rule.split('/')[1]} ${observer} of ${owner}`,
    );
const outcome = (history: HistoryBuilder, rule: string) =>
  history.verdict().rules.find((result) => result.rule === `isolation/${rule}`)?.outcome;

describe('isolation/unauthorized-access', () => {
  test('a foreign id that is accepted is a violation of its owner', () => {
    const history = clean();
    probe(history, { owner: 'u02', got: 'accepted' });
    expect(told(history)).toEqual(['violation unauthorized-access u00 of u02']);
    const [finding] = history.findings('unauthorized-access');
    expect(finding).toMatchObject({ mechanism: 'access', surface: 'http', place: READ });
    expect(history.verdict().matrix.cells).toEqual([[0, 2, 1]]);
    expect(history.verdict().cause).toBe('leak');
  });

  test('is none where it is refused and the own id is accepted', () => {
    const history = clean();
    probe(history, { source: 'own id', got: 'accepted' });
    probe(history, { by: 'u01', owner: 'u02' });
    expect(told(history)).toEqual([]);
    expect(outcome(history, 'unauthorized-access')).toBe('pass');
    expect(history.verdict().access).toEqual([
      {
        user: 'u00',
        owner: null,
        verb: READ,
        source: 'own id',
        expected: 'accepted',
        got: 'accepted',
      },
      {
        user: 'u01',
        owner: 'u02',
        verb: READ,
        source: 'foreign id',
        expected: 'refused',
        got: 'refused',
      },
    ]);
  });

  test('is open where nothing is ever accepted, or only another verb is', () => {
    const history = clean();
    probe(history, { source: 'own id', place: STOP, got: 'accepted' });
    probe(history, { owner: 'u02' });
    probe(history, { source: 'own id', got: 'refused' });
    expect(told(history)).toEqual(['inconclusive unauthorized-access u00 of null']);
    expect(history.verdict().verdict).toBe('inconclusive');
  });

  test('an ordinary question that was answered is the control for its verb', () => {
    const withFrame = (type: string) => {
      const history = new HistoryBuilder(3).start();
      for (const { name } of history.people) {
        history.ask(name);
        history.add(name, { dir: 'out', contentKind: 'frame', content: `{"type":"${type}"}` });
      }
      for (const event of FIVE) for (const { name } of history.people) history.event(name, event);
      probe(history, { place: 'socket user_message', owner: 'u02' });
      return history;
    };
    expect(told(withFrame('user_message'))).toEqual([]);
    expect(told(withFrame('chat'))).toEqual(['inconclusive unauthorized-access u00 of null']);
  });

  test.each(['unclear', 'nothing'] as const)('is open where the result is %s', (got) => {
    const history = clean();
    probe(history, { source: 'own id', got: 'accepted' });
    probe(history, { owner: 'u02', got });
    expect(told(history)).toEqual(['inconclusive unauthorized-access u00 of null']);
    expect(history.verdict().access.at(-1)).toMatchObject({ got: 'unclear' });
  });

  test('each verb is a finding of its own', () => {
    const history = clean();
    for (const place of [READ, STOP]) probe(history, { place, owner: 'u02', got: 'accepted' });
    expect(history.findings('unauthorized-access').map(({ surface }) => surface)).toEqual([
      'http',
      'socket',
    ]);
  });

  test.each(['no token', 'unsigned token', 'tampered token', 'foreign origin'])(
    'a socket with %s that opens',
    (source) => {
      const history = clean();
      probe(history, { place: 'socket open', source, got: 'accepted' });
      expect(told(history)).toEqual(['violation unauthorized-access u00 of null']);
    },
  );

  test('a socket that opens for nobody proves nothing by its refusals', () => {
    const history = clean();
    probe(history, { place: 'socket open', source: 'own id', got: 'refused' });
    probe(history, { place: 'socket open', source: 'no token' });
    expect(outcome(history, 'unauthorized-access')).toBe('inconclusive');
  });

  test.each(['foreign id', 'no token', undefined])(
    'is open where something is accepted and the attempt is not recorded, with %s',
    (source) => {
      const history = clean();
      act(history, 'u00', 'probe-result', { place: READ, source, reason: 'accepted' });
      expect(told(history)).toEqual(['inconclusive incomplete-history u00 of null']);
      expect(history.verdict().verdict).toBe('inconclusive');
    },
  );

  test.each([
    ['own id', 'accepted'],
    ['foreign id', 'refused'],
  ])('loses nothing by an attempt with %s that is not recorded and was %s', (source, reason) => {
    const history = clean();
    act(history, 'u00', 'probe-result', { place: READ, source, reason });
    expect(history.verdict().verdict).toBe('pass');
  });

  test('does not apply without a probe', () => {
    expect(outcome(clean(), 'unauthorized-access')).toBe('not-applicable');
    expect(outcome(clean(), 'stale-authority')).toBe('not-applicable');
    expect(clean().verdict().access).toEqual([]);
  });
});

describe('the answer to a probe', () => {
  const error: Line = {
    event: 'error',
    contentKind: 'frame',
    content: '{"type":"error","payload":{"error":"not yours"}}',
  };

  test('is no error of a user, and a close after it is none either', () => {
    const history = clean();
    probe(history, { source: 'own id', place: STOP, got: 'accepted' });
    probe(history, { owner: 'u02', place: STOP }, () => {
      history.add('u00', error);
      history.add('u00', { kind: 'close', by: 'them', code: 1008 });
    });
    expect(told(history)).toEqual([]);
  });

  describe('closes', () => {
    const closedDuring = (on: string | null, closed: string, opensNow = false): HistoryBuilder => {
      const history = new HistoryBuilder(3).start();
      for (const { name } of history.people) history.ask(name);
      for (const name of ['u01', 'u02']) for (const event of FIVE) history.event(name, event);
      history.event('u00', 'agent_started');
      if (!opensNow) history.add('u00', { kind: 'open', dir: 'act', conn: 'u00#2' });
      const about = { place: STOP, source: 'own id', conn: on };
      act(history, 'u00', 'probe', { ...about, message: 'must be accepted' });
      if (opensNow) history.add('u00', { kind: 'open', dir: 'act', conn: 'u00#2' });
      history.add('u00', { kind: 'close', conn: closed, by: 'them', code: 1008 });
      act(history, 'u00', 'probe-result', { ...about, reason: 'accepted' });
      for (const event of FIVE.slice(1)) history.event('u00', event, { fields: { conn: 'u00#2' } });
      return history;
    };

    test('not another connection of the user’s own, in the middle of a run', () => {
      const history = closedDuring('u00#2', 'u00#1');
      expect(told(history)).toEqual(['violation unexpected-close u00 of null']);
      const { violations } = judgeNaively(history.header, history.lines);
      expect([...violations]).toContain('delivery/unexpected-close|u00||connection');
    });

    test.each([
      { what: 'the one that it was made on', on: 'u00#2', closed: 'u00#2' },
      { what: 'one that was opened for it', on: 'u00#1', closed: 'u00#2', opensNow: true },
      { what: 'any, where nothing says which it was made on', on: null, closed: 'u00#1' },
    ])('$what', ({ on, closed, opensNow }) => {
      expect(told(closedDuring(on, closed, opensNow))).toEqual([]);
    });
  });

  test('ends with the probe', () => {
    const history = clean();
    probe(history, { source: 'own id', place: STOP, got: 'accepted' });
    probe(history, { owner: 'u02', place: STOP });
    history.add('u00', error);
    history.add('u00', { kind: 'close', by: 'them', code: 1008 });
    expect(told(history)).toEqual([
      'violation error-event u00 of null',
      'violation unexpected-close u00 of null',
    ]);
  });

  test('excuses nobody else, and no run that was asked for', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    for (const name of ['u01', 'u02']) for (const event of FIVE) history.event(name, event);
    history.event('u00', 'agent_started');
    probe(history, { source: 'own id', place: STOP, got: 'accepted' });
    probe(history, { owner: 'u02', place: STOP }, () => {
      history.event('u00', 'agent_error');
      history.add('u01', error);
    });
    expect(told(history)).toEqual([
      'violation error-event u00 of null',
      'violation error-event u01 of null',
    ]);
  });

  test("still must not show another's marker", () => {
    const history = clean();
    probe(history, { source: 'own id', got: 'accepted' });
    probe(history, { owner: 'u02' }, () => {
      reply(history, 'u00', `{"title":"${history.person('u02').title}"}`, {
        purpose: 'refusal-probe',
        status: 403,
      });
    });
    expect(told(history)).toEqual(['violation foreign-marker u00 of u02']);
  });
});

describe('isolation/stale-authority', () => {
  test.each(['own session after sign-out', 'expired token', 'revoked token'])(
    '%s is accepted',
    (source) => {
      const history = clean();
      probe(history, { source, owner: 'u00', got: 'accepted' });
      expect(told(history)).toEqual(['violation stale-authority u00 of u00']);
    },
  );

  test('a result that does not repeat what kind of probe it was belongs to the probe before it', () => {
    const history = clean();
    const about = { place: READ, source: 'own session after sign-out' };
    act(history, 'u00', 'probe', { ...about, message: 'must be refused' });
    act(history, 'u00', 'probe-result', { place: READ, reason: 'refused', message: 'status 401' });
    expect(told(history)).toEqual([]);
    expect(outcome(history, 'stale-authority')).toBe('pass');
  });

  interface Story {
    /** After how many ms the target closes the socket; never if undefined. */
    readonly closesAfter?: number;
    readonly by?: 'us' | 'them';
    readonly status?: number;
    readonly url?: string;
    /** How many ms the record goes on. */
    readonly until?: number;
    readonly frameAfter?: number;
    readonly delay?: number;
    /** How long after the reply each standstill of the harness was over; each lasted 1.5 s. */
    readonly stalls?: readonly number[];
  }

  /** u00 signs out after its golden path; the others stay. */
  function signedOut(story: Story, history = clean()): HistoryBuilder {
    const { closesAfter, by = 'them', status = 200, until = 4_000, frameAfter } = story;
    const { url = 'http://127.0.0.1:1/auth/logout' } = story;
    act(history, 'u00', 'sign-out');
    const exchange = { surface: 'http', method: 'POST', url, conn: null } as const;
    history.add('u00', { ...exchange, dir: 'out', kind: 'request' });
    const { t } = history.add('u00', { ...exchange, kind: 'response', status });
    if (frameAfter !== undefined)
      history.add('u00', {
        event: 'notice',
        contentKind: 'frame',
        content: '{"type":"notice"}',
        t: t + frameAfter,
      });
    if (closesAfter !== undefined)
      history.add('u00', { kind: 'close', by, code: 1008, t: t + closesAfter });
    for (const after of story.stalls ?? [])
      history.add(null, {
        kind: 'stall',
        surface: 'harness',
        dir: 'act',
        delay: 1_500,
        t: t + after,
      });
    if (story.delay !== undefined)
      history.add(null, {
        kind: 'delay',
        surface: 'harness',
        dir: 'act',
        p50: 1,
        p95: 2,
        p99: 3,
        max: story.delay,
      });
    history.add(null, { kind: 'phase', surface: 'harness', dir: 'act', t: t + until });
    return history;
  }

  test('the socket closes: none, and its close is no unexpected one', () => {
    const history = signedOut({ closesAfter: 50 });
    expect(told(history)).toEqual([]);
    expect(outcome(history, 'stale-authority')).toBe('pass');
  });

  test('the socket closes as late as the harness stood still, once and again', () => {
    const history = signedOut({ closesAfter: 3_500, stalls: [1_600, 3_300] });
    expect(outcome(history, 'stale-authority')).toBe('pass');
    const before = signedOut({ closesAfter: 3_500, stalls: [-2_000, -100] });
    expect(told(before)).toContain('violation stale-authority u00 of u00');
  });

  test('the socket stays open', () => {
    const history = signedOut({});
    expect(told(history)).toEqual(['violation stale-authority u00 of u00']);
    const [finding] = history.findings('stale-authority');
    expect(finding).toMatchObject({ surface: 'socket', event: 'sign-out', mechanism: 'access' });
  });

  test('the socket stays open until we close it at the end', () => {
    expect(told(signedOut({ closesAfter: 3_900, by: 'us' }))).toEqual([
      'violation stale-authority u00 of u00',
    ]);
  });

  test('what it delivers after that is shown', () => {
    const history = signedOut({ frameAfter: 2_000 });
    expect(history.findings('stale-authority').map(({ event }) => event)).toEqual([
      'sign-out',
      'notice',
    ]);
  });

  test.each([
    ['it closes late, but within our own delay', { closesAfter: 1_400, delay: 600 }],
    ['a frame was under way', { closesAfter: 400, frameAfter: 300 }],
  ])('%s: none', (_what, story) => {
    expect(told(signedOut(story))).toEqual([]);
  });

  test.each([
    ['the record ends too early', { until: 500 }],
    ['we closed it before anybody could tell', { closesAfter: 300, by: 'us' as const }],
    ['the target did not agree', { status: 500 }],
  ])('is open where %s', (_what, story) => {
    const history = signedOut(story);
    expect(told(history)).toEqual(['inconclusive stale-authority u00 of u00']);
    expect(history.verdict().verdict).toBe('inconclusive');
  });

  test('a page that closes its own socket at sign-out is right', () => {
    const history = signedOut({ closesAfter: 5, by: 'us' }, browserPath());
    expect(told(history)).toEqual([]);
  });

  test('a page that was left may be late to say that its socket is closed', () => {
    const history = signedOut({ closesAfter: 3_900, by: 'us' }, browserPath());
    expect(told(history)).toEqual([]);
  });

  test.each([
    ['closes it late', { closesAfter: 3_000 }, ['violation stale-authority u00 of u00']],
    ['delivers more', { frameAfter: 2_000 }, ['violation stale-authority u00 of u00']],
    ['is not seen to close it', {}, ['inconclusive stale-authority u00 of u00']],
  ] as const)('a target that %s is found through a page too', (_what, story, findings) => {
    expect(told(signedOut(story, browserPath()))).toEqual(expect.arrayContaining([...findings]));
  });

  test('a connection opened by a later sign-in is no old one', () => {
    const history = signedOut({ closesAfter: 20 });
    act(history, 'u00', 'sign-in');
    const { t } = history.add('u00', { kind: 'open', dir: 'act', conn: 'u00#2' });
    history.add('u00', { kind: 'close', dir: 'act', by: 'us', conn: 'u00#2', t: t + 3_000 });
    expect(told(history)).toEqual([]);
  });

  test('is not judged by sockets where the target does not claim that they close', () => {
    const { claims } = new HistoryBuilder(0).header.profile;
    const profile = { claims: { ...claims, closesOnSignOut: false } };
    const history = signedOut({}, new HistoryBuilder(3, profile).goldenPath());
    expect(told(history)).toEqual([]);
    expect(outcome(history, 'stale-authority')).toBe('not-applicable');
  });
});
