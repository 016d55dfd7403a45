import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { HistoryBuilder, type Line } from './history-builder.ts';

/**
 * The detector seen by somebody who wants a leak to pass: ways in which a target could let u01 have
 * something of u00. Whoever finds another way adds it here.
 */
interface Leak {
  readonly history: HistoryBuilder;
  /** u00's note marker. */
  readonly marker: string;
  /** u00's user id, a UUID. */
  readonly id: string;
}

const REPLY: Line = { surface: 'http', kind: 'response', status: 200, conn: null };

const notice = (content: unknown, more: Line = {}): Line => ({
  event: 'notice',
  contentKind: 'frame',
  content: typeof content === 'string' ? content : JSON.stringify(content),
  ...more,
});
const inBase64 = (text: string, alphabet: 'base64' | 'base64url' = 'base64') =>
  Buffer.from(text).toString(alphabet);

const bytesOf = (text: string): readonly number[] => [...Buffer.from(text)];
/** A text in pieces. */
const cut = (text: string, length = 11): string[] =>
  Array.from({ length: Math.ceil(text.length / length) }, (_piece, at) =>
    text.slice(at * length, (at + 1) * length),
  );

/** Rules that accuse u01 of having something of u00, after a clean golden path and one leak. */
function accusedOf(leak: (of: Leak) => Line): readonly string[] {
  const history = new HistoryBuilder(3).goldenPath();
  const { id, note: marker } = history.person('u00');
  history.add('u01', leak({ history, marker, id }));
  return history
    .verdict()
    .findings.filter(({ severity }) => severity === 'violation')
    .filter(({ observer, owner }) => observer === 'u01' && owner === 'u00')
    .map(({ rule }) => rule);
}

const MARKER_LEAKS: Readonly<Record<string, (of: Leak) => Line>> = {
  'compressed text': ({ marker }) => notice({ state: gzipSync(marker).toString('base64') }),
  'the name of a header': ({ marker }) => ({ ...REPLY, headers: { [`x-${marker}`]: '1' } }),
  'the place a redirect leads to': ({ marker }) => ({
    ...REPLY,
    status: 302,
    headers: { location: `/threads/${marker}` },
  }),
  'the sub-protocol that an upgrade echoes': ({ marker }) => ({
    ...REPLY,
    status: 101,
    headers: { 'sec-websocket-protocol': marker },
  }),
  'the address of a reply': ({ marker }) => ({ ...REPLY, url: `http://chat/search?q=${marker}` }),
  'the reason of a close': ({ marker }) => ({
    kind: 'close',
    by: 'them',
    code: 1000,
    reason: `replaced by ${marker}`,
  }),
  'the payload of a ping': ({ marker }) => ({ kind: 'ping', contentKind: 'text', content: marker }),
  'a binary frame': ({ marker }) => ({ contentKind: 'base64', content: inBase64(marker) }),
  'a binary frame of two bytes a letter': ({ marker }) => ({
    contentKind: 'base64',
    content: Buffer.from(marker, 'utf16le').toString('base64'),
  }),
  'the text of an error': ({ marker }) =>
    notice({ type: 'error', message: `no note "${marker}"` }, { event: 'error' }),
  'the name of a member': ({ marker }) => notice({ seen: { [marker]: true } }),
  'the type of an event': ({ marker }) => notice({ type: marker }, { event: marker }),
  'a title in a list of threads': ({ marker }) => ({
    ...REPLY,
    contentKind: 'frame',
    content: JSON.stringify({ threads: [{ title: 'mine' }, { title: marker }] }),
  }),
  'JSON in base64url in JSON': ({ marker }) =>
    notice({ cursor: inBase64(JSON.stringify({ after: marker }), 'base64url') }),
  'base64 of base64': ({ marker }) => notice({ state: inBase64(inBase64(marker)) }),
  'JSON in JSON in JSON': ({ marker }) =>
    notice({ a: JSON.stringify({ b: JSON.stringify({ c: marker }) }) }),
  'a buffer as Node writes it': ({ marker }) => notice({ raw: Buffer.from(`seen: ${marker}`) }),
  'a long buffer': ({ marker }) =>
    notice({ raw: Buffer.from(`${'so on '.repeat(50_000)}${marker}`) }),
  'an array of bytes as JavaScript writes it': ({ marker }) =>
    notice({ raw: new Uint8Array(Buffer.from(marker)) }),
  'bytes of a list of bytes, in lines': ({ marker }) =>
    notice(JSON.stringify({ raw: bytesOf(JSON.stringify(bytesOf(marker))) }, null, 2)),
  'bytes of digits, in lines': ({ marker }) =>
    notice({ raw: bytesOf(bytesOf(marker).join()).join(',\n  ') }),
  'a list of its letters': ({ marker }) => notice({ letters: marker.split('') }),
  'operations of an editor': ({ marker }) =>
    notice({ ops: cut(marker).map((insert) => ({ insert, attributes: { bold: true } })) }),
  'parts of an answer': ({ marker }) =>
    notice({ content: cut(marker).map((text) => ({ type: 'text', text })) }),
  'parts of an answer, in JSON in JSON': ({ marker }) =>
    notice({ body: JSON.stringify({ parts: cut(marker).map((text) => ({ text })) }) }),
  'tokens with others that were likely': ({ marker }) =>
    notice({
      content: cut(marker, 2).map((token) => ({
        token,
        logprob: -0.1,
        bytes: [...Buffer.from(token)],
        top_logprobs: [
          { token, logprob: -0.1 },
          { token: 'so', logprob: -3 },
        ],
      })),
    }),
  'pairs of a token and a number': ({ marker }) =>
    notice({ tokens: cut(marker, 3).map((token) => [token, -0.25]) }),
  'pairs of a token and its kind': ({ marker }) =>
    notice({ tokens: cut(marker, 3).map((token) => [token, 'NOUN']) }),
  'members called by their places': ({ marker }) =>
    notice({ answer: Object.assign({}, cut(marker, 1)) }),
  'objects called by their places': ({ marker }) =>
    notice({
      answer: Object.assign(
        {},
        cut(marker).map((text) => ({ text })),
      ),
    }),
  'a list of its letters, as Python writes it': ({ marker }) =>
    notice(`{"type": "notice", "letters": ["${cut(marker, 1).join('", "')}"]}`),
  'base64 in the parts of an answer': ({ marker }) =>
    notice({ parts: cut(inBase64(`so ${marker}`)).map((text) => ({ text })) }),
  'lines of JSON': ({ marker }) => ({
    ...REPLY,
    contentKind: 'text',
    content: cut(marker)
      .map((delta) => `data: ${JSON.stringify({ delta })}\n\n`)
      .join(''),
  }),
  'parts of which the last was cut off': ({ marker }) =>
    notice(JSON.stringify({ parts: cut(marker, 4).map((text) => ({ text })) }).slice(0, -6)),
  'a member that is overwritten by a second of its name': ({ marker }) =>
    notice(`{"type":"notice","note":"${marker}","note":"mine"}`),
  'a frame with more numbers than a call takes arguments': ({ marker }) =>
    notice({ vector: Array.from({ length: 300_000 }, () => 0.5), text: marker }),
  'halves in two members': ({ marker }) =>
    notice({ first: marker.slice(0, 15), last: marker.slice(15) }),
  'markup between two letters': ({ marker }) =>
    notice({ html: `<b>${marker.slice(0, 12)}</b><b>${marker.slice(12)}</b>` }),
};

const ID_LEAKS: Readonly<Record<string, (of: Leak) => Line>> = {
  'in capitals': ({ id }) => notice({ last: id.toUpperCase() }),
  'without its dashes': ({ id }) => notice({ last: id.replaceAll('-', '') }),
  'in capitals without its dashes': ({ id }) =>
    notice({ last: id.replaceAll('-', '').toUpperCase() }),
  'as a URN': ({ id }) => notice({ last: `urn:uuid:${id}` }),
  'in base64': ({ id }) => notice({ last: inBase64(id) }),
  'in a list of character codes': ({ id }) => notice({ last: [...Buffer.from(id)] }),
  'in the name of a header': ({ id }) => ({ ...REPLY, headers: { [`x-${id}`]: '1' } }),
  'in a member that is overwritten by the own one': ({ id }) =>
    notice(`{"type":"notice","user_id":"${id}","user_id":"mine"}`),
};

describe('a marker of another user is found in', () => {
  test.each(Object.entries(MARKER_LEAKS))('%s', (_name, leak) => {
    expect(accusedOf(leak)).toEqual(['isolation/foreign-marker']);
  });
});

describe('a user id of another user is found', () => {
  test.each(Object.entries(ID_LEAKS))('%s', (_name, leak) => {
    expect(accusedOf(leak)).toEqual(['isolation/foreign-identity']);
  });
});

describe('ids in events', () => {
  test("another's run, deep inside an own event, is found with its place", () => {
    const history = new HistoryBuilder(3).start();
    const [first] = history.people.map(({ name }) => history.ask(name));
    history.event('u01', 'agent_thinking', {
      payload: { trace: { parents: [{ run_id: first?.run }] } },
    });
    expect(history.findings('foreign-run')).toMatchObject([
      { observer: 'u01', owner: 'u00', place: 'payload.trace.parents[0].run_id' },
    ]);
  });

  test.each([
    ['capitals', (id: string) => id.toUpperCase()],
    ['no dashes', (id: string) => id.replaceAll('-', '')],
  ])('%s hide nobody’s event, and make nobody a stranger', (_name, written) => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    const { id } = history.person('u00');
    const owner = written(id);
    const inIds = { root: { user_id: owner }, fields: { owner } };
    history.event('u00', 'agent_started', inIds);
    expect(history.findings('foreign-identity')).toEqual([]);
    const alone = { owner, thread: undefined, run: undefined };
    history.event('u00', 'agent_thinking', { to: 'u01', payload: { thought: '' }, fields: alone });
    expect(history.findings('misdelivered-event')).toMatchObject([
      { observer: 'u01', owner: 'u00' },
    ]);
    expect(history.findings('foreign-identity')).toEqual([]);
  });

  test('an own run that is written in another way is the own run still', () => {
    const run = 'ABCDEF01-2345-4789-8abc-def012345678';
    const history = new HistoryBuilder(3).start();
    const harness = { surface: 'harness', dir: 'act', conn: null } as const;
    history.add('u00', { ...harness, kind: 'identity', source: 'ask', ids: { run } });
    history.add('u00', { ...harness, kind: 'act', act: 'ask', question: 1, run });
    history.asked.set('u00', [{ run, marker: history.person('u00').note, question: 1 }]);
    for (const name of ['u01', 'u02']) history.ask(name);
    for (const type of ['agent_started', 'agent_thinking', 'tool_executing', 'tool_completed'])
      for (const { name } of history.people) history.event(name, type);
    const written = run.toLowerCase().replaceAll('-', '');
    history.event('u00', 'agent_completed', {
      root: { run_id: written },
      fields: { run: written },
    });
    for (const name of ['u01', 'u02']) history.event(name, 'agent_completed');
    expect(history.verdict().findings).toEqual([]);
  });
});

/**
 * What the detector does not look for: no wire that we know of does this by accident, and searching for
 * it would cost every frame. If one of these fails, something new is found: move it up.
 */
const NOT_LOOKED_FOR: Readonly<Record<string, (of: Leak) => Line>> = {
  'text written backwards': ({ marker }) => notice({ s: marker.split('').toReversed().join('') }),
  'three layers of base64': ({ marker }) => notice({ s: inBase64(inBase64(inBase64(marker))) }),
  'four pieces in four members': ({ marker }) =>
    notice({
      first: marker.slice(0, 10),
      second: marker.slice(10, 20),
      third: marker.slice(20, 30),
      fourth: marker.slice(30),
    }),
  'letters of other scripts that look alike': ({ marker }) =>
    notice({ s: marker.replaceAll(/[x0-9]/g, '\u0445') }),
};

describe('not looked for', () => {
  test.each(Object.entries(NOT_LOOKED_FOR))('%s', (_name, leak) => {
    expect(accusedOf(leak)).toEqual([]);
  });
});
