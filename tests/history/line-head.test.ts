import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeadReader } from '../../history/line-head.ts';

function read(head: string, after = ',"frame":{}}') {
  const bytes = Buffer.from(`ü${head.slice(0, -1)}${after}`);
  const from = Buffer.byteLength('ü');
  return new HeadReader().read(bytes, from, from + Buffer.byteLength(head) - 1);
}

const LEADING =
  '"n":7,"t":12.345,"user":"u01","conn":null,"surface":"socket","dir":"in","kind":"frame"';

/** Mostly as journals write it, now and then as they could. */
const mostly = <T>(usual: fc.Arbitrary<T>, unusual: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 30, arbitrary: usual }, { weight: 1, arbitrary: unusual });

const jsonNumber = mostly(
  fc.oneof(
    fc.integer(),
    fc.nat({ max: 2_000_000_000 }).map((micros) => micros / 1_000),
    fc.constantFrom(0, 0.1, 1_767_571_202_999),
  ),
  fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(-0, 1e21, 1e-7, Number.MAX_SAFE_INTEGER),
  ),
);
const text = mostly(
  fc.oneof(fc.stringMatching(/^[ !#-[\]-~]{0,80}$/), fc.uuid(), fc.constantFrom('', 'null', '},{')),
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.constantFrom('"', '\\', '\u0000', 'ü'),
  ),
);

/** Members in any order, some of them of no use to anybody. */
const members = fc
  .record(
    {
      event: text,
      owner: text,
      thread: text,
      run: text,
      tool: text,
      agent: text,
      id: text,
      sequence: jsonNumber,
      sentAt: jsonNumber,
      intended: jsonNumber,
      act: text,
      marker: text,
      question: jsonNumber,
      ids: fc.record({ run: text, thread: text }, { requiredKeys: [] }),
      headers: fc.dictionary(text, text, { maxKeys: 3 }),
      url: text,
      status: jsonNumber,
      rtt: jsonNumber,
      message: text,
    },
    { requiredKeys: [] },
  )
  .chain((record) =>
    fc.shuffledSubarray(Object.entries(record), { minLength: Object.keys(record).length }),
  );

describe('the head of a line', () => {
  test('is read as JSON reads it, or not at all', () => {
    let understood = 0;
    fc.assert(
      fc.property(jsonNumber, fc.option(text), members, (t, user, rest) => {
        const leading = { n: 7, t, user, conn: user, surface: 'socket', dir: 'in', kind: 'frame' };
        const head = JSON.stringify({ ...leading, ...Object.fromEntries(rest) });
        const draft = read(head);
        if (draft === undefined) return;
        understood += 1;
        const { line: _line, ...fields } = draft;
        expect(JSON.parse(JSON.stringify(fields))).toEqual(JSON.parse(head));
      }),
      { numRuns: 500, seed: 20_260_105 },
    );
    expect(understood).toBeGreaterThan(50);
  });

  test('is understood where the journal wrote it, with a frame and without', () => {
    const rest =
      ',"event":"agent_started","run":"r-1","id":"m-1","sequence":3,"sentAt":1767571202999';
    for (const after of [',"frame":{}}', '}']) {
      const draft = read(`{${LEADING}${rest}}`, after);
      expect(draft).toMatchObject({ n: 7, t: 12.345, user: 'u01', conn: null, run: 'r-1' });
    }
    expect(read(`{${LEADING},"act":"plant","place":"note","marker":"xtk"}`)?.marker).toBe('xtk');
    expect(read(`{${LEADING},"source":"ask","ids":{"run":"r"}}`)?.ids).toEqual({ run: 'r' });
  });

  test.each([
    ['a member that is not known', `{${LEADING},"strange":1}`],
    ['an escape', `{${LEADING},"event":"a\\u0062"}`],
    ['a letter beyond ASCII', `{${LEADING},"event":"é"}`],
    ['a control character', `{${LEADING},"event":"a\tb"}`],
    ['a value of another type', `{${LEADING},"sequence":"3"}`],
    ['a name without a value', `{${LEADING},"event"}`],
    ['white space', `{${LEADING}, "event":"a"}`],
    ['a leading zero', `{${LEADING},"sequence":03}`],
    ['a number with no digits', `{${LEADING},"sequence":-}`],
    ['a number that ends with its point', `{${LEADING},"sequence":3.}`],
    ['a number that begins with its point', `{${LEADING},"sequence":.3}`],
    ['more digits than are exact', `{${LEADING},"sequence":12345678901234567}`],
    ['no time', `{"n":7,"user":"u01","conn":null,"surface":"socket","dir":"in","kind":"frame"}`],
    ['nothing at all', '{}'],
    ['a list', '[1]'],
  ])('with %s is left to others', (_what, head) => {
    expect(read(head)).toBeUndefined();
  });

  test('a text once read is the same text in the next line', () => {
    const reader = new HeadReader();
    const lines = ['a', 'b', 'a'].map((run) => Buffer.from(`{${LEADING},"run":"${run}-run"}`));
    const runs = lines.map((line) => reader.read(line, 0, line.length - 1)?.run);
    expect(runs).toEqual(['a-run', 'b-run', 'a-run']);
  });

  test('texts that share a place in the pool are told apart', () => {
    const reader = new HeadReader();
    for (let round = 0; round < 2; round += 1)
      for (let i = 0; i < 40_000; i += 1) {
        const line = Buffer.from(`{${LEADING},"run":"${i}"}`);
        expect(reader.read(line, 0, line.length - 1)?.run).toBe(String(i));
      }
  });
});
