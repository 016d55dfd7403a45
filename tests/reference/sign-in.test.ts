import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestUser, asJson, call, startTestTarget, text, upgradeStatus } from './crowd.ts';
import type { Json, TestTarget } from './crowd.ts';

let target: TestTarget;

beforeAll(async () => {
  target = await startTestTarget({ e2eKey: 'the key' });
});
afterAll(() => target.close());

const protocols = (token: string): string[] => ['jwt-auth', `jwt.${token}`];

function decoded(token: string): Json {
  const [, claims = ''] = token.split('.');
  return asJson(JSON.parse(Buffer.from(claims, 'base64url').toString()));
}

const encoded = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');

async function isAccepted(token: string): Promise<boolean> {
  const { status } = await call(target.url, '/auth/me', { token });
  const upgrade = await upgradeStatus(target.url, protocols(token));
  expect([
    [200, 101],
    [401, 401],
  ]).toContainEqual([status, upgrade]);
  return status === 200;
}

describe('registering', () => {
  test('answers tokens and the user', async () => {
    const { status, body, headers } = await call(target.url, '/auth/register', {
      body: { email: 'ada@crowd.test', password: 'secret', name: 'Ada' },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 900,
      user: { email: 'ada@crowd.test', name: 'Ada' },
    });
    expect(headers.get('set-cookie')).toMatch(/HttpOnly/);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(decoded(text(body['access_token']))).toMatchObject({
      sub: asJson(body['user'])['id'],
      email: 'ada@crowd.test',
      iss: 'netra-auth-service',
      aud: 'netra-platform',
      token_type: 'access',
    });
  });

  test('refuses an e-mail that is taken', async () => {
    const { email } = await TestUser.register(target.url);
    const body = { email, password: 'other', name: 'Somebody' };
    expect((await call(target.url, '/auth/register', { body })).status).toBe(409);
  });

  test('refuses what is not an e-mail', async () => {
    const body = { email: 'nobody', password: 'other', name: 'Somebody' };
    expect((await call(target.url, '/auth/register', { body })).status).toBe(422);
  });
});

describe('signing in', () => {
  test('takes the right password only', async () => {
    const { email, password, id } = await TestUser.register(target.url);
    const right = await call(target.url, '/auth/login', { body: { email, password } });
    expect(right.body['user']).toMatchObject({ id, email });
    const wrong = await call(target.url, '/auth/login', { body: { email, password: 'x' } });
    expect(wrong.status).toBe(401);
  });

  test('takes the end-to-end key and makes an id of the local part', async () => {
    const body = { email: 'nightly-1@crowd.test', name: 'Nightly' };
    const headers = { 'x-e2e-bypass-key': 'the key' };
    const reply = await call(target.url, '/auth/e2e/test-auth', { body, headers });
    expect(reply.body['user']).toMatchObject({ id: 'e2e-nightly-1', oauth_simulated: true });
    const refused = await call(target.url, '/auth/e2e/test-auth', { body });
    expect(refused.status).toBe(401);
    const twin = { body: { email: 'nightly-1@elsewhere.test', name: 'Twin' }, headers };
    expect((await call(target.url, '/auth/e2e/test-auth', twin)).status).toBe(409);
  });

  test('has no end-to-end sign-in without a key', async () => {
    const plain = await startTestTarget();
    const reply = await call(plain.url, '/auth/e2e/test-auth', { body: { email: 'a@b.test' } });
    expect(reply.status).toBe(503);
    await plain.close();
  });
});

describe('tokens', () => {
  test('are accepted while they live, and not after', async () => {
    const user = await TestUser.register(target.url, { ttl_seconds: 1 });
    expect(await isAccepted(user.token)).toBe(true);
    await expect.poll(() => isAccepted(user.token), { timeout: 5_000 }).toBe(false);
  });

  test('are refused if tampered with', async () => {
    const { token } = await TestUser.register(target.url);
    const [head = '', claims = '', signature = ''] = token.split('.');
    const other = encoded({ ...decoded(token), email: 'other@crowd.test' });
    expect(await isAccepted(`${head}.${other}.${signature}`)).toBe(false);
    const flipped = signature.startsWith('A') ? 'B' : 'A';
    expect(await isAccepted(`${head}.${claims}.${flipped}${signature.slice(1)}`)).toBe(false);
  });

  test('are refused without a signature, whatever algorithm they claim', async () => {
    const { token } = await TestUser.register(target.url);
    const claims = token.split('.')[1] ?? '';
    expect(await isAccepted(`${encoded({ alg: 'none', typ: 'JWT' })}.${claims}.`)).toBe(false);
    expect(await isAccepted(`${encoded({ alg: 'HS256' })}.${claims}.`)).toBe(false);
  });

  test('are refused if signed with another key', async () => {
    const { token } = await TestUser.register(target.url);
    const body = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded({
      ...decoded(token),
      aud: 'somewhere-else',
    })}`;
    const signature = createHmac('sha256', 'guessed').update(body).digest('base64url');
    expect(await isAccepted(`${body}.${signature}`)).toBe(false);
  });

  test('of the refresh kind open nothing', async () => {
    const user = await TestUser.register(target.url);
    expect(await isAccepted(user.refreshToken)).toBe(false);
  });

  test('are refreshed once', async () => {
    const user = await TestUser.register(target.url);
    const body = { refresh_token: user.refreshToken };
    const first = await call(target.url, '/auth/refresh', { body });
    expect(await isAccepted(text(first.body['access_token']))).toBe(true);
    expect((await call(target.url, '/auth/refresh', { body })).status).toBe(401);
  });
});

describe('signing out', () => {
  test('revokes the token and closes the sockets with 1008', async () => {
    const user = await TestUser.register(target.url);
    const bystander = await TestUser.register(target.url);
    const [socket, other] = [await user.connect(), await bystander.connect()];
    const startedAt = performance.now();
    expect((await user.call('/auth/logout', { method: 'POST' })).status).toBe(200);
    expect(await socket.closed).toBe(1008);
    // 200 ms (NETRA-WIRE §12) on a machine that does nothing else.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(await isAccepted(user.token)).toBe(false);
    const refresh = { body: { refresh_token: user.refreshToken } };
    expect((await call(target.url, '/auth/refresh', refresh)).status).toBe(401);
    expect(other.socket.readyState).toBe(other.socket.OPEN);
    other.close();
  });

  test('ends the tokens from before a refresh as well', async () => {
    const user = await TestUser.register(target.url);
    const body = { refresh_token: user.refreshToken };
    const next = text((await call(target.url, '/auth/refresh', { body })).body['access_token']);
    expect([await isAccepted(user.token), await isAccepted(next)]).toEqual([true, true]);
    await call(target.url, '/auth/logout', { method: 'POST', token: next });
    expect([await isAccepted(user.token), await isAccepted(next)]).toEqual([false, false]);
  });

  test('needs a token', async () => {
    expect((await call(target.url, '/auth/logout', { method: 'POST' })).status).toBe(401);
  });
});
