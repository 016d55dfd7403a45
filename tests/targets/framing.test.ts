import { expect, test } from 'vitest';
import { prefixed, unprefixed } from '../../targets/framing.ts';

test.each([
  ['42["ask",{"a":"]"}]', ['42', ['ask', { a: ']' }]]],
  ['42/room-7,13["ask"]', ['42/room-7,13', ['ask']]],
  ['0{"sid":"x"}', ['0', { sid: 'x' }]],
  ['2', ['2']],
  ['', ['']],
  ['{"type":"hello"}', ['', { type: 'hello' }]],
  ['4"hello"', ['4', 'hello']],
])('%s is read as its prefix and its JSON, and written as it was', (message, frame) => {
  expect(JSON.parse(unprefixed(message))).toEqual(frame);
  expect(prefixed(frame)).toBe(message);
});

test('what is broken behind its prefix stays broken', () => {
  for (const message of ['42["ask",{', '42["ask"] and more', 'about {you}'])
    expect(unprefixed(message)).toBe(message);
});

test('a frame that has no prefix is sent as JSON', () => {
  expect(prefixed({ type: 'ask' })).toBe('{"type":"ask"}');
  expect(prefixed([1, 2])).toBe('[1,2]');
});
