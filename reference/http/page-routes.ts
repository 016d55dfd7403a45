import { readFileSync } from 'node:fs';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { World } from '../world.ts';

const FILES = new URL('../page/', import.meta.url);

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Adds the sign-in page, the chat page and their files. */
export function addPageRoutes(app: FastifyInstance, world: World): void {
  const login = readPage('login.html');
  const chat = readPage('chat.html');
  app.get('/', (_request, reply) => reply.redirect('/login'));
  app.get('/login', (_request, reply) => page(reply, login));
  const serveChat = (_request: unknown, reply: FastifyReply): FastifyReply =>
    page(reply, chat.replace('FOREIGN', world.hooks.pageHidesForeignEvents() ? 'hide' : 'draw'));
  app.get('/chat', serveChat);
  app.get('/chat/:thread', serveChat);
  for (const [file, type] of [
    ['login.js', 'text/javascript'],
    ['chat.js', 'text/javascript'],
    ['page.css', 'text/css'],
  ] as const) {
    const content = readPage(file);
    app.get(`/assets/${file}`, (_request, reply) =>
      reply.header('cache-control', 'no-cache').type(`${type}; charset=utf-8`).send(content),
    );
  }
  app.get('/favicon.ico', (_request, reply) => reply.code(204).send());
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
