import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestUser, asJson, call, startTestTarget, text } from './crowd.ts';
import type { Json, TestTarget } from './crowd.ts';

let target: TestTarget;
let ada: TestUser;
let ben: TestUser;

beforeAll(async () => {
  target = await startTestTarget();
  ada = await TestUser.register(target.url);
  ben = await TestUser.register(target.url);
  await Promise.all([ada.settle(), ben.settle()]);
});
afterAll(() => target.close());

const threadsOf = (body: Json): readonly Json[] =>
  Array.isArray(body['threads']) ? body['threads'].map(asJson) : [];

async function postRaw(body: string): Promise<number> {
  const response = await fetch(`${target.url}/api/websocket/ticket`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ada.token}` },
    body,
  });
  return response.status;
}

describe('threads', () => {
  test('are listed for their members only', async () => {
    const { body } = await ada.call('/api/threads');
    expect(threadsOf(body).map(({ id, title }) => [id, title])).toEqual([
      [ada.threadId, ada.title],
    ]);
  });

  test('open for their owner and not for a stranger', async () => {
    for (const path of [`/api/threads/${ada.threadId}`, `/api/threads/${ada.threadId}/messages`]) {
      expect((await ada.call(path)).status).toBe(200);
      expect((await ben.call(path)).status).toBe(403);
      expect((await call(target.url, path)).status).toBe(401);
    }
    expect((await ada.call('/api/threads/thread_nowhere')).status).toBe(404);
  });

  test('open for a member, who cannot delete them', async () => {
    const made = await ada.call('/api/threads', { body: { title: 'Ours', members: [ben.id] } });
    const path = `/api/threads/${text(made.body['id'])}`;
    expect((await ben.call(path)).body['members']).toEqual([ada.id, ben.id]);
    expect((await ben.call(path, { method: 'DELETE' })).status).toBe(403);
    expect((await ada.call(path, { method: 'DELETE' })).status).toBe(200);
    expect((await ben.call(path)).status).toBe(404);
    const { body } = await ben.call('/api/threads');
    expect(threadsOf(body)).toHaveLength(1);
  });

  test('refuse members that do not exist', async () => {
    const body = { title: 'Ours', members: ['nobody@crowd.test'] };
    expect((await ada.call('/api/threads', { body })).status).toBe(422);
  });

  test('keep question and answer', async () => {
    const user = await TestUser.register(target.url);
    await user.settle();
    const socket = await user.connect();
    const runId = user.ask(socket, 'Anything new?');
    await socket.event(runId, 'agent_completed');
    const { body } = await user.call(`/api/threads/${user.threadId}/messages`);
    expect(body).toMatchObject({
      thread_id: user.threadId,
      total: 2,
      messages: [
        { role: 'user', content: 'Anything new?', metadata: { run_id: runId } },
        { role: 'assistant', content: expect.stringContaining(user.note) },
      ],
    });
    socket.close();
  });
});

describe('the profile note', () => {
  test('is one’s own', async () => {
    expect((await ada.call('/api/profile/note')).body).toEqual({ note: ada.note });
    expect((await ben.call('/api/profile/note')).body).toEqual({ note: ben.note });
    expect((await call(target.url, '/api/profile/note')).status).toBe(401);
  });
});

describe('probes and pages', () => {
  test.each([
    ['/health', 'ok'],
    ['/health/ready', 'ready'],
    ['/auth/health', 'healthy'],
    ['/ws/health', 'healthy'],
  ])('%s is well', async (path, status) => {
    const reply = await call(target.url, path);
    expect([reply.status, reply.body['status']]).toEqual([200, status]);
  });

  test('the root leads to the sign-in page', async () => {
    const root = await fetch(`${target.url}/`);
    expect(new URL(root.url).pathname).toBe('/login');
    expect(await root.text()).toContain('data-testid="login-form"');
  });

  test.each(['/chat', '/chat/thread_1'])(
    '%s serves the chat under a strict policy',
    async (path) => {
      const page = await fetch(`${target.url}${path}`);
      expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
      const html = await page.text();
      for (const id of ['message-textarea', 'send-button', 'thread-list', 'logout-button']) {
        expect(html).toContain(`data-testid="${id}"`);
      }
    },
  );

  test('an empty body is as good as none, and a broken one is refused', async () => {
    expect(await postRaw('')).toBe(201);
    expect(await postRaw('{')).toBe(400);
  });

  test('what a client gets wrong is named', async () => {
    const reply = await ada.call('/api/profile/note', { method: 'PUT', body: { note: 3 } });
    expect(reply.status).toBe(422);
    expect(reply.body['detail']).toContain('note');
    expect((await ada.call('/nowhere')).status).toBe(404);
  });
});
