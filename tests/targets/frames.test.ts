import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstOf, frameAt, idOf, integerOf, textOf, unixMsOf } from '../../targets/frames.ts';

describe('reading frames', () => {
  it('finds an object at a path, and nothing where the path breaks off', () => {
    expect(frameAt({ data: { payload: { a: 1 } } }, ['data', 'payload'])).toEqual({ a: 1 });
    expect(frameAt({ data: 'text' }, ['data', 'payload'])).toBeUndefined();
    expect(frameAt([{ data: {} }], ['data'])).toBeUndefined();
  });

  it('reads own fields only', () => {
    expect(textOf(Object.create({ type: 'inherited' }), 'type')).toBeUndefined();
    expect(frameAt(JSON.parse('{"__proto__":{"a":"b"}}'), ['constructor'])).toBeUndefined();
  });

  it('takes an empty or an overlong text for no text', () => {
    expect(textOf({ id: '' }, 'id')).toBeUndefined();
    expect(textOf({ id: 'x'.repeat(512) }, 'id')).toHaveLength(512);
    expect(textOf({ id: 'x'.repeat(513) }, 'id')).toBeUndefined();
  });

  it('reads a whole number as an id only where JSON carried it exactly', () => {
    expect(idOf({ id: 123_456_789_012_345 }, 'id')).toBe('123456789012345');
    expect(idOf({ id: 2 ** 60 }, 'id')).toBeUndefined();
    expect(integerOf({ sequence: 1.5 }, 'sequence')).toBeUndefined();
  });

  it('goes through all names of one place before the next place', () => {
    const found = firstOf(textOf, [{ b: 'first place' }, { a: 'second place' }], ['a', 'b']);
    expect(found).toBe('first place');
  });

  it.each([
    ['seconds', 1_758_067_200.25, 1_758_067_200_250],
    ['milliseconds', 1_758_067_200_250, 1_758_067_200_250],
    ['ISO with a zone', '2025-09-17T02:00:00.250+02:00', 1_758_067_200_250],
    [
      'ISO with microseconds and no zone, read as UTC',
      '2025-09-17T00:00:00.250999',
      1_758_067_200_250,
    ],
    ['ISO with a blank', '2025-09-17 00:00:00', 1_758_067_200_000],
  ])('reads a timestamp given as %s', (_form, timestamp, unixMs) => {
    expect(unixMsOf({ timestamp }, 'timestamp')).toBe(unixMs);
  });

  it.each([['soon'], ['2025-09-17'], [-1], [Number.NaN], [1e300], [null], [{}]])(
    'takes %j for no timestamp',
    (timestamp) => {
      expect(unixMsOf({ timestamp }, 'timestamp')).toBeUndefined();
    },
  );

  it('never throws, whatever the frame and the path are', () => {
    fc.assert(
      fc.property(fc.anything(), fc.array(fc.string()), fc.string(), (frame, path, name) => {
        const found = frameAt(frame, path);
        idOf(found, name);
        integerOf(found, name);
        unixMsOf(found, name);
      }),
    );
  });
});
