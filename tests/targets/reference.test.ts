import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import reference from '../../targets/reference.ts';
import { TargetRefusal } from '../../targets/target.ts';
import { fakeHttp, jwt, sessionOf } from './fake-http.ts';

const { socket, threads } = reference;

function event(type: string, payload: unknown, change: object = {}): unknown {
  return {
    type,
    user_id: 'user-7',
    thread_id: 'thread_1',
    run_id: 'run_1',
    message_id: 'msg_1',
    sequence: 3,
    timestamp: '2025-09-17T00:00:00.250Z',
    payload,
    ...change,
  };
}

const COMMON = {
  role: 'agent',
  owner: 'user-7',
  thread: 'thread_1',
  run: 'run_1',
  id: 'msg_1',
  sequence: 3,
  sentAt: 1_758_067_200_250,
};

describe('decoding the frames of the embedded target', () => {
  it.each<[string, object, object]>([
    ['agent_started', { agent_name: 'assistant', message: 'x' }, { agent: 'assistant' }],
    ['agent_thinking', { agent_name: 'helper', thought: 'x' }, { agent: 'helper' }],
    [
      'tool_executing',
      { tool_name: 'notes', tool_call_id: 'call_1', parameters: {} },
      { tool: 'call_1' },
    ],
    [
      'tool_completed',
      { tool_name: 'notes', tool_call_id: 'call_1', result: 'x' },
      { tool: 'call_1' },
    ],
    ['tool_executing', { tool_name: 'notes' }, { tool: 'notes' }],
    ['agent_chunk', { text: 'x', index: 0 }, {}],
    ['agent_completed', { agent_name: 'assistant', response: 'x' }, { agent: 'assistant' }],
    ['agent_error', { agent_name: 'assistant', error: 'x' }, { agent: 'assistant' }],
    ['agent_stopped', { message: 'x' }, {}],
  ])('reads %s', (type, payload, expected) => {
    expect(socket.decode(event(type, payload))).toEqual({ ...COMMON, event: type, ...expected });
  });

  it('takes an event of a run without any id for one of a run', () => {
    const frame = { type: 'agent_thinking', payload: { thought: 'x' } };
    expect(socket.decode(frame)).toEqual({ role: 'agent', event: 'agent_thinking' });
  });

  it.each(['tool_started', 'tool_result', 'mood_changed'])(
    'keeps the own name of %s, an event of a run under no agreed name',
    (type) => {
      expect(socket.decode(event(type, {}))).toMatchObject({ ...COMMON, event: type });
    },
  );

  it('takes an unknown type without a run for something else, under its own name', () => {
    const frame = { type: 'presence', user_id: 'user-8', payload: { typing: true } };
    expect(socket.decode(frame)).toEqual({ role: 'other', event: 'presence', owner: 'user-8' });
  });

  it('finds no event in any other envelope', () => {
    const payload = { agent_name: 'assistant', response: 'x', run_id: 'run_1' };
    expect(socket.decode({ event: 'agent_completed', data: payload })).toEqual({ role: 'other' });
    expect(socket.decode({ event: 'agent_completed', payload })).toEqual({ role: 'other' });
    expect(socket.decode({ kind: 'agent_completed', run_id: 'run_1' })).toEqual({ role: 'other' });
    expect(
      socket.decode({ type: 'system_message', event: 'agent_completed', payload }),
    ).toMatchObject({ role: 'other', event: 'system_message', run: undefined });
  });

  it('reads ids of events at the root only', () => {
    const frame = { type: 'agent_started', payload: { run_id: 'run_1', user_id: 'user-7' } };
    expect(socket.decode(frame)).toEqual({ role: 'agent', event: 'agent_started' });
  });

  it('leaves out what is of another type than agreed', () => {
    const frame = event('agent_started', [], { sequence: '3', message_id: 5, timestamp: 'now' });
    expect(socket.decode(frame)).toEqual({
      role: 'agent',
      event: 'agent_started',
      owner: 'user-7',
      thread: 'thread_1',
      run: 'run_1',
    });
  });

  it.each<[string, unknown, object]>([
    [
      'an acknowledgement',
      { type: 'ack', payload: { run_id: 'run_1', thread_id: 'thread_1' } },
      { role: 'ack', event: 'ack', run: 'run_1', thread: 'thread_1' },
    ],
    [
      'a pong, with both clocks',
      { type: 'pong', timestamp: '2025-09-17T00:00:00.250Z', client_timestamp: 1_758_067_200_100 },
      { role: 'pong', event: 'pong', sentAt: 1_758_067_200_250, echoedAt: 1_758_067_200_100 },
    ],
    ['a heartbeat', { type: 'heartbeat' }, { role: 'heartbeat', event: 'heartbeat' }],
    ['a ping of the server', { type: 'ping' }, { role: 'heartbeat', event: 'ping' }],
    [
      'an error about a run',
      { type: 'error_message', error_code: 'FORBIDDEN', details: { run_id: 'run_2' } },
      { role: 'error', event: 'error_message', run: 'run_2' },
    ],
    [
      'a greeting',
      { type: 'connection_established', data: { user_id: 'user-7', thread_id: 'thread_1' } },
      { role: 'handshake', event: 'connection_established', owner: 'user-7', thread: 'thread_1' },
    ],
  ])('tells %s from events', (_what, frame, expected) => {
    expect(socket.decode(frame)).toEqual(expected);
  });

  it('never throws, whatever the frame is', () => {
    const names = fc.constantFrom('agent_started', 'ack', 'pong', 'constructor', '__proto__', 'x');
    const frames = fc.oneof(
      fc.anything({ withNullPrototype: true, withBigInt: true }),
      fc.jsonValue(),
      fc.record({
        type: names,
        payload: fc.anything(),
        data: fc.anything(),
        run_id: fc.anything(),
      }),
    );
    fc.assert(
      fc.property(frames, (frame) => {
        const decoded = socket.decode(frame);
        expect(typeof decoded.role).toBe('string');
        socket.handshake(sessionOf('user-7')).receive(frame, decoded);
      }),
    );
  });
});

function greet(data: object, userId = 'user-7') {
  const frame = { type: 'connection_established', data };
  return socket.handshake(sessionOf(userId)).receive(frame, socket.decode(frame));
}

describe('the handshake of the embedded target', () => {
  it('is over with the greeting, which makes three ids known', () => {
    expect(greet({ user_id: 'user-7', connection_id: 'conn_1', thread_id: 'thread_1' })).toEqual({
      state: 'ready',
      ids: { user: 'user-7', connection: 'conn_1', thread: 'thread_1' },
    });
  });

  it('shows another identity, and then takes only the connection for its own', () => {
    expect(greet({ user_id: 'user-8', connection_id: 'conn_1', thread_id: 'thread_8' })).toEqual({
      state: 'ready',
      ids: { connection: 'conn_1' },
      shown: 'user-8',
    });
  });

  it('waits while other frames come', () => {
    const frame = { type: 'heartbeat' };
    const step = socket.handshake(sessionOf('user-7')).receive(frame, socket.decode(frame));
    expect(step).toEqual({ state: 'waiting' });
  });
});

describe('what the harness sends to the embedded target', () => {
  const question = {
    content: 'Q',
    thread: 'thread_1',
    run: 'run_1',
    now: 1_758_067_200_250,
    first: true,
  };

  it('asks with its own run id', () => {
    expect(socket.ask(question)).toEqual({
      run: 'run_1',
      frame: {
        type: 'user_message',
        payload: {
          content: 'Q',
          thread_id: 'thread_1',
          run_id: 'run_1',
          timestamp: '2025-09-17T00:00:00.250Z',
        },
      },
    });
    expect(JSON.stringify(socket.ask({ ...question, thread: undefined }))).not.toContain('thread');
  });

  it('stops and pings', () => {
    expect(socket.stop?.('run_1', { session: sessionOf('user-7') })).toEqual({
      type: 'stop_agent',
      payload: { run_id: 'run_1' },
    });
    expect(socket.ping?.(5)).toEqual({ type: 'ping', timestamp: 5 });
  });

  it('opens the socket with the token as a sub-protocol beside the plain one', async () => {
    const token = jwt({ sub: 'user-7' });
    const session = { ...sessionOf('user-7'), token };
    const addresses = { api: 'http://a', auth: 'http://a', socket: 'ws://a/ws', page: 'http://a' };
    expect(await socket.open(session, addresses, fakeHttp({}))).toEqual({
      url: 'ws://a/ws',
      protocols: ['jwt-auth', `jwt.${token}`],
      headers: {},
    });
    await expect(
      socket.open({ ...session, token: 'has blanks' }, addresses, fakeHttp({})),
    ).rejects.toThrow(TargetRefusal);
  });

  it('creates, lists and reads threads, and stores a note, as their user', async () => {
    const session = sessionOf('user-7');
    const http = fakeHttp({
      'POST /api/threads': { status: 201, json: { id: 'thread_1' } },
      'GET /api/threads': { json: { threads: [] } },
      'GET /api/threads/thread%2F1/messages': { json: { messages: [] } },
      'PUT /api/profile/note': { json: { note: 'N' } },
    });
    const call = { http, session };
    expect(await threads.create?.({ ...call, title: 'T', members: ['user-8'] })).toBe('thread_1');
    await threads.create?.({ ...call, title: 'T', members: [] });
    await threads.list?.(call);
    await threads.read?.({ ...call, thread: 'thread/1' });
    await threads.note?.({ ...call, text: 'N' });
    expect(http.requests.map(({ json }) => json)).toEqual([
      { title: 'T', members: ['user-8'] },
      { title: 'T' },
      undefined,
      undefined,
      { note: 'N' },
    ]);
    for (const request of http.requests) {
      expect(request).toMatchObject({
        address: 'api',
        purpose: 'api',
        headers: { authorization: 'Bearer token-of-the-session' },
      });
    }
  });

  it('reports a refused request with its status', async () => {
    const http = fakeHttp({
      'GET /api/threads': { status: 403, text: 'Access denied to token-of-the-session' },
    });
    const refused = threads.list?.({ http, session: sessionOf('user-7') });
    await expect(refused).rejects.toMatchObject({ status: 403 });
    await expect(refused).rejects.toThrow(
      /^"GET \/api\/threads" must answer with status 200 to 299, but answered 403 with the body: Access denied to \[redacted:[0-9a-f]{16}\]$/,
    );
  });
});

describe('what the embedded target promises', () => {
  it('is that every event of a run carries user, thread and run', () => {
    const { ids } = reference.judging.claims;
    expect(Object.keys(ids)).toEqual(
      expect.arrayContaining([...reference.judging.order.required, 'agent_chunk', 'agent_error']),
    );
    for (const claimed of Object.values(ids)) expect(claimed).toEqual(['owner', 'thread', 'run']);
  });

  it('is that question and note come back', () => {
    expect(reference.judging.claims.echo).toEqual({
      agent_thinking: ['question'],
      tool_completed: ['note'],
      agent_completed: ['question', 'note'],
    });
  });

  it('is plain data', () => {
    expect(JSON.parse(JSON.stringify(reference.judging))).toEqual(reference.judging);
  });
});
