import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { User } from '../model.ts';
import { Refusal } from '../refusal.ts';
import type { TokenPair } from '../tokens.ts';
import type { World } from '../world.ts';
import { originOf, readInput, signedIn } from './caller.ts';

/** Cookie of the page's own origin: good for opening the socket and for nothing else. */
export const SESSION_COOKIE = 'reference_session';

const email = z
  .string()
  .max(254)
  .regex(/^\S+@\S+$/, 'must be an e-mail address');
const password = z.string().min(1).max(1_024);
const life = { ttl_seconds: z.number().positive().max(86_400).optional() };

const RegisterBody = z.object({ email, password, name: z.string().max(500).optional(), ...life });
const LoginBody = z.object({ email, password, ...life });
const EndToEndBody = z.object({
  email,
  name: z.string().max(500).optional(),
  permissions: z.array(z.string().max(100)).max(100).optional(),
  simulate_oauth: z.boolean().optional(),
  ...life,
});
const RefreshBody = z.object({
  refresh_token: z.string().optional(),
  refreshToken: z.string().optional(),
  token: z.string().optional(),
});

/** Adds sign-in, sign-out and who-am-I. */
export function addAuthRoutes(app: FastifyInstance, world: World): void {
  app.get('/auth/config', () => ({
    google_client_id: '',
    oauth_enabled: false,
    development_mode: true,
    endpoints: {
      login: '/auth/login',
      register: '/auth/register',
      logout: '/auth/logout',
      user: '/auth/me',
    },
  }));
  app.post('/auth/register', async (request, reply) => {
    const body = readInput(RegisterBody, request.body);
    const user = world.users.register({ ...body, name: body.name ?? localPart(body.email) });
    const pair = await begin(world, request, { user, ttl: body.ttl_seconds });
    return answer(reply.code(201), pair, publicUser(user));
  });
  app.post('/auth/login', async (request, reply) => {
    const body = readInput(LoginBody, request.body);
    const user = world.users.withPassword(body.email, body.password);
    const pair = await begin(world, request, { user, ttl: body.ttl_seconds });
    return answer(reply, pair, publicUser(user));
  });
  app.post('/auth/e2e/test-auth', async (request, reply) => {
    checkEndToEndKey(world, request);
    const body = readInput(EndToEndBody, request.body);
    const permissions = body.permissions ?? [];
    const name = body.name ?? localPart(body.email);
    const user = world.users.endToEnd(body.email, name, permissions);
    const pair = await begin(world, request, { user, ttl: body.ttl_seconds });
    const simulated = body.simulate_oauth ?? true;
    return answer(reply, pair, { ...publicUser(user), permissions, oauth_simulated: simulated });
  });
  app.post('/auth/refresh', async (request, reply) => {
    const body = readInput(RefreshBody, request.body);
    const token = body.refresh_token ?? body.refreshToken ?? body.token;
    if (token === undefined) throw new Refusal(422, 'refresh_token is required');
    const { user, pair } = await world.sessions.refresh(token);
    return answer(reply, pair, publicUser(user));
  });
  app.post(
    '/auth/logout',
    signedIn(world, ({ session, reply }) => {
      world.sessions.end(session);
      void reply.clearCookie(SESSION_COOKIE, { path: '/' });
      return { message: 'Logged out', status: 'success' };
    }),
  );
  app.post(
    '/auth/revoke',
    signedIn(world, ({ session, reply }) => {
      world.sessions.revoke(session);
      void reply.clearCookie(SESSION_COOKIE, { path: '/' });
      return { message: 'All sessions revoked', status: 'success' };
    }),
  );
  app.get(
    '/auth/me',
    signedIn(world, ({ session }) => publicUser(session.user)),
  );
}

function begin(
  world: World,
  request: FastifyRequest,
  who: { readonly user: User; readonly ttl: number | undefined },
): Promise<TokenPair> {
  const from = originOf(request);
  return world.sessions.begin({ user: who.user, from, lifeSeconds: who.ttl ?? null });
}

function answer(
  reply: FastifyReply,
  pair: TokenPair,
  user: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  void reply.setCookie(SESSION_COOKIE, pair.access, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    maxAge: Math.ceil(pair.expiresIn),
  });
  return {
    access_token: pair.access,
    refresh_token: pair.refresh,
    token_type: 'Bearer',
    expires_in: pair.expiresIn,
    user,
  };
}

function publicUser(user: User): { id: string; email: string; name: string } {
  return { id: user.id, email: user.email, name: user.name };
}

function checkEndToEndKey(world: World, request: FastifyRequest): void {
  const key = world.options.e2eKey;
  if (key === null) throw new Refusal(503, 'The end-to-end sign-in is not configured');
  const given = request.headers['x-e2e-bypass-key'];
  if (typeof given !== 'string' || !timingSafeEqual(digest(given), digest(key))) {
    throw new Refusal(401, 'Missing or wrong X-E2E-Bypass-Key');
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function localPart(address: string): string {
  return address.split('@')[0] ?? address;
}
