import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AnchorIndex } from '../../history/anchor-index.ts';

function found(index: AnchorIndex<number>, text: string): [string, number][] {
  const hits: [string, number][] = [];
  index.scan(text, (id, value) => hits.push([id, value]));
  return hits;
}

describe('an anchor index', () => {
  test('finds a string inside a longer one, in any case, but not inside a longer word', () => {
    const index = new AnchorIndex<number>();
    index.add('thread_17_ab34cd56', 1);
    index.add('user_1', 2);
    expect(found(index, 'run_thread_17_ab34cd56_00042')).toEqual([['thread_17_ab34cd56', 1]]);
    expect(found(index, 'THREAD_17_AB34CD56')).toEqual([['thread_17_ab34cd56', 1]]);
    expect(found(index, 'user_12 user_1x xuser_1')).toEqual([]);
    expect(found(index, '"user_1"')).toEqual([['user_1', 2]]);
  });

  test('finds a mail address but where it only ends a longer one that is known', () => {
    const index = new AnchorIndex<number>();
    const [ann, mary] = ['ann4@crosstalk.example.com', 'mary-ann4@crosstalk.example.com'];
    index.addAddress(ann, 1);
    index.addAddress(mary, 2);
    expect(found(index, `${mary} <${mary.toUpperCase()}>`)).toEqual([
      [mary, 2],
      [mary, 2],
    ]);
    expect(found(index, `x_${mary}`)).toEqual([[mary, 2]]);
    // It stands by itself beside the longer one, or within what nobody is known by.
    expect(found(index, `${mary}, ${ann}`)).toEqual([
      [mary, 2],
      [ann, 1],
    ]);
    for (const text of [`chat_${ann}`, `jo-${ann}`, `-${ann}`])
      expect(found(index, text)).toEqual([[ann, 1]]);
  });

  test('finds a UUID without its dashes where it stands, and files it once', () => {
    const index = new AnchorIndex<number>();
    const uuid = '0b3cf9fb-b91e-40c0-814a-2f5edda0c7d0';
    const bare = uuid.replaceAll('-', '');
    index.add(uuid, 1);
    expect(index.size).toBe(1);
    const text = `/runs/${bare}?x=${bare.toUpperCase()}&y=${bare}0`;
    const hits: [string, number, number][] = [];
    index.scan(text, (...hit) => hits.push(hit));
    expect(hits).toEqual([
      [bare, 1, 6],
      [bare.toUpperCase(), 1, 41],
    ]);
    expect(text.slice(41, 73)).toBe(bare.toUpperCase());
  });

  test('tells ten thousand ids with common parts apart', () => {
    const index = new AnchorIndex<number>();
    const ids = Array.from({ length: 10_000 }, (_, i) => `b${i}x@crosstalk.example.com`);
    for (const [i, id] of ids.entries()) index.add(id, i);
    expect(found(index, `mail to ${ids[1234]} and ${ids[9999]}`)).toEqual([
      [ids[1234], 1234],
      [ids[9999], 9999],
    ]);
  });

  test('finds what plain search finds', () => {
    const ids = Array.from({ length: 50 }, () => randomUUID());
    const index = new AnchorIndex<number>();
    for (const [i, id] of ids.entries()) index.add(id, i);
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...ids), fc.string()), { maxLength: 12 }),
        (pieces) => {
          const text = pieces.join(' | ');
          const expected = new Set(ids.filter((id) => text.includes(id)));
          expect(new Set(found(index, text).map(([id]) => id))).toEqual(expected);
        },
      ),
    );
  });
});
