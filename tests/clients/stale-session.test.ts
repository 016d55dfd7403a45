import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { startEmbeddedTarget } from '../../scenarios/embedded-target.ts';
import reference from '../../targets/reference.ts';
import type { Session, Target, TargetHttp } from '../../targets/target.ts';
import {
  Closers,
  httpServer,
  linesOf,
  openRawTrial,
  portOf,
  tinyTarget,
  type Line,
} from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

/** Signs one raw user in and out, lets it use its old session, and reads the history back. */
async function linesAfterSignOut(
  target: Target,
  addresses: { readonly url: string; readonly socket?: string },
  opensChat = false,
): Promise<Line[]> {
  const crowd = await openRawTrial(closers, target, { ...addresses, users: 1 });
  await crowd.each('sign in', (user) => user.signIn());
  if (opensChat) await crowd.each('open chat', (user) => user.openChat());
  await crowd.each('sign out', (user) => user.signOut());
  await crowd.each('use the old session', (user) => user.stale());
  await crowd.close('done');
  return linesOf(crowd.historyPath);
}

/** A target whose sign-out does nothing, with an API that answers so and a socket that does so. */
function forgetful(): Target {
  return tinyTarget({
    signOut: () => Promise.resolve(),
    threads: {
      list: async ({ http, session }) => {
        await http.request({
          address: 'api',
          method: 'GET',
          path: '/threads?limit=9',
          headers: { authorization: `Bearer ${session.token}` },
          purpose: 'api',
        });
      },
    },
  });
}

interface Call {
  readonly http: TargetHttp;
  readonly session: Session;
}

/** A target whose sign-out does nothing, of which all is asked that a session may be good for. */
function remembering(): Target {
  const ask = (call: Call, method: 'GET' | 'POST', path: string): Promise<unknown> =>
    call.http.request({ address: 'api', method, path, purpose: 'api' });
  return tinyTarget({
    signIn: {
      register: () =>
        Promise.resolve({ userId: 'id-of-u00', token: 't', refreshToken: 'r', secrets: [] }),
    },
    whoAmI: async (call) => {
      await ask(call, 'GET', '/me');
      return { userId: call.session.userId };
    },
    signOut: () => Promise.resolve(),
    refresh: async (call) => {
      await ask(call, 'POST', '/renew');
      return call.session;
    },
    threads: {
      create: () => Promise.resolve('t1'),
      read: async (call) => {
        await ask(call, 'GET', `/threads/${call.thread}`);
      },
    },
  });
}

async function socketThat(
  accepts: (request: IncomingMessage) => boolean,
  greeting = '{"type":"hello"}',
): Promise<string> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    verifyClient: ({ req }: { req: IncomingMessage }) => accepts(req),
  });
  server.on('connection', (socket) => socket.send(greeting));
  closers.add(() => server.close());
  await new Promise((resolve) => {
    server.once('listening', resolve);
  });
  return `ws://127.0.0.1:${portOf(server)}`;
}

const probes = (lines: readonly Line[]): unknown[] =>
  lines
    .filter(({ act }) => act === 'probe' || act === 'probe-result')
    .map(({ act, place, reason, message }) => [act, place, reason ?? message]);

describe('a session after its sign-out', () => {
  test('is refused by a target that ends it, and the refusals are no failures', async () => {
    const service = await startEmbeddedTarget({ pace: 0.05 });
    closers.add(() => service.stop());
    const lines = await linesAfterSignOut(reference, { url: service.url });
    expect(probes(lines)).toEqual([
      ['probe', 'http GET /api/threads', 'must be refused'],
      ['probe-result', 'http GET /api/threads', 'refused'],
      ['probe', 'http GET /auth/me', 'must be refused'],
      ['probe-result', 'http GET /auth/me', 'refused'],
      ['probe', 'socket open', 'must be refused'],
      ['probe-result', 'socket open', 'refused'],
      ['probe', 'http POST /auth/refresh', 'must be refused'],
      ['probe-result', 'http POST /auth/refresh', 'refused'],
    ]);
    expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
    const statuses = lines.filter((line) => line['purpose'] === 'refusal-probe' && line['status']);
    expect(statuses.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
  });

  test('is accepted where the target forgot to end it', async () => {
    const url = await httpServer(closers, (_request, response) => response.end('[]'));
    const socket = await socketThat(() => true);
    const lines = await linesAfterSignOut(forgetful(), { url, socket });
    expect(probes(lines)).toEqual([
      ['probe', 'http GET /threads', 'must be refused'],
      ['probe-result', 'http GET /threads', 'accepted'],
      ['probe', 'socket open', 'must be refused'],
      ['probe-result', 'socket open', 'accepted'],
    ]);
    const source = lines.find(({ act }) => act === 'probe')?.['source'];
    expect(source).toBe('own session after sign-out');
  });

  test('is refused by a target that lets the socket open and answers with an error', async () => {
    const url = await httpServer(closers, (_request, response) => response.end('[]'));
    const socket = await socketThat(() => true, '{"type":"error"}');
    const lines = await linesAfterSignOut(forgetful(), { url, socket });
    expect(probes(lines).at(-1)).toEqual(['probe-result', 'socket open', 'refused']);
  });

  describe('that is still good for one thing alone', () => {
    const answer = (good: string, body: object) =>
      httpServer(closers, ({ url }, response) => {
        const isGood = url === good;
        response.writeHead(isGood ? 200 : 401, { 'content-type': 'application/json' });
        response.end(JSON.stringify(isGood ? body : {}));
      });
    const acceptedOf = async (url: string, target: Target) => {
      let opened = 0;
      const socket = await socketThat(() => (opened += 1) === 1);
      const lines = await linesAfterSignOut(target, { url, socket }, true);
      expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
      return lines.filter(({ reason }) => reason === 'accepted').map(({ place }) => place);
    };

    test('is accepted there: who one is, a conversation, new tokens', async () => {
      const target = remembering();
      const me = await answer('/me', { id: 'id-of-u00' });
      expect(await acceptedOf(me, target)).toEqual(['http GET /me']);
      const thread = await answer('/threads/t1', { messages: ['hello'] });
      expect(await acceptedOf(thread, target)).toEqual(['http GET /threads/{id}']);
      const tokens = await answer('/renew', { token: 'a-new-token-0a1b2c3d' });
      expect(await acceptedOf(tokens, target)).toEqual(['http POST /renew']);
    });

    test('is refused where a good status tells of nobody', async () => {
      const me = await answer('/me', { user: null });
      expect(await acceptedOf(me, remembering())).toEqual([]);
      const thread = await answer('/threads/t1', { messages: [] });
      expect(await acceptedOf(thread, remembering())).toEqual([]);
    });
  });

  test('is refused by a target that says so in words, with a good status', async () => {
    const url = await httpServer(closers, (_request, response) => {
      response.setHeader('content-type', 'application/json').end('{"error":"Signed out."}');
    });
    const socket = await socketThat(() => false);
    const lines = await linesAfterSignOut(forgetful(), { url, socket });
    expect(probes(lines)).toContainEqual(['probe-result', 'http GET /threads', 'refused']);
  });

  test('is not known to be refused by a target that cannot serve anybody', async () => {
    const url = await httpServer(closers, (_request, response) => {
      response.writeHead(503).end();
    });
    const lines = await linesAfterSignOut(forgetful(), { url, socket: 'ws://127.0.0.1:9' });
    expect(probes(lines)).toEqual([
      ['probe', 'http GET /threads', 'must be refused'],
      ['probe-result', 'http GET /threads', 'unclear'],
      ['probe', 'socket open', 'must be refused'],
      ['probe-result', 'socket open', 'unclear'],
    ]);
    expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
  });
});

test('ids that a profile says were listed are looked at, however short they are', async () => {
  const url = await httpServer(closers, (_request, response) => response.end('[]'));
  const target = tinyTarget({ threads: { list: () => Promise.resolve(['41', '42']) } });
  const socket = await socketThat(() => true);
  const crowd = await openRawTrial(closers, target, { url, socket, users: 1 });
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  await crowd.close('done');
  const listed = linesOf(crowd.historyPath).filter(({ event }) => event === 'list');
  expect(listed[0]).toMatchObject({ user: 'u00', surface: 'http', dir: 'in', thread: '41' });
  expect(new Set(listed.map(({ thread }) => thread))).toEqual(new Set(['41', '42']));
});
