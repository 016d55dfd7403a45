import { describe, expect, test } from 'vitest';
import { calibrate } from '../../../assertions/calibration.ts';
import { FIVE, HistoryBuilder, clean, who } from '../history-builder.ts';

describe('isolation/wrong-answer', () => {
  const upToAnswer = () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    for (const type of ['agent_started', 'agent_thinking', 'tool_executing', 'tool_completed'])
      for (const { name } of history.people) history.event(name, type);
    return history;
  };
  const answerOf = (history: HistoryBuilder, name: string) =>
    `You asked ${history.asked.get(name)?.[0]?.marker}; your note says ${history.person(name).note}`;

  test('two users with each other’s answers are a swap', () => {
    const history = upToAnswer();
    history.event('u00', 'agent_completed', { payload: { response: answerOf(history, 'u01') } });
    history.event('u01', 'agent_completed', { payload: { response: answerOf(history, 'u00') } });
    history.event('u02', 'agent_completed');
    const findings = history.findings('wrong-answer');
    expect(findings.map(who)).toEqual(['u00 of u01', 'u01 of u00']);
    expect(findings.map((finding) => finding.mechanism)).toEqual(['swap', 'swap']);
  });

  test('a chain of wrong answers is a shift', () => {
    const history = upToAnswer();
    history.event('u00', 'agent_completed', { payload: { response: answerOf(history, 'u01') } });
    history.event('u01', 'agent_completed', { payload: { response: answerOf(history, 'u02') } });
    history.event('u02', 'agent_completed', { payload: { response: answerOf(history, 'u00') } });
    expect(history.findings('wrong-answer').map((finding) => finding.mechanism)).toEqual([
      'shift',
      'shift',
      'shift',
    ]);
  });

  test('an answer to my earlier question is stale', () => {
    const history = clean();
    for (const { name } of history.people) history.ask(name);
    history.event('u00', 'agent_started');
    const stale = history.asked.get('u00')?.[0]?.marker ?? '';
    history.event('u00', 'agent_completed', { payload: { response: `about ${stale}` } });
    const [finding] = history.findings('wrong-answer');
    expect(who(finding)).toBe('u00 of u00');
    expect(finding?.mechanism).toBe('replay');
  });

  test('an answer with mine and another’s is a foreign marker, not a wrong answer', () => {
    const history = upToAnswer();
    history.event('u00', 'agent_completed', {
      payload: { response: `${answerOf(history, 'u00')} and ${answerOf(history, 'u01')}` },
    });
    expect(history.findings('wrong-answer')).toEqual([]);
    expect(history.findings('foreign-marker').map(who)).toEqual(['u00 of u01']);
  });

  test('pieces that are mine do not excuse a final text that is not', () => {
    const history = upToAnswer();
    history.event('u00', 'agent_chunk', { payload: { text: answerOf(history, 'u00') } });
    history.event('u00', 'agent_completed', { payload: { response: answerOf(history, 'u01') } });
    expect(history.findings('wrong-answer').map(who)).toEqual(['u00 of u01']);
  });

  test('an answer that is streamed is judged by its pieces', () => {
    const history = upToAnswer();
    const text = answerOf(history, 'u00');
    for (let from = 0; from < text.length; from += 11)
      history.event('u00', 'agent_chunk', { payload: { text: text.slice(from, from + 11) } });
    history.event('u00', 'agent_completed', { payload: { response: '' } });
    for (const name of ['u01', 'u02']) history.event(name, 'agent_completed');
    expect(history.verdict().findings).toEqual([]);
  });

  describe('in pieces that name no run', () => {
    const unnamed = { user_id: undefined, thread_id: undefined, run_id: undefined };
    const noIds = { owner: undefined, thread: undefined, run: undefined };

    /** Rounds of questions; what the pieces of an answer say is up to the test. */
    function streamed(says: (name: string, round: number) => string): HistoryBuilder {
      const { claims } = new HistoryBuilder(1).header.profile;
      const echo: typeof claims.echo = { agent_thinking: ['question'] };
      const history = new HistoryBuilder(3, { claims: { ...claims, ids: {}, echo } }).start();
      for (let round = 0; round < 2; round += 1) {
        history.round(FIVE.slice(0, -1));
        for (const { name } of history.people) {
          const text = says(history.asked.get(name)?.[round]?.marker ?? '', round);
          for (let from = 0; from < text.length; from += 11)
            history.event(name, 'agent_chunk', {
              payload: { text: text.slice(from, from + 11) },
              root: unnamed,
              fields: { ...noIds, id: undefined, sequence: undefined },
            });
          history.event(name, 'agent_completed', { payload: { response: undefined } });
        }
      }
      return history;
    }

    test('is judged as the answer to the latest question, and a calibration plants it there', () => {
      const { header, lines } = streamed((marker) => `About ${marker}, done.`);
      const { missed, byMutation } = calibrate({ header, observations: lines });
      expect(missed).toEqual([]);
      expect(byMutation['answers-swapped']).toEqual({ planted: 1, caught: 1 });
    });

    test('and no connection, another user’s pieces do not come in between', () => {
      const history = new HistoryBuilder(3).goldenPath();
      const { note } = history.person('u02');
      const piece = (name: string, text: string) =>
        history.event(name, 'agent_chunk', {
          payload: { text },
          root: unnamed,
          fields: { ...noIds, id: undefined, sequence: undefined, conn: null },
        });
      for (let from = 0; from < note.length; from += 10) {
        piece('u00', note.slice(from, from + 10));
        piece('u01', 'and so on');
      }
      expect(history.findings('foreign-marker').map(who)).toEqual(['u00 of u02']);
    });

    test('may say again what the answer before it said in its thread', () => {
      const history = new HistoryBuilder(3).start();
      for (let round = 0; round < 2; round += 1) {
        history.round(FIVE.slice(0, -1));
        for (const { name, note } of history.people) {
          const text = `${history.asked.get(name)?.[round]?.marker}: ${note}.`;
          for (let from = 0; from < text.length; from += 11)
            history.event(name, 'agent_chunk', {
              payload: { text: text.slice(from, from + 11) },
              root: { run_id: undefined },
              fields: { run: undefined, sequence: undefined },
            });
          history.event(name, 'agent_completed', { payload: { response: undefined } });
        }
      }
      expect(history.verdict().findings).toEqual([]);
    });

    test('is stale where it says what the answer before it said', () => {
      let first: string | undefined;
      const history = streamed((marker) => `About ${(first ??= marker)}, done.`);
      const found = history.findings('wrong-answer');
      expect(
        found.map(({ observer, owner, mechanism }) => [observer, owner, mechanism]),
      ).toContainEqual(['u00', 'u00', 'replay']);
    });
  });
});
