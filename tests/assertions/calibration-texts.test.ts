import { describe, expect, test } from 'vitest';
import { calibrate } from '../../assertions/calibration.ts';
import reference from '../../targets/reference.ts';
import { act } from './browser-history.ts';
import { FIVE, HistoryBuilder } from './history-builder.ts';

test('a target that writes its JSON on several lines has a detector that is proven', () => {
  const history = new HistoryBuilder(3).goldenPath();
  for (const [at, line] of history.lines.entries())
    if (line.contentKind === 'frame' && line.content !== undefined) {
      const content = JSON.stringify(JSON.parse(line.content), null, 2);
      history.lines[at] = { ...line, contentKind: 'text', content };
    }
  expect(history.verdict().verdict).toBe('pass');
  const { missed, planted, byMutation } = calibrate({
    header: history.header,
    observations: history.lines,
  });
  expect(missed).toEqual([]);
  expect(planted).toBeGreaterThan(5);
  expect(byMutation['marker-spliced']).toEqual({ planted: 1, caught: 1 });
});

const missedIn = ({ header, lines }: HistoryBuilder): readonly string[] =>
  calibrate({ header, observations: lines }).missed;

test('a detector is proven where some answers come in pieces and others whole', () => {
  for (const streaming of [['u00'], ['u01'], ['u02'], ['u00', 'u01']]) {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    for (const type of FIVE)
      for (const { name, note } of history.people) {
        const isStreamed = type === 'agent_completed' && streaming.includes(name);
        const text = `You asked ${history.asked.get(name)?.[0]?.marker}; your note says ${note}`;
        if (isStreamed)
          for (const piece of [text.slice(0, 20), text.slice(20)])
            history.event(name, 'agent_chunk', { payload: { text: piece } });
        history.event(name, type, isStreamed ? { payload: { response: undefined } } : {});
      }
    expect(history.verdict().verdict).toBe('pass');
    expect(missedIn(history)).toEqual([]);
  }
});

test('a note about an event without ids changes no verdict', () => {
  for (const name of ['u00', 'u01', 'u02', 'u03', 'u04', 'u05']) {
    const history = new HistoryBuilder(6, {
      claims: { ...reference.judging.claims, ids: {} },
    }).goldenPath(FIVE.slice(0, 2));
    history.add(name, {
      event: 'agent_thinking',
      contentKind: 'frame',
      content: '{"type":"agent_thinking","payload":{}}',
    });
    for (const type of FIVE.slice(2))
      for (const one of history.people) history.event(one.name, type);
    expect(history.findings('unattributable-event')).toMatchObject([{ severity: 'note' }]);
    expect(history.verdict().verdict).toBe('pass');
    expect(missedIn(history)).toEqual([]);
  }
});

describe('where only the words of an answer tell whose it is, a detector is proven', () => {
  const bare = { owner: undefined, thread: undefined, id: undefined, sequence: undefined };
  const bareRoot = {
    user_id: undefined,
    thread_id: undefined,
    message_id: undefined,
    sequence: undefined,
  };
  const silent = { thought: 'hm', parameters: '', result: '', tool_call_id: 'search' };

  /** Everybody has asked; what runs are called is the target's to say, if it says it at all. */
  function asked(): HistoryBuilder {
    const { claims } = reference.judging;
    const echo: typeof claims.echo = { agent_completed: ['question'] };
    const history = new HistoryBuilder(3, { claims: { ...claims, ids: {}, echo } }).start();
    for (const { name } of history.people) history.ask(name);
    for (const { source, user, n: _n, line: _line, ...line } of history.lines.splice(0)) {
      const unnamed = line.act === 'ask' ? { run: undefined, thread: undefined } : {};
      if (source !== 'ask') history.add(user, { ...line, source, ...unnamed });
    }
    return history;
  }

  test('beside a user who signed out in mid-run, and is owed no more', () => {
    const history = asked();
    const nameless = {
      root: { ...bareRoot, run_id: undefined },
      fields: { ...bare, run: undefined, tool: 'search' },
    };
    for (const type of FIVE)
      for (const { name } of history.people) {
        const isOver = name === 'u01' && type !== 'agent_started' && type !== 'agent_thinking';
        const response = `You asked ${history.asked.get(name)?.[0]?.marker}.`;
        const payload = { ...silent, response: type === 'agent_completed' ? response : undefined };
        if (!isOver) history.event(name, type, { ...nameless, payload });
        if (name === 'u01' && type === 'agent_thinking') act(history, name, 'sign-out');
      }
    for (let seed = 0; seed < 12; seed += 1) {
      const header = { ...history.header, seed: String(seed) };
      const { missed, byMutation } = calibrate({ header, observations: history.lines });
      expect(missed).toEqual([]);
      expect(byMutation).toMatchObject({ 'event-dropped': { planted: 1, caught: 1 } });
    }
  });

  for (const [runs, root, fields] of [
    ['with', bareRoot, bare],
    ['without', { ...bareRoot, run_id: undefined }, { ...bare, run: undefined, tool: 'search' }],
  ] as const)
    for (const says of ['agent_chunk', 'agent_completed'] as const)
      test(`runs ${runs} ids, answers in ${says}`, () => {
        const history = asked();
        for (const type of [...FIVE.slice(0, -1), 'agent_chunk', 'agent_completed'])
          for (const { name } of history.people) {
            const text = `You asked ${history.asked.get(name)?.[0]?.marker}.`;
            const pieces = type === says ? [text.slice(0, 20), text.slice(20)] : ['Well. '];
            const said = type === 'agent_completed' ? [pieces.join('')] : pieces;
            for (const piece of said) {
              const response = type === 'agent_completed' ? piece : undefined;
              const payload = { ...silent, text: piece, response };
              history.event(name, type, { payload, root, fields });
            }
          }
        // Whose runs are which is known at their end, and told to a second reading.
        const { missed, byMutation } = calibrate({
          header: history.header,
          observations: history.lines,
        });
        expect(missed).toEqual([]);
        expect(byMutation).toMatchObject({
          'answers-swapped': { planted: 1, caught: 1 },
          'event-moved': { planted: 1, caught: 1 },
        });
      });
});
