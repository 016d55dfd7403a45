import { describe, expect, test } from 'vitest';
import type { Observation } from '../../../history/observation.ts';
import { FIVE, HistoryBuilder, rulesOf, type EventOptions } from '../history-builder.ts';

test('order/wrong-run: the second question under the first run’s id', () => {
  const history = new HistoryBuilder(3).goldenPath();
  for (const { name } of history.people) history.ask(name);
  for (const type of FIVE) for (const name of ['u01', 'u02']) history.event(name, type);
  const first = history.asked.get('u00')?.[0]?.run ?? '';
  history.event('u00', 'agent_started');
  history.event('u00', 'agent_thinking', { root: { run_id: first }, fields: { run: first } });
  for (const type of FIVE.slice(2)) history.event('u00', type);
  expect(
    history.findings('wrong-run').map(({ observer, event }) => `${observer} ${event}`),
  ).toEqual(['u00 agent_thinking']);
});

describe('order/wrong-run beside what the conversation is called', () => {
  /** A second question in the same thread, with something of the first in one of its events. */
  function again(payload: (first: string) => Record<string, unknown>): HistoryBuilder {
    const history = new HistoryBuilder(3).goldenPath();
    const first = history.asked.get('u00')?.[0]?.marker ?? '';
    history.ask('u00');
    for (const type of FIVE)
      history.event('u00', type, type === 'agent_started' ? { root: payload(first) } : {});
    return history;
  }

  test.each([
    ['a title', (text: string) => ({ thread_title: `${text} is my` })],
    ['a title in the thread', (text: string) => ({ thread: { title: text } })],
    ['the name of the chat', (text: string) => ({ chat: { name: text } })],
  ])('%s made of the first question is legal', (_what, payload) => {
    expect(rulesOf(again(payload))).toEqual([]);
  });

  test.each([
    ['a text', (text: string) => ({ message: text })],
    ['a title and a text', (text: string) => ({ title: text, message: text })],
    ['the name of a tool', (text: string) => ({ tool: { name: text } })],
  ])('%s with the first question is not', (_what, payload) => {
    expect(rulesOf(again(payload))).toEqual(['order/wrong-run']);
  });
});

test('order/wrong-run: no conversation is called after a question that is not its first', () => {
  const history = new HistoryBuilder(3).goldenPath();
  history.ask('u00');
  const second = history.asked.get('u00')?.[1]?.marker ?? '';
  for (const type of FIVE) history.event('u00', type);
  history.ask('u00');
  for (const type of FIVE)
    history.event('u00', type, type === 'agent_started' ? { root: { title: second } } : {});
  expect(second).not.toBe('');
  expect(rulesOf(history)).toEqual(['order/wrong-run']);
});

describe('order/wrong-run by thread', () => {
  const OTHER = 'thread-0-other-99ff';
  const HARNESS = { surface: 'harness', dir: 'act', conn: null } as const;
  const under = (thread: string): EventOptions => ({
    root: { thread_id: thread },
    fields: { thread },
  });

  /** u00 asks in its thread and then, at the same time or later, in another one of its own. */
  function inTwoThreads(
    change: (history: HistoryBuilder) => void,
    { asks = true, news = OTHER } = {},
  ): HistoryBuilder {
    const history = new HistoryBuilder(3).goldenPath();
    history.add('u00', { ...HARNESS, kind: 'identity', source: 'thread', ids: { thread: news } });
    history.ask('u00');
    const asked = history.lines.pop();
    if (asked !== undefined) history.lines.push({ ...asked, ...(asks ? { thread: news } : {}) });
    change(history);
    return history;
  }

  test('an event of the second run under the thread of the first', () => {
    const history = inTwoThreads((story) => {
      for (const type of FIVE)
        story.event('u00', type, type === 'tool_completed' ? {} : under(OTHER));
    });
    expect(rulesOf(history)).toEqual(['order/wrong-run']);
    expect(
      history
        .findings('wrong-run')
        .map(({ observer, event, message }) => [observer, event, message]),
    ).toEqual([
      [
        'u00',
        'tool_completed',
        "run 2 of u00: tool_completed carries this run's id and the thread of run 1",
      ],
    ]);
  });

  test('each under its own is legal, however it is spelled', () => {
    const uuid = '0b9d6c52-3c4e-4f0a-8d1b-2a7f5e6c9d10';
    const history = inTwoThreads(
      (story) => {
        for (const [at, type] of FIVE.entries())
          story.event(
            'u00',
            type,
            under(at % 2 === 0 ? uuid : uuid.toUpperCase().replaceAll('-', '')),
          );
      },
      { news: uuid },
    );
    expect(rulesOf(history)).toEqual([]);
  });

  test('a thread that nobody asked in is none of another run', () => {
    const history = inTwoThreads(
      (story) => {
        for (const type of FIVE) story.event('u00', type, under(OTHER));
      },
      { asks: false },
    );
    expect(rulesOf(history)).toEqual([]);
  });

  test('a thread that the target made for the run is none of another run', () => {
    const history = inTwoThreads((story) => {
      for (const type of FIVE) story.event('u00', type, under('thread-of-the-target-1'));
    });
    expect(rulesOf(history)).toEqual([]);
  });

  test('a shared thread is nobody’s alone', () => {
    const history = new HistoryBuilder(3);
    history.start();
    history.shareThread('u00', ['u00', 'u01']);
    history.round();
    history.add('u00', { ...HARNESS, kind: 'identity', source: 'thread', ids: { thread: OTHER } });
    history.ask('u00');
    const asked = history.lines.pop();
    if (asked !== undefined) history.lines.push({ ...asked, thread: OTHER });
    for (const type of FIVE) history.event('u00', type);
    expect(history.findings('wrong-run')).toEqual([]);
  });

  /** Two questions in two threads whose run ids the target makes; only the second is answered. */
  function namedByTarget(first: EventOptions): HistoryBuilder {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    for (const type of FIVE) for (const name of ['u01', 'u02']) history.event(name, type);
    history.add('u00', { ...HARNESS, kind: 'identity', source: 'thread', ids: { thread: OTHER } });
    history.ask('u00');
    const unnamed = history.lines.map((line): Observation => {
      const { run: _run, ...rest } = line;
      if (line.user !== 'u00') return line;
      if (line.source === 'ask') return { ...line, ids: {} };
      return line.act === 'ask' && line.question === 2 ? { ...rest, thread: OTHER } : rest;
    });
    history.lines.splice(0, Infinity, ...unnamed);
    history.event('u00', 'agent_started', first);
    for (const type of FIVE.slice(1)) history.event('u00', type, under(OTHER));
    return history;
  }
  const byThread = (history: HistoryBuilder): (string | null)[] =>
    history
      .findings('wrong-run')
      .filter(({ message }) => message.includes('thread of'))
      .map(({ event }) => event);

  test('a run whose id was guessed is not told from another', () => {
    const nameless = { root: { thread_id: undefined }, fields: { thread: undefined } };
    expect(byThread(namedByTarget(nameless))).toEqual([]);
  });

  test('a run that the target named by its thread stays in that thread', () => {
    expect(byThread(namedByTarget(under(OTHER)))).toEqual([]);
    // All others hold the question of the second run, too, and are told by that.
    expect(byThread(namedByTarget({}))).toEqual(['tool_completed']);
  });
});
