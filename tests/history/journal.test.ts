import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startClock } from '../../history/clock.ts';
import { HistoryUnreadable, readHistory } from '../../history/journal-reader.ts';
import { JournalWriter } from '../../history/journal-writer.ts';
import type { Observation, TrialHeader } from '../../history/observation.ts';
import { HistoryBuilder } from '../assertions/history-builder.ts';

const { header } = new HistoryBuilder(2);
const base = { user: 'u00', conn: 'u00#1', surface: 'socket', dir: 'in', kind: 'frame' } as const;

function open(): { journal: JournalWriter; path: string } {
  const path = join(mkdtempSync(join(tmpdir(), 'crosstalk-journal-')), 'history.ndjson');
  return { path, journal: new JournalWriter({ path, header, clock: startClock() }) };
}

function read(path: string) {
  const observations: Observation[] = [];
  let first: TrialHeader | undefined;
  const reading = readHistory(path, {
    header: (value) => {
      first = value;
    },
    observation: (observation) => observations.push(observation),
  });
  return { ...reading, header: first, observations };
}

describe('a journal', () => {
  test('is read back as it was written, raw frames to the letter', async () => {
    const { journal, path } = open();
    const raw = '{"type" : "x",  "text":"</script>\\u001b[2J \\"é\\" ", "frame":{"a":1}}';
    journal.append(
      { ...base, event: 'x', run: 'r"1', sequence: 3 },
      { kind: 'frame', text: raw },
      12.3456,
    );
    journal.append(base, { kind: 'text', text: 'not\njson \u0000' });
    journal.append({ ...base, dir: 'out' }, { kind: 'base64', text: '/w==', cut: 9 });
    journal.append({
      user: null,
      conn: null,
      surface: 'harness',
      dir: 'act',
      kind: 'phase',
      phase: 'ask',
      mark: 'begin',
    });
    await journal.end('done');
    const { observations, end, problems, header: first } = read(path);
    expect(first).toEqual(header);
    expect(problems).toEqual([]);
    expect(end).toMatchObject({ kind: 'end', n: 4, reason: 'done' });
    expect(observations[0]).toMatchObject({
      n: 0,
      line: 2,
      t: 12.346,
      event: 'x',
      run: 'r"1',
      sequence: 3,
      contentKind: 'frame',
      content: raw,
    });
    expect(observations[1]).toMatchObject({
      n: 1,
      contentKind: 'text',
      content: 'not\njson \u0000',
    });
    expect(observations[2]).toMatchObject({
      dir: 'out',
      contentKind: 'base64',
      content: '/w==',
      cut: 9,
    });
    expect(observations[3]).toMatchObject({ user: null, phase: 'ask', mark: 'begin' });
  });

  test('is private, one JSON value a line', async () => {
    const { journal, path } = open();
    journal.append(base, { kind: 'frame', text: '{"a":1}' });
    await journal.end('done');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    for (const line of readFileSync(path, 'utf8').trimEnd().split('\n'))
      expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  test('holds its first line at once, and everything flushed', async () => {
    const { journal, path } = open();
    expect(read(path).observations).toEqual([]);
    expect(read(path).end).toBeUndefined();
    journal.append(base, { kind: 'frame', text: '{"a":1}' });
    await journal.flush();
    expect(read(path).observations).toHaveLength(1);
    await journal.end('interrupted');
    expect(read(path).end?.reason).toBe('interrupted');
  });

  test('never overwrites another', () => {
    const { path } = open();
    expect(() => new JournalWriter({ path, header, clock: startClock() })).toThrow(/EEXIST/);
  });

  test('tells a listener what a reader will see', async () => {
    const { journal, path } = open();
    const heard: Observation[] = [];
    journal.listen((observation) => heard.push(observation));
    journal.append({ ...base, event: 'x' }, { kind: 'frame', text: '{"a":"ü"}' });
    journal.append({ ...base, kind: 'close', by: 'them', code: 1011 });
    await journal.end('done');
    const strip = (observation: Observation) => JSON.parse(JSON.stringify(observation)) as unknown;
    expect(heard.map(strip)).toEqual(read(path).observations.map(strip));
  });

  test('asks sources to pause when the disk cannot follow, and to go on', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'crosstalk-journal-')), 'history.ndjson');
    const pressure: boolean[] = [];
    const journal = new JournalWriter({
      path,
      header,
      clock: startClock(),
      onPressure: (high) => pressure.push(high),
    });
    const text = JSON.stringify('x'.repeat(1_000_000));
    for (let i = 0; i < 80; i += 1) journal.append(base, { kind: 'frame', text });
    await journal.end('done');
    expect(pressure).toEqual([true, false]);
    expect(journal.lost).toBe(0);
    expect(read(path).observations).toHaveLength(80);
  });
});

describe('a reader', () => {
  const write = (text: string): string => {
    const path = join(mkdtempSync(join(tmpdir(), 'crosstalk-journal-')), 'history.ndjson');
    writeFileSync(path, text);
    return path;
  };
  const first = `${JSON.stringify(header)}\n`;
  const line = (n: number) =>
    `{"n":${n},"t":1,"user":"u00","conn":null,"surface":"socket","dir":"in","kind":"frame","frame":{"a":${n}}}\n`;

  test('tolerates a cut-off last line and reports it', () => {
    const reading = read(write(first + line(0) + line(1).slice(0, 60)));
    expect(reading.observations).toHaveLength(1);
    expect(reading.problems).toEqual([{ line: 3, message: 'cut off' }]);
    expect(reading.end).toBeUndefined();
  });

  test('reports missing and unreadable lines', () => {
    const reading = read(write(`${first}${line(0)}rubbish\n${line(3)}`));
    expect(reading.observations).toHaveLength(2);
    expect(reading.problems).toHaveLength(2);
  });

  test('keeps every frame to the letter, wherever the chunks it reads end', async () => {
    const { journal, path } = open();
    const raw = Array.from(
      { length: 60 },
      (_, index) => `{ "type":"x", "text":"\\u0078 ${'é'.repeat(20_000 + index * 997)}" }`,
    );
    for (const text of raw) {
      journal.append(base, { kind: 'frame', text });
      journal.append(base, { kind: 'text', text: 'no frame' });
    }
    await journal.end('done');
    const { observations, problems } = read(path);
    expect(problems).toEqual([]);
    const frames = observations.filter(({ contentKind }) => contentKind === 'frame');
    expect(frames.map(({ content }) => content)).toEqual(raw);
  });

  test('reads lines whose members stand in another order', () => {
    const other =
      '{"frame":{"a":1},"kind":"frame","dir":"in","surface":"socket","conn":null,"user":"u00","t":1,"n":0}\n';
    expect(read(write(first + other)).observations[0]).toMatchObject({
      contentKind: 'frame',
      content: '{"a":1}',
    });
  });

  test.each([
    ['an empty file', ''],
    ['a file that is no history', 'hello\n'],
    ['another kind of JSON', '{"kind":"verdict"}\n'],
  ])('refuses %s', (_name, text) => {
    expect(() => read(write(text))).toThrow(HistoryUnreadable);
  });
});
