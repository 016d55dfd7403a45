import { describe, expect, test } from 'vitest';
import reference from '../../../targets/reference.ts';
import { FIVE, HistoryBuilder, rulesOf, withRun, type Line } from '../history-builder.ts';

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
