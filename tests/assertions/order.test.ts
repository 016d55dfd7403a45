import { describe, expect, test } from 'vitest';
import { FIVE, HistoryBuilder } from './history-builder.ts';

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

test('order/after-completion: a thought after the end', () => {
  const history = withRun([...FIVE, 'agent_thinking']);
  const [finding] = history.findings('after-completion');
  expect(finding?.observer).toBe('u00');
  expect(finding?.event).toBe('agent_thinking');
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
