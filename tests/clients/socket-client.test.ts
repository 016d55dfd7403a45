import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { CONTENT_CHARACTERS_MAX } from '../../clients/recorder.ts';
import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { judgeOnce } from '../../assertions/history-judge.ts';
import { MARKER_LENGTH, mintMarker, userPrefix } from '../../history/markers.ts';
import { credentialHash, redacted } from '../../history/redaction.ts';
import { asFrame } from '../../targets/frames.ts';
import type { DecodedFrame } from '../../targets/target.ts';
import {
  Closers,
  PREFIX,
  fieldsOf,
  freePort,
  openRawTrial,
  portOf,
  socketLab,
  socketServer,
  tinyTarget,
  until,
  listening,
} from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

const HELLO = '{"type":"hello"}';

/** A server that greets and then sends these frames, in order. */
function sending(...frames: (string | Buffer)[]): Promise<string> {
  return socketServer(closers, (socket) => {
    socket.send(HELLO);
    for (const frame of frames) socket.send(frame);
  });
}

test('JSON behind a prefix is read, answered and asked in, and what is broken stays as it came', async () => {
  const came: string[] = [];
  const url = await socketServer(closers, (socket) => {
    socket.on('message', (data: Buffer) => came.push(data.toString()));
    for (const message of [
      '0{"sid":"s1"}',
      '40',
      '2',
      '42["note",{"token":"abcdefgh12345"}]',
      '42["no',
    ])
      socket.send(message);
  });
  const target = tinyTarget({
    socket: {
      ...tinyTarget().socket,
      framing: 'prefixed',
      handshake: () => ({
        receive: (frame) => ({
          state: Array.isArray(frame) && frame[0] === '40' ? 'ready' : 'waiting',
        }),
      }),
      reply: (frame) => (Array.isArray(frame) && frame[0] === '2' ? ['3'] : undefined),
      decode: (frame) => ({ role: 'other', event: Array.isArray(frame) ? `e${frame[0]}` : 'none' }),
    },
  });
  const lab = socketLab(closers, url, { target });
  await lab.connect();
  await until(() => came.includes('3'));
  lab.client.send(['42', ['ask', { content: 'hello' }]]);
  await until(() => came.length === 2);
  expect(came).toEqual(['3', '42["ask",{"content":"hello"}]']);
  const frames = (await lab.lines()).filter(({ kind }) => kind === 'frame');
  expect(frames.map(({ dir, event, frame, text }) => [dir, event, frame ?? text])).toEqual([
    ['in', 'e0', ['0', { sid: 's1' }]],
    ['in', 'e40', ['40']],
    ['in', 'e2', ['2']],
    ['in', 'e42', ['42', ['note', { token: expect.stringMatching(/^\[redacted:/) }]]],
    ['in', undefined, '42["no'],
    ['out', undefined, ['3']],
    ['out', undefined, ['42', ['ask', { content: 'hello' }]]],
  ]);
});

test('each of several records in a message is a frame of its own, also beside a greeting', async () => {
  const came: string[] = [];
  const url = await socketServer(closers, (socket) => {
    socket.on('message', (data: Buffer) => came.push(data.toString()));
    socket.send(`${HELLO}\u001e{"type":"note","n":1}\u001e`);
    socket.send('{"type":"ping"}\u001e{"type":"note","n":2}\u001e{"ty');
  });
  const target = tinyTarget({
    socket: {
      ...tinyTarget().socket,
      framing: 'records',
      reply: (frame) => (JSON.stringify(frame).includes('ping') ? { type: 'pong' } : undefined),
    },
  });
  const lab = socketLab(closers, url, { target });
  await lab.connect();
  await until(() => came.length === 1);
  expect(came).toEqual(['{"type":"pong"}\u001e']);
  const frames = (await lab.lines()).filter(({ kind }) => kind === 'frame');
  expect(frames.map(({ dir, event, frame, text }) => [dir, event, frame ?? text])).toEqual([
    ['in', 'hello', JSON.parse(HELLO)],
    ['in', 'note', { type: 'note', n: 1 }],
    ['in', 'ping', { type: 'ping' }],
    ['in', 'note', { type: 'note', n: 2 }],
    ['in', undefined, '{"ty'],
    ['out', undefined, { type: 'pong' }],
  ]);
});

describe('opening', () => {
  test('a greeting sent together with the handshake is not lost', async () => {
    const lab = socketLab(closers, await sending());
    await lab.connect();
    const lines = await lab.lines();
    expect(lines.map((line) => [line['kind'], line['event'] ?? line['status'] ?? null])).toEqual([
      ['open', null],
      ['response', 101],
      ['frame', 'hello'],
    ]);
    expect(lines[0]).toMatchObject({ user: 'u00', conn: 'u00#1', surface: 'socket' });
    expect(lines[0]?.['intended']).toBeTypeOf('number');
  });

  test('a token in the sub-protocol is redacted where it is sent and where it is echoed', async () => {
    const token = 'secret-token-of-nobody-else';
    const url = await socketServer(closers, (socket) => {
      socket.send(`{"type":"hello","echo":"${token}"}`);
    });
    const lab = socketLab(closers, url);
    lab.recorder.vault.add(token);
    await lab.connect({ protocols: ['chat', `bearer.${token}`] });
    const path = lab.recorder.journal.path;
    await lab.lines();
    const text = readFileSync(path, 'utf8');
    expect(text).not.toContain(token);
    expect(text).toContain(`[redacted:${credentialHash(token)}]`);
  });

  test('a refused connection is a failure that says the target is unreachable', async () => {
    const lab = socketLab(closers, `ws://127.0.0.1:${await freePort()}`);
    await expect(lab.connect()).rejects.toMatchObject({ name: 'StepFailure', recorded: true });
    expect(await lab.lines()).toContainEqual(
      expect.objectContaining({
        kind: 'failure',
        conn: 'u00#1',
        step: 'connect',
        reason: 'refused',
        unreachable: true,
      }),
    );
  });

  describe('an upgrade answered with 429', () => {
    /** Turns so many upgrades away before it lets one in. */
    async function busy(refusals: number, retryAfter: string): Promise<string> {
      const server = createServer();
      const sockets = new WebSocketServer({ noServer: true });
      let upgrades = 0;
      server.on('upgrade', (request, socket, head) => {
        upgrades += 1;
        if (upgrades <= refusals)
          socket.end(
            `HTTP/1.1 429 Too Many Requests\r\nRetry-After: ${retryAfter}\r\nConnection: close\r\n\r\n`,
          );
        else sockets.handleUpgrade(request, socket, head, (accepted) => accepted.send(HELLO));
      });
      await new Promise<void>((resolve) => {
        server.listen(0, '127.0.0.1', resolve);
      });
      closers.add(() => server.close());
      return `ws://127.0.0.1:${portOf(server)}`;
    }

    test('is repeated after the time the target asks for', async () => {
      const lab = socketLab(closers, await busy(2, '0.05'));
      await lab.connect();
      const lines = await lab.lines();
      expect(lines.map((line) => line['status'] ?? line['kind'])).toEqual([
        'open',
        429,
        'open',
        429,
        'open',
        101,
        'frame',
      ]);
    });

    test('again and again is a failure', async () => {
      const lab = socketLab(closers, await busy(99, '0.01'));
      await expect(lab.connect()).rejects.toThrow('status 429');
      const lines = await lab.lines();
      expect(lines.filter(({ status }) => status === 429)).toHaveLength(4);
      expect(lines).toContainEqual(expect.objectContaining({ kind: 'failure', step: 'connect' }));
    });

    test('is not waited for by whoever leaves', async () => {
      const lab = socketLab(closers, await busy(1, '600'));
      const connecting = expect(lab.connect()).rejects.toThrow('closed while connecting');
      // The attempt, and the answer to it.
      await until(() => lab.recorder.journal.count === 2);
      lab.client.terminate();
      await connecting;
    });
  });

  test('an upgrade answered with a status is a failure, and the answer is recorded', async () => {
    const server = createServer();
    server.on('upgrade', (_request, socket) => {
      socket.end(
        'HTTP/1.1 401 Unauthorized\r\nContent-Length: 16\r\nConnection: close\r\n\r\n{"detail":"who"}',
      );
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    closers.add(() => server.close());
    const lab = socketLab(closers, `ws://127.0.0.1:${portOf(server)}`);
    await expect(lab.connect()).rejects.toThrow('status 401');
    const lines = await lab.lines();
    expect(lines).toContainEqual(
      expect.objectContaining({ kind: 'response', status: 401, frame: { detail: 'who' } }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ kind: 'failure', step: 'connect', reason: 'status 401' }),
    );
    expect(lines.filter(({ kind }) => kind === 'close')).toEqual([]);
  });

  test('an upgrade answered with a redirect says where it leads, without what may be a credential', async () => {
    const server = createServer();
    server.on('upgrade', (_request, socket) => {
      socket.end(
        'HTTP/1.1 302 Found\r\nLocation: https://a:b@sso.example/in?code=1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
      );
    });
    const lab = socketLab(closers, (await listening(closers, server)).replace('http:', 'ws:'));
    await expect(lab.connect()).rejects.toThrow(
      /status 302 \(a redirect to https:\/\/sso\.example\/in\)$/,
    );
  });

  test('a target that never greets is a failure of the handshake', async () => {
    const lab = socketLab(closers, await socketServer(closers, () => undefined), {
      handshakeMsMax: 150,
    });
    await expect(lab.connect()).rejects.toMatchObject({ reason: 'timeout', step: 'handshake' });
  });

  describe('that is never over says why', () => {
    const late = { handshakeMsMax: 600 };
    const settling = tinyTarget({
      socket: {
        ...tinyTarget().socket,
        handshake: () => ({
          receive: (_frame, { event }) =>
            event === 'hello' ? { state: 'ready', settleMs: 500 } : { state: 'waiting' },
        }),
      },
    });

    test.each([
      ['no message came', [], tinyTarget()],
      ['the target answered with an error', ['{"type":"error"}'], tinyTarget()],
      ["the profile's handshake went on waiting after 2 messages", ['{}', '[]'], tinyTarget()],
      ["the profile's handshake was ready, and went back to waiting", [HELLO, '{}'], settling],
    ] as const)('%s', async (why, frames, target) => {
      const url = await socketServer(closers, (socket) => {
        for (const frame of frames) socket.send(frame);
      });
      await expect(socketLab(closers, url, { ...late, target }).connect()).rejects.toThrow(why);
    });
  });

  test('a close before the greeting is a close and a failure of the handshake', async () => {
    const url = await socketServer(closers, (socket) => socket.close(1008, 'who are you'));
    const lab = socketLab(closers, url);
    await expect(lab.connect()).rejects.toMatchObject({ step: 'handshake' });
    const lines = await lab.lines();
    expect(lines).toContainEqual(
      expect.objectContaining({ kind: 'close', code: 1008, reason: 'who are you', by: 'them' }),
    );
  });
});

describe('frames', () => {
  test('JSON on one line is kept exactly as it came', async () => {
    const raw = '{ "type":"x", "a":"</script><b>\\u001b[31m", "n":1.50, "u":"\u2028é" }';
    const lab = socketLab(closers, await sending(raw));
    await lab.connect();
    await until(() => lab.told.length === 2);
    const path = lab.recorder.journal.path;
    await lab.lines();
    expect(readFileSync(path, 'utf8')).toContain(`"frame":${raw}}\n`);
  });

  test('bytes are kept without a credential, and with what is evidence beside it', async () => {
    const secret = 'q7Zk93opaquetokenofsomeone42';
    const marker = mintMarker(userPrefix(PREFIX, 1), 'question', 0);
    // As protocols of bytes write texts: their length, which may be a letter, and the text.
    const told = Buffer.from(`\xff\x0a\x1c${secret}\x12A${marker}\x00`, 'latin1');
    const lab = socketLab(closers, await sending(told, gzipSync(told)));
    lab.recorder.vault.claim(secret);
    await lab.connect();
    await until(() => lab.told.length > 0);
    lab.client.close();
    await lab.closed;
    const frames = (await lab.lines()).flatMap(({ base64 }) =>
      typeof base64 === 'string' ? [Buffer.from(base64, 'base64')] : [],
    );
    const clean = told.toString('latin1').replace(secret, redacted(secret));
    expect(frames[0]?.toString('latin1')).toBe(clean);
    expect(gunzipSync(frames[1] ?? '').toString('latin1')).toBe(clean);
  });

  test('what is sent keeps nothing of a hidden value: it is no echo when it comes back', async () => {
    const own = '5b0c1f6e-9a3d-4f27-8d11-6f2f5d0c9a71';
    const lab = socketLab(closers, await sending());
    lab.recorder.learn({ user: own });
    await lab.connect({
      url: `${await sending()}/?token=of-${own}`,
      headers: { 'x-note': `Bearer of-${own}` },
    });
    lab.client.send({ type: 'note', token: `of-${own}` });
    const lines = await lab.lines();
    const sent = lines.filter(({ kind, dir }) => kind === 'open' || dir === 'out');
    expect(sent).toHaveLength(2);
    for (const line of sent) {
      expect(JSON.stringify(line)).toContain(redacted(`of-${own}`));
      expect(JSON.stringify(line)).not.toContain(own);
    }
  });

  test('anything else is kept as text, and bytes that are no text as base64', async () => {
    const lab = socketLab(
      closers,
      await sending('not { json', '{\n"type":"x"\n}', Buffer.from([0xff, 0xfe, 0x00]), HELLO),
    );
    await lab.connect();
    await until(() => lab.told.length === 3);
    const lines = (await lab.lines()).filter((line) => line['kind'] === 'frame');
    expect(lines.slice(1, 4)).toEqual([
      expect.objectContaining({ text: 'not { json' }),
      expect.objectContaining({ event: 'x', text: '{\n"type":"x"\n}' }),
      expect.objectContaining({ base64: '//4A' }),
    ]);
  });

  test('a frame nested a hundred thousand deep is recorded', async () => {
    const deep = `{"type":"deep","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const lab = socketLab(closers, await sending(deep, HELLO), { bytesMax: 1_000_000 });
    await lab.connect();
    await until(() => lab.told.length === 3);
    await lab.lines();
    expect(lab.told[1]?.event).toBe('deep');
    expect(readFileSync(lab.recorder.journal.path, 'utf8')).toContain(`"frame":${deep}`);
  });

  test('a message over the limit leaves a line that says so, and the connection closes', async () => {
    const lab = socketLab(closers, await sending('x'.repeat(100_000)));
    await lab.connect();
    await lab.closed;
    const lines = await lab.lines();
    expect(lines).toContainEqual(
      expect.objectContaining({
        kind: 'frame',
        dir: 'in',
        reason: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
        cut: 0,
      }),
    );
    expect(lines.at(-1)).toMatchObject({ kind: 'close', by: 'us' });
  });

  test('content over the limit is cut, and the line says by how much', async () => {
    const long = JSON.stringify({ type: 'x', text: 'y'.repeat(CONTENT_CHARACTERS_MAX + 1_000) });
    const lab = socketLab(closers, await sending(long), { bytesMax: 2 * CONTENT_CHARACTERS_MAX });
    await lab.connect();
    await until(() => lab.told.length === 2);
    const line = (await lab.lines()).find(({ event }) => event === 'x');
    expect(line?.['cut']).toBe(long.length - CONTENT_CHARACTERS_MAX);
    expect(String(line?.['text']).length).toBe(CONTENT_CHARACTERS_MAX);
  });

  test('a decode that throws is told whatever was remarked before, and the frame is kept', async () => {
    const lab = socketLab(closers, await sending('{"type":"explode"}', HELLO));
    for (let times = 0; times < 100; times += 1)
      lab.recorder.remark({ user: 'u00', conn: null }, 'no picture of the page');
    await lab.connect();
    await until(() => lab.told.length === 3);
    const lines = await lab.lines();
    expect(lines).toContainEqual(
      expect.objectContaining({
        kind: 'act',
        act: 'remark',
        message: expect.stringContaining("the profile's decode threw: "),
      }),
    );
    expect(lines).toContainEqual(expect.objectContaining({ frame: { type: 'explode' } }));
  });

  test('several events in one frame are several lines, the content once', async () => {
    const target = tinyTarget();
    const decodeAll = (frame: unknown) => [
      target.socket.decode(frame),
      { role: 'agent', event: 'second', run: 'r2' } as const,
    ];
    const lab = socketLab(closers, await sending(), {
      wire: { ...target.socket, decodeAll },
    });
    await lab.connect();
    const lines = (await lab.lines()).filter((line) => line['kind'] === 'frame');
    expect(lines).toEqual([
      expect.objectContaining({ event: 'hello', frame: { type: 'hello' } }),
      expect.not.objectContaining({ frame: expect.anything() }),
    ]);
    expect(lines[1]).toMatchObject({ event: 'second', run: 'r2' });
  });

  test('of a further event in a frame its part is recorded, redacted as a frame of its own is', async () => {
    const target = tinyTarget();
    const part = { text: 'of a bearer', authorization: 'Bearer a-secret-of-u00-1234' };
    const decodeAll = (frame: unknown) => [
      target.socket.decode(frame),
      { role: 'agent', event: 'agent_thinking', owner: 'id-mine', part } as const,
    ];
    const lab = socketLab(closers, await sending(), { wire: { ...target.socket, decodeAll } });
    lab.recorder.vault.add('a-secret-of-u00-1234');
    await lab.connect();
    const line = (await lab.lines()).find(({ event }) => event === 'agent_thinking');
    expect(line).toMatchObject({ frame: { text: 'of a bearer' } });
    expect(JSON.stringify(line)).not.toContain('a-secret-of-u00-1234');
  });

  test("an outsider's texts are masked, also where the frame begins with an event of one's own", async () => {
    const target = tinyTarget();
    const events = [
      { type: 'agent_thinking', user_id: 'id-mine', text: 'my own words' },
      { type: 'agent_thinking', user_id: 'id-stranger', text: 'my salary is 12345' },
    ];
    const decodeAll = (frame: unknown): [DecodedFrame, ...DecodedFrame[]] => {
      const list = fieldsOf(frame)['events'];
      if (!Array.isArray(list)) return [target.socket.decode(frame)];
      const [first, second] = list.map((part) => ({ ...target.socket.decode(part), part }));
      return [{ ...(first ?? { role: 'other' }), tool: 'mine' }, second ?? { role: 'other' }];
    };
    const lab = socketLab(closers, await sending(JSON.stringify({ events })), {
      wire: { ...target.socket, decodeAll },
    });
    await lab.connect();
    await until(() => lab.told.length === 3);
    const lines = (await lab.lines()).filter(({ event }) => event === 'agent_thinking');
    expect(lines).toMatchObject([
      { masked: true, tool: 'mine' },
      { masked: true, owner: 'id-stranger', frame: { text: '[masked:18 chars]' } },
    ]);
    expect(JSON.stringify(lines)).not.toContain('salary');
  });

  test("an outsider's texts are masked, a marker of the crowd in them is kept", async () => {
    const marker = mintMarker(userPrefix(PREFIX, 3), 'note', 0);
    const frame = {
      type: 'agent_thinking',
      user_id: 'id-stranger',
      run_id: 'r9',
      payload: { thought: 'my salary is 12345', list: [`see ${marker} there`] },
    };
    const lab = socketLab(closers, await sending(JSON.stringify(frame)));
    await lab.connect();
    await until(() => lab.told.length === 2);
    const line = (await lab.lines()).find(({ event }) => event === 'agent_thinking');
    expect(line).toMatchObject({
      masked: true,
      owner: 'id-stranger',
      frame: {
        type: 'agent_thinking',
        user_id: 'id-stranger',
        run_id: 'r9',
        payload: {
          thought: '[masked:18 chars]',
          list: [`[masked:${MARKER_LENGTH + 10} chars] ${marker}`],
        },
      },
    });
  });

  test('my own id as a shown prefix is mine, and nothing is masked', async () => {
    const lab = socketLab(closers, await sending('{"type":"x","user_id":"id-mi...","text":"hi"}'));
    await lab.connect();
    await until(() => lab.told.length === 2);
    const line = (await lab.lines()).find(({ event }) => event === 'x');
    expect(line).toMatchObject({ frame: { text: 'hi' } });
    expect(line).not.toHaveProperty('masked');
  });
});

describe('pings', () => {
  test('two clock samples follow the handshake, with round trip and offset', async () => {
    const target = tinyTarget();
    const wire = {
      ...target.socket,
      ping: (now: number) => ({ type: 'ping', now }),
      decode: (frame: unknown) => {
        const decoded = target.socket.decode(frame);
        const at = Number(asFrame(frame)?.['at']);
        return decoded.role === 'pong' ? { ...decoded, sentAt: at + 5_000 } : decoded;
      },
    };
    const url = await socketServer(closers, (socket) => {
      socket.send(HELLO);
      socket.on('message', () => socket.send(JSON.stringify({ type: 'pong', at: Date.now() })));
    });
    const lab = socketLab(closers, url, { wire });
    await lab.connect();
    await until(() => lab.told.length === 3);
    const samples = (await lab.lines()).filter((line) => line['kind'] === 'ping');
    expect(samples).toHaveLength(2);
    for (const sample of samples) {
      const rtt = Number(sample['rtt']);
      expect(rtt).toBeGreaterThan(0);
      // The reply was made at some moment of the round trip; one clock may have been set meanwhile.
      expect(Math.abs(Number(sample['offset']) - 5_000)).toBeLessThan(rtt / 2 + 100);
    }
  });
});

test('a question that cannot leave any more was never asked', async () => {
  const url = await socketServer(closers, (socket) => {
    socket.send(HELLO);
    socket.close(1001);
  });
  const lab = socketLab(closers, url);
  await lab.connect();
  await lab.closed;
  expect(() => lab.client.asking({ question: 1, run: 'run-1', intended: 0 })).toThrow(
    'the connection is not open',
  );
  expect((await lab.lines()).filter(({ act }) => act === 'ask')).toEqual([]);
});

describe('reading', () => {
  test('a paused connection delivers nothing until it is resumed', async () => {
    const url = await socketServer(closers, (socket) => {
      socket.send(HELLO);
      socket.on('message', () => socket.send('{"type":"x"}'));
    });
    const lab = socketLab(closers, url);
    await lab.connect();
    lab.client.pause();
    lab.client.send({ type: 'ask' });
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    expect(lab.told).toHaveLength(1);
    lab.client.resume();
    await until(() => lab.told.length === 2);
    await lab.lines();
  });
});

test("what one connection was given is a credential, and another's may not be given it too", async () => {
  const url = await socketServer(closers, (socket) => {
    socket.send('{"type":"hello","session_token":"given-0a1b2c3d4e5f6071"}');
  });
  const target = tinyTarget({
    socket: {
      ...tinyTarget().socket,
      handshake: () => ({
        receive: (frame) => ({
          state: 'ready',
          secrets: [String(fieldsOf(frame)['session_token'])],
        }),
      }),
    },
  });
  const crowd = await openRawTrial(closers, target, { url, users: 2 });
  await crowd.each('sign in', (user) => user.signIn());
  for (const only of crowd.users)
    await crowd.each('connect', (user) => user.connect(), { only: (user) => user === only });
  await crowd.close('done');
  expect(readFileSync(crowd.historyPath, 'utf8')).not.toContain('given-0a1b2c3d4e5f6071');
  const { findings } = judgeOnce(crowd.historyPath);
  expect(findings.filter(({ rule }) => rule === 'isolation/foreign-credential')).toMatchObject([
    { observer: 'u01', owner: 'u00', surface: 'socket' },
  ]);
});
