import { describe, expect, test } from 'vitest';
import { judgeOnce, LiveJudge } from '../../../assertions/history-judge.ts';
import type { Observation } from '../../../history/observation.ts';
import { FIVE, HistoryBuilder, clean, who } from '../history-builder.ts';
import { judged } from '../history-language.ts';
import { recorded } from '../recorded-history.ts';

test('isolation/shared-identifier: two users are given one id', () => {
  const history = clean();
  history.add('u02', {
    kind: 'identity',
    surface: 'harness',
    dir: 'act',
    source: 'sign-in',
    ids: { user: history.person('u00').id },
  });
  const [finding] = history.findings('shared-identifier');
  expect(who(finding)).toBe('u02 of u00');
  expect(finding?.event).toBe('sign-in');
});

describe('one run id of two users', () => {
  const ruleOf = ({ rule }: { rule: string }): string => rule;
  const OTHERS = 'run-u01-1-5d5d';
  const SHARED = 'run-u00-1-5d5d';

  test.each([
    { how: 'they asked with', isTold: false },
    { how: 'the target told them', isTold: true },
  ])("that $how is of each one's own run", ({ isTold }) => {
    const history = new HistoryBuilder(3).goldenPath();
    const lines = history.lines.flatMap((line): Observation[] => {
      if (!isTold) return [line];
      if (line.act === 'ask') return [{ ...line, run: undefined }, told(line)];
      return line.source === 'ask' ? [] : [line];
    });
    const shared: Observation[] = JSON.parse(JSON.stringify(lines).replaceAll(OTHERS, SHARED));
    const { findings, metrics } = judged(history.header, shared);
    expect(findings.map(ruleOf)).toEqual(['isolation/shared-identifier']);
    expect(metrics.deliveryRate).toBe(1);
  });

  /** The target tells the run of a question. */
  const told = ({ n, line, t, user, run }: Observation): Observation => ({
    n,
    line,
    t,
    user,
    conn: null,
    surface: 'harness',
    dir: 'act',
    kind: 'identity',
    source: 'ask',
    ids: { run },
  });
});

describe('one id that the first line gives to two users', () => {
  const given = (kind: 'user' | 'thread'): HistoryBuilder => {
    const history = clean();
    for (const user of history.header.users.slice(0, 2))
      Object.assign(user.ids, { [kind]: `${kind}-that-both-are-given-01` });
    return history;
  };

  test('is shared, and the first line its witness', () => {
    const findings = given('user').findings('shared-identifier');
    expect(findings.map(who)).toEqual(['u01 of u00']);
    expect(findings[0]?.witness).toMatchObject([{ line: 1 }]);
  });

  test('is none where both are members of the thread', () => {
    const history = given('thread');
    expect(history.findings('shared-identifier').map(who)).toEqual(['u01 of u00']);
    history.add('u00', {
      kind: 'identity',
      surface: 'harness',
      dir: 'act',
      ids: { thread: 'thread-that-both-are-given-01' },
      audience: ['u00', 'u01'],
    });
    expect(history.verdict().verdict).toBe('pass');
  });
});

describe('one id of two users, before the second is given it', () => {
  const ruleOf = ({ rule }: { rule: string }): string => rule;
  const give = (history: HistoryBuilder, thread: string): void => {
    history.add('u01', {
      kind: 'identity',
      surface: 'harness',
      dir: 'act',
      source: 'thread',
      ids: { thread },
    });
  };
  const receive = (history: HistoryBuilder, thread: string): void => {
    history.event('u01', 'agent_thinking', {
      root: { thread_id: thread, run_id: undefined, user_id: undefined },
      fields: { thread, run: undefined, owner: undefined, sequence: undefined },
    });
  };

  test('tells nothing of whose an event was, whenever it came', () => {
    for (const isGivenFirst of [true, false]) {
      const history = new HistoryBuilder(3).start();
      const { thread } = history.person('u00');
      for (const { name } of history.people) history.ask(name);
      for (const { name } of history.people) history.event(name, FIVE[0]);
      if (isGivenFirst) give(history, thread);
      receive(history, thread);
      if (!isGivenFirst) give(history, thread);
      for (const type of FIVE.slice(1))
        for (const { name } of history.people) history.event(name, type);
      const { findings, metrics } = judged(history.header, history.lines);
      expect(findings.map(ruleOf)).toEqual(['isolation/shared-identifier']);
      expect(metrics.routingAccuracy).toBe(1);
    }
  });

  test("was the first one's alone as long as nobody else is given it", () => {
    const history = new HistoryBuilder(3).goldenPath();
    receive(history, history.person('u00').thread);
    const rules = judged(history.header, history.lines).findings.map(ruleOf);
    expect(rules).toContain('isolation/misdelivered-event');
    expect(rules).not.toContain('isolation/shared-identifier');
  });

  test('is judged again from disk, as a whole', () => {
    const history = new HistoryBuilder(3).goldenPath();
    receive(history, history.person('u00').thread);
    give(history, history.person('u00').thread);
    const live = new LiveJudge(history.header);
    for (const line of history.lines) live.observe(line);
    // What it was when it came: whoever stops a trial early has reason to.
    expect(live.violations.map(ruleOf)).toContain('isolation/misdelivered-event');
    const path = recorded(history);
    const rules = judgeOnce(path).findings.map(ruleOf);
    expect(rules).toContain('isolation/shared-identifier');
    expect(rules).not.toContain('isolation/misdelivered-event');
  });
});
