import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { Heartbeats } from '../../clients/heartbeats.ts';
import { tryToOpen } from '../../clients/hostile-open.ts';
import type { ProbeOutcome } from '../../clients/refusals.ts';
import { QuietWindow } from '../../clients/quiet-window.ts';
import { Recorder } from '../../clients/recorder.ts';
import { judgingOfTrial } from '../../clients/trial.ts';
import { startClock } from '../../history/clock.ts';
import { JournalWriter } from '../../history/journal-writer.ts';
import { Vault } from '../../history/redaction.ts';
import { guardedTarget } from './guarded-chat.ts';
import {
  Closers,
  freePort,
  headerFor,
  linesOf,
  planFor,
  portOf,
  PREFIX,
  socketServer,
  temporaryDirectory,
  tinyTarget,
  type Line,
} from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

const TOKEN = 'token-that-is-not-valid-here-0a1b2c';

/** Tries to open a socket at an address with a bad token, and reads back what was recorded. */
async function tried(
  url: string,
  { handshakeMsMax = 5_000, target = tinyTarget() } = {},
): Promise<{ readonly answer: ProbeOutcome; readonly lines: readonly Line[] }> {
  const path = join(temporaryDirectory(closers), 'history.ndjson');
  const journal = new JournalWriter({ path, clock: startClock(), header: headerFor(target) });
  const heartbeats = new Heartbeats(null);
  closers.add(() => heartbeats.stop());
  const answer = await tryToOpen(
    {
      recorder: new Recorder(journal, new Vault(), PREFIX),
      wire: target.socket,
      heartbeats,
      quiet: new QuietWindow(judgingOfTrial(planFor('/'), target).limits),
      silentEvents: new Set(),
      bytesMax: 64 * 1024,
      handshakeMsMax,
      headers: { 'x-gateway': 'open sesame' },
      agent: undefined,
    },
    { user: 'u00', conn: 'u00#probe' },
    {
      request: { url, protocols: [TOKEN], headers: {}, secrets: [TOKEN] },
      session: { userId: 'id-of-u00', token: TOKEN, secrets: [TOKEN] },
    },
  );
  await journal.end('done');
  return { answer, lines: linesOf(path) };
}

/** A server whose upgrade always ends in this status line. */
async function answering(status: string): Promise<string> {
  const server = createServer();
  server.on('upgrade', (_request, socket) => {
    socket.end(
      `HTTP/1.1 ${status}\r\nx-reason: none of yours\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 0\r\n\r\n`,
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  closers.add(() => server.close());
  return `ws://127.0.0.1:${portOf(server)}`;
}

const greeting = (frame: string) => (socket: WebSocket) => socket.send(frame);

describe('opening a socket that must stay shut', () => {
  test('is accepted by a target that greets', async () => {
    const url = await socketServer(closers, greeting('{"type":"hello","user_id":"id-of-nobody"}'));
    const { answer, lines } = await tried(url);
    expect(answer).toBe('accepted');
    expect(lines.at(-1)).toMatchObject({
      user: 'u00',
      conn: 'u00#probe',
      surface: 'socket',
      dir: 'in',
      kind: 'frame',
      event: 'hello',
      owner: 'id-of-nobody',
    });
  });

  test('is accepted even if nobody can read the greeting', async () => {
    const { answer, lines } = await tried(await socketServer(closers, greeting('come in')));
    expect(answer).toBe('accepted');
    expect(lines.at(-1)).toMatchObject({ text: 'come in' });
  });

  test.each(['401 Unauthorized', '403 Forbidden', '404 Not Found'])(
    'is refused by %s',
    async (status) => {
      const { answer, lines } = await tried(await answering(status));
      expect(answer).toBe('refused');
      expect(lines.at(-1)).toMatchObject({
        surface: 'http',
        dir: 'in',
        purpose: 'refusal-probe',
        status: Number.parseInt(status, 10),
        headers: { 'x-reason': 'none of yours', 'set-cookie': expect.stringMatching(/, /) },
      });
    },
  );

  test('is refused by an error among several records of a message', async () => {
    const tiny = tinyTarget();
    const target = tinyTarget({ socket: { ...tiny.socket, framing: 'records' } });
    const url = await socketServer(closers, greeting('{"type":"x"}\u001e{"type":"error"}\u001e'));
    const { answer, lines } = await tried(url, { target });
    expect(answer).toBe('refused');
    expect(lines.filter(({ dir, kind }) => dir === 'in' && kind === 'frame')).toHaveLength(2);
  });

  test('is refused by an error in place of the greeting', async () => {
    const url = await socketServer(closers, greeting('{"type":"error"}'));
    const { answer, lines } = await tried(url, { target: guardedTarget() });
    expect(answer).toBe('refused');
    expect(lines.at(-1)).toMatchObject({ kind: 'frame', event: 'error' });
  });

  test('is refused by a target that closes after the upgrade without a word', async () => {
    const url = await socketServer(closers, (socket) => socket.close(1008, 'no'));
    expect((await tried(url)).answer).toBe('refused');
  });

  test.each(['500 Internal Server Error', '503 Service Unavailable', '302 Found'])(
    'is unclear after %s: it proves no check',
    async (status) => {
      expect((await tried(await answering(status))).answer).toBe('unclear');
    },
  );

  test('is unclear where nobody listens', async () => {
    expect((await tried(`ws://127.0.0.1:${await freePort()}`)).answer).toBe('unclear');
  });

  test('is unclear where the target lets in but does not greet', async () => {
    const url = await socketServer(closers, () => undefined);
    const { answer, lines } = await tried(url);
    expect(answer).toBe('unclear');
    expect(lines.at(-1)).toMatchObject({ status: 101 });
  });

  test('is unclear where the handshake never ends', async () => {
    const server = createServer();
    server.on('upgrade', (_request, socket) => closers.add(() => socket.destroy()));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    closers.add(() => server.close());
    expect((await tried(`ws://127.0.0.1:${portOf(server)}`, { handshakeMsMax: 200 })).answer).toBe(
      'unclear',
    );
  });

  describe('whose protocol greets before anybody has said who it is', () => {
    const target = tinyTarget({
      socket: {
        ...tinyTarget().socket,
        handshake: ({ token }) => ({
          receive: (_frame, { event }) =>
            event === 'welcome'
              ? { state: 'waiting', send: [{ type: 'connect', token }] }
              : { state: event === 'hello' ? 'ready' : 'waiting' },
        }),
      },
    });
    /** Says welcome to everybody, and `answer` to whoever says who it is. */
    const welcoming = (answer: (socket: WebSocket, asked: string) => void): Promise<string> =>
      socketServer(closers, (socket) => {
        socket.send('{"type":"welcome"}');
        socket.on('message', (data: Buffer) => answer(socket, data.toString()));
      });

    test('is accepted where what was said of who it is was', async () => {
      const said: string[] = [];
      const url = await welcoming((socket, text) => {
        said.push(text);
        socket.send('{"type":"hello"}');
      });
      const { answer, lines } = await tried(url, { target });
      expect(answer).toBe('accepted');
      expect(said).toEqual([JSON.stringify({ type: 'connect', token: TOKEN })]);
      expect(lines).toContainEqual(
        expect.objectContaining({ dir: 'out', kind: 'frame', purpose: 'refusal-probe' }),
      );
      expect(JSON.stringify(lines)).not.toContain(TOKEN);
    });

    test('is refused by a close', async () => {
      const url = await welcoming((socket) => socket.close(1008));
      expect((await tried(url, { target })).answer).toBe('refused');
    });

    test('is unclear where the answer is not understood: it may be a refusal', async () => {
      const url = await welcoming((socket) => socket.send('{"type":"connect_error"}'));
      expect((await tried(url, { target })).answer).toBe('unclear');
    });
  });

  test('is tried with a first message, where the target waits for one', async () => {
    const target = tinyTarget({
      socket: {
        ...tinyTarget().socket,
        handshake: ({ token }) => ({
          opened: () => ({ state: 'waiting', send: [{ type: 'auth', token }] }),
          receive: (_frame, { event }) => ({ state: event === 'hello' ? 'ready' : 'waiting' }),
        }),
      },
    });
    const url = await socketServer(closers, (socket) => {
      socket.on('message', () => socket.send('{"type":"hello"}'));
    });
    expect((await tried(url, { target })).answer).toBe('accepted');
  });

  test('leaves the request in the record, without the token', async () => {
    const { lines } = await tried(await answering('401 Unauthorized'));
    expect(lines[0]).toMatchObject({ dir: 'out', kind: 'request', purpose: 'refusal-probe' });
    expect(JSON.stringify(lines)).not.toContain(TOKEN);
    expect(JSON.stringify(lines)).toMatch(/\[redacted:[0-9a-f]{16}\]/);
  });
});
