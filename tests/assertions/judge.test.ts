import { describe, expect, test } from 'vitest';
import { calibrate } from '../../assertions/calibration.ts';
import { Judge } from '../../assertions/history-judge.ts';
import type { Observation } from '../../history/observation.ts';
import { asFrame } from '../../targets/frames.ts';
import reference from '../../targets/reference.ts';
import { act } from './browser-history.ts';
import { FIVE, HistoryBuilder, clean } from './history-builder.ts';
import { endOf } from './history-language.ts';

describe('a legal history', () => {
  test('passes with nothing found', () => {
    const verdict = clean().verdict();
    expect(verdict.findings).toEqual([]);
    expect(verdict.reasons).toEqual([]);
    expect(verdict.verdict).toBe('pass');
    expect(verdict.cause).toBeNull();
  });

  test('counts what was examined', () => {
    const verdict = clean(4).verdict();
    const examined = Object.fromEntries(verdict.rules.map((rule) => [rule.rule, rule.examined]));
    expect(examined['isolation/misdelivered-event']).toBe(20);
    expect(examined['order/missing-event']).toBe(4);
    expect(examined['isolation/wrong-answer']).toBe(4);
    expect(verdict.evidence.pairs).toBe(6);
    expect(verdict.evidence.pairsOverlapping).toBe(6);
    expect(verdict.metrics.routingAccuracy).toBe(1);
    expect(verdict.metrics.deliveryRate).toBe(1);
    expect(verdict.metrics.errorRate).toBe(0);
    expect(verdict.users[0]?.events).toEqual({
      agent_started: 1,
      agent_thinking: 1,
      tool_executing: 1,
      tool_completed: 1,
      agent_completed: 1,
    });
  });

  test('is calibrated: every planted mutation is caught', () => {
    const history = clean(5);
    const calibration = calibrate({ header: history.header, observations: history.lines });
    expect(calibration.missed).toEqual([]);
    expect(calibration.planted).toBeGreaterThanOrEqual(12);
    expect(calibration.caught).toBe(calibration.planted);
  });
});

test('a part of a trial alone does not pass', () => {
  const history = clean(3);
  const judge = new Judge({ ...history.header, part: 2 });
  for (const line of history.lines) judge.observe(line);
  const verdict = judge.conclude({ end: endOf(history.lines) });
  expect(verdict).toMatchObject({
    verdict: 'inconclusive',
    findings: [
      {
        rule: 'evidence/missing-part',
        message: 'this is part 2 of a trial, and its other parts are not here',
      },
    ],
  });
});

test('an answer that comes in pieces alone is swapped piece by piece', () => {
  const history = new HistoryBuilder(3).start();
  for (const { name } of history.people) history.ask(name);
  for (const type of FIVE.slice(0, -1))
    for (const { name } of history.people) history.event(name, type);
  for (const { name, note } of history.people) {
    const text = `You asked ${history.asked.get(name)?.[0]?.marker}; your note says ${note}`;
    for (const piece of text.match(/.{1,9}/g) ?? [])
      history.event(name, 'agent_chunk', { payload: { text: piece } });
  }
  for (const { name } of history.people)
    history.event(name, 'agent_completed', { payload: { response: undefined } });
  expect(history.verdict()).toMatchObject({ verdict: 'pass', findings: [] });
  for (let seed = 0; seed < 10; seed += 1) {
    const header = { ...history.header, seed: String(seed) };
    const { missed, byMutation } = calibrate({ header, observations: history.lines });
    expect(missed).toEqual([]);
    expect(byMutation['answers-swapped']).toEqual({ planted: 1, caught: 1 });
  }
});

test('a piece of an answer that is not recorded by itself leaves the history incomplete', () => {
  const history = clean(3);
  const asked = history.asked.get('u00')?.at(-1);
  const piece = {
    event: 'agent_chunk',
    run: asked?.run,
    kind: 'frame',
    content: undefined,
  } as const;
  history.add('u00', piece);
  expect(history.findings('incomplete-history')).toMatchObject([
    {
      severity: 'inconclusive',
      observer: 'u00',
      event: 'agent_chunk',
      message:
        "u00 received a piece of an answer as a further event of a frame, and the profile's decodeAll gave no part of it",
    },
  ]);
});

test('pieces of an answer without a text where the profile has it leave the history incomplete', () => {
  const history = clean(3);
  const run = history.asked.get('u00')?.at(-1)?.run;
  const piece = (text: string): void => {
    const content = JSON.stringify({ type: 'agent_chunk', delta: { text } });
    history.add('u00', { kind: 'frame', event: 'agent_chunk', run, content });
  };
  piece('You asked');
  piece('for a');
  expect(history.findings('incomplete-history')).toMatchObject([
    {
      severity: 'inconclusive',
      observer: 'u00',
      event: 'agent_chunk',
      count: 1,
      message:
        'no agent_chunk holds a text where the profile says that pieces of an answer have it: answer.chunk ["text"] in answer.containers [["payload"]]; name where it stands, or take agent_chunk out of order.chunk',
    },
  ]);
  // A piece may be without: the one that begins a message, or ends it.
  history.event('u00', 'agent_chunk', { payload: { text: '' } });
  expect(history.findings('incomplete-history')).toEqual([]);
});

test('what is planted into frames that are lists is found as well', () => {
  const history = clean();
  for (const [at, line] of history.lines.entries())
    if (line.contentKind === 'frame')
      history.lines[at] = { ...line, content: `[null,"1",${line.content}]` };
  const containers = [['2', 'payload']];
  const profile = {
    ...history.header.profile,
    answer: { containers, answer: ['response'], chunk: [] },
  };
  const header = { ...history.header, profile };
  const { missed, byMutation } = calibrate({ header, observations: history.lines });
  expect(missed).toEqual([]);
  expect(byMutation['marker-spliced']).toEqual({ planted: 1, caught: 1 });
});

test('an event that carries no id is moved where its content says whose it is', () => {
  const history = new HistoryBuilder(3, {
    claims: { ...reference.judging.claims, ids: {} },
  }).goldenPath();
  for (const [at, { owner: _owner, thread: _thread, run, ...line }] of history.lines.entries())
    if (line.kind === 'frame' && run !== undefined)
      history.lines[at] = { ...line, content: withoutIds(line.content) };
  expect(history.verdict().verdict).toBe('pass');
  for (let seed = 0; seed < 10; seed += 1) {
    const header = { ...history.header, seed: String(seed) };
    const { missed, byMutation } = calibrate({ header, observations: history.lines });
    expect(missed).toEqual([]);
    expect(byMutation['event-moved']).toEqual({ planted: 1, caught: 1 });
  }
  // Where neither says it, nothing is proven.
  for (const [at, line] of history.lines.entries())
    if (line.kind === 'frame') history.lines[at] = { ...line, content: '{"type":"agent"}' };
  const { missed } = calibrate({ header: history.header, observations: history.lines });
  expect(missed).toContainEqual(expect.stringContaining('event-moved'));
});

test('a break is planted where events that name no run still owe something', () => {
  const { claims } = reference.judging;
  const history = new HistoryBuilder(3, { claims: { ...claims, closesOnSignOut: false } }).start();
  for (const name of ['u01', 'u02']) history.ask(name);
  for (const type of FIVE) for (const name of ['u01', 'u02']) history.event(name, type);
  const first = history.lines.length;
  for (const { name } of history.people) history.ask(name);
  for (const type of FIVE.slice(0, 2)) for (const name of ['u00', 'u01']) history.event(name, type);
  act(history, 'u00', 'sign-out');
  for (const type of FIVE.slice(2)) history.event('u01', type);
  for (const type of FIVE) history.event('u02', type);
  // The second question is asked in a conversation and on a connection of its own.
  for (const [at, line] of history.lines.entries())
    history.lines[at] = withoutRun(line, at < first ? '' : '-2');
  const observations = history.lines;
  expect(history.verdict().findings).toEqual([]);
  for (let seed = 0; seed < 10; seed += 1) {
    const header = { ...history.header, seed: String(seed) };
    expect(calibrate({ header, observations }).missed).toEqual([]);
  }
});

/** A line of a target that names no runs, with an ending for what it does name. */
function withoutRun({ run: _run, ids, ...line }: Observation, ending: string): Observation {
  const { run: _asked, ...others } = ids ?? {};
  const thread = line.thread && `${line.thread}${ending}`;
  return { ...line, ids: ids && others, thread, conn: line.conn && `${line.conn}${ending}` };
}

/** The frame of an event as a target sends it that knows users by their rooms. */
function withoutIds(content = '{}'): string {
  const { type, payload } = asFrame(JSON.parse(content)) ?? {};
  return JSON.stringify({ type, payload });
}

test('a leak is planted only where nobody is allowed to see it', () => {
  const history = new HistoryBuilder(3).start();
  history.shareThread('u00', ['u00', 'u01']);
  history.round();
  for (let seed = 0; seed < 20; seed += 1) {
    const header = { ...history.header, seed: String(seed) };
    expect(calibrate({ header, observations: history.lines }).missed).toEqual([]);
  }
});

describe('a history without evidence', () => {
  test('of no users is inconclusive', () => {
    expect(new HistoryBuilder(0).verdict().verdict).toBe('inconclusive');
  });

  test('without observations is inconclusive', () => {
    const verdict = new HistoryBuilder(3).verdict();
    expect(verdict.verdict).toBe('inconclusive');
    expect(verdict.findings.map((finding) => finding.rule)).toContain('evidence/nothing-observed');
  });

  test('of one user alone is inconclusive', () => {
    expect(clean(1).verdict().verdict).toBe('inconclusive');
  });

  test('that was interrupted is inconclusive', () => {
    const verdict = clean().verdict({ complete: false });
    expect(verdict.verdict).toBe('inconclusive');
    expect(verdict.findings.map((finding) => finding.rule)).toEqual([
      'evidence/incomplete-history',
    ]);
  });

  test('that was interrupted still says which markers came back, and not that others did not', () => {
    const notEchoed = (history: HistoryBuilder) => {
      const { rules, reasons } = history.verdict({ complete: false });
      expect(reasons.filter((reason) => reason.includes('marker-not-echoed'))).toHaveLength(
        rules.some(({ rule, examined }) => rule.endsWith('marker-not-echoed') && examined === 0)
          ? 1
          : 0,
      );
      return rules.find(({ rule }) => rule === 'evidence/marker-not-echoed');
    };
    expect(notEchoed(clean())).toMatchObject({ outcome: 'pass' });
    const silent = new HistoryBuilder(3).start();
    for (const { name } of silent.people) silent.ask(name);
    for (const { name } of silent.people)
      silent.event(name, 'agent_completed', { payload: { response: 'Task completed' } });
    expect(notEchoed(silent)).toMatchObject({ outcome: 'inconclusive', examined: 0 });
    expect(silent.findings('marker-not-echoed', { complete: false })).toEqual([]);
  });

  test('of users in turn is inconclusive for lack of overlap', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) {
      history.ask(name);
      for (const type of [
        'agent_started',
        'agent_thinking',
        'tool_executing',
        'tool_completed',
        'agent_completed',
      ])
        history.event(name, type);
    }
    const verdict = history.verdict();
    expect(verdict.verdict).toBe('inconclusive');
    expect(verdict.findings.map((finding) => finding.rule)).toEqual(['evidence/no-overlap']);
  });

  test('whose answers hold no marker at all is inconclusive', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    for (const type of ['agent_started', 'agent_thinking', 'tool_executing', 'tool_completed'])
      for (const { name } of history.people) history.event(name, type);
    for (const { name } of history.people)
      history.event(name, 'agent_completed', { payload: { response: 'Task completed' } });
    const verdict = history.verdict();
    expect(verdict.verdict).toBe('inconclusive');
    expect(new Set(verdict.findings.map((finding) => finding.rule))).toEqual(
      new Set(['evidence/marker-not-echoed']),
    );
  });
});

describe('hostile content', () => {
  const frame = { kind: 'frame', event: 'notice', contentKind: 'frame' } as const;

  test('nested deeper than the stack is examined like any other', () => {
    const history = clean();
    const marker = history.person('u01').note;
    const depth = 200_000;
    const content = `{"type":"notice","a":${'['.repeat(depth)}"${marker}"${']'.repeat(depth)}}`;
    history.add('u00', { ...frame, content });
    expect(history.findings('foreign-marker').map(({ observer }) => observer)).toEqual(['u00']);
  });

  test('of megabytes of base64 is searched in bounded time, and found', () => {
    const history = clean();
    const noise = 'lorem ipsum dolor sit amet '.repeat(60_000);
    const text = `${noise}${history.person('u02').note}${noise}`;
    const content = `{"type":"notice","blob":"${Buffer.from(text).toString('base64')}"}`;
    history.add('u00', { ...frame, content });
    expect(history.findings('foreign-marker').map(({ owner }) => owner)).toEqual(['u02']);
  });

  test('of a user the first line does not hold is a gap in the evidence', () => {
    const history = clean();
    history.add('u77', { ...frame, content: '{}' });
    expect(history.verdict().verdict).toBe('inconclusive');
  });

  test('after lines that are missing accuses nobody of what a missing line may explain', () => {
    const history = clean();
    const { name, id } = history.person('u01');
    const isTold = ({ kind, user, ids }: Observation): boolean =>
      kind === 'identity' && user === name && ids?.user === id;
    const lines = history.lines.filter((line) => !isTold(line));
    const missing = (history.lines.find(isTold)?.line ?? 0) + 1;
    const verdictAfter = (line: number) => {
      const judge = new Judge(history.header);
      for (const observation of lines) judge.observe(observation);
      const problems = [{ line, message: 'lines are missing' }];
      return judge.conclude({ end: endOf(history.lines), problems });
    };
    expect(verdictAfter(missing)).toMatchObject({ verdict: 'inconclusive', cause: 'blind' });
    expect(verdictAfter(missing).findings).toContainEqual(
      expect.objectContaining({ owner: 'outside', severity: 'inconclusive' }),
    );
    // What is missing further on explains nothing that came before it.
    expect(verdictAfter(history.lines.length + 2).verdict).toBe('fail');
  });

  test('that the profile stumbles over again and again is told a hundred times', () => {
    const history = clean();
    for (let times = 0; times < 1_000; times += 1)
      history.add('u00', {
        kind: 'act',
        act: 'remark',
        surface: 'harness',
        dir: 'act',
        message: "the profile's decode threw: it is wrong",
      });
    const verdict = history.verdict();
    expect(verdict).toMatchObject({ verdict: 'inconclusive', cause: 'blind' });
    const [told] = verdict.findings.filter(({ rule }) => rule === 'evidence/incomplete-history');
    expect(told).toMatchObject({ count: 100, message: expect.stringContaining('decode threw') });
  });

  test('excerpts are short, whatever the frame', () => {
    const history = clean();
    const content = `{"type":"notice","x":"${'y'.repeat(1_000_000)}${history.person('u01').note}"}`;
    history.add('u00', { ...frame, content });
    const [finding] = history.findings('foreign-marker');
    expect(finding?.witness[0]?.excerpt.length).toBeLessThan(300);
    expect(finding?.witness[0]?.excerpt).toContain(history.person('u01').note);
  });
});

test('what the profile could not read is a gap in the evidence, and accuses nobody', () => {
  const history = new HistoryBuilder(3).goldenPath();
  const at = history.lines.findIndex(
    ({ event, user }) => event === 'tool_completed' && user === 'u01',
  );
  const [lost] = history.lines.splice(at, 1);
  expect(lost).toBeDefined();
  expect(history.verdict().verdict).toBe('fail');
  history.add('u01', {
    kind: 'act',
    surface: 'harness',
    dir: 'act',
    act: 'remark',
    message: "the profile's decode threw: no such member",
  });
  const { verdict, reasons } = history.verdict();
  expect(verdict).toBe('inconclusive');
  expect(reasons.join()).toContain("the profile's decode threw: no such member");
});
