import { describe, expect, test } from 'vitest';
import { LiveJudge } from '../../assertions/judge.ts';
import { Knowledge } from '../../assertions/knowledge.ts';
import { RunLedger } from '../../assertions/run-ledger.ts';
import { act, browserPath, draw } from './browser-history.ts';
import { FIVE, HistoryBuilder } from './history-builder.ts';

/** Everybody's run has ended, so what the judge keeps of it is packed. */
const ended = (): HistoryBuilder => new HistoryBuilder(3).goldenPath();

const NOTHING_FOUND = {
  received: false,
  sightings: [],
  foreign: [],
  attribution: undefined,
  tokens: { text: '', runs: [] },
} as const;

function repeat(history: HistoryBuilder, event: string): void {
  const line = history.lines.find((known) => known.user === 'u01' && known.event === event);
  if (line === undefined) throw new Error(`u01 never saw ${event}`);
  const { n: _n, line: _line, t: _t, user: _user, ...fields } = line;
  history.add('u01', fields);
}

describe('a run that has ended is still known', () => {
  test.each(FIVE)('%s once more is a duplicate', (event) => {
    const history = ended();
    repeat(history, event);
    expect(history.findings('duplicate-event').map(({ observer }) => observer)).toEqual(['u01']);
    expect(history.findings('double-completion')).toEqual([]);
  });

  test('a second end, and a late event, are told with what came before', () => {
    const history = ended();
    history.event('u01', 'agent_completed');
    history.event('u01', 'agent_thinking');
    expect(history.findings('double-completion')).toHaveLength(1);
    expect(history.findings('after-completion')).toHaveLength(1);
    expect(history.verdict().users[1]?.events['agent_thinking']).toBe(2);
  });

  test('its tool call is closed and was opened', () => {
    const history = ended();
    history.event('u01', 'tool_completed');
    expect(history.findings('orphan-event')).toEqual([]);
    expect(history.findings('unclosed-tool')).toEqual([]);
  });

  test('its sequence goes on where it was', () => {
    const history = ended();
    history.event('u01', 'agent_thinking', { fields: { sequence: 2 } });
    expect(history.findings('sequence-regression')).toHaveLength(1);
  });
});

const accusations = (history: HistoryBuilder): string[] =>
  history.verdict().findings.map(({ rule, observer, owner }) => `${rule} ${observer} ${owner}`);
const runOf = (history: HistoryBuilder, name: string) => history.asked.get(name)?.at(-1)?.run;
const framesOf = (history: HistoryBuilder, name: string) =>
  history.lines.filter(
    ({ user, run, kind }) => user === name && run !== undefined && kind === 'frame',
  );

/** The whole run of a user once more, as a target that resumes it shows it. */
function replay(history: HistoryBuilder, name: string, conn: string): void {
  for (const line of framesOf(history, name))
    history.add(name, { ...line, t: history.lines.length, conn });
}

describe('what its asker or another does after a run has ended', () => {
  test('a resume on the same connection may show all of it again, once', () => {
    const history = ended();
    act(history, 'u01', 'resume', { run: runOf(history, 'u01'), conn: 'u01#1' });
    replay(history, 'u01', 'u01#1');
    expect(accusations(history)).toEqual([]);
    expect(history.verdict().users[1]?.events).toMatchObject({
      agent_started: 1,
      agent_completed: 1,
    });
    repeat(history, 'agent_thinking');
    expect(accusations(history)).toEqual(['order/duplicate-event u01 null']);
  });

  test('another connection may show all of it, once', () => {
    const history = ended();
    history.add('u01', { kind: 'open', dir: 'act', conn: 'u01#2' });
    replay(history, 'u01', 'u01#2');
    expect(accusations(history)).toEqual([]);
    const [first] = framesOf(history, 'u01');
    history.add('u01', { ...first, t: history.lines.length, conn: 'u01#2' });
    expect(accusations(history)).toEqual(['order/duplicate-event u01 null']);
  });

  test('what comes late for one run changes nothing of the others', () => {
    const history = ended();
    history.event('u01', 'agent_thinking');
    const { users, findings } = history.verdict();
    expect(findings.map(({ rule }) => rule)).toEqual(['order/after-completion']);
    expect(users.map(({ events }) => events['agent_thinking'])).toEqual([1, 2, 1]);
  });

  test('a cancel that comes too late may still be answered', () => {
    const history = ended();
    act(history, 'u01', 'cancel', { run: runOf(history, 'u01') });
    history.event('u01', 'agent_stopped');
    history.event('u01', 'agent_thinking');
    expect(accusations(history)).toEqual([]);
  });

  test('stopped after its end by the cancel of another, it was interfered with', () => {
    const history = ended();
    act(history, 'u00', 'cancel', { run: runOf(history, 'u00') });
    history.event('u00', 'agent_stopped');
    history.event('u01', 'agent_stopped');
    expect(accusations(history)).toEqual([
      'isolation/interference u01 u00',
      'order/double-completion u01 null',
    ]);
  });

  test('a failure that was provoked is no error, also when more of it comes', () => {
    const history = new HistoryBuilder(3).start();
    act(history, 'u01', 'provoke-error', { question: 1 });
    for (const { name } of history.people) history.ask(name);
    for (const { name } of history.people) history.event(name, 'agent_started');
    history.event('u01', 'agent_error');
    for (const type of FIVE.slice(1)) for (const name of ['u00', 'u02']) history.event(name, type);
    expect(accusations(history)).toEqual([]);
    repeat(history, 'agent_error');
    expect(accusations(history)).toEqual(['order/duplicate-event u01 null']);
  });

  test('a failure that was provoked is no error where events name no run, that of another is', () => {
    const history = new HistoryBuilder(3).start();
    act(history, 'u01', 'provoke-error', { question: 1 });
    const fields = { run: undefined, thread: undefined, owner: undefined };
    const root = { run_id: undefined, thread_id: undefined, user_id: undefined };
    for (const { name } of history.people) history.ask(name);
    for (const type of FIVE) history.event('u00', type);
    for (const type of ['agent_started', 'agent_error'])
      for (const name of ['u01', 'u02']) history.event(name, type, { fields, root });
    expect(accusations(history)).toContain('delivery/error-event u02 null');
    expect(accusations(history)).not.toContain('delivery/error-event u01 null');
  });

  test('its page is held against what its wire said', () => {
    const history = browserPath();
    expect(accusations(history)).toEqual([]);
    draw(history, 'u01', `You asked ${history.asked.get('u02')?.at(-1)?.marker ?? ''}; no more`);
    expect(accusations(history)).toContain('isolation/wire-page-mismatch u01 u02');
  });
});

test('an ended run is packed, and is what it was once something of it comes', () => {
  const history = ended();
  const knowledge = new Knowledge(history.header);
  for (const line of history.lines) knowledge.learn(line);
  const ledger = new RunLedger(knowledge);
  const ask = history.lines.find((line) => line.user === 'u01' && line.act === 'ask');
  if (ask === undefined) throw new Error('u01 never asked');
  ledger.act({ ...NOTHING_FOUND, observation: ask, observer: 1 });
  const run = ledger.byId(ask.run, 1);
  if (run === undefined) throw new Error('the ledger does not know the run');
  const on = ledger.onConnection(run, 'u01#1');
  for (const id of ['a', '', 'c']) on.seen.add(id);
  Object.assign(on, { started: true, completedAt: 12.345, lastSequence: 3 });
  // The first by its name, and so used again.
  const uses = [
    ['t', 2],
    ['u', 1],
  ] as const;
  on.openedTools = new Map(uses);
  on.closedTools = new Map(uses);
  run.tools = { open: new Map(), closed: new Set(['t', 'u']), orphans: new Map() };
  run.counts.set('agent_completed', 1);
  run.terminals = [{ event: 'agent_completed', on, id: '' }];
  const before = structuredClone({ on, tools: run.tools, terminals: run.terminals });
  ledger.ended(run);
  expect(run.packed).toEqual(expect.any(String));
  expect(run.connections.size).toBe(0);
  expect(run.terminals.map(({ event }) => event)).toEqual(['agent_completed']);
  const after = ledger.onConnection(run, 'u01#1');
  expect({ on: after, tools: run.tools, terminals: run.terminals }).toEqual(before);
  expect(run.packed).toBeUndefined();
});

test('the live judge tells of a violation as soon as it is asked', () => {
  const history = ended();
  const live = new LiveJudge(history.header);
  for (const observation of history.lines) live.observe(observation);
  expect(live.violated).toBe(false);
  live.observe(history.event('u01', 'agent_thinking', { to: 'u02' }));
  expect(live.violated).toBe(true);
  expect(live.violations.map(({ rule }) => rule)).toContain('isolation/misdelivered-event');
});
