import { describe, expect, test } from 'vitest';
import { FIVE, HistoryBuilder, rulesOf, withRun } from '../history-builder.ts';

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

  test('what came beside all of them in other runs replaces none', () => {
    const history = new HistoryBuilder(3).start();
    const progress = { payload: { agent_name: 'writer', progress: 50 } };
    for (const { name } of history.people) history.ask(name);
    for (const type of FIVE)
      for (const { name } of history.people) {
        if (name !== 'u00' || type !== 'agent_thinking') history.event(name, type);
        if (type === 'agent_thinking') history.event(name, 'progress_update', progress);
      }
    expect(orderRules(history)).toEqual(['order/missing-event']);
  });

  test('nor do frames without a name that came beside all of them, in their number', () => {
    const missing = (furtherFrames: number): readonly string[] => {
      const history = new HistoryBuilder(3).start();
      for (const { name } of history.people) history.ask(name);
      const nameless = (name: string): void => {
        const said = { type: 'TOOL_CALL_ARGS', delta: history.asked.get(name)?.[0]?.marker };
        history.add(name, { contentKind: 'frame', content: JSON.stringify(said) });
      };
      for (const type of FIVE)
        for (const { name } of history.people) {
          if (name !== 'u00' || type !== 'agent_thinking') history.event(name, type);
          if (type === 'tool_executing') nameless(name);
        }
      for (let more = 0; more < furtherFrames; more += 1) nameless('u00');
      return orderRules(history);
    };
    expect(missing(0)).toEqual(['order/missing-event']);
    expect(missing(1)).toEqual(['order/drift']);
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
