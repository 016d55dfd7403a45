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
    index.addIdentity(ann, 1);
    index.addIdentity(mary, 2);
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

  test('finds an identity but where it is only a part of a longer one that stands there', () => {
    const index = new AnchorIndex<number>();
    for (const [value, id] of [
      'e2e-x',
      'e2e-x-b',
      'x-ray/e2e-x',
      'acme_corp',
      'acme_corp/2',
    ].entries())
      index.addIdentity(id, value);
    const values = (text: string) => found(index, text).map(([, value]) => value);
    for (const own of ['"e2e-x-b"', 'run_e2e-x-b_7', '(E2E-X-B)', 'e2e-x-b-9'])
      expect([own, values(own)]).toEqual([own, [1]]);
    expect(values('x-ray/e2e-x')).toEqual([2]);
    for (const own of [
      'acme_corp/2',
      'acme_corp%2F2',
      String.raw`"acme_corp\/2"`,
      'acme_corp&#47;2',
    ])
      expect([own, values(own).filter((value) => value === 3)]).toEqual([own, []]);
    // Elsewhere in the same text it is found, and where the longer one does not stand whole.
    expect(values('e2e-x-b e2e-x')).toEqual([1, 0]);
    expect(values('e2e-x, e2e-x-b')).toEqual([0, 1]);
    for (const other of [
      'e2e-x',
      'e2e-x-c',
      'e2e-x-',
      'e2e-x-b2',
      'e2e-x b',
      'e2e-x%20b',
      'ray/e2e-x',
    ])
      expect([other, values(other)]).toEqual([other, [0]]);
    for (const other of ['acme_corp/', 'acme_corp%2F22', 'acme_corp%202', 'acme_corp/2b'])
      expect([other, values(other)]).toEqual([other, [3]]);
  });

  test('is not slowed down by what stands beside an identity', () => {
    const index = new AnchorIndex<number>();
    index.addIdentity('e2e-x', 0);
    index.addIdentity('e2e-x-b', 1);
    const hostile = ['e2e-x-'.repeat(50_000), `e2e-x-${'b'.repeat(300_000)}`.repeat(2)];
    // Read anew for each place where one may begin, they would take until the test is given up.
    for (const text of hostile) expect(found(index, text).length).toBeGreaterThan(0);
  });

  test('finds an identity in a thread id, and a thread id in a longer one', () => {
    const index = new AnchorIndex<number>();
    index.addIdentity('e2e-x', 0);
    index.add('thread-e2e-x', 1);
    index.add('thread-e2e-x-7', 2);
    expect(
      found(index, 'thread-e2e-x-7')
        .map(([, value]) => value)
        .toSorted((a, b) => a - b),
    ).toEqual([0, 1, 2]);
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

  describe('that joins what one text may mean', () => {
    const joining = () => new AnchorIndex<readonly number[]>((_text, values) => values.flat());
    const values = (index: AnchorIndex<readonly number[]>, text: string) => {
      const hits: number[] = [];
      index.scan(text, (_id, value) => hits.push(...value));
      return [...new Set(hits)].toSorted((a, b) => a - b);
    };
    const [first, second] = [
      '0b3cf9fb-b91e-40c0-814a-2f5edda0c7d0',
      '5f5edda0-b91e-40c0-814a-0b3cf9fbc7d0',
    ];
    const bare = (uuid: string) => uuid.replaceAll('-', '');

    test('finds a UUID without its prefix, with its dashes or without', () => {
      const index = joining();
      index.add(`conversation_${first}`, [1]);
      index.add(`conversation_${second}`, [2]);
      for (const text of [first, bare(first), first.toUpperCase(), bare(first).toUpperCase()])
        for (const around of [text, `"${text}"`, `conversation_${text}`, `run_${text}_7`])
          expect([around, values(index, around)]).toEqual([around, [1]]);
      for (const text of [`${first}0`, `a${first}`, first.slice(0, -1), bare(first).slice(1)])
        expect([text, values(index, text)]).toEqual([text, []]);
      const spelled = joining();
      spelled.add(`run-${bare(second)}`, [2]);
      expect(values(spelled, `see ${bare(second)}`)).toEqual([2]);
    });

    test('takes a UUID that several hold for any of them, unless its prefix says which', () => {
      const index = joining();
      for (const [value, kind] of ['thread_', 'run_', 'conn_'].entries())
        index.add(`${kind}${first}`, [value]);
      for (const text of [first, bare(first)]) {
        expect(values(index, text)).toEqual([0, 1, 2]);
        expect(values(index, `run_${text}`)).toEqual([1]);
      }
      index.add(first, [9]);
      for (const text of [first, bare(first)]) {
        expect(values(index, text)).toEqual([9]);
        expect(values(index, `run_${text}`)).toEqual([1, 9]);
      }
    });

    test('takes no UUID for an id where what precedes them is no kind', () => {
      const index = joining();
      for (let i = 0; i < 40; i += 1) index.add(`user${i}/${first}`, [i]);
      expect(values(index, first)).toEqual([]);
      expect(values(index, `user7/${first}`)).toEqual([7]);
    });

    test('tells strings apart that differ in case only', () => {
      const index = joining();
      index.add('usr_aaaab', [1]);
      index.add('usr_aaaaB', [2]);
      index.add('usr_aaaac', [3]);
      expect(values(index, 'usr_aaaab')).toEqual([1]);
      expect(values(index, 'usr_aaaaB')).toEqual([2]);
      expect(values(index, 'usr_aaaaB usr_aaaab')).toEqual([1, 2]);
      expect(values(index, 'USR_AAAAB')).toEqual([1, 2]);
      expect(values(index, 'USR_AAAAC')).toEqual([3]);
    });
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
