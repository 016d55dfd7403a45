import { describe, expect, test } from 'vitest';
import type { Observation } from '../../history/observation.ts';
import reference from '../../targets/reference.ts';
import { FIVE, HistoryBuilder, type EventOptions, type Line } from './history-builder.ts';

/** A golden path in which u00's run shows these events and everybody else's all five. */
function withRun(
  events: readonly string[],
  change?: (history: HistoryBuilder) => void,
): HistoryBuilder {
  const history = new HistoryBuilder(3).start();
  for (const { name } of history.people) history.ask(name);
  for (const type of FIVE) for (const name of ['u01', 'u02']) history.event(name, type);
  for (const type of events) history.event('u00', type);
  change?.(history);
  return history;
}

const rulesOf = (history: HistoryBuilder) => [
  ...new Set(
    history
      .verdict()
      .findings.filter(({ severity }) => severity === 'violation')
      .map(({ rule }) => rule),
  ),
];

describe('order/missing-event', () => {
  test.each(FIVE)('%s', (dropped) => {
    const history = withRun(FIVE.filter((event) => event !== dropped));
    const [finding] = history.findings('missing-event');
    expect(finding?.observer).toBe('u00');
    expect(finding?.event).toBe(dropped);
  });

  test.each(['agent_started', 'agent_completed'])(
    '%s of a sub-agent stands for no run’s own',
    (dropped) => {
      const history = withRun(['agent_thinking'], (story) => {
        const nested = { payload: { agent_name: 'researcher' } };
        if (dropped !== 'agent_started') story.event('u00', 'agent_started');
        story.event('u00', 'agent_started', nested);
        story.event('u00', 'tool_executing');
        story.event('u00', 'tool_completed');
        story.event('u00', 'agent_completed', nested);
        if (dropped !== 'agent_completed') story.event('u00', 'agent_completed');
      });
      const [finding] = history.findings('missing-event');
      expect(finding?.observer).toBe('u00');
      expect(finding?.event).toBe(dropped);
      expect(history.verdict().metrics.deliveryRate).toBeLessThan(1);
    },
  );

  test('accuses nobody in a history that was cut off', () => {
    const history = withRun(['agent_started', 'agent_thinking']);
    expect(history.findings('missing-event', { complete: false })).toEqual([]);
    expect(history.findings('stalled-run', { complete: false })).toEqual([]);
    expect(history.verdict({ complete: false }).verdict).toBe('inconclusive');
  });

  test('accuses nobody whose connection was cut: that has its own rule', () => {
    const history = withRun(['agent_started', 'agent_thinking'], (story) => {
      story.add('u00', { kind: 'close', dir: 'in', by: 'them', code: 1011 });
    });
    expect(rulesOf(history)).toEqual(expect.arrayContaining(['delivery/unexpected-close']));
    expect(rulesOf(history)).not.toContain('order/missing-event');
  });
});

test('order/stalled-run: silence in the middle', () => {
  const history = withRun(['agent_started', 'agent_thinking']);
  const [finding] = history.findings('stalled-run');
  expect(finding?.observer).toBe('u00');
  expect(finding?.event).toBe('agent_thinking');
});

describe('order/out-of-order', () => {
  test('a tool completes before it executes', () => {
    const history = withRun([
      'agent_started',
      'agent_thinking',
      'tool_completed',
      'tool_executing',
      'agent_completed',
    ]);
    expect(rulesOf(history)).toEqual(['order/out-of-order']);
  });

  test('an event comes before the opening one', () => {
    const history = withRun([
      'agent_thinking',
      'agent_started',
      'tool_executing',
      'tool_completed',
      'agent_completed',
    ]);
    expect(rulesOf(history)).toEqual(['order/out-of-order']);
  });
});

describe('order/duplicate-event', () => {
  test('the same id twice on one connection', () => {
    const history = withRun(FIVE.slice(0, 4), (story) => {
      const last = story.lines.at(-1);
      if (last !== undefined) story.add('u00', { ...last });
      story.event('u00', 'agent_completed');
    });
    expect(rulesOf(history)).toEqual(['order/duplicate-event']);
  });

  describe('where ids are those of messages, which several events have in common', () => {
    const { claims } = reference.judging;
    const shared = (events: readonly string[], options: EventOptions = {}): HistoryBuilder => {
      const profile = { claims: { ...claims, eventIds: false, sequence: false } };
      const history = new HistoryBuilder(2, profile).start();
      for (const { name } of history.people) history.ask(name);
      for (const type of FIVE) history.event('u01', type);
      for (const [sentAt, type] of events.entries())
        history.event('u00', type, {
          fields: { id: 'msg-1', sequence: undefined, sentAt },
          ...options,
        });
      return history;
    };
    const [started, thinking, ...rest] = FIVE;

    test('they tell no event from another', () => {
      const pieces = ['agent_chunk', 'agent_chunk', 'agent_chunk'];
      const history = shared([
        started,
        thinking,
        thinking,
        ...rest.slice(0, -1),
        ...pieces,
        'agent_completed',
      ]);
      expect(history.verdict()).toMatchObject({ verdict: 'pass', findings: [] });
      const atOnce = { fields: { id: 'msg-1', sentAt: 7, sequence: undefined } };
      expect(
        shared(
          [started, thinking, ...rest.slice(0, -1), ...pieces, 'agent_completed'],
          atOnce,
        ).verdict(),
      ).toMatchObject({ verdict: 'pass', findings: [] });
    });

    test('the same event twice is a duplicate all the same', () => {
      const history = shared([started, thinking]);
      const last = history.lines.at(-1);
      if (last !== undefined) history.add('u00', { ...last });
      for (const type of rest) history.event('u00', type, { fields: { sequence: undefined } });
      expect(rulesOf(history)).toEqual(['order/duplicate-event']);
    });

    test('a second end is none', () => {
      expect(rulesOf(shared([...FIVE, 'agent_completed']))).toEqual(['order/double-completion']);
    });
  });

  test('an agent starts twice', () => {
    expect(rulesOf(withRun(['agent_started', ...FIVE]))).toEqual(['order/duplicate-event']);
  });

  test('the same event on two connections of one user is legal', () => {
    const history = withRun([], (story) => {
      for (const type of FIVE) {
        const seen = story.event('u00', type);
        story.add('u00', { ...seen, conn: 'u00#2' });
      }
    });
    expect(history.verdict().findings).toEqual([]);
  });
});

describe('order/duplicate-event of a tool', () => {
  const BEFORE = FIVE.slice(0, 3);
  const SECOND = { payload: { tool_call_id: 'call-second-1' } };
  const { toolCallIds: _ids, ...withoutCallIds } = reference.judging.claims;
  /** A target that tells tools by their names alone, so that one may be used again. */
  const byName = (change: (history: HistoryBuilder) => void): HistoryBuilder => {
    const history = new HistoryBuilder(3, { claims: withoutCallIds }).start();
    for (const { name } of history.people) history.ask(name);
    for (const type of FIVE) for (const name of ['u01', 'u02']) history.event(name, type);
    change(history);
    return history;
  };
  const all = (history: HistoryBuilder, types: readonly string[]): void => {
    for (const type of types) history.event('u00', type);
  };

  test.each(['tool_executing', 'tool_completed'])('%s of one call with a fresh id', (doubled) => {
    const events = FIVE.flatMap((event) => (event === doubled ? [event, event] : [event]));
    const history = withRun(events);
    expect(rulesOf(history)).toEqual(['order/duplicate-event']);
    expect(history.findings('duplicate-event').map(({ event }) => event)).toEqual([doubled]);
  });

  test('started again after it has completed', () => {
    const history = withRun([...BEFORE, 'tool_completed', 'tool_executing', 'agent_completed']);
    expect(rulesOf(history)).toEqual(['order/duplicate-event']);
  });

  test('two calls, one within the other, are legal', () => {
    const history = withRun(BEFORE, (story) => {
      story.event('u00', 'tool_executing', SECOND);
      story.event('u00', 'tool_completed', SECOND);
      all(story, FIVE.slice(3));
    });
    expect(history.verdict().findings).toEqual([]);
  });

  test('the same call on two connections, or again after a resume, is legal', () => {
    const history = withRun(BEFORE, (story) => {
      const [run] = story.asked.get('u00') ?? [];
      const called = story.lines.at(-1);
      story.add('u00', { ...called, id: 'replay-1', conn: 'u00#2' });
      const closed = story.event('u00', 'tool_completed');
      story.add('u00', { ...closed, id: 'replay-2', conn: 'u00#2' });
      const act = { surface: 'harness', dir: 'act', kind: 'act', act: 'resume' } as const;
      story.add('u00', { ...act, run: run?.run, conn: 'u00#2' });
      story.add('u00', { ...called, id: 'replay-3', conn: 'u00#2' });
      story.add('u00', { ...closed, id: 'replay-4', conn: 'u00#2' });
      story.event('u00', 'agent_completed');
    });
    expect(history.verdict().findings).toEqual([]);
  });

  test('twice on the second of two connections', () => {
    const history = withRun(BEFORE, (story) => {
      const called = story.lines.at(-1);
      story.add('u00', { ...called, id: 'replay-1', conn: 'u00#2' });
      const closed = story.event('u00', 'tool_completed');
      for (const [at, id] of ['replay-2', 'replay-3'].entries())
        story.add('u00', { ...closed, id, conn: 'u00#2', sequence: 10 + at });
      story.event('u00', 'agent_completed');
    });
    expect(rulesOf(history)).toEqual(['order/duplicate-event']);
  });

  test.each([
    ['again', ['tool_executing', 'tool_completed', 'tool_executing', 'tool_completed']],
    ['in parallel', ['tool_executing', 'tool_executing', 'tool_completed', 'tool_completed']],
  ])('by name the same tool may be used %s', (_how, tools) => {
    const history = byName((story) => {
      all(story, [...FIVE.slice(0, 2), ...tools, 'agent_completed']);
    });
    expect(history.verdict().findings).toEqual([]);
  });

  test('by name it completes no more often than it starts', () => {
    const history = byName((story) =>
      all(story, [...FIVE.slice(0, 4), 'tool_completed', 'agent_completed']),
    );
    expect(rulesOf(history)).toEqual(['order/duplicate-event']);
  });

  test.each([true, false])('in parallel by name without event ids (doubled: %s)', (doubled) => {
    const history = byName((story) => {
      const nameless = { fields: { id: undefined } };
      const used = ['tool_executing', 'tool_executing', 'tool_completed', 'tool_completed'];
      for (const type of [...FIVE.slice(0, 2), ...used]) story.event('u00', type, nameless);
      if (doubled) story.event('u00', 'tool_completed', nameless);
      story.event('u00', 'agent_completed', nameless);
    });
    expect(rulesOf(history)).toEqual(doubled ? ['order/duplicate-event'] : []);
  });

  test('by name a tab that came late completes what started before it was there', () => {
    const history = byName((story) => {
      all(story, ['agent_started', 'agent_thinking', 'tool_executing', 'tool_executing']);
      for (const type of ['tool_completed', 'tool_completed', 'agent_completed'])
        story.add('u00', { ...story.event('u00', type), conn: 'u00#2' });
    });
    expect(history.verdict().findings).toEqual([]);
  });

  test('by name a tab that came late is shown no more completions than there were starts', () => {
    const history = byName((story) => {
      all(story, FIVE.slice(0, 3));
      const closed = story.event('u00', 'tool_completed');
      for (const [at, id] of ['tab-1', 'tab-2'].entries())
        story.add('u00', { ...closed, id, conn: 'u00#2', sequence: 10 + at });
      story.event('u00', 'agent_completed');
    });
    expect(rulesOf(history)).toEqual(['order/duplicate-event']);
  });
});

test('order/after-completion: a thought after the end', () => {
  const history = withRun([...FIVE, 'agent_thinking']);
  const [finding] = history.findings('after-completion');
  expect(finding?.observer).toBe('u00');
  expect(finding?.event).toBe('agent_thinking');
});

describe('an event without any id after the end', () => {
  const late = (ids: typeof reference.judging.claims.ids, carried: Line): HistoryBuilder => {
    const history = new HistoryBuilder(3, { claims: { ...reference.judging.claims, ids } });
    history.goldenPath();
    const none = { owner: undefined, thread: undefined, run: undefined };
    history.event('u00', 'agent_thinking', {
      payload: { thought: 'still at it' },
      root: { user_id: undefined, thread_id: undefined, run_id: undefined },
      fields: { ...none, ...carried },
    });
    return history;
  };

  test('accuses no run where events claim ids: it may be of any', () => {
    const rules = rulesOf(late(reference.judging.claims.ids, {}));
    expect(rules).toContain('isolation/unattributable-event');
    expect(rules).not.toContain('order/after-completion');
  });

  test('is of the latest run where nothing says more', () => {
    expect(rulesOf(late({}, {}))).toEqual(['order/after-completion']);
  });

  test('is late all the same if it carries one of the ids', () => {
    const [first] = new HistoryBuilder(3).people;
    const history = late(reference.judging.claims.ids, { thread: first?.thread });
    expect(rulesOf(history)).toEqual(['order/after-completion']);
  });
});

test('the only thought after the end is after-completion', () => {
  const history = withRun([
    'agent_started',
    'tool_executing',
    'tool_completed',
    'agent_completed',
    'agent_thinking',
  ]);
  expect(rulesOf(history)).toEqual(['order/after-completion']);
});

describe('order/double-completion', () => {
  test('an error and then a completion', () => {
    const history = withRun(FIVE.slice(0, 4), (story) => {
      story.event('u00', 'agent_error');
      story.event('u00', 'agent_completed');
    });
    expect(rulesOf(history)).toEqual(
      expect.arrayContaining(['order/double-completion', 'delivery/error-event']),
    );
  });

  test('a sub-agent’s completion is not the run’s', () => {
    const history = withRun(['agent_started', 'agent_thinking'], (story) => {
      const nested = { payload: { agent_name: 'researcher' } };
      story.event('u00', 'agent_started', nested);
      story.event('u00', 'agent_completed', nested);
      for (const type of ['tool_executing', 'tool_completed', 'agent_completed'])
        story.event('u00', type);
    });
    expect(history.verdict().findings).toEqual([]);
  });
});

test('order/orphan-event: a tool that never started', () => {
  const history = withRun(FIVE.slice(0, 4), (story) => {
    story.event('u00', 'tool_completed', { payload: { tool_call_id: 'call-never-1' } });
    story.event('u00', 'agent_completed');
  });
  expect(rulesOf(history)).toEqual(['order/orphan-event']);
});

test('order/unclosed-tool: completed while a tool is open', () => {
  const history = withRun(FIVE.slice(0, 4), (story) => {
    story.event('u00', 'tool_executing', { payload: { tool_call_id: 'call-open-1' } });
    story.event('u00', 'agent_completed');
  });
  expect(rulesOf(history)).toEqual(['order/unclosed-tool']);
});

test('parallel tools and several thoughts are legal', () => {
  const history = withRun(['agent_started', 'agent_thinking', 'tool_executing'], (story) => {
    story.event('u00', 'tool_executing', { payload: { tool_call_id: 'call-second-1' } });
    story.event('u00', 'agent_thinking');
    story.event('u00', 'tool_completed');
    story.event('u00', 'tool_completed', { payload: { tool_call_id: 'call-second-1' } });
    story.event('u00', 'agent_completed');
  });
  expect(history.verdict().findings).toEqual([]);
});

test('order/sequence-regression: numbers go back', () => {
  const history = withRun(FIVE.slice(0, 4), (story) => {
    story.event('u00', 'agent_completed', { fields: { sequence: 2 } });
  });
  expect(rulesOf(history)).toEqual(['order/sequence-regression']);
});

describe('order/malformed-event', () => {
  test.each([
    ['text that is not JSON', { contentKind: 'text', content: '{"type":' }],
    ['a frame over the limit', { contentKind: 'text', content: '{"type"', cut: 67_000_000 }],
    ['a frame the socket refused', { reason: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' }],
    ['binary', { contentKind: 'base64', content: '/////w==' }],
  ] as const)('%s', (_name, line) => {
    const history = withRun(FIVE, (story) => {
      story.add('u00', { ...line });
    });
    const [finding] = history.findings('malformed-event');
    expect(finding?.observer).toBe('u00');
  });

  test('binary is none where the profile says that it belongs to the protocol, and is searched', () => {
    const history = new HistoryBuilder(3, { binaryMessages: true }).goldenPath();
    const attached = (bytes: Buffer): void => {
      history.add('u00', { contentKind: 'base64', content: bytes.toString('base64') });
    };
    attached(Buffer.from([0xff, 0xfe, 0x80]));
    expect(history.verdict().findings).toEqual([]);
    attached(Buffer.concat([Buffer.from([0xff]), Buffer.from(history.person('u01').note)]));
    expect(rulesOf(history)).toEqual(['isolation/foreign-marker']);
  });

  test('a frame within the limit that was cut for the record is a gap in the evidence', () => {
    const history = withRun(FIVE, (story) => {
      story.add('u00', { contentKind: 'text', content: '{"type":"x"', cut: 1_000 });
    });
    expect(history.findings('malformed-event')).toEqual([]);
    expect(history.verdict().verdict).toBe('inconclusive');
  });

  test('JSON over several lines is none', () => {
    const history = withRun(FIVE, (story) => {
      story.add('u00', { contentKind: 'text', content: '{\n"type": "notice"\n}' });
    });
    expect(history.verdict().findings).toEqual([]);
  });
});

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

describe('order/drift', () => {
  test('known other names replace missing-event', () => {
    const history = withRun([
      'agent_started',
      'agent_thinking',
      'tool_started',
      'tool_result',
      'agent_completed',
    ]);
    expect(rulesOf(history)).toContain('order/drift');
    expect(history.findings('drift').map(({ event }) => event)).toEqual([
      'tool_executing',
      'tool_completed',
    ]);
    expect(rulesOf(history)).not.toContain('order/missing-event');
  });

  const orderRules = (history: HistoryBuilder): string[] =>
    rulesOf(history).filter((rule) => rule.startsWith('order/'));

  test.each([
    ['tool_executing', 'tool_started'],
    ['tool_completed', 'tool_result'],
    ['tool_completed', 'tool_done'],
  ])('a tool whose %s came as %s has both its halves', (event, other) => {
    const history = withRun([], (story) => {
      const call = { payload: { tool_call_id: 'call-once-1' } };
      for (const type of FIVE)
        story.event('u00', type === event ? other : type, type.startsWith('tool') ? call : {});
    });
    expect(orderRules(history)).toEqual(['order/drift']);
  });

  test('another call than the renamed one is open all the same', () => {
    const history = withRun(FIVE.slice(0, 3), (story) => {
      story.event('u00', 'tool_result', { payload: { tool_call_id: 'call-other-1' } });
      story.event('u00', 'agent_completed');
    });
    expect(orderRules(history).toSorted()).toEqual(['order/drift', 'order/unclosed-tool']);
  });

  test('what tells of a call’s progress does not close it', () => {
    const history = withRun(FIVE.slice(0, 4), (story) => {
      const call = { payload: { tool_call_id: 'call-open-1' } };
      story.event('u00', 'tool_executing', call);
      story.event('u00', 'tool_progress', call);
      story.event('u00', 'agent_completed');
    });
    expect(orderRules(history)).toEqual(['order/unclosed-tool']);
  });

  test('the whole run in another envelope', () => {
    const history = withRun([], (story) => {
      const asked = story.asked.get('u00')?.[0];
      for (const type of FIVE)
        story.add('u00', {
          contentKind: 'frame',
          content: JSON.stringify({
            event: type,
            data: { run_id: asked?.run, thought: asked?.marker },
          }),
        });
    });
    expect(history.findings('drift')).toHaveLength(5);
    expect(rulesOf(history)).not.toContain('order/missing-event');
  });

  test('the whole run in another envelope, its id learned only after the question', () => {
    const history = new HistoryBuilder(3).start();
    history.round();
    const run = 'run-that-the-page-made';
    const act = { surface: 'harness', dir: 'act', conn: null } as const;
    history.add('u00', { ...act, kind: 'act', act: 'ask', question: 2 });
    history.add('u00', { ...act, kind: 'identity', source: 'ask', ids: { run } });
    for (const type of FIVE)
      history.add('u00', {
        contentKind: 'frame',
        content: JSON.stringify({ event: type, data: { run_id: run } }),
      });
    expect(history.findings('drift')).toHaveLength(5);
    expect(rulesOf(history)).not.toContain('order/missing-event');
  });
});
