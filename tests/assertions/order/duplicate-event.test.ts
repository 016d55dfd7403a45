import { describe, expect, test } from 'vitest';
import reference from '../../../targets/reference.ts';
import { FIVE, HistoryBuilder, rulesOf, withRun, type EventOptions } from '../history-builder.ts';

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
          ...(type === 'agent_chunk' && { payload: { text: 'and ' } }),
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

    describe('and nothing numbers or dates events', () => {
      const bare = { id: 'msg-1', sequence: undefined, sentAt: undefined };
      const thought = (text: string): EventOptions => ({
        root: { message_id: 'msg-1', sequence: undefined },
        payload: { thought: text },
        fields: bare,
      });
      const said = (texts: readonly string[]): HistoryBuilder => {
        const history = shared([]);
        history.event('u00', started, thought(''));
        for (const text of texts) history.event('u00', 'agent_thinking', thought(text));
        for (const type of rest) history.event('u00', type, thought(''));
        return history;
      };

      test('thoughts may come in pieces, of which any two may be alike', () => {
        const pieces = ['About ', 'the ', 'sea ', 'and ', 'the ', 'sea ', '...', '...'];
        expect(said(pieces).findings('duplicate-event')).toEqual([]);
      });

      test('a thought that comes again as it was is a duplicate', () => {
        expect(said(['About the sea']).findings('duplicate-event')).toEqual([]);
        expect(said(['About the sea', 'About the sea']).findings('duplicate-event')).toEqual([
          expect.objectContaining({ observer: 'u00', event: 'agent_thinking', count: 1 }),
        ]);
      });

      test('an end that comes again with other words is a duplicate as well', () => {
        const history = said(['About the sea']);
        expect(history.findings('duplicate-event')).toEqual([]);
        const { marker } = history.asked.get('u00')?.[0] ?? {};
        history.event('u00', 'agent_completed', {
          ...thought(''),
          payload: { response: `${marker}, said in other words` },
        });
        expect(history.findings('duplicate-event')).toEqual([
          expect.objectContaining({ observer: 'u00', event: 'agent_completed', count: 1 }),
        ]);
      });
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
