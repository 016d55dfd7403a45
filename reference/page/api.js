// Calls the service as the signed-in user. The tokens live in localStorage, as those of the service's
// other clients do, so that a second tab is signed in too.

const ACCESS = 'jwt_token';
const REFRESH = 'refresh_token';

/** Thrown when the service knows nobody by the tokens of this page; a new sign-in is needed. */
export class SignedOut extends Error {}

/** The access token, or null if nobody is signed in. */
export function accessToken() {
  return localStorage.getItem(ACCESS);
}

/** Keeps the tokens of a sign-in or a refresh. */
export function keepTokens({ access_token: access, refresh_token: next }) {
  localStorage.setItem(ACCESS, access);
  if (typeof next === 'string') localStorage.setItem(REFRESH, next);
  else localStorage.removeItem(REFRESH);
}

/** Forgets who was signed in. */
export function forgetTokens() {
  localStorage.removeItem(ACCESS);
  localStorage.removeItem(REFRESH);
}

/**
 * Calls the API and returns the body of its reply. An access token that ran out is refreshed once;
 * rejects with `SignedOut` if that does not help, and with an error for any other refusal.
 */
export async function api(method, path, options = {}) {
  let response = await request(method, path, options);
  if (response.status === 401 && (await refresh())) response = await request(method, path, options);
  if (response.status === 401) throw new SignedOut('Please sign in again.');
  const reply = await response.json();
  if (!response.ok) throw new Error(reply.detail ?? `The service answered ${response.status}.`);
  return reply;
}

let refreshing = null;

/**
 * Exchanges the refresh token, which works once, for new tokens; false if there is none or it is
 * worthless. Whoever asks meanwhile waits for the same exchange.
 */
export function refresh() {
  refreshing ??= exchange().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function exchange() {
  const token = localStorage.getItem(REFRESH);
  if (token === null) return false;
  const response = await fetch('/auth/refresh', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ refresh_token: token }),
  });
  if (response.ok) keepTokens(await response.json());
  // Another tab may have been faster; then its tokens are here already.
  return response.ok || localStorage.getItem(REFRESH) !== token;
}

function request(method, path, { body, cache = 'default' }) {
  return fetch(path, {
    method,
    cache,
    headers: {
      authorization: `Bearer ${accessToken()}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
