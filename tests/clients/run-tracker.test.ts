import { describe, expect, test } from 'vitest';
import { isSameId, RunTracker, type AskedQuestion } from '../../clients/run-tracker.ts';
import { QuietWindow } from '../../clients/quiet-window.ts';
import reference from '../../targets/reference.ts';
import type { DecodedFrame } from '../../targets/target.ts';

const QUESTION: AskedQuestion = {
  ordinal: 1,
  run: 'r1',
  thread: 't1',
  marker: 'xtkmarker',
  userId: 'e2e-0001abcd',
};

function tracker(changes: Partial<AskedQuestion> = {}): RunTracker {
  return new RunTracker(reference.judging, { ...QUESTION, ...changes });
}

function event(name: string, fields: Partial<DecodedFrame> = {}): DecodedFrame {
  return { role: 'agent', event: name, run: 'r1', agent: 'outer', ...fields };
}

describe('a run', () => {
  test('is over with the last event of its outermost agent', () => {
    const run = tracker();
    for (const [name, agent] of [
      ['agent_started', 'outer'],
      ['agent_started', 'inner'],
      ['agent_completed', 'inner'],
    ] as const)
      run.receive(event(name, { agent }), '');
    expect(run.isOver).toBe(false);
    run.receive(event('agent_completed'), '');
    expect(run.isOver).toBe(true);
  });

  test('may be waited for by several, for one event or different ones, and never in vain', async () => {
    const run = tracker();
    const told: string[] = [];
    const waiting = ['agent_thinking', 'agent_thinking', 'tool_executing'].map((name) =>
      run.until(name).then(() => told.push(name)),
    );
    run.receive(event('agent_thinking'), '');
    await Promise.all(waiting.slice(0, 2));
    expect(told).toEqual(['agent_thinking', 'agent_thinking']);
    run.receive(event('agent_completed'), '');
    await Promise.all(waiting);
    expect(told.at(-1)).toBe('tool_executing');
    expect(run.hasSeen('tool_executing')).toBe(false);
  });

  test('is over with a failure or a stop', () => {
    for (const name of ['agent_error', 'agent_stopped']) {
      const run = tracker();
      run.receive(event(name), '');
      expect(run.isOver).toBe(true);
    }
  });

  test('is over once even if its agent was announced twice', () => {
    const run = tracker();
    for (const name of ['agent_started', 'agent_started', 'agent_completed'])
      run.receive(event(name), '');
    expect(run.isOver).toBe(true);
  });

  test('is not over with the end of another run', () => {
    const run = tracker();
    run.receive(event('agent_completed', { run: 'r2' }), '');
    expect(run.isOver).toBe(false);
  });

  test('takes its id from the acknowledgement where the target chooses it', () => {
    const run = tracker({ run: undefined });
    expect(run.receive({ role: 'ack', run: 'r7', thread: 't1' }, '')).toBe(true);
    expect(run.run).toBe('r7');
    run.receive(event('agent_completed', { run: 'r7' }), '');
    expect(run.isOver).toBe(true);
  });

  describe('for which nobody chose a thread is in the one', () => {
    const none = { run: undefined, thread: undefined };

    test('that an event of its own id names', () => {
      const run = tracker({ thread: undefined });
      expect(run.receive(event('agent_started', { run: 'r2', thread: 't2' }), '')).toBe(false);
      expect(run.receive(event('agent_started', { thread: 't7' }), '')).toBe(true);
      expect(run.thread).toBe('t7');
      expect(run.receive(event('agent_thinking', { thread: 't8' }), '')).toBe(false);
      expect(run.thread).toBe('t7');
    });

    test('that an event named before it was known to be its own', () => {
      const run = tracker(none);
      for (const other of ['r6', 'r7'])
        expect(run.receive(event('agent_started', { run: other, thread: `of-${other}` }), '')).toBe(
          false,
        );
      expect(run.receive(event('agent_thinking', { run: 'r7' }), 'says xtkmarker')).toBe(true);
      expect([run.run, run.thread]).toEqual(['r7', 'of-r7']);
    });

    test('that an event without a run names, if that is its own by its words', () => {
      const run = tracker(none);
      const said = event('agent_thinking', { run: undefined, thread: 't7' });
      expect(run.receive(said, 'says nothing')).toBe(false);
      expect(run.receive(said, 'says xtkmarker')).toBe(true);
      expect(run.thread).toBe('t7');
    });

    test('that the acknowledgement names', () => {
      const run = tracker({ thread: undefined });
      expect(run.receive({ role: 'ack', run: 'r2', thread: 't2' }, '')).toBe(false);
      expect(run.receive({ role: 'ack', run: 'r1', thread: 't7' }, '')).toBe(true);
      expect(run.thread).toBe('t7');
    });
  });

  test('without any id is known by thread, by owner or by marker, and by no other', () => {
    const none = { run: undefined };
    const over = (fields: Partial<DecodedFrame>, text = ''): boolean => {
      const run = tracker(none);
      run.receive(event('agent_completed', { ...none, ...fields }), text);
      return run.isOver;
    };
    expect(over({ thread: 't1' })).toBe(true);
    expect(over({ thread: 't2' })).toBe(false);
    expect(over({ owner: 'e2e-0001...' })).toBe(true);
    expect(over({ owner: 'e2e-0002...', thread: 't1' })).toBe(false);
    expect(over({}, 'says xtkmarker')).toBe(true);
    expect(over({}, 'says nothing')).toBe(false);
  });

  test('of which nothing is promised to tell is the latest of its receiver', () => {
    const { claims, ...rest } = reference.judging;
    const none = { run: undefined, thread: undefined };
    const frugal = {
      ...rest,
      claims: { ...claims, ids: {}, echo: { agent_completed: ['question' as const] } },
    };
    const run = new RunTracker(frugal, { ...QUESTION, ...none });
    expect(run.isNameless).toBe(false);
    run.receive(event('agent_thinking', { ...none, thread: 't2' }), '');
    expect(run.hasSeen('agent_thinking')).toBe(false);
    run.receive(event('agent_thinking', none), '');
    expect(run.hasSeen('agent_thinking')).toBe(true);
    expect(run.isNameless).toBe(true);
    // Another's would look the same, but for the marker that is promised here.
    run.receive(event('agent_completed', none), 'says nothing');
    expect(run.isOver).toBe(false);
    run.receive(event('agent_stopped', none), '');
    expect(run.isOver).toBe(true);

    const equal = new RunTracker(frugal, { ...QUESTION, ...none, marker: undefined });
    equal.receive(event('agent_completed', none), '');
    expect(equal.isOver).toBe(true);

    const promised = tracker(none);
    promised.receive(event('agent_stopped', none), '');
    promised.receive(event('agent_thinking', none), '');
    expect([promised.isNameless, promised.hasSeen('agent_thinking')]).toEqual([false, false]);
  });
});

describe('a run whose answer comes in pieces', () => {
  const piece = (run: RunTracker, text: string, id?: string): void => {
    const decoded = event('agent_chunk', { run: id });
    run.receive(decoded, JSON.stringify({ type: 'agent_chunk', payload: { text } }));
  };

  test('is known by the marker that they spell, and over with an end that says nothing', () => {
    for (const id of [undefined, 'r7']) {
      const run = tracker({ run: undefined });
      for (const text of ['says xtk', 'mar']) piece(run, text, id);
      run.receive(event('agent_completed', { run: id }), '');
      expect(run.isOver).toBe(false);
      for (const text of ['k', 'er', ' at last']) piece(run, text, id);
      expect(run.run).toBe(id);
      run.receive(event('agent_completed', { run: 'r8' }), '');
      expect(run.isOver).toBe(false);
      run.receive(event('agent_completed', { run: id }), '');
      expect(run.isOver).toBe(true);
    }
  });

  test('is not known by what the pieces of several spell', () => {
    const run = tracker({ run: undefined });
    piece(run, 'xtk', 'r7');
    piece(run, 'marker', 'r8');
    piece(run, 'marker');
    for (const id of ['r7', 'r8', undefined])
      run.receive(event('agent_completed', { run: id }), '');
    expect(run.isOver).toBe(false);
  });

  test('is known by the part of a frame that its piece is', () => {
    const run = tracker({ run: undefined });
    const text = JSON.stringify({ events: [] });
    for (const part of [{ payload: { text: 'xtkm' } }, { payload: { text: 'arker' } }])
      run.receive(event('agent_chunk', { run: 'r7', part }), text);
    expect(run.run).toBe('r7');
  });
});

test('a shown prefix is the same id, anything else is not', () => {
  expect(isSameId('abcd...', 'abcdef')).toBe(true);
  expect(isSameId('abcd', 'abcdef')).toBe(false);
});

describe('the quiet window', () => {
  const limits = { quietMsMin: 2_000, quietMsMax: 15_000 };

  test('is at least its minimum', () => {
    expect(new QuietWindow(limits).windowMs).toBe(2_000);
  });

  test('is three times the usual gap, a quarter more at most', () => {
    const quiet = new QuietWindow(limits);
    for (let i = 0; i < 100; i += 1) quiet.gap(i < 2 ? 100_000 : 1_000);
    expect(quiet.windowMs).toBeGreaterThanOrEqual(3_000);
    expect(quiet.windowMs).toBeLessThanOrEqual(3_750);
  });

  test('is at most its maximum', () => {
    const quiet = new QuietWindow(limits);
    quiet.gap(60_000);
    expect(quiet.windowMs).toBe(15_000);
  });
});

describe('the reply to a question', () => {
  const unnamed = { run: undefined, thread: undefined };
  const reply = (fields: Partial<DecodedFrame> = {}): DecodedFrame =>
    event('agent_completed', { ...unnamed, ...fields });

  test('is its answer where no id says anything else', () => {
    const run = tracker(unnamed);
    run.receive(reply(), '');
    expect(run.isOver).toBe(false);
    run.receive(reply(), '', true);
    expect(run.isOver).toBe(true);
  });

  test('names its run', () => {
    const run = tracker(unnamed);
    expect(run.replied(reply({ run: 'r7' }))).toBe(true);
    expect(run.run).toBe('r7');
    expect(run.replied(reply({ run: 'r8' }))).toBe(false);
  });

  test.each([
    { what: 'user', fields: { owner: 'somebody else', run: 'r7' } },
    { what: 'thread', fields: { thread: 't9', run: 'r7' } },
  ])('of another $what is none', ({ fields }) => {
    const run = tracker({ run: undefined });
    expect(run.replied(reply(fields))).toBe(false);
    run.receive(reply(fields), '', true);
    expect(run.run).toBeUndefined();
    expect(run.isOver).toBe(false);
  });
});
