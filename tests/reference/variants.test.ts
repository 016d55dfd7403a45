import { describe, expect, test } from 'vitest';
import { VARIANTS } from '../../reference/catalogue.ts';
import { VARIANT_SWITCHES } from '../../reference/variants/table.ts';
import { TestUser, asJson, call, payloadOf, startTestTarget, text } from './crowd.ts';
import type { Json, TestSocket, TestTarget } from './crowd.ts';

interface Outcome {
  readonly target: TestTarget;
  readonly user: TestUser;
  readonly socket: TestSocket;
  readonly runId: string;
  readonly types: readonly string[];
}

async function runWith(variant: string, isEnd = isCompletion): Promise<Outcome> {
  const target = await startTestTarget({ variants: variant.split(',') });
  const user = await TestUser.register(target.url);
  await user.settle();
  const socket = await user.connect();
  if (variant === 'handshake-new') await shakeHands(socket);
  const runId = user.ask(socket);
  await socket.wait(isEnd);
  const types = socket.typesOf(runId);
  await target.close();
  return { target, user, socket, runId, types };
}

function isCompletion(frame: Json): boolean {
  const name = frame['type'] === 'system_message' ? frame['event'] : frame['type'];
  const agent = frame['agent_name'] ?? asJson(frame['payload'] ?? {})['agent_name'];
  return name === 'agent_completed' && agent === 'note-assistant';
}

async function shakeHands(socket: TestSocket): Promise<void> {
  const pushed = await socket.frame('handshake_response');
  socket.send({ type: 'handshake_acknowledged', thread_id: pushed['thread_id'] });
  await socket.frame('handshake_complete');
}

const constantIds = (socket: TestSocket): unknown =>
  socket.frames.slice(2).map((frame) => {
    const { agent_id: agent, tool_id: tool, build_id: build } = payloadOf(frame);
    return [agent, tool, build];
  });

const count = (types: readonly string[], type: string): number =>
  types.filter((each) => each === type).length;

test('every variant of the catalogue can be switched on, and no other', () => {
  expect(VARIANTS.map(({ name }) => name).toSorted()).toEqual(
    Object.keys(VARIANT_SWITCHES).toSorted(),
  );
});

test.concurrent.each(VARIANTS.map(({ name }) => name))(
  '%s completes a run and leaves nothing in the ground truth',
  async (name) => {
    const { target, user, socket } = await runWith(name);
    expect(target.truth()).toEqual([]);
    expect(socket.texts.join()).toContain(user.note);
  },
);

describe('variants of behaviour', () => {
  test('parallel-tools opens two tools before it closes one', async () => {
    const { types } = await runWith('parallel-tools');
    expect(types.slice(2, 6)).toEqual([
      'tool_executing',
      'tool_executing',
      'tool_completed',
      'tool_completed',
    ]);
  });

  test('several-tools and many-thinking repeat their events', async () => {
    expect(count((await runWith('several-tools')).types, 'tool_completed')).toBe(3);
    expect(count((await runWith('many-thinking')).types, 'agent_thinking')).toBe(4);
  });

  test('nested-agents starts and completes a sub-agent inside the run', async () => {
    const { types, socket } = await runWith('nested-agents');
    expect(count(types, 'agent_started')).toBe(2);
    expect(types.slice(-2)).toEqual(['agent_completed', 'agent_completed']);
    const starts = socket.frames.filter((frame) => frame['type'] === 'agent_started');
    expect(starts.map((frame) => payloadOf(frame)['agent_name'])).toEqual([
      'note-assistant',
      'note-researcher',
    ]);
  });

  test.each([
    'parallel-tools,several-tools',
    'several-tools,parallel-tools',
    'parallel-tools,nested-agents',
    'nested-agents,several-tools',
  ])('%s together start and complete each tool and each agent once', async (both) => {
    const { socket } = await runWith(both);
    for (const [type, key] of [
      ['tool_executing', 'tool_call_id'],
      ['tool_completed', 'tool_call_id'],
      ['agent_started', 'agent_name'],
      ['agent_completed', 'agent_name'],
    ] as const) {
      const frames = socket.frames.filter((frame) => frame['type'] === type);
      const names = frames.map((frame) => payloadOf(frame)[key]);
      expect(names.length).toBeGreaterThan(type.startsWith('tool') ? 1 : 0);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test('early-events acknowledges after the first event', async () => {
    const { socket } = await runWith('early-events');
    const types = socket.frames.map((frame) => frame['type']);
    expect(types.slice(1, 4)).toEqual(['agent_started', 'ack', 'agent_thinking']);
  });

  test('streamed-answer sends the answer in pieces first', async () => {
    const { socket } = await runWith('streamed-answer');
    const chunks = socket.frames.filter((frame) => frame['type'] === 'agent_chunk');
    expect(chunks.map((frame) => payloadOf(frame)['index'])).toEqual([...chunks.keys()]);
    const completed = await socket.frame('agent_completed');
    expect(chunks.map((frame) => payloadOf(frame)['text']).join('')).toBe(
      payloadOf(completed)['response'],
    );
  });

  test('constant-ids are equal for all users', async () => {
    const [one, other] = [await runWith('constant-ids'), await runWith('constant-ids')];
    expect(constantIds(one.socket)).toEqual(constantIds(other.socket));
    expect(JSON.stringify(constantIds(one.socket))).not.toContain('null');
  });

  test('two-revisions marks replies and events with one of two instances', async () => {
    const target = await startTestTarget({ variants: ['two-revisions'] });
    const replies = await Promise.all(
      Array.from({ length: 30 }, () => call(target.url, '/health')),
    );
    const instances = new Set(replies.map(({ headers }) => headers.get('x-instance-id')));
    expect(instances.size).toBe(2);
    const user = await TestUser.register(target.url);
    await user.settle();
    const socket = await user.connect();
    const done = await socket.event(user.ask(socket), 'agent_completed');
    expect(instances).toContain(done['instance']);
    await target.close();
  });

  test('slow-but-within starts late', async () => {
    const target = await startTestTarget({ variants: ['slow-but-within'] });
    const user = await TestUser.register(target.url);
    await user.settle();
    const socket = await user.connect();
    const askedAt = performance.now();
    await socket.event(user.ask(socket), 'agent_started');
    expect(performance.now() - askedAt).toBeGreaterThan(500);
    await target.close();
  });

  test('same-user-tabs shows a run in every tab of its asker, and in no other', async () => {
    const target = await startTestTarget({ variants: ['same-user-tabs'] });
    const [user, stranger] = [
      await TestUser.register(target.url),
      await TestUser.register(target.url),
    ];
    await user.settle();
    const [asking, tab, other] = await Promise.all([
      user.connect(),
      user.connect(),
      stranger.connect(),
    ]);
    const runId = user.ask(asking);
    await Promise.all([
      asking.event(runId, 'agent_completed'),
      tab.event(runId, 'agent_completed'),
    ]);
    expect(tab.typesOf(runId)).toEqual(asking.typesOf(runId));
    expect(tab.typesOf(runId)).toHaveLength(5);
    expect(other.frames).toHaveLength(1);
    await target.close();
  });

  test('replay-own sends all events of the run again, with the same ids', async () => {
    const target = await startTestTarget({ variants: ['replay-own'], pace: 0.2 });
    const user = await TestUser.register(target.url);
    await user.settle();
    const leaving = await user.connect();
    const runId = user.ask(leaving);
    await leaving.event(runId, 'agent_thinking');
    leaving.socket.terminate();
    const back = await user.connect();
    back.send({ type: 'resume', payload: { run_id: runId, after: 2 } });
    await back.event(runId, 'agent_completed');
    expect(back.typesOf(runId)).toHaveLength(5);
    for (const type of ['agent_started', 'agent_thinking']) {
      expect(await back.event(runId, type)).toEqual(await leaving.event(runId, type));
    }
    await target.close();
  });

  test('token-refresh in mid-run disturbs nothing', async () => {
    const target = await startTestTarget({ variants: ['token-refresh'], pace: 0.2 });
    const user = await TestUser.register(target.url);
    await user.settle();
    const socket = await user.connect();
    const runId = user.ask(socket);
    await socket.event(runId, 'agent_started');
    const body = { refresh_token: user.refreshToken };
    const next = await call(target.url, '/auth/refresh', { body });
    await socket.event(runId, 'agent_completed');
    expect(socket.typesOf(runId)).toHaveLength(5);
    for (const token of [user.token, text(next.body['access_token'])]) {
      expect((await call(target.url, '/auth/me', { token })).status).toBe(200);
    }
    const { body: page } = await user.call('/api/page/switches');
    expect(page).toEqual({ switches: ['refresh-in-run'] });
    await target.close();
  });

  test('server-pings come on their own', async () => {
    const target = await startTestTarget({ variants: ['server-pings'] });
    const user = await TestUser.register(target.url);
    const socket = await user.connect();
    await socket.frame('ping');
    await target.close();
  });
});

describe('variants of the protocol', () => {
  test('envelope-flat has all at the root and calls thinking reasoning', async () => {
    const { types, socket, user } = await runWith('envelope-flat');
    expect(types).toEqual([
      'agent_started',
      'reasoning',
      'tool_executing',
      'tool_completed',
      'agent_completed',
    ]);
    const done = await socket.frame('agent_completed');
    expect(done).toMatchObject({ user_id: user.id, thread_id: user.threadId, critical: true });
    expect(done).not.toHaveProperty('message_id');
    expect(done).not.toHaveProperty('sequence');
    expect(text(done['final_response'])).toContain(user.note);
    expect(text((await socket.frame('tool_completed'))['results'])).toContain(user.note);
    expect(await socket.frame('reasoning')).toHaveProperty('reasoning');
  });

  test('envelope-data has the content in data and no thread id', async () => {
    const { socket, user, runId } = await runWith('envelope-data');
    const done = await socket.event(runId, 'agent_completed');
    expect(done).not.toHaveProperty('thread_id');
    expect(done).toMatchObject({ user_id: user.id, agent_name: 'note-assistant' });
    expect(text(asJson(done['data'])['result'])).toContain(user.note);
  });

  test('envelope-system names the event beside type system_message', async () => {
    const { socket, types, runId, user } = await runWith('envelope-system');
    expect(new Set(types)).toEqual(new Set(['system_message']));
    const done = await socket.wait((frame) => frame['event'] === 'agent_completed');
    expect(done).toMatchObject({ run_id: runId, user_id: user.id, thread_id: user.threadId });
    expect(text(payloadOf(done)['response'])).toContain(user.note);
  });

  test('handshake-new loses what is asked before the acknowledgement', async () => {
    const target = await startTestTarget({ variants: ['handshake-new'] });
    const user = await TestUser.register(target.url);
    await user.settle();
    const socket = await user.connect();
    const lost = user.ask(socket);
    await shakeHands(socket);
    const heard = user.ask(socket);
    await socket.event(heard, 'agent_completed');
    expect(socket.typesOf(lost)).toEqual([]);
    await target.close();
  });
});
