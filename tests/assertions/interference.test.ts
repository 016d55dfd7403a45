import { describe, expect, test } from 'vitest';
import { signTest } from '../../assertions/sign-test.ts';
import { act } from './browser-history.ts';
import { FIVE, HistoryBuilder } from './history-builder.ts';

const RULE = 'isolation/interference';

const outcome = (history: HistoryBuilder) =>
  history.verdict().rules.find(({ rule }) => rule === RULE)?.outcome;
const runOf = (history: HistoryBuilder, name: string) => history.asked.get(name)?.at(-1)?.run;

/** Everybody asks and is answered; the last events come `lastMs` after the questions. */
function roundOf(history: HistoryBuilder, lastMs: number, spared: readonly string[] = []): void {
  const since = history.lines.at(-1)?.t ?? 0;
  for (const { name } of history.people) history.ask(name);
  const names = history.people.map(({ name }) => name).filter((name) => !spared.includes(name));
  for (const type of FIVE.slice(0, -1)) for (const name of names) history.event(name, type);
  for (const name of names)
    history.event(name, 'agent_completed', { fields: { t: since + lastMs } });
}

/** The same while u00 cancels. */
function cancelledRound(history: HistoryBuilder, lastMs: number): void {
  const since = history.lines.at(-1)?.t ?? 0;
  for (const { name } of history.people) history.ask(name);
  for (const { name } of history.people) history.event(name, 'agent_started');
  act(history, 'u00', 'cancel', { run: runOf(history, 'u00') });
  history.event('u00', 'agent_stopped');
  const others = history.people.slice(1);
  for (const type of FIVE.slice(1, -1)) for (const { name } of others) history.event(name, type);
  for (const { name } of others)
    history.event(name, 'agent_completed', { fields: { t: since + lastMs } });
}

/** So many stretches: first without, then with a cancel. */
function stretches(
  count: number,
  during: (stretch: number) => number,
  before = 500,
): HistoryBuilder {
  const history = new HistoryBuilder(4).start();
  for (let stretch = 0; stretch < count; stretch += 1) {
    roundOf(history, before);
    cancelledRound(history, during(stretch));
  }
  return history;
}

describe('how long runs take while another disturbs', () => {
  test('is nobody’s concern while it is as before', () => {
    const history = stretches(8, () => 600);
    expect(history.verdict().findings).toEqual([]);
    expect(outcome(history)).toBe('pass');
  });

  test('is interference when it is much longer in more stretches than chance explains', () => {
    const history = stretches(7, () => 3_000);
    const [finding, ...more] = history.findings(RULE);
    expect(more).toEqual([]);
    expect(finding?.severity).toBe('violation');
    expect(finding?.message).toMatch(/^in 7 of 7 stretches .* slower than before, by \d{4} ms$/);
    expect(history.verdict()).toMatchObject({ verdict: 'fail', cause: 'leak' });
  });

  test('is a question left open when it was much longer, but too seldom tried', () => {
    const history = stretches(2, () => 3_000);
    expect(history.findings(RULE)).toMatchObject([{ severity: 'inconclusive' }]);
    expect(outcome(history)).toBe('inconclusive');
    expect(history.verdict().reasons.join()).toContain('pass more --rounds');
  });

  test('is the machine’s mood when only some stretches were slow', () => {
    const history = stretches(8, (stretch) => (stretch % 3 === 0 ? 3_000 : 500));
    expect(history.verdict().findings).toEqual([]);
    expect(outcome(history)).toBe('pass');
  });

  test('accuses nobody when the harness itself was as late', () => {
    const history = stretches(9, () => 3_000);
    history.add(null, {
      surface: 'harness',
      dir: 'act',
      kind: 'delay',
      p50: 2_000,
      p95: 3_000,
      p99: 4_000,
      max: 5_000,
    });
    expect(history.findings(RULE)).toMatchObject([{ severity: 'inconclusive' }]);
    expect(history.findings(RULE)[0]?.message).toContain('the harness itself was as late');
  });

  test('cannot be told without a run before the disturbance', () => {
    const history = new HistoryBuilder(4).start();
    for (let round = 0; round < 8; round += 1) cancelledRound(history, 3_000);
    expect(history.findings(RULE)).toEqual([]);
  });

  test('is not compared for those who disturbed themselves', () => {
    const history = new HistoryBuilder(2).start();
    for (let round = 0; round < 8; round += 1) {
      roundOf(history, 500);
      for (const { name } of history.people) history.ask(name);
      for (const { name } of history.people) act(history, name, 'drop', { conn: `${name}#1` });
      for (const { name } of history.people) act(history, name, 'reconnect', {});
      const since = history.lines.at(-1)?.t ?? 0;
      for (const type of FIVE)
        for (const { name } of history.people)
          history.event(name, type, { fields: { t: since + 3_000 } });
    }
    expect(history.findings(RULE)).toEqual([]);
    expect(outcome(history)).toBe('not-applicable');
  });
});

/** u00's run fails on purpose, u01's as well, and u02 gets its answer. */
function failing(history: HistoryBuilder, order: readonly string[]): void {
  act(history, 'u00', 'provoke-error', { question: (history.asked.get('u00')?.length ?? 0) + 1 });
  for (const { name } of history.people) history.ask(name);
  for (const { name } of history.people) history.event(name, 'agent_started');
  for (const name of order) history.event(name, 'agent_error');
  for (const type of FIVE.slice(1)) history.event('u02', type);
}

describe('a run that fails', () => {
  test('with another’s that failed on purpose, and did not before, was interfered with', () => {
    const history = new HistoryBuilder(3).start();
    roundOf(history, 500);
    failing(history, ['u00', 'u01']);
    expect(history.findings(RULE)).toMatchObject([
      { observer: 'u01', owner: 'u00', severity: 'violation', event: 'agent_error' },
    ]);
  });

  test('before that one is somebody else’s doing', () => {
    const history = new HistoryBuilder(3).start();
    roundOf(history, 500);
    failing(history, ['u01', 'u00']);
    expect(history.findings(RULE)).toEqual([]);
    expect(history.findings('delivery/error-event')).toHaveLength(1);
  });

  test('without a run before it to compare with accuses nobody', () => {
    const history = new HistoryBuilder(3).start();
    failing(history, ['u00', 'u01']);
    expect(history.findings(RULE)).toEqual([]);
  });

  test('alone, as it was meant to, interferes with nobody', () => {
    const history = new HistoryBuilder(3).start();
    roundOf(history, 500);
    act(history, 'u00', 'provoke-error', { question: 2 });
    for (const { name } of history.people) history.ask(name);
    history.event('u00', 'agent_started');
    history.event('u00', 'agent_error');
    for (const type of FIVE) for (const name of ['u01', 'u02']) history.event(name, type);
    expect(history.verdict().findings).toEqual([]);
    expect(outcome(history)).toBe('pass');
  });
});

describe('the sign test', () => {
  test('says how likely so many heads are', () => {
    expect(signTest(0, 0)).toBe(1);
    expect(signTest(7, 7)).toBeCloseTo(1 / 128, 10);
    expect(signTest(6, 7)).toBeCloseTo(8 / 128, 10);
    expect(signTest(0, 5)).toBeCloseTo(1, 10);
    expect(signTest(5_100, 10_000)).toBeCloseTo(0.0233, 3);
    expect(signTest(1_999, 2_000)).toBeLessThan(1e-300);
  });
});
