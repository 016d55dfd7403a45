import { readFileSync, readdirSync } from 'node:fs';
import { extname } from 'node:path';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { World } from '../world.ts';
import type { Call } from './caller.ts';
import { readInput, signedIn } from './caller.ts';

const FILES = new URL('../page/', import.meta.url);

const DrawnBody = z.object({ threads: z.array(z.string().max(200)).max(1_000) });

/** What of the page is served below `/assets/`. */
const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.css': 'text/css' };

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Adds the sign-in page, the chat page with its files, and what it asks about itself. */
export function addPageRoutes(app: FastifyInstance, world: World): void {
  const login = readPage('login.html');
  const chat = readPage('chat.html');
  app.get('/', (_request, reply) => reply.redirect('/login'));
  app.get('/login', (_request, reply) => page(reply, login));
  app.get('/chat', (_request, reply) => page(reply, chat));
  app.get('/chat/:thread', (_request, reply) => page(reply, chat));
  for (const file of readdirSync(FILES)) {
    const type = TYPES[extname(file)];
    if (type === undefined) continue;
    const content = readPage(file);
    app.get(`/assets/${file}`, (_request, reply) =>
      reply.header('cache-control', 'no-cache').type(`${type}; charset=utf-8`).send(content),
    );
  }
  app.get('/favicon.ico', (_request, reply) => reply.code(204).send());
  app.get(
    '/api/page/switches',
    signedIn(world, ({ session }) => ({ switches: world.hooks.pageSwitches(session) })),
  );
  app.post(
    '/api/page/drawn',
    signedIn(world, (call) => explainDrawn(world, call)),
  );
}

// What a browser keeps from one user to the next never passes the service, so its page tells.
function explainDrawn(world: World, { session, request }: Call): { readonly threads: number } {
  const { threads } = readInput(DrawnBody, request.body);
  for (const thread of threads.flatMap((id) => world.threads.find(id) ?? [])) {
    for (const { fault, owner, how } of world.hooks.drawn(thread, session)) {
      const observer = session.signedIn.email;
      world.truth.write({ fault, observer, owner, run: null, event: null, how });
    }
  }
  return { threads: threads.length };
}

function page(reply: FastifyReply, html: string): FastifyReply {
  return reply
    .header('content-security-policy', CONTENT_SECURITY_POLICY)
    .header('cache-control', 'no-store')
    .header('x-content-type-options', 'nosniff')
    .type('text/html; charset=utf-8')
    .send(html);
}

function readPage(file: string): string {
  return readFileSync(new URL(file, FILES), 'utf8');
}
