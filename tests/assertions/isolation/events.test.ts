import { describe, expect, test } from 'vitest';
import { FIVE, HistoryBuilder, clean, who } from '../history-builder.ts';

describe('isolation/misdelivered-event', () => {
  test('names observer, owner, event, witness and misroute', () => {
    const history = clean();
    const line = history.event('u01', 'tool_executing', { to: 'u02' });
    const [finding] = history.findings('misdelivered-event');
    expect(who(finding)).toBe('u02 of u01');
    expect(finding?.event).toBe('tool_executing');
    expect(finding?.mechanism).toBe('misroute');
    expect(finding?.witness[0]?.line).toBe(line.line);
    expect(history.verdict().matrix.cells).toEqual([[2, 1, 1]]);
    expect(history.verdict().cause).toBe('leak');
  });

  test('calls a leak to all others a broadcast', () => {
    const history = clean(4);
    for (const to of ['u00', 'u02', 'u03']) history.event('u01', 'agent_thinking', { to });
    const findings = history.findings('misdelivered-event');
    expect(findings).toHaveLength(3);
    expect(new Set(findings.map((finding) => finding.mechanism))).toEqual(new Set(['broadcast']));
  });

  test('attributes late: the owner of a run may become known after the event', () => {
    const history = new HistoryBuilder(3).start();
    history.add('u02', {
      event: 'agent_started',
      run: 'run-of-later-9x9x',
      contentKind: 'frame',
      content: '{"type":"agent_started","run_id":"run-of-later-9x9x"}',
    });
    history.add('u00', {
      kind: 'identity',
      surface: 'harness',
      dir: 'act',
      ids: { run: 'run-of-later-9x9x' },
    });
    expect(history.findings('misdelivered-event').map(who)).toEqual(['u02 of u00']);
    expect(history.findings('unsolicited-run')).toEqual([]);
  });

  test('an unknown user id is a person outside the crowd, and its text is not shown', () => {
    const history = clean();
    history.add('u01', {
      event: 'agent_thinking',
      owner: 'a-real-person-77',
      run: 'run-77',
      contentKind: 'frame',
      content:
        '{"type":"agent_thinking","user_id":"a-real-person-77","payload":{"thought":"my diagnosis"}}',
    });
    const [finding] = history.findings('misdelivered-event');
    expect(who(finding)).toBe('u01 of outside');
    expect(JSON.stringify(finding)).not.toContain('diagnosis');
    expect(history.verdict().matrix.cells).toEqual([[1, -1, 1]]);
  });

  test('allows the members of a shared thread, and nobody else', () => {
    const history = new HistoryBuilder(3).start();
    history.shareThread('u00', ['u00', 'u01']);
    history.round();
    history.event('u00', 'agent_thinking', { to: 'u01', root: {} });
    expect(history.verdict().findings).toEqual([]);
    history.event('u00', 'agent_thinking', { to: 'u02' });
    expect(history.findings('misdelivered-event').map(who)).toEqual(['u02 of u00']);
  });

  test('allows them the first letters of what is said there, as lists of chats and of members show them', () => {
    const history = new HistoryBuilder(3).start();
    history.shareThread('u00', ['u00', 'u01']);
    history.round();
    const { nameMarker, thread: id } = history.person('u00');
    const lists = (to: string, text: string | undefined): void => {
      const content = JSON.stringify([{ id, shown: `${text?.slice(0, 24)}…` }]);
      history.add(to, { surface: 'http', kind: 'response', contentKind: 'frame', content });
    };
    const questionOf = (name: string) => history.asked.get(name)?.[0]?.marker;
    for (const text of [questionOf('u00'), nameMarker]) lists('u01', text);
    expect(history.verdict().findings).toEqual([]);
    lists('u01', questionOf('u02'));
    lists('u02', questionOf('u00'));
    expect(history.findings('foreign-marker').map(who)).toEqual(['u01 of u02', 'u02 of u00']);
  });

  test('allows them what is said there, also where events name their run alone', () => {
    const history = new HistoryBuilder(3).start();
    history.shareThread('u00', ['u00', 'u01']);
    for (const { name } of history.people) history.ask(name);
    const unnamed = { root: { thread_id: undefined }, fields: { thread: undefined } };
    for (const type of FIVE)
      for (const { name } of history.people) history.event(name, type, unnamed);
    history.event('u00', 'tool_completed', { ...unnamed, to: 'u01' });
    expect(history.verdict().findings).toEqual([]);
    history.event('u00', 'tool_completed', { ...unnamed, to: 'u02' });
    expect(history.findings('misdelivered-event').map(who)).toEqual(['u02 of u00']);
  });
});

test('isolation/unsolicited-run: a run that nobody asked for', () => {
  const history = clean();
  history.add('u01', {
    event: 'agent_started',
    run: 'run-nobody-1',
    contentKind: 'frame',
    content: '{"type":"agent_started","run_id":"run-nobody-1"}',
  });
  expect(history.findings('unsolicited-run').map(who)).toEqual(['u01 of null']);
});

describe('isolation/unattributable-event', () => {
  test('an event of a type that claims ids carries none', () => {
    const history = clean();
    history.add('u01', {
      event: 'agent_thinking',
      contentKind: 'frame',
      content: '{"type":"agent_thinking","payload":{}}',
    });
    const [finding] = history.findings('unattributable-event');
    expect(finding?.severity).toBe('violation');
    expect(finding?.observer).toBe('u01');
  });

  test('is a note where the target claims nothing', () => {
    const history = new HistoryBuilder(3, {
      claims: { ...new HistoryBuilder(0).header.profile.claims, ids: {} },
    });
    history.start();
    for (const { name } of history.people) history.ask(name);
    history.event('u01', 'agent_started');
    history.add('u01', {
      event: 'agent_thinking',
      contentKind: 'frame',
      content: '{"type":"agent_thinking","payload":{}}',
    });
    for (const type of FIVE)
      for (const { name } of history.people)
        if (name !== 'u01' || type !== 'agent_started') history.event(name, type);
    const verdict = history.verdict();
    expect(verdict.findings.map((finding) => finding.severity)).toEqual(['note']);
    expect(verdict.verdict).toBe('pass');
  });

  test('is all there is to say of events where none of them carries an id', () => {
    const history = new HistoryBuilder(3, {
      claims: { ...new HistoryBuilder(0).header.profile.claims, ids: {} },
    });
    history.start();
    for (const { name } of history.people) history.ask(name);
    for (const type of FIVE)
      for (const { name } of history.people)
        history.add(name, { event: type, contentKind: 'frame', content: `{"type":"${type}"}` });
    const outcomes = Object.fromEntries(
      history.verdict().rules.map(({ rule, outcome }) => [rule, outcome]),
    );
    expect(outcomes).toMatchObject({
      'isolation/misdelivered-event': 'not-applicable',
      'isolation/unsolicited-run': 'not-applicable',
      'isolation/unattributable-event': 'pass',
    });
  });
});
