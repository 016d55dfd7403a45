import { describe, expect, it } from 'vitest';
import netra from '../../targets/netra.ts';
import reference from '../../targets/reference.ts';
import { cookieSecrets } from '../../targets/sign-in.ts';
import type { Account, Session, SignInMethod, Target } from '../../targets/target.ts';
import { fakeHttp, jwt, replyOf, type FakeReply } from './fake-http.ts';

const TOKEN = jwt({ sub: 'user-7', email: 'anna@a.example' });
const ACCOUNT: Account = { email: 'anna@a.example', name: 'Anna', password: 'pass-word-1' };
const TOKENS = { access_token: TOKEN, refresh_token: 'refresh-1', expires_in: 900 };
const USER = { id: 'user-7', email: 'anna@a.example', name: 'Anna' };

interface Attempt {
  readonly target?: Target;
  readonly account?: Partial<Account>;
  readonly env?: Readonly<Record<string, string>>;
  readonly replies: Readonly<Record<string, FakeReply>>;
}

async function signIn(method: SignInMethod, attempt: Attempt) {
  const { target = reference, account = {}, env = {}, replies } = attempt;
  const http = fakeHttp(replies);
  const session = await target.signIn[method]?.({ http, account: { ...ACCOUNT, ...account }, env });
  if (session === undefined) throw new Error(`"${method}" is not offered.`);
  return { session, requests: http.requests };
}

async function refusalOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    expect(error).toMatchObject({ name: 'TargetRefusal' });
    return error instanceof Error ? error.message : '';
  }
  throw new Error('It was not refused.');
}

describe.each([reference, netra])('signing in to $name', (target) => {
  it('registers a new user', async () => {
    const replies = {
      'POST /auth/register': {
        status: 201,
        json: { ...TOKENS, user: USER },
        headers: { 'set-cookie': `session=${TOKEN}; Path=/; HttpOnly` },
      },
    };
    const { session, requests } = await signIn('register', { target, replies });
    expect(session).toEqual({
      userId: 'user-7',
      email: 'anna@a.example',
      token: TOKEN,
      refreshToken: 'refresh-1',
      cookies: `session=${TOKEN}`,
      secrets: [TOKEN, 'refresh-1'],
    } satisfies Session);
    expect(requests).toEqual([
      {
        address: 'auth',
        method: 'POST',
        path: '/auth/register',
        headers: {},
        json: { email: 'anna@a.example', password: 'pass-word-1', name: 'Anna' },
        purpose: 'sign-in',
      },
    ]);
  });

  it('logs in a known user, and learns the id from the token where the reply has no user', async () => {
    const replies = { 'POST /auth/login': { json: { access_token: TOKEN } } };
    const { session, requests } = await signIn('password', { target, replies });
    expect(session).toMatchObject({ userId: 'user-7', secrets: [TOKEN] });
    expect(requests[0]?.json).toEqual({ email: 'anna@a.example', password: 'pass-word-1' });
  });

  it('sends the end-to-end key in its own header, with the sign-in only', async () => {
    const replies = { 'POST /auth/e2e/test-auth': { json: { ...TOKENS, user: USER } } };
    const env = { E2E_OAUTH_SIMULATION_KEY: 'key-12345678' };
    const { session, requests } = await signIn('e2e-key', { target, env, replies });
    expect(session.userId).toBe('user-7');
    expect(requests[0]?.headers).toEqual({ 'X-E2E-Bypass-Key': 'key-12345678' });
    expect(requests[0]?.json).toMatchObject({ email: 'anna@a.example', simulate_oauth: true });
    expect(await refusalOf(signIn('e2e-key', { target, replies }))).toContain(
      'E2E_OAUTH_SIMULATION_KEY is not set',
    );
  });

  it('asks who a ready token belongs to', async () => {
    const replies = { 'GET /auth/me': { json: { user: { id: 'user-9', email: 'b@a.example' } } } };
    const account = { token: TOKEN, refreshToken: 'refresh-1', userId: 'user-1' };
    const { session, requests } = await signIn('token', { target, account, replies });
    expect(session).toEqual({
      userId: 'user-9',
      email: 'b@a.example',
      token: TOKEN,
      refreshToken: 'refresh-1',
      secrets: [TOKEN, 'refresh-1'],
    });
    expect(requests).toMatchObject([
      { purpose: 'whoami', headers: { authorization: `Bearer ${TOKEN}` } },
    ]);
  });

  it('believes the token, then the users file, where nobody can be asked', async () => {
    const account = { token: TOKEN, userId: 'user-1' };
    const fromToken = await signIn('token', { target, account, replies: {} });
    expect(fromToken.session).toMatchObject({ userId: 'user-7', email: undefined });
    const opaque = { token: 'opaque-token', userId: 'user-1' };
    const fromFile = await signIn('token', { target, account: opaque, replies: {} });
    expect(fromFile.session.userId).toBe('user-1');
    expect(
      await refusalOf(signIn('token', { target, account: { token: 'opaque' }, replies: {} })),
    ).toContain('Add "userId"');
  });

  it('refuses a token that the target refuses', async () => {
    const replies = { 'GET /auth/me': { status: 401, json: { detail: 'expired' } } };
    expect(await refusalOf(signIn('token', { target, account: { token: TOKEN }, replies }))).toBe(
      '"GET /auth/me" must answer with status 200, but answered 401 with the body: {"detail":"expired"}',
    );
  });

  it('says what an account lacks', async () => {
    const account = { password: undefined };
    for (const method of ['register', 'password'] as const) {
      expect(await refusalOf(signIn(method, { target, account, replies: {} }))).toBe(
        `"${method}" sign-in needs a password for "anna@a.example", but its account has none. Add "password" to its entry in the users file.`,
      );
    }
    expect(await refusalOf(signIn('token', { target, replies: {} }))).toContain('Add "token"');
  });
});

describe('a refused sign-in', () => {
  it('says what came and keeps the status', async () => {
    const replies = { 'POST /auth/register': { status: 409, text: '{"detail":"taken"}' } };
    const attempt = signIn('register', { replies });
    await expect(attempt).rejects.toMatchObject({ status: 409 });
    expect(await refusalOf(attempt)).toBe(
      '"POST /auth/register" must answer with status 200 or 201, but answered 409 with the body: {"detail":"taken"}',
    );
  });

  it('quotes no password, key, token or cookie, not even one cut in two by the limit', async () => {
    const text = `${'.'.repeat(190)}pass-word-1 ${TOKEN}`;
    const headers = { 'Set-Cookie': 'session=cookie-secret; Path=/' };
    const message = await refusalOf(
      signIn('password', {
        replies: { 'POST /auth/login': { status: 422, text: `cookie-secret ${text}`, headers } },
      }),
    );
    expect(message).not.toMatch(/pass-|cookie-secret|eyJ/);
  });

  it('names where a redirect leads, without what may be a credential in it', async () => {
    const told = async (location: string): Promise<string> => {
      const replies = { 'POST /auth/login': { status: 302, headers: { Location: location } } };
      return refusalOf(signIn('password', { replies }));
    };
    expect(await told('https://ann:pw@sso.example/in?code=one-time#at')).toBe(
      '"POST /auth/login" must answer with status 200 or 201, but answered 302 (a redirect to https://sso.example/in) with an empty body',
    );
    expect(await told('//a@b:c@sso.example')).toContain('(a redirect to //sso.example)');
    expect(await told('/login')).toContain('(a redirect to /login)');
    expect(await told(`/in/${ACCOUNT.password}/${TOKEN}`)).not.toMatch(/pass-|eyJ/);
    expect((await told(`/${'x'.repeat(9_000)}`)).length).toBeLessThan(400);
    for (const nowhere of ['', '?code=one-time']) expect(await told(nowhere)).toContain('302 with');
  });

  it('quotes at most 200 characters', async () => {
    const replies = { 'POST /auth/login': { status: 500, text: '<html>'.repeat(1_000) } };
    expect((await refusalOf(signIn('password', { replies }))).length).toBeLessThan(320);
  });

  it('is one without a token or without a user', async () => {
    const noToken = { 'POST /auth/login': { json: { user: USER } } };
    expect(await refusalOf(signIn('password', { replies: noToken }))).toContain('an access_token');
    const noUser = { 'POST /auth/login': { json: { access_token: 'opaque-token' } } };
    const message = await refusalOf(signIn('password', { replies: noUser }));
    expect(message).toContain('a user id (user.id, or the sub of the token)');
    expect(message).not.toContain('opaque-token');
  });

  it('is one whose mail name Netra would make an impossible user id of', async () => {
    const env = { E2E_OAUTH_SIMULATION_KEY: 'key' };
    const account = { email: 'an.na+1@a.example' };
    expect(
      await refusalOf(signIn('e2e-key', { target: netra, account, env, replies: {} })),
    ).toContain('got "an.na+1"');
  });
});

describe('cookieSecrets', () => {
  it.each<[string, readonly string[]]>([
    ['session=abcdefgh12; Path=/; HttpOnly; Max-Age=900', ['abcdefgh12']],
    [
      'a=abcdefgh12; Expires=Wed, 21 Oct 2026 07:28:00 GMT; SameSite=Lax, b=ijklmnop34; Domain=example.com',
      ['abcdefgh12', 'ijklmnop34'],
    ],
    ['a=abcdefgh12\nb=ijklmnop34', ['abcdefgh12', 'ijklmnop34']],
    ['theme=dark; Path=/', []],
    // Given to everybody by what stands before the target, often the same to all.
    ['ARRAffinity=4f1cd3e5a7b9; HttpOnly, session=abcdefgh12', ['abcdefgh12']],
    ['AWSALB=0a1b2c3d4e5f; Path=/, BIGipServerpool=1677787402.36895.0000', []],
    ['', []],
  ])('finds the values in %j', (header, expected) => {
    expect(cookieSecrets(replyOf({ headers: { 'set-cookie': header } }))).toEqual(expected);
  });
});
