import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  TestSocket,
  TestUser,
  call,
  payloadOf,
  startTestTarget,
  text,
  upgradeStatus,
} from './crowd.ts';
import type { TestTarget } from './crowd.ts';

const FIVE = [
  'agent_started',
  'agent_thinking',
  'tool_executing',
  'tool_completed',
  'agent_completed',
];

let target: TestTarget;

beforeAll(async () => {
  target = await startTestTarget({ failWord: 'kaputt' });
});
afterAll(() => target.close());

async function settledUser(url = target.url): Promise<TestUser> {
  const user = await TestUser.register(url);
  await user.settle();
  return user;
}

describe('the upgrade', () => {
  test('refuses whoever brings no token or a bad one', async () => {
    expect(await upgradeStatus(target.url, [])).toBe(401);
    expect(await upgradeStatus(target.url, ['jwt-auth'])).toBe(401);
    expect(await upgradeStatus(target.url, ['jwt-auth', 'jwt.a.b.c'])).toBe(401);
    const headers = { authorization: 'Bearer nonsense' };
    expect(await upgradeStatus(target.url, [], { headers })).toBe(401);
  });

  test('selects jwt-auth and never sends the token back', async () => {
    const user = await settledUser();
    const socket = await user.connect();
    expect(socket.socket.protocol).toBe('jwt-auth');
    expect(socket.socket.extensions).toBe('');
    expect(socket.texts.join()).not.toContain(user.token);
    socket.close();
  });

  test('takes the token from the Authorization header', async () => {
    const { token } = await settledUser();
    const headers = { authorization: `Bearer ${token}` };
    expect(await upgradeStatus(target.url, [], { headers })).toBe(101);
  });

  test('takes a ticket once, and not after sign-out', async () => {
    const user = await settledUser();
    const { body, status } = await user.call('/api/websocket/ticket', { body: {} });
    expect(status).toBe(201);
    expect(body).toMatchObject({ ttl_seconds: 300, single_use: true });
    const query = `?ticket=${text(body['ticket_id'])}`;
    expect(await upgradeStatus(target.url, [], { query })).toBe(101);
    expect(await upgradeStatus(target.url, [], { query })).toBe(401);
    const second = await user.call('/api/websocket/ticket', { body: { single_use: false } });
    await user.call('/auth/logout', { method: 'POST' });
    const stale = `?ticket=${text(second.body['ticket_id'])}`;
    expect(await upgradeStatus(target.url, [], { query: stale })).toBe(401);
  });

  test('takes the cookie from its own origin only', async () => {
    const { token } = await settledUser();
    const cookie = `other=1; reference_session=${token}`;
    const status = (headers: Record<string, string>): Promise<number> =>
      upgradeStatus(target.url, [], { headers: { cookie, ...headers } });
    expect(await status({ origin: target.url })).toBe(101);
    expect(await status({ origin: 'http://evil.test' })).toBe(401);
    expect(await status({ origin: 'null' })).toBe(401);
    expect(await status({})).toBe(401);
  });

  test('is at /ws and nowhere else', async () => {
    const { token } = await settledUser();
    const protocols = ['jwt-auth', `jwt.${token}`];
    expect(await upgradeStatus(target.url, protocols, { query: '-else' })).toBe(404);
  });
});

describe('a clean run', () => {
  test('greets, acknowledges and sends the five events in order', async () => {
    const user = await settledUser();
    const socket = await user.connect();
    const greeting = socket.frames[0];
    expect(greeting).toMatchObject({
      type: 'connection_established',
      data: { user_id: user.id, connection_id: expect.any(String), thread_id: user.threadId },
    });
    const runId = user.ask(socket, 'What do I like?');
    await socket.event(runId, 'agent_completed');
    expect(socket.frames[1]).toMatchObject({
      type: 'ack',
      payload: { run_id: runId, thread_id: user.threadId },
    });
    expect(socket.typesOf(runId)).toEqual(FIVE);
    socket.close();
  });

  test('carries ids, numbers and times in every event', async () => {
    const user = await settledUser();
    const socket = await user.connect();
    const runId = user.ask(socket);
    await socket.event(runId, 'agent_completed');
    const events = socket.frames.filter((frame) => frame['run_id'] === runId);
    expect(events.map((event) => event['sequence'])).toEqual([1, 2, 3, 4, 5]);
    expect(new Set(events.map((event) => event['message_id'])).size).toBe(5);
    for (const event of events) {
      expect(Object.keys(event)).toEqual([
        'type',
        'user_id',
        'thread_id',
        'run_id',
        'message_id',
        'sequence',
        'timestamp',
        'payload',
      ]);
      expect(event).toMatchObject({ user_id: user.id, thread_id: user.threadId });
      expect(event['timestamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
    socket.close();
  });

  test('brings question and note back where they belong', async () => {
    const user = await settledUser();
    const socket = await user.connect();
    const runId = user.ask(socket, 'What is in my note?');
    const payload = async (type: string): Promise<string> =>
      JSON.stringify(payloadOf(await socket.event(runId, type)));
    expect(await payload('agent_thinking')).toContain('What is in my note?');
    expect(await payload('tool_executing')).toContain('What is in my note?');
    expect(await payload('tool_completed')).toContain(user.note);
    expect(await payload('agent_completed')).toContain('What is in my note?');
    expect(await payload('agent_completed')).toContain(user.note);
    expect(socket.texts.join()).not.toContain(user.name);
    socket.close();
  });

  test('goes to the connection that asked, not to the other one of the same user', async () => {
    const user = await settledUser();
    const [asking, other] = [await user.connect(), await user.connect()];
    await asking.event(user.ask(asking), 'agent_completed');
    expect(other.frames).toHaveLength(1);
    asking.close();
    other.close();
  });

  test('ends in agent_error if the question holds the fail word', async () => {
    const user = await settledUser();
    const socket = await user.connect();
    const runId = user.ask(socket, 'Is it kaputt?');
    const error = await socket.event(runId, 'agent_error');
    expect(payloadOf(error)).toMatchObject({ agent_name: 'note-assistant' });
    expect(socket.typesOf(runId)).toEqual([...FIVE.slice(0, 3), 'agent_error']);
    socket.close();
  });

  test('starts from start_agent as well, in the greeting’s thread and under an own id', async () => {
    const user = await settledUser();
    const socket = await user.connect();
    socket.send({ type: 'start_agent', payload: { user_request: 'Hello?' } });
    const done = await socket.frame('agent_completed');
    expect(done['run_id']).toMatch(/^run_/);
    expect(done['thread_id']).toBe(user.threadId);
    socket.close();
  });
});

describe('a shared thread', () => {
  test('shows its runs to every member and to nobody else', async () => {
    const [ada, ben, eve] = [await settledUser(), await settledUser(), await settledUser()];
    const { body } = await ada.call('/api/threads', {
      body: { title: 'Ours', members: [ben.email] },
    });
    expect(body['members']).toEqual([ada.id, ben.id]);
    ada.threadId = text(body['id']);
    const sockets = await Promise.all([ada.connect(), ben.connect(), eve.connect()]);
    const runId = ada.ask(sockets[0]);
    await Promise.all([
      sockets[0].event(runId, 'agent_completed'),
      sockets[1].event(runId, 'agent_completed'),
    ]);
    expect(sockets[1].typesOf(runId)).toEqual(FIVE);
    expect(sockets[2].frames).toHaveLength(1);
    for (const socket of sockets) socket.close();
  });
});

describe('stopping', () => {
  test('ends a run of one’s own with agent_stopped', async () => {
    const slow = await startTestTarget({ pace: 0.2 });
    const user = await settledUser(slow.url);
    const socket = await user.connect();
    const runId = user.ask(socket);
    await socket.event(runId, 'agent_started');
    socket.send({ type: 'stop_agent', payload: { run_id: runId } });
    await socket.event(runId, 'agent_stopped');
    const next = user.ask(socket);
    await socket.event(next, 'agent_completed');
    expect(socket.typesOf(runId)).toEqual(['agent_started', 'agent_stopped']);
    await slow.close();
  });

  test('is refused for a stranger’s run', async () => {
    const [ada, eve] = [await settledUser(), await settledUser()];
    const sockets = await Promise.all([ada.connect(), eve.connect()]);
    const runId = ada.ask(sockets[0]);
    await sockets[0].frame('ack');
    sockets[1].send({ type: 'stop_agent', payload: { run_id: runId } });
    expect(await sockets[1].frame('error_message')).toMatchObject({ error_code: 'FORBIDDEN' });
    await sockets[0].event(runId, 'agent_completed');
    for (const socket of sockets) socket.close();
  });
});

describe('resuming', () => {
  test('replays what was missed with the same ids and goes on', async () => {
    const slow = await startTestTarget({ pace: 0.1 });
    const user = await settledUser(slow.url);
    const [watching, leaving] = [await user.connect(), await user.connect()];
    const runId = user.ask(leaving);
    await leaving.event(runId, 'agent_thinking');
    leaving.socket.terminate();
    watching.send({ type: 'resume', payload: { run_id: runId, after: 1 } });
    await watching.event(runId, 'agent_completed');
    expect(watching.typesOf(runId)).toEqual(FIVE.slice(1));
    const seen = await leaving.event(runId, 'agent_thinking');
    expect(await watching.event(runId, 'agent_thinking')).toEqual(seen);
    const again = await user.connect();
    again.send({ type: 'resume', payload: { run_id: runId } });
    await again.event(runId, 'agent_completed');
    expect(again.typesOf(runId)).toEqual(FIVE);
    await slow.close();
  });

  test('is refused for a stranger’s run, as for one that does not exist', async () => {
    const [ada, eve] = [await settledUser(), await settledUser()];
    const sockets = await Promise.all([ada.connect(), eve.connect()]);
    const runId = ada.ask(sockets[0]);
    await sockets[0].event(runId, 'agent_completed');
    for (const id of [runId, 'run-nowhere']) {
      sockets[1].send({ type: 'resume', payload: { run_id: id, after: 0 } });
    }
    const refusals = (): unknown[] =>
      sockets[1].frames.slice(1).map((frame) => [frame['type'], frame['error_code']]);
    await expect.poll(() => refusals().length).toBe(2);
    expect(refusals()).toEqual([
      ['error_message', 'FORBIDDEN'],
      ['error_message', 'FORBIDDEN'],
    ]);
    for (const socket of sockets) socket.close();
  });
});

describe('frames from a client', () => {
  test('in a stranger’s thread are refused', async () => {
    const [ada, eve] = [await settledUser(), await settledUser()];
    const socket = await eve.connect();
    eve.threadId = ada.threadId;
    eve.ask(socket);
    expect(await socket.frame('error_message')).toMatchObject({ error_code: 'FORBIDDEN' });
    socket.close();
  });

  test('under a run id that is taken are refused', async () => {
    const user = await settledUser();
    const socket = await user.connect();
    const runId = user.ask(socket);
    const payload = { content: 'Again?', thread_id: user.threadId, run_id: runId };
    socket.send({ type: 'user_message', payload });
    expect(await socket.frame('error_message')).toMatchObject({ error_code: 'CONFLICT' });
    socket.close();
  });

  test.each([
    ['not JSON', '{"type":', 'JSON_PARSE_ERROR'],
    ['no object', '3', 'JSON_PARSE_ERROR'],
    ['of an unknown type', '{"type":"dance"}', 'UNKNOWN_TYPE'],
    ['without a question', '{"type":"user_message","payload":{}}', 'INVALID_MESSAGE'],
  ])('%s are answered by an error', async (_kind, frame, code) => {
    const user = await settledUser();
    const socket = await user.connect();
    socket.socket.send(frame);
    expect(await socket.frame('error_message')).toMatchObject({ error_code: code });
    socket.close();
  });

  test('of type ping are answered with the server’s time', async () => {
    const user = await settledUser();
    const socket = await user.connect();
    const before = Date.now();
    socket.send({ type: 'ping', timestamp: 'then', id: 'p1' });
    const pong = await socket.frame('pong');
    expect(pong).toMatchObject({ client_timestamp: 'then', id: 'p1' });
    expect(Date.parse(text(pong['timestamp']))).toBeGreaterThanOrEqual(before);
    expect(pong['server_time_ms']).toBe(Date.parse(text(pong['timestamp'])));
    socket.close();
  });
});

describe('a quiet connection', () => {
  test('gets heartbeats and is closed at the idle limit', async () => {
    const hasty = await startTestTarget({ heartbeatSeconds: 0.1, idleSeconds: 0.5 });
    const user = await settledUser(hasty.url);
    const socket = await user.connect();
    expect(await socket.frame('heartbeat')).toHaveProperty('data.connection_id');
    expect(await socket.closed).toBe(1001);
    await hasty.close();
  });
});

describe('shutting down', () => {
  test('closes every socket with 1001', async () => {
    const short = await startTestTarget();
    const user = await settledUser(short.url);
    const socket = await user.connect();
    await short.close();
    expect(await socket.closed).toBe(1001);
    await expect(call(short.url, '/health')).rejects.toThrow(/fetch failed/);
  });

  test('does not wait for a client that has gone silent', async () => {
    const short = await startTestTarget();
    const user = await settledUser(short.url);
    const socket = new TestSocket(short.url, ['jwt-auth', `jwt.${user.token}`]);
    await socket.frame('connection_established');
    socket.socket.pause();
    // Would wait as long as the client stays, which is longer than the test may take.
    await short.close();
    expect(socket.socket.readyState).toBe(socket.socket.OPEN);
    socket.socket.terminate();
  });
});
