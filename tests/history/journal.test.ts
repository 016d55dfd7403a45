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

  test.each(['kind', 'surface', 'dir'])(
    'takes no line with an unknown %s for one of ours',
    (name) => {
      const other = line(1).replace(new RegExp(`"${name}":"\\w+"`), `"${name}":"weird"`);
      const reversed = `{"frame":{},${other.slice(1).replace(/,"frame":.*/s, '')}}\n`;
      for (const text of [other, reversed]) {
        const reading = read(write(first + line(0) + text));
        expect(reading.observations).toHaveLength(1);
        expect(reading.problems).toEqual([
          { line: 3, message: expect.stringContaining(`"${name}"`) },
        ]);
      }
    },
  );

  const [one, two] = header.users;
  test.each<[string, object]>([
    ['two users of one name', { users: [one, { ...two, user: one?.user }] }],
    ['two users of one prefix', { users: [one, { ...two, markerPrefix: one?.markerPrefix }] }],
    ['a user without a prefix', { users: [one, { ...two, markerPrefix: '' }] }],
    ['a mixed crowd of whom nobody knows who is in a browser', { transport: 'mixed' }],
    ['a start at no time', { startedAt: 'yesterday' }],
  ])('refuses a first line with %s', (_what, change) => {
    const text = `${JSON.stringify({ ...header, ...change })}\n${line(0)}`;
    expect(() => read(write(text))).toThrow(HistoryUnreadable);
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
    '{"kind": "end", "n": 1, "t": 2.5, "reason": "done"}',
    '{"reason":"done","t":2.5,"n":1,"kind":"end"}',
    '{"kind":"end","n":1,"t":2.5,"reason":"done","by":"another writer"}',
    '  { "n":1, "t":2.5, "kind":"end", "reason":"done" }\r',
  ])('knows the end in whatever form it was written: %s', (last) => {
    const reading = read(write(`${first}${line(0)}${last}\n`));
    expect(reading.problems).toEqual([]);
    expect(reading.end).toEqual({ kind: 'end', n: 1, t: 2.5, reason: 'done' });
  });

  test('takes no line for the end that only holds one', () => {
    const held = line(0).replace('{"a":0}', '{"kind":"end","n":1,"t":1,"reason":"done"}');
    expect(read(write(first + held))).toMatchObject({ end: undefined, problems: [] });
    const wrong = read(write(`${first}{"kind": "end", "n": 0, "t": 1, "reason": "bored"}\n`));
    expect(wrong.end).toBeUndefined();
    expect(wrong.problems).toEqual([
      { line: 2, message: expect.stringMatching(/^not an observation: "reason": /) },
    ]);
  });

  test.each([
    ['after the frame', `"frame":{"a":[1,{"b":2}]},"extra":1`],
    ['after the frame, as an object', `"frame":{"a":[1,{"b":2}]},"extra":{"frame":{"a":9}}`],
    ['after the frame, with spaces', `"frame":{"a":[1,{"b":2}]} , "extra" : "x"`],
    ['before the frame', `"extra":1,"frame":{"a":[1,{"b":2}]}`],
    ['before the frame, as an object', `"extra":{"a":1,"frame":{}},"frame":{"a":[1,{"b":2}]}`],
    ['of the name of our own', `"content":5,"contentKind":"text","frame":{"a":[1,{"b":2}]}`],
  ])('ignores an unknown member %s', (_where, members) => {
    const fields = line(0).slice(0, line(0).indexOf(',"frame"'));
    const { observations, problems } = read(write(`${first}${fields},${members}}\n`));
    expect(problems).toEqual([]);
    expect(observations).toMatchObject([
      { n: 0, line: 2, contentKind: 'frame', content: '{"a":[1,{"b":2}]}' },
    ]);
  });

  test('keeps to the letter a frame whose texts look like the end of one', () => {
    const frames = [
      '{"a":"\\"},\\"extra\\":1"}',
      '{"a":"\\\\","b":{"c":"}"},"d":[]}',
      '"a,b"',
      '[1,2]',
    ];
    const fields = line(0).slice('{"n":0'.length, line(0).indexOf('{"a":0}'));
    const lines = frames.map((frame, n) => `{"n":${n}${fields}${frame}}\n`);
    const { observations, problems } = read(write(first + lines.join('')));
    expect(problems).toEqual([]);
    expect(observations.map(({ content }) => content)).toEqual(frames);
  });

  test('takes content from the members for it alone', () => {
    const fields = line(0).slice(0, line(0).indexOf(',"frame"'));
    const { observations } = read(write(`${first}${fields},"content":5,"contentKind":"text"}\n`));
    expect(observations).toMatchObject([{ content: undefined, contentKind: undefined }]);
  });

  test('passes over a byte order mark and a blank last line, and no other', () => {
    const end = '{"kind":"end","n":1,"t":1,"reason":"done"}\n';
    for (const blank of ['\n', '  ', ' \t\r\n']) {
      const reading = read(write(`\uFEFF${first}${line(0)}${end}${blank}`));
      expect(reading).toMatchObject({ end: { n: 1 }, problems: [], header });
    }
    for (const [text, message] of [
      [`${end}\n\n`, 'a line after the end'],
      [`${end}\n${line(2)}`, 'a line after the end'],
      [`\n${end}`, 'an empty line'],
    ])
      expect(read(write(`${first}${line(0)}${text}`)).problems).toContainEqual(
        expect.objectContaining({ message }),
      );
  });

  test('says in one short sentence what is wrong with a line', () => {
    const told = (text: string): string | undefined =>
      read(write(first + text)).problems[0]?.message;
    expect(told(line(0).replace('"user":"u00"', '"user":7').replace('"in"', '"up"'))).toBe(
      'not an observation: "user": expected string, received number; ' +
        '"dir": expected one of "in"|"out"|"act"',
    );
    expect(told('{}\n')).toMatch(/^not an observation: "n": [^[{]+; and 4 more$/);
    expect(told('[]\n')).toBe('not an observation: expected object, received array');
    const strange = () => read(write('{"schema":1,"kind":"verdict"}\n'));
    expect(strange).toThrow(/does not begin with a trial: "kind": [^[{]+; and \d+ more$/);
  });

  test.each([
    ['an empty file', ''],
    ['a file that is no history', 'hello\n'],
    ['another kind of JSON', '{"kind":"verdict"}\n'],
  ])('refuses %s', (_name, text) => {
    expect(() => read(write(text))).toThrow(HistoryUnreadable);
  });
});
