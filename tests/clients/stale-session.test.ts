import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { startEmbeddedTarget } from '../../scenarios/embedded-target.ts';
import reference from '../../targets/reference.ts';
import type { Target } from '../../targets/target.ts';
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
): Promise<Line[]> {
  const crowd = await openRawTrial(closers, target, { ...addresses, users: 1 });
  await crowd.each('sign in', (user) => user.signIn());
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

async function socketThat(accepts: (request: IncomingMessage) => boolean): Promise<string> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    verifyClient: ({ req }: { req: IncomingMessage }) => accepts(req),
  });
  server.on('connection', (socket) => socket.send('{"type":"hello"}'));
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
      ['probe', 'socket open', 'must be refused'],
      ['probe-result', 'socket open', 'refused'],
    ]);
    expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
    const statuses = lines.filter((line) => line['purpose'] === 'refusal-probe' && line['status']);
    expect(statuses.map(({ status }) => status)).toEqual([401, 401]);
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
