import fc from 'fast-check';
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startClock } from '../../history/clock.ts';
import { FrameOrigin, JournalWriter } from '../../history/journal-writer.ts';
import {
  lastingBytes,
  LinePen,
  NameMembers,
  NUMBER_BYTES_MAX,
  roomOfRaw,
  roomOfText,
} from '../../history/line-pen.ts';
import type { DecodedFields } from '../../history/observation.ts';
import { CHARACTER } from '../any-text.ts';
import { HistoryBuilder } from '../assertions/history-builder.ts';

const anyText = fc.oneof(
  fc.string({ unit: CHARACTER }),
  fc.constantFrom('agent_started', 'a"b', 'a\\b', '\u0000', '\ud800', 'ü', '', 'x'.repeat(100)),
);

/** What a pen writes into bytes that hold something else before and after. */
function penned(room: number, write: (pen: LinePen) => void): string {
  const before = 7;
  const bytes = Buffer.alloc(before + room, '#');
  const pen = new LinePen(bytes, before);
  write(pen);
  expect(pen.at).toBeLessThanOrEqual(bytes.length);
  expect(bytes.toString('utf8', 0, before)).toBe('#'.repeat(before));
  return bytes.toString('utf8', before, pen.at);
}

describe('the parts of a line', () => {
  test('are quoted as JSON does, within the room asked for', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const name = ',"key":';
        const room = name.length + 2 + roomOfText(text);
        expect(penned(room, (pen) => pen.text(lastingBytes(name), text))).toBe(
          name + JSON.stringify(text),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test('are left out when they are absent or have no JSON', () => {
    const name = lastingBytes(',"key":');
    expect(penned(8, (pen) => pen.text(name, undefined))).toBe('');
    for (const value of [undefined, Number.NaN, Infinity, -Infinity])
      expect(penned(8, (pen) => pen.number(name, value))).toBe('');
  });

  test('keep names quoted, however many there are', () => {
    const members = new NameMembers('event');
    expect(members.of(undefined)).toHaveLength(0);
    for (let pass = 0; pass < 2; pass += 1)
      for (let index = 0; index < 2_000; index += 1)
        expect(Buffer.from(members.of(`ü"${index}`)).toString()).toBe(
          `,"event":${JSON.stringify(`ü"${index}`)}`,
        );
  });

  test('are copied as they are, short or long', () => {
    for (const length of [0, 1, 31, 32, 33, 500]) {
      const text = 'abcdefghij'.repeat(50).slice(0, length);
      expect(penned(length, (pen) => pen.put(lastingBytes(text)))).toBe(text);
    }
    for (const text of ['', 'ü€😀', 'é'.repeat(100_000)])
      expect(penned(roomOfRaw(text), (pen) => pen.raw(text))).toBe(text);
  });

  test('write milliseconds rounded to a microsecond as JSON does', () => {
    const ms = fc.oneof(
      fc.double({ min: 0, max: 1e9, noNaN: true }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: 0, max: 5_000_000 }).map((micros) => micros / 1_000),
      fc.constantFrom(0, -0, 0.0004, 0.001, 0.9996, 1, 999.9999, 1e9, 1e12, -1.5),
    );
    fc.assert(
      fc.property(ms, (value) => {
        expect(penned(NUMBER_BYTES_MAX, (pen) => pen.microseconds(value))).toBe(
          String(Math.round(value * 1_000) / 1_000),
        );
      }),
      { numRuns: 5_000 },
    );
  });

  test('write numbers as JSON does', () => {
    const value = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -10_000, max: 10_000 }),
      fc.maxSafeInteger(),
      fc.integer({ min: 1_700_000_000, max: 1_700_000_100 }).map((seconds) => seconds * 1_000 + 7),
      fc.constantFrom(
        -0.0000052273626908339455,
        0,
        999,
        1_000,
        999_999,
        1e12,
        1e13 - 1,
        1e13,
        1_700_000_000_123.25,
      ),
    );
    fc.assert(
      fc.property(value, (number) => {
        expect(penned(NUMBER_BYTES_MAX, (pen) => pen.value(number))).toBe(String(number));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('a received frame', () => {
  const decodedFields: fc.Arbitrary<DecodedFields> = fc.record(
    {
      event: anyText,
      owner: anyText,
      thread: anyText,
      run: anyText,
      tool: anyText,
      agent: anyText,
      id: anyText,
      sequence: fc.oneof(fc.integer(), fc.double()),
      sentAt: fc.oneof(
        fc.double(),
        fc.integer({ min: 1.7e9, max: 1.7e9 + 9 }).map((s) => s * 1e3),
      ),
    },
    { requiredKeys: [] },
  );

  test('becomes the line that the long way writes', async () => {
    const { header } = new HistoryBuilder(2);
    const path = join(mkdtempSync(join(tmpdir(), 'crosstalk-line-')), 'history.ndjson');
    const journal = new JournalWriter({ path, header, clock: startClock() });
    const origin = new FrameOrigin('u00', 'u00#1');
    const text = '{"type":"x","text":"ü"}';
    const many = fc.sample(decodedFields, 2_000);
    for (const [at, decoded] of many.entries()) {
      journal.appendFrame({ origin, decoded, text, bytes: Buffer.from(text) }, at * 1.2345);
      const { event, owner, thread, run, tool, agent, id, sequence, sentAt } = decoded;
      const ids = { event, owner, thread, run, tool, agent, id, sequence, sentAt };
      journal.append(
        { user: 'u00', conn: 'u00#1', surface: 'socket', dir: 'in', kind: 'frame', ...ids },
        { kind: 'frame', text },
        at * 1.2345,
      );
    }
    await journal.end('done');
    const lines = readFileSync(path, 'utf8').split('\n').slice(1, -2);
    expect(lines).toHaveLength(2 * many.length);
    for (let line = 0; line < lines.length; line += 2)
      expect(withoutNumber(lines[line])).toBe(withoutNumber(lines[line + 1]));
  });
});

describe('a question', () => {
  const texts: fc.Arbitrary<Pick<DecodedFields, 'event' | 'thread' | 'run'> & { marker?: string }> =
    fc.record(
      { event: anyText, thread: anyText, run: anyText, marker: anyText },
      { requiredKeys: [] },
    );
  const numbers = fc.record({ question: fc.integer(), intended: fc.double() });

  test('becomes the lines that the long way writes, on disk and for listeners', async () => {
    const { header } = new HistoryBuilder(2);
    const dir = mkdtempSync(join(tmpdir(), 'crosstalk-line-'));
    const [quick, slow] = ['quick', 'slow'].map((name) => {
      const path = join(dir, `${name}.ndjson`);
      const journal = new JournalWriter({ path, header, clock: startClock() });
      const heard: unknown[] = [];
      journal.listen((observation) => heard.push(observation));
      return { path, journal, heard };
    });
    assert(quick !== undefined && slow !== undefined);
    const origin = new FrameOrigin('u00', 'u00#1');
    const source = { user: 'u00', conn: 'u00#1' } as const;
    const harness = { ...source, surface: 'harness', dir: 'act' } as const;
    const text = '{"type":"x","text":"ü"}';
    const many = fc.sample(fc.tuple(texts, numbers), 1_000);
    for (const [
      index,
      [{ event, thread, run, marker }, { question, intended }],
    ] of many.entries()) {
      const at = index * 1.2345;
      quick.journal.appendAsk(origin, { question, intended, thread, run, marker }, at);
      quick.journal.appendSent(origin, { event, thread, run, text, bytes: Buffer.from(text) }, at);
      if (run !== undefined)
        slow.journal.append(
          { ...harness, kind: 'identity', source: 'ask', ids: { run } },
          undefined,
          at,
        );
      const asked = { marker, question, run, thread, intended };
      slow.journal.append({ ...harness, kind: 'act', act: 'ask', ...asked }, undefined, at);
      slow.journal.append(
        { ...source, surface: 'socket', dir: 'out', kind: 'frame', event, thread, run },
        { kind: 'frame', text },
        at,
      );
    }
    await quick.journal.end('done');
    await slow.journal.end('done');
    const [written, expected] = [quick, slow].map(({ path }) =>
      readFileSync(path, 'utf8').split('\n').slice(0, -2),
    );
    expect(written).toEqual(expected);
    expect(written?.length).toBeGreaterThan(2 * many.length);
    expect(quick.heard).toEqual(slow.heard);
  });
});

function withoutNumber(line: string | undefined): string | undefined {
  return line?.replace(/^\{"n":\d+,/, '{');
}
