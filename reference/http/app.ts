import cookie from '@fastify/cookie';
import fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../refusal.ts';
import type { World } from '../world.ts';
import { addAuthRoutes } from './auth-routes.ts';
import { knownCaller } from './caller.ts';
import { addChatRoutes } from './chat-routes.ts';
import { addHealthRoutes } from './health-routes.ts';
import { addPageRoutes } from './page-routes.ts';

const BODY_BYTES_MAX = 256 * 1_024;

/** Builds the HTTP half of the target. Errors are `{"detail": "…"}`; private replies are `no-store`. */
export async function createApp(world: World): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 300 },
  });
  await app.register(cookie);
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // Some clients announce JSON even where they send nothing, as for a sign-out.
    if (body.length === 0) done(null);
    else void parseJson(request, body.toString(), done);
  });
  app.setErrorHandler((error, _request, reply) => {
    const status = statusOf(error);
    const detail = status < 500 && error instanceof Error ? error.message : 'Internal error';
    void reply.code(status).send({ detail });
  });
  app.setNotFoundHandler((_request, reply) => {
    void reply.code(404).send({ detail: 'Not found' });
  });
  app.addHook('onSend', async (request, reply) => {
    if (isPrivate(request.url)) void reply.header('cache-control', 'no-store');
    const session = knownCaller(request);
    const path = request.url.split('?')[0] ?? '';
    const answered = { method: request.method, path, session };
    for (const { headers, deviations } of world.hooks.replyHeaders(answered)) {
      void reply.headers({ ...headers });
      for (const { fault, owner, how } of deviations) {
        const observer = session?.signedIn.email ?? null;
        world.truth.write({ fault, observer, owner, run: null, event: null, how });
      }
    }
  });
  addHealthRoutes(app, world);
  addAuthRoutes(app, world);
  addChatRoutes(app, world);
  addPageRoutes(app, world);
  return app;
}

function isPrivate(url: string): boolean {
  return url.startsWith('/api/') || url.startsWith('/auth/');
}

function statusOf(error: unknown): number {
  if (error instanceof Refusal) return error.statusCode;
  // Fastify's own errors, such as a body that is not JSON, carry their status.
  const carried = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof carried === 'number' ? carried : 500;
}
