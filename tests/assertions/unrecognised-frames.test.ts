import { describe, expect, test } from 'vitest';
import { FIVE, HistoryBuilder } from './history-builder.ts';

/** A crowd whose first user is told of its run by other names than the agreed ones, if at all. */
function toldAs(names: readonly string[]): HistoryBuilder {
  const story = new HistoryBuilder().start();
  for (const { name } of story.people) story.ask(name);
  for (const name of names) story.event('u00', name);
  for (const type of FIVE) for (const name of ['u01', 'u02']) story.event(name, type);
  return story;
}

const messages = (story: HistoryBuilder, rule: string): string[] =>
  story
    .findings(rule)
    .filter(({ observer }) => observer === 'u00')
    .map(({ message }) => message);

describe('a user who received no agent event', () => {
  test('received nothing but its greeting', () => {
    expect(messages(toldAs([]), 'nothing-observed')).toEqual([
      "u00 received no agent event, but 1 frame came that is no agent event to the profile's decode: connection_established (1)",
    ]);
  });

  test('received what the profile does not recognise', () => {
    expect(messages(toldAs(['run.begun', 'step', 'step', 'run.over']), 'nothing-observed')).toEqual(
      [
        "u00 received no agent event, but 5 frames came that are no agent event to the profile's decode: connection_established (1), run.begun (1), step (2), run.over (1)",
      ],
    );
  });

  test('received frames that decode gives no name', () => {
    const story = toldAs([]);
    for (const content of ['{"kind":"STEP"}', '{"payload":1}', 'no JSON'])
      story.add('u00', { contentKind: 'frame', content });
    expect(messages(story, 'nothing-observed')[0]).toContain('STEP (1), without a type (2)');
  });

  test('is told a few names of many', () => {
    const names = Array.from({ length: 40 }, (_, index) => `step ${index}`);
    expect(messages(toldAs(names), 'nothing-observed')[0]).toMatch(/others \(33\)$/);
  });
});

test('an event that never came is told from one that came by an unknown name', () => {
  const came = messages(toldAs(['agent_started', 'tool_begins', 'tool_ends']), 'missing-event');
  expect(came[0]).toMatch(
    /^run 1 of u00: \w+ never came; of this run 2 frames came .* tool_begins \(1\)/,
  );
  const lost = messages(toldAs(['agent_started']), 'missing-event');
  expect(lost[0]).toBe('run 1 of u00: agent_thinking never came');
});

test('an answer that came, and did not end the wait for it, is a matter of decode', () => {
  const story = toldAs(FIVE);
  story.add('u00', {
    surface: 'harness',
    dir: 'act',
    kind: 'failure',
    step: 'answer',
    reason: 'timeout',
    message: '"answer" was not over within 1000 ms',
  });
  expect(messages(story, 'timeout')).toEqual([
    'u00: answer timed out: "answer" was not over within 1000 ms, although agent_completed had come: the profile\'s decode must give it the role "agent", and the ids of the question',
  ]);
});
