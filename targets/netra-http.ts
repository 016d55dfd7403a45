/**
 * The HTTP half of Netra's protocol (NETRA-WIRE §2.2, §4.3), which the embedded target speaks as well:
 * sign-in at the auth service, threads at the API.
 */
import { asFrame, textOf } from './frames.ts';
import type { Identity } from './sign-in.ts';
import {
  bearer,
  passwordOf,
  refusal,
  signInByExchange,
  signInByToken,
  whoAmIAt,
} from './sign-in.ts';
import type { HttpReply, HttpRequest, Session, SignInCall, TargetHttp } from './target.ts';
import { TargetRefusal } from './target.ts';

/** The variable with the key of the end-to-end sign-in, named as Netra's own scripts name it. */
const E2E_KEY_VARIABLE = 'E2E_OAUTH_SIMULATION_KEY';

/** On whose behalf a request is made. */
export interface ApiCall {
  readonly http: TargetHttp;
  readonly session: Session;
}

/** `POST /auth/register` {email, password, name}. */
export async function register(call: SignInCall): Promise<Session> {
  const { email, name } = call.account;
  const password = passwordOf(call.account, 'register');
  return signInByExchange(call, {
    address: 'auth',
    path: '/auth/register',
    json: { email, password, name },
    secrets: [password],
  });
}

/** `POST /auth/login` {email, password}. */
export async function logIn(call: SignInCall): Promise<Session> {
  const { email } = call.account;
  const password = passwordOf(call.account, 'password');
  return signInByExchange(call, {
    address: 'auth',
    path: '/auth/login',
    json: { email, password },
    secrets: [password],
  });
}

/** As {@link logIn}, for a token that lives so many seconds (the embedded target alone knows how). */
export async function logInFor(call: SignInCall, seconds: number): Promise<Session> {
  const { email } = call.account;
  const password = passwordOf(call.account, 'password');
  return signInByExchange(call, {
    address: 'auth',
    path: '/auth/login',
    json: { email, password, ttl_seconds: seconds },
    secrets: [password],
  });
}

/** `POST /auth/refresh` {refresh_token}: a new pair of tokens for the same user. */
export async function refreshSession({ http, session }: ApiCall): Promise<Session> {
  const { refreshToken } = session;
  if (refreshToken === undefined)
    throw new TargetRefusal('the session has no refresh token, so it cannot be refreshed.');
  const account = { email: session.email ?? '', name: '' };
  return signInByExchange(
    { http, account, env: {} },
    {
      address: 'auth',
      path: '/auth/refresh',
      json: { refresh_token: refreshToken },
      secrets: [refreshToken],
    },
  );
}

/** `POST /auth/e2e/test-auth` with the key in `X-E2E-Bypass-Key`, the only request that carries it. */
export async function signInByKey(call: SignInCall): Promise<Session> {
  const key = call.env[E2E_KEY_VARIABLE];
  if (key === undefined || key === '') {
    throw new TargetRefusal(
      `"e2e-key" sign-in needs the key that the target was started with, but ${E2E_KEY_VARIABLE} is not set. ` +
        `Set ${E2E_KEY_VARIABLE}, or choose another --sign-in.`,
    );
  }
  const { email, name } = call.account;
  return signInByExchange(call, {
    address: 'auth',
    path: '/auth/e2e/test-auth',
    headers: { 'X-E2E-Bypass-Key': key },
    json: { email, name, permissions: ['read', 'write'], simulate_oauth: true },
    secrets: [key],
  });
}

/** A ready access token, vouched for by `GET /auth/me`. */
export async function signInByReadyToken(call: SignInCall): Promise<Session> {
  return signInByToken(call, whoAmI);
}

/** `GET /auth/me`. */
export async function whoAmI(call: ApiCall): Promise<Identity> {
  return whoAmIAt({ address: 'auth', path: '/auth/me' }, call);
}

/** `POST /auth/logout` with the bearer token. */
export async function signOut(call: ApiCall): Promise<void> {
  await requestApi(call, { address: 'auth', method: 'POST', path: '/auth/logout' });
}

/** `POST /auth/revoke`, which the embedded target alone knows: ends all sessions of the bearer. */
export async function revokeSessions(call: ApiCall): Promise<void> {
  await requestApi(call, { address: 'auth', method: 'POST', path: '/auth/revoke' });
}

/** `POST /api/threads` {title, members?}; the id of the new thread. */
export async function createThread(
  call: ApiCall & { title: string; members: readonly string[] },
): Promise<string> {
  const { title, members, session } = call;
  const json = { title, ...(members.length > 0 && { members }) };
  const reply = await requestApi(call, { method: 'POST', path: '/api/threads', json });
  const id = textOf(asFrame(reply.json), 'id');
  if (id !== undefined) return id;
  throw refusal('POST /api/threads', 'a thread id', { reply, secrets: session.secrets });
}

/** `GET /api/threads`. */
export async function listThreads(call: ApiCall): Promise<void> {
  await requestApi(call, { method: 'GET', path: '/api/threads' });
}

/** `GET /api/threads/{id}/messages`. */
export async function readThread(call: ApiCall & { thread: string }): Promise<void> {
  const path = `/api/threads/${encodeURIComponent(call.thread)}/messages`;
  await requestApi(call, { method: 'GET', path });
}

/** A request to the API as this user; anything but a success is a refusal. */
export async function requestApi(
  { http, session }: ApiCall,
  request: Pick<HttpRequest, 'method' | 'path' | 'json'> & Partial<Pick<HttpRequest, 'address'>>,
): Promise<HttpReply> {
  const reply = await http.request({
    address: 'api',
    headers: bearer(session),
    purpose: 'api',
    ...request,
  });
  if (reply.status >= 200 && reply.status < 300) return reply;
  const what = `${request.method} ${request.path}`;
  throw refusal(what, 'status 200 to 299', { reply, secrets: session.secrets });
}
