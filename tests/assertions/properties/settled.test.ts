import { describe, expect, test } from 'vitest';
import { FIVE, HistoryBuilder, who } from '../history-builder.ts';

/** What generated histories showed, or what the two judges disagreed about, as the smallest history of each. */
describe('once settled', () => {
  test('the rest of a run that its asker stopped is exempt from order and errors', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    for (const type of FIVE) for (const name of ['u01', 'u02']) history.event(name, type);
    history.event('u00', 'agent_started');
    const { run } = history.asked.get('u00')?.[0] ?? {};
    history.add('u00', { kind: 'act', surface: 'harness', dir: 'act', act: 'stop', run });
    for (const type of ['agent_error', 'agent_stopped', 'agent_thinking'])
      history.event('u00', type);
    expect(history.verdict().findings).toEqual([]);
  });

  test('a tool call is judged on each tab, whatever another tab showed before', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    const shown = FIVE.map((type) => {
      for (const name of ['u01', 'u02']) history.event(name, type);
      return history.event('u00', type);
    });
    for (const at of [0, 1, 3, 2, 4]) {
      const { sequence: _sequence, ...event } = shown[at] ?? {};
      history.add('u00', { ...event, conn: 'u00#2' });
    }
    expect(history.verdict().findings.map(({ rule }) => rule)).toEqual(['order/out-of-order']);
  });

  test('what a tab shows before it resumes is not out of order', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    const { run } = history.asked.get('u00')?.[0] ?? {};
    const resume = { kind: 'act', surface: 'harness', dir: 'act', act: 'resume' } as const;
    const shown = FIVE.map((type) => {
      for (const name of ['u01', 'u02']) history.event(name, type);
      return history.event('u00', type);
    });
    history.add('u00', { ...shown[4], conn: 'u00#2' });
    history.add('u00', { ...resume, run, conn: 'u00#2' });
    for (const event of shown) history.add('u00', { ...event, conn: 'u00#2' });
    expect(history.verdict().findings).toEqual([]);
  });

  test('what was said in a shared thread is a leak outside that thread', () => {
    const history = new HistoryBuilder(3).start();
    const { thread } = history.person('u00');
    const harness = { surface: 'harness', dir: 'act' } as const;
    const audience = ['u00', 'u01'];
    history.add('u00', { ...harness, kind: 'identity', ids: { thread }, audience });
    history.round();
    history.event('u00', 'agent_thinking', { to: 'u01' });
    const question = history.asked.get('u00')?.[0]?.marker;
    const said = { payload: { thought: `about ${question}` } };
    expect(history.findings('foreign-marker')).toEqual([]);
    history.event('u01', 'agent_thinking', said);
    expect(history.findings('foreign-marker').map(who)).toEqual(['u01 of u00']);
  });

  test('a marker beside the text of a piece says nothing of the answer', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    for (const type of FIVE.slice(0, 4))
      for (const { name } of history.people) history.event(name, type);
    const trace = history.person('u01').note;
    history.event('u00', 'agent_chunk', { payload: { text: 'well', index: 0, trace } });
    for (const { name } of history.people) history.event(name, 'agent_completed');
    expect(history.findings('foreign-marker').map(who)).toEqual(['u00 of u01']);
    expect(history.findings('wrong-answer')).toEqual([]);
  });

  test('an event whose run the target named is routed, though it names nothing else', () => {
    const history = new HistoryBuilder(2).start();
    const harness = { surface: 'harness', dir: 'act', kind: 'act', act: 'ask' } as const;
    for (const { name, note } of history.people)
      history.add(name, { ...harness, question: 1, marker: note });
    for (const type of FIVE)
      for (const { name, note } of history.people) {
        const run = `run-the-target-gave-${name}-7f`;
        const content = JSON.stringify({ type, run_id: run, payload: { response: note } });
        const tool = type.startsWith('tool_') ? { tool: 'call-1' } : {};
        history.add(name, { event: type, run, ...tool, contentKind: 'frame', content });
      }
    expect(history.findings('gate/routing')).toEqual([]);
    expect(history.verdict().metrics.routingAccuracy).toBe(1);
  });

  test("a sub-agent's start before the outermost one is out of order, also on a second tab", () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    const nested = { payload: { agent_name: 'researcher' } };
    const [started, ...rest] = FIVE;
    for (const { name } of history.people) history.event(name, started);
    const shown = [history.lines.findLast(({ user }) => user === 'u00')];
    for (const type of [started, 'agent_completed']) shown.push(history.event('u00', type, nested));
    for (const type of rest)
      for (const { name } of history.people) {
        const event = history.event(name, type);
        if (name === 'u00') shown.push(event);
      }
    for (const at of [1, 0, 2, 3, 4, 5, 6]) {
      const { sequence: _sequence, ...event } = shown[at] ?? {};
      history.add('u00', { ...event, conn: 'u00#2' });
    }
    expect(history.verdict().findings.map(({ rule, event }) => `${rule} ${event}`)).toEqual([
      'order/out-of-order agent_started',
    ]);
  });

  test('a required event came although another tab showed another event under its id', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    for (const type of FIVE)
      for (const { name } of history.people) {
        const { id } = history.event(name, type);
        if (name !== 'u00') continue;
        const content = JSON.stringify({ type: 'agent_chunk' });
        const other = { event: type === 'agent_thinking' ? 'agent_chunk' : type, content };
        const line = history.lines.pop();
        history.add('u00', { ...line, ...other, id, conn: 'u00#2' });
        history.add('u00', { ...line });
      }
    expect(history.findings('missing-event')).toEqual([]);
    expect(history.verdict().metrics.deliveryRate).toBe(1);
  });

  test('members of a shared thread are named in its frames, wherever those name the thread', () => {
    const history = new HistoryBuilder(3).start();
    const { thread } = history.person('u00');
    const harness = { surface: 'harness', dir: 'act' } as const;
    const audience = ['u00', 'u01'];
    history.add('u00', { ...harness, kind: 'identity', ids: { thread }, audience });
    history.round();
    const { id: member } = history.person('u01');
    const { run } = history.asked.get('u00')?.[0] ?? {};
    const content = JSON.stringify({ type: 'presence', run_id: run, typing: member });
    history.add('u00', { event: 'presence', run, contentKind: 'frame', content });
    expect(history.findings('foreign-identity')).toEqual([]);
    const outside = JSON.stringify({ type: 'presence', typing: member });
    history.add('u00', { event: 'presence', contentKind: 'frame', content: outside });
    expect(history.findings('foreign-identity').map(who)).toEqual(['u00 of u01']);
  });

  test('a run that ends before its tab resumes and again in the replay has ended once', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    const { run } = history.asked.get('u00')?.[0] ?? {};
    const shown = FIVE.map((type) => {
      for (const name of ['u01', 'u02']) history.event(name, type);
      return history.event('u00', type, { fields: { id: undefined } });
    });
    const resume = { kind: 'act', surface: 'harness', dir: 'act', act: 'resume' } as const;
    history.add('u00', { ...resume, run });
    for (const event of shown) history.add('u00', { ...event, conn: 'u00#1' });
    expect(history.verdict().findings).toEqual([]);
  });

  test('an event that comes before its receiver is known is routed when it turns out to be its own', () => {
    const history = new HistoryBuilder(2);
    const early = { type: 'agent_started', user_id: history.person('u00').id };
    const content = JSON.stringify(early);
    const frame = { contentKind: 'frame', content, agent: 'assistant' } as const;
    history.add('u00', { event: early.type, owner: early.user_id, ...frame });
    history.start().round();
    expect(history.findings('misdelivered-event')).toEqual([]);
    expect(history.findings('gate/routing')).toEqual([]);
  });

  test('a streamed answer is mine on each tab or wrong there, whatever another tab streamed', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    for (const type of FIVE.slice(0, 4))
      for (const { name } of history.people) history.event(name, type);
    const [mine, theirs] = ['u00', 'u01'].map((name) => history.asked.get(name)?.[0]?.marker);
    const { id, sequence } = history.event('u00', 'agent_chunk', { payload: { text: mine } });
    const onSecondTab = { conn: 'u00#2', id, sequence };
    history.event('u00', 'agent_chunk', { payload: { text: theirs }, fields: onSecondTab });
    for (const { name } of history.people) history.event(name, 'agent_completed');
    expect(history.findings('wrong-answer').map(who)).toEqual(['u00 of u01']);
  });
});
