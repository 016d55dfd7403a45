import { describe, expect, test } from 'vitest';
import { FIVE, HistoryBuilder, clean } from './history-builder.ts';

const failure = { kind: 'failure', surface: 'harness', dir: 'act', conn: null } as const;

describe('delivery/connect-failed', () => {
  test('for one user is a violation', () => {
    const history = clean();
    history.add('u01', { ...failure, step: 'sign in', reason: 'refused', message: 'HTTP 401' });
    const [finding] = history.findings('connect-failed');
    expect(finding?.severity).toBe('violation');
    expect(finding?.observer).toBe('u01');
  });

  test('for all users is an outage: inconclusive, unavailable', () => {
    const history = new HistoryBuilder(3);
    for (const { name } of history.people)
      history.add(name, {
        ...failure,
        step: 'sign in',
        reason: 'refused',
        message: 'ECONNREFUSED',
        unreachable: true,
      });
    const verdict = history.verdict();
    expect(verdict.verdict).toBe('inconclusive');
    expect(verdict.cause).toBe('unavailable');
    expect(verdict.reasons.join()).toContain('could not be reached');
  });
});

describe('delivery/timeout', () => {
  test('for one user is a violation', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    for (const type of FIVE) for (const name of ['u01', 'u02']) history.event(name, type);
    history.add('u00', { ...failure, step: 'read the answer', reason: 'timeout' });
    expect(history.findings('timeout').map(({ observer }) => observer)).toEqual(['u00']);
    expect(history.verdict().verdict).toBe('fail');
  });

  test('for all users without a single event is inconclusive', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    for (const { name } of history.people)
      history.add(name, { ...failure, step: 'read the answer', reason: 'timeout' });
    const verdict = history.verdict();
    expect(verdict.verdict).toBe('inconclusive');
    expect(verdict.cause).toBe('unavailable');
  });
});

test('an outage that users on sockets and in browsers are told of differently is one', () => {
  const history = new HistoryBuilder(3);
  history.add('u00', { ...failure, step: 'connect', reason: 'not-found', message: 'no chat' });
  history.add('u01', { ...failure, step: 'connect', reason: 'timeout' });
  history.add('u02', { ...failure, step: 'handshake', reason: 'timeout' });
  const { findings, verdict, cause } = history.verdict();
  expect(findings.filter(({ severity }) => severity === 'violation')).toEqual([]);
  expect({ verdict, cause }).toEqual({ verdict: 'inconclusive', cause: 'unavailable' });
});

describe('delivery/unexpected-close', () => {
  test.each([
    { how: 'ends', code: 1000, isOver: false, found: [] },
    { how: 'breaks off', code: 1006, isOver: false, found: ['u02'] },
    { how: 'breaks off after its run', code: 1006, isOver: true, found: [] },
  ])('of a stream that $how', ({ code, isOver, found }) => {
    const history = isOver ? clean() : new HistoryBuilder(3).start();
    if (!isOver) for (const { name } of history.people) history.ask(name);
    history.add('u02', { surface: 'sse', kind: 'close', by: 'them', code });
    expect(history.findings('unexpected-close').map(({ observer }) => observer)).toEqual(found);
  });

  test.each([
    { dir: 'in', code: 1011, found: ['u02'] },
    { dir: 'in', code: 1006, found: ['u02'] },
    { dir: 'in', code: undefined, found: ['u02'] },
    { dir: 'in', code: 1000, found: [] },
    { dir: 'act', code: 1011, found: [] },
  ] as const)('of code $code is told by its direction ($dir) alone', ({ dir, code, found }) => {
    const history = clean();
    history.add('u02', { kind: 'close', dir, code });
    expect(history.findings('unexpected-close').map(({ observer }) => observer)).toEqual(found);
  });

  test('is not excused by what another user closed, where lines name no connection', () => {
    const history = clean();
    history.add('u01', { kind: 'close', by: 'us', conn: null });
    history.add('u02', { kind: 'close', by: 'them', conn: null, code: 1011 });
    expect(history.findings('unexpected-close').map(({ observer }) => observer)).toEqual(['u02']);
  });

  test('of one user is a violation', () => {
    const history = clean();
    history.add('u02', { kind: 'close', by: 'them', code: 1011, reason: 'boom' });
    const [finding] = history.findings('unexpected-close');
    expect(finding?.observer).toBe('u02');
    expect(finding?.message).toContain('1011');
  });

  test('by us is none', () => {
    const history = clean();
    for (const { name } of history.people)
      history.add(name, { kind: 'close', by: 'us', code: 1000 });
    expect(history.verdict().findings).toEqual([]);
  });

  test('of all users is an outage', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    for (const { name } of history.people) history.event(name, 'agent_started');
    for (const { name } of history.people)
      history.add(name, { kind: 'close', by: 'them', code: 1001 });
    const verdict = history.verdict();
    expect(verdict.findings.find(({ rule }) => rule.endsWith('unexpected-close'))?.severity).toBe(
      'inconclusive',
    );
  });
});

test('delivery/error-event names the user', () => {
  const history = new HistoryBuilder(3).start();
  for (const { name } of history.people) history.ask(name);
  for (const type of FIVE) for (const name of ['u01', 'u02']) history.event(name, type);
  for (const type of FIVE.slice(0, 3)) history.event('u00', type);
  history.event('u00', 'agent_error');
  expect(history.findings('error-event').map(({ observer }) => observer)).toEqual(['u00']);
  expect(history.findings('missing-event')).toEqual([]);
});

describe('evidence', () => {
  test('a stall longer than the quiet window is inconclusive', () => {
    const history = clean();
    history.add(null, { kind: 'stall', surface: 'harness', dir: 'act', delay: 2_500 });
    const verdict = history.verdict();
    expect(verdict.verdict).toBe('inconclusive');
    expect(verdict.findings.map(({ rule }) => rule)).toEqual(['evidence/harness-overloaded']);
  });

  test('so is one that names a user, and a loss that does', () => {
    for (const line of [
      { kind: 'stall', delay: 2_500 },
      { kind: 'lost', count: 3 },
    ] as const) {
      const history = clean();
      history.add('u01', { ...line, surface: 'harness', dir: 'act' });
      expect(history.findings('harness-overloaded')).toHaveLength(1);
      expect(history.verdict().verdict).toBe('inconclusive');
    }
  });

  test('what was received by nobody is inconclusive: it is not known whose it should be', () => {
    const history = clean();
    const { note } = history.person('u00');
    history.add(null, { surface: 'console', kind: 'text', contentKind: 'text', content: note });
    const verdict = history.verdict();
    expect(verdict.verdict).toBe('inconclusive');
    expect(verdict.findings.map(({ rule }) => rule)).toEqual(['evidence/incomplete-history']);
  });

  test('a lost observation is inconclusive', () => {
    const history = clean();
    history.add(null, { kind: 'lost', surface: 'harness', dir: 'act', count: 3 });
    expect(history.verdict().verdict).toBe('inconclusive');
  });
});

describe('gates', () => {
  const slow = (users: number) => {
    const history = new HistoryBuilder(users).start();
    for (const { name } of history.people) history.ask(name);
    history.add(null, { kind: 'phase', surface: 'harness', dir: 'act', phase: 'wait', t: 5_000 });
    for (const type of FIVE) for (const { name } of history.people) history.event(name, type);
    return history;
  };

  test('an exceeded SLO is a violation', () => {
    const history = slow(3);
    const [finding] = history.findings('gate/first-event');
    expect(finding?.severity).toBe('violation');
    expect(history.verdict().gates.find(({ name }) => name === 'first-event')?.outcome).toBe(
      'fail',
    );
  });

  test('timing is not enforced above ten users', () => {
    expect(
      slow(11)
        .verdict()
        .gates.find(({ name }) => name === 'first-event')?.outcome,
    ).toBe('not-applicable');
  });

  test('a harness that was as late makes it inconclusive', () => {
    const history = slow(3);
    history.add(null, {
      kind: 'delay',
      surface: 'harness',
      dir: 'act',
      p50: 1,
      p95: 9,
      p99: 6_000,
      max: 6_000,
    });
    expect(history.verdict().gates.find(({ name }) => name === 'first-event')?.outcome).toBe(
      'inconclusive',
    );
    expect(history.verdict().verdict).toBe('inconclusive');
  });

  test('a health endpoint that does not answer 200 exceeds its gate', () => {
    const history = clean();
    history.add(null, {
      surface: 'http',
      kind: 'response',
      purpose: 'health',
      status: 503,
      conn: null,
    });
    expect(history.findings('gate/health')).toHaveLength(1);
  });

  test('a health endpoint that never answers exceeds its gate, though all others are well', () => {
    const history = clean();
    for (const url of ['/health', '/ready'])
      history.add('u00', {
        surface: 'http',
        kind: 'request',
        dir: 'out',
        purpose: 'health',
        url,
        conn: null,
      });
    history.add('u00', {
      surface: 'http',
      kind: 'response',
      purpose: 'health',
      status: 200,
      conn: null,
    });
    expect(history.findings('gate/health')[0]?.message).toContain('50.00 %');
    expect(history.verdict().verdict).toBe('fail');
  });
});
