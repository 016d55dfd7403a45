import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventStream, messageText, type StreamFormat } from '../../clients/page-event-stream.ts';

function base64(text: string | Buffer): string {
  return Buffer.from(text).toString('base64');
}

/** What is told of a stream that comes in these pieces, the first of them before it is followed. */
function toldOf(
  pieces: readonly (string | Buffer)[],
  format: StreamFormat = 'events',
): { readonly said: unknown; readonly isEvent: boolean }[] {
  const told: { said: unknown; isEvent: boolean }[] = [];
  const stream = new EventStream(format, ({ text, isEvent }) => {
    told.push({ said: JSON.parse(text), isEvent });
  });
  const [first = '', ...rest] = pieces;
  stream.begin(base64(first), 0);
  for (const piece of rest) stream.push(base64(piece), 0);
  stream.end();
  return told;
}

function saidIn(...pieces: (string | Buffer)[]): unknown[] {
  return toldOf(pieces).map(({ said }) => said);
}

describe('a stream of events', () => {
  it('is told event by event, with every field that was said', () => {
    expect(saidIn('event: done\nid: 7\nretry: 9\ndata: {"a":1}\n\ndata: two\n\n')).toEqual([
      { event: 'done', id: '7', retry: '9', data: { a: 1 } },
      { data: 'two' },
    ]);
  });

  it('keeps what a page ignores: comments, unknown fields, and values that a later one replaces', () => {
    expect(saidIn(': one\nevent: first\nevent: second\nx-debug: two\nbare\ndata: 3\n\n')).toEqual([
      { event: 'second', comment: 'one\nevent: first\nx-debug: two\nbare', data: '3' },
    ]);
  });

  it('joins the lines of its data, JSON in one line', () => {
    expect(saidIn('data: {"a":\ndata: 1}\n\ndata: one\ndata: two\n\n')).toEqual([
      { data: { a: 1 } },
      { data: 'one\ntwo' },
    ]);
  });

  it('takes pieces of an answer for texts, however they look', () => {
    expect(saidIn('data: 17\n\ndata: true\n\ndata: "x"\n\ndata: [DONE]\n\ndata:  y\n\n')).toEqual(
      ['17', 'true', '"x"', '[DONE]', ' y'].map((data) => ({ data })),
    );
  });

  it('is told to its end, also where that was cut off', () => {
    expect(saidIn('data: {"a":1}\n\nevent: cut\ndata: {"b"')).toEqual([
      { data: { a: 1 } },
      { event: 'cut', data: '{"b"' },
    ]);
  });

  it('has no event at its end where that was cut off', () => {
    const isEventAtEnd = (text: string): boolean | undefined => toldOf([text])[0]?.isEvent;
    expect(isEventAtEnd('event: a\ndata: {"b":1}')).toBe(true);
    for (const cut of ['event: a\ndata: {"b"', 'event: a\ndata: wor', 'event: a'])
      expect(isEventAtEnd(cut)).toBe(false);
  });

  it('breaks silence with events only', () => {
    const told = toldOf([': keep-alive\n\nretry: 5\n\nid: 7\n\nevent: ping\n\ndata: x\n\n']);
    expect(told.map(({ isEvent }) => isEvent)).toEqual([false, false, false, true, true]);
  });

  it('may begin with a byte order mark', () => {
    expect(saidIn('\ufeffdata: x\n\n')).toEqual([{ data: 'x' }]);
  });

  it('is the same with each kind of line end, wherever its pieces are cut', () => {
    const bytes = 'event: a\ndata: ö1\ndata: {2}\n\n: no\n\ndata: {"b":"é"}\n\n';
    const whole = saidIn(bytes);
    fc.assert(
      fc.property(
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.nat(bytes.length * 2), { maxLength: 6 }),
        (end, cuts) => {
          const stream = Buffer.from(bytes.replaceAll('\n', end));
          const at = [0, ...cuts.toSorted((one, other) => one - other), stream.length];
          const pieces = at.map((from, index) => stream.subarray(from, at[index + 1]));
          expect(saidIn(...pieces)).toEqual(whole);
        },
      ),
    );
  });

  it('whose events end with carriage returns is told without waiting for more', () => {
    const told: string[] = [];
    const stream = new EventStream('events', ({ text }) => told.push(text));
    stream.begin(base64('data: x\r\r'), 0);
    expect(told).toEqual(['{"data":"x"}']);
  });

  it('is the same as the messages that a page has of it', () => {
    const message = messageText({ eventName: 'a', eventId: '7', data: 'one\ntwo' });
    expect(saidIn(message)).toEqual([{ event: 'a', id: '7', data: 'one\ntwo' }]);
  });
});

it('a stream of lines is told line by line', () => {
  expect(toldOf(['{"a":1}\n{"b"', ':2}\n\nnot JSON'], 'lines').map(({ said }) => said)).toEqual([
    { data: { a: 1 } },
    { data: { b: 2 } },
    { data: 'not JSON' },
  ]);
});
