import { describe, expect, test } from 'vitest';
import { answerField } from '../../history/answer-field.ts';

const answer = (containers: readonly (readonly string[])[]) => ({
  containers: containers.map((container) => [...container]),
  answer: ['text'],
  chunk: [],
});

/** What is read at `1.0.payload` of a frame. */
const read = (frame: unknown): string | undefined =>
  answerField(answer([['1', '0', 'payload']]), frame, ['text']);

const EVENT = { type: 'answer', payload: { text: 'It is 42.' } };
const STOMP = 'MESSAGE\ndestination:/user/queue/chat\ncontent-type:application/json\n\n';

describe('a container is reached', () => {
  test.each([
    ['in plain members', ['a', [EVENT]]],
    ['within a text of JSON, as SockJS sends', ['a', [JSON.stringify(EVENT)]]],
    ['within the body of a STOMP message', ['a', [`${STOMP}${JSON.stringify(EVENT)}\0`]]],
    [
      'within one whose lines end as on Windows',
      ['a', [`${STOMP.replaceAll('\n', '\r\n')}${JSON.stringify(EVENT)}\0\n`]],
    ],
    ['that is a text itself', ['a', [{ payload: JSON.stringify({ text: 'It is 42.' }) }]]],
    ['within texts within texts', ['a', JSON.stringify([JSON.stringify(EVENT)])]],
  ])('%s', (_where, frame) => {
    expect(read(frame)).toBe('It is 42.');
  });

  test.each([
    ['within a text that is no JSON', ['a', ['payload']]],
    ['within one that only begins like JSON', ['a', ['{"payload":']]],
    ['within a text that is a number', ['a', ['17']]],
    ['in headers', ['a', ['MESSAGE\npayload:{"text":"no"}\n\n\0']]],
  ])('not %s', (_where, frame) => {
    expect(read(frame)).toBeUndefined();
  });

  test('not where a text ends like many messages at once, which is found out soon', () => {
    const many = `{${'\n'.repeat(1_000_000)}x`;
    expect(read(['a', [many]])).toBeUndefined();
  });

  test('not within texts without end', () => {
    let frame: unknown = { text: 'deep' };
    const way: string[] = [];
    for (let depth = 0; depth < 8; depth += 1) {
      frame = { in: JSON.stringify(frame) };
      way.push('in');
    }
    expect(answerField(answer([way]), frame, ['text'])).toBeUndefined();
  });
});

test('an answer that looks like JSON is the text that it is', () => {
  const frame = { payload: { text: '{"text":"inner"}' } };
  expect(answerField(answer([['payload']]), frame, ['text'])).toBe('{"text":"inner"}');
});
