import { expect, test } from 'vitest';
import { framed, textsIn } from '../../targets/framing.ts';

test.each([
  ['42["ask",{"a":"]"}]', ['42', ['ask', { a: ']' }]]],
  ['42/room-7,13["ask"]', ['42/room-7,13', ['ask']]],
  ['0{"sid":"x"}', ['0', { sid: 'x' }]],
  ['2', ['2']],
  ['', ['']],
  ['{"type":"hello"}', ['', { type: 'hello' }]],
  ['4"hello"', ['4', 'hello']],
])('%s is read as its prefix and its JSON, and written as it was', (message, frame) => {
  expect(textsIn(message, 'prefixed').map((text) => JSON.parse(text) as unknown)).toEqual([frame]);
  expect(framed(frame, 'prefixed')).toBe(message);
});

test('what is broken behind its prefix stays broken', () => {
  for (const message of ['42["ask",{', '42["ask"] and more', 'about {you}'])
    expect(textsIn(message, 'prefixed')).toEqual([message]);
});

test('a frame that has no prefix is sent as JSON', () => {
  expect(framed({ type: 'ask' }, 'prefixed')).toBe('{"type":"ask"}');
  expect(framed([1, 2], 'prefixed')).toBe('[1,2]');
});

test.each([
  ['records', '{"a":"x\\u001ey"}\u001e{}\u001e', ['{"a":"x\\u001ey"}', '{}']],
  ['records', '{"a":1}', ['{"a":1}']],
  ['records', '{"a":1}\u001e{"b":', ['{"a":1}', '{"b":']],
  ['records', '\u001e', ['\u001e']],
  ['lines', '{"a":"x\\ny"}\n{}\r\n', ['{"a":"x\\ny"}', '{}\r']],
  ['lines', '', ['']],
  ['json', '{"a":1}\n{}', ['{"a":1}\n{}']],
] as const)('%s: %j holds %j', (framing, message, texts) => {
  expect(textsIn(message, framing)).toEqual(texts);
});

test('a record is sent with its end, a line as it is', () => {
  expect(framed({ type: 6 }, 'records')).toBe('{"type":6}\u001e');
  expect(framed({ type: 6 }, 'lines')).toBe('{"type":6}');
});
