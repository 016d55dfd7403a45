import { Vault } from '../history/redaction.ts';
import type { Frame } from './frames.ts';
import { asFrame, firstOf, frameAt, idOf, fieldOf, textOf } from './frames.ts';
import { leadingTo } from './redirect.ts';
import type { Account, AddressName, HttpReply, Session, SignInCall, TargetHttp } from './target.ts';
import { TargetRefusal } from './target.ts';
import { claimsOf } from './token-claims.ts';

/** A request that exchanges what an account knows for tokens. */
export interface CredentialExchange {
  readonly address: AddressName;
  /** Begins with `/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json: unknown;
  /** What the reply must never be quoted with, beside the tokens in it. */
  readonly secrets: readonly string[];
}

/** Who the target says a session belongs to. */
export interface Identity {
  readonly userId: string;
  readonly email?: string;
}

/** Longest part of a reply's body that a refusal quotes. */
const EXCERPT_LENGTH_MAX = 200;
/** Cookie values shorter than this hold no credential. */
const COOKIE_SECRET_LENGTH_MIN = 8;
const COOKIE_ATTRIBUTES = new Set([
  'path',
  'expires',
  'max-age',
  'domain',
  'samesite',
  'priority',
  'version',
]);

/**
 * Signs in by one POST whose reply is `{access_token, refresh_token?, user: {id, email?}}`, the shape of
 * the auth service of NETRA-WIRE 2.2. Where the reply names no user, the token's `sub` does.
 */
export async function signInByExchange(
  call: SignInCall,
  exchange: CredentialExchange,
): Promise<Session> {
  const { address, path, headers = {}, json, secrets } = exchange;
  const what = `POST ${path}`;
  const reply = await call.http.request({
    address,
    method: 'POST',
    path,
    headers,
    json,
    purpose: 'sign-in',
  });
  const body = asFrame(reply.json);
  if (!isSuccess(reply)) throw refusal(what, 'status 200 or 201', { reply, secrets });
  const token = longTextOf(body, 'access_token') ?? longTextOf(body, 'token');
  if (token === undefined) throw refusal(what, 'an access_token', { reply, secrets });
  const refreshToken = longTextOf(body, 'refresh_token');
  const user = frameAt(body, ['user']);
  const userId = firstOf(idOf, [user], ['id', 'user_id']) ?? textOf(claimsOf(token), 'sub');
  if (userId === undefined) {
    throw refusal(what, 'a user id (user.id, or the sub of the token)', {
      reply,
      secrets: [...secrets, token, ...(refreshToken === undefined ? [] : [refreshToken])],
    });
  }
  return {
    userId,
    email: textOf(user, 'email'),
    token,
    refreshToken,
    cookies: cookiesOf(reply),
    secrets: distinct([token, refreshToken, ...cookieSecrets(reply)]),
  };
}

/**
 * Signs in with an access token that somebody else obtained (`--users-file` with `token`). The user id
 * comes from `whoAmI`, else from the token's `sub`, else from the users file.
 */
export async function signInByToken(
  call: SignInCall,
  whoAmI?: (call: { http: TargetHttp; session: Session }) => Promise<Identity>,
): Promise<Session> {
  const { token, refreshToken } = call.account;
  if (token === undefined || token === '') {
    throw new TargetRefusal(
      `"token" sign-in needs an access token for "${call.account.email}", but its account has none. ` +
        'Add "token" to its entry in the users file.',
    );
  }
  const claimed = textOf(claimsOf(token), 'sub') ?? call.account.userId;
  const secrets = distinct([token, refreshToken]);
  const session = { userId: claimed ?? '', token, refreshToken, secrets };
  const identity = await identityOf(whoAmI, call.http, session);
  const userId = identity?.userId ?? claimed;
  if (userId === undefined) {
    throw new TargetRefusal(
      `"token" sign-in cannot tell whose token that of "${call.account.email}" is: the target has no ` +
        'who-am-I, and the token is no JWT with a sub. Add "userId" to its entry in the users file.',
    );
  }
  return { ...session, userId, email: identity?.email };
}

/** Asks `GET <path>` with the bearer token who the session is; reads `{id|user_id, email}` or `{user}`. */
export async function whoAmIAt(
  at: { readonly address: AddressName; readonly path: string },
  call: { readonly http: TargetHttp; readonly session: Session },
): Promise<Identity> {
  const reply = await call.http.request({
    ...at,
    method: 'GET',
    headers: bearer(call.session),
    purpose: 'whoami',
  });
  const what = `GET ${at.path}`;
  const { secrets } = call.session;
  if (reply.status !== 200) throw refusal(what, 'status 200', { reply, secrets });
  const places = [
    frameAt(reply.json, ['user']),
    frameAt(reply.json, ['data']),
    asFrame(reply.json),
  ];
  const userId = firstOf(idOf, places, ['id', 'user_id', 'sub']);
  if (userId === undefined) throw refusal(what, 'a user id', { reply, secrets });
  const email = firstOf(textOf, places, ['email']);
  return email === undefined ? { userId } : { userId, email };
}

/** The password of an account, or a refusal that says what is missing. */
export function passwordOf(account: Account, method: string): string {
  if (account.password !== undefined && account.password !== '') return account.password;
  throw new TargetRefusal(
    `"${method}" sign-in needs a password for "${account.email}", but its account has none. ` +
      'Add "password" to its entry in the users file.',
  );
}

/** The header that carries a session's access token. */
export function bearer(session: Session): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${session.token}` };
}

/** A refusal that says what was expected and quotes what came, without any credential. */
export function refusal(
  what: string,
  expected: string,
  got: { readonly reply: HttpReply; readonly secrets: readonly string[] },
): TargetRefusal {
  const { reply, secrets } = got;
  const vault = new Vault();
  for (const secret of [...secrets, ...cookieSecrets(reply)]) vault.add(secret);
  // A secret that began inside the quoted part would be cut in two and not be recognised: redact first.
  const body = vault.redact(reply.text).replaceAll(/\s+/g, ' ').trim();
  const excerpt = body.length > EXCERPT_LENGTH_MAX ? `${body.slice(0, EXCERPT_LENGTH_MAX)}…` : body;
  const came = excerpt === '' ? 'an empty body' : `the body: ${excerpt}`;
  const redirect = leadingTo(reply.status, headerOf(reply, 'location'), (text) =>
    vault.redact(text),
  );
  return new TargetRefusal(
    `"${what}" must answer with ${expected}, but answered ${reply.status}${redirect} with ${came}`,
    reply.status,
  );
}

/**
 * Cookies by which load balancers and firewalls in front of a target know a browser again: they are given to
 * whoever comes, often the same to all, and sign nobody in. (Azure, AWS, Google Cloud, Cloudflare, F5,
 * Imperva, HAProxy, Apache, Traefik, Heroku by their documentation.)
 */
export const INFRASTRUCTURE_COOKIE =
  /^(?:ARRAffinity(?:SameSite)?|AWSALB(?:TG|APP-\d)?(?:CORS)?|AWSELB(?:CORS)?|GCLB|GAESA|__cf_bm|__cflb|_cfuvid|cf_clearance|BIGipServer[^=]*|TS[0-9a-f]{6,}|visid_incap_[^=]*|incap_ses_[^=]*|nlbi_[^=]*|SERVERID|SRVNAME|ROUTEID|route|heroku-session-affinity)=/i;

/** The values of the cookies a reply sets: whoever holds them is signed in. */
export function cookieSecrets(reply: HttpReply): readonly string[] {
  const header = headerOf(reply, 'set-cookie');
  if (header === undefined) return [];
  return [...header.matchAll(/([^=;,\s]+)=([^;,\s]*)/g)]
    .filter(([, name = '']) => !COOKIE_ATTRIBUTES.has(name.toLowerCase()))
    .filter(([pair]) => !INFRASTRUCTURE_COOKIE.test(pair))
    .map(([, , value = '']) => value)
    .filter((value) => value.length >= COOKIE_SECRET_LENGTH_MIN);
}

/** The cookies a reply sets, as the `Cookie` header of the next request carries them. */
function cookiesOf(reply: HttpReply): string | undefined {
  const header = headerOf(reply, 'set-cookie');
  if (header === undefined) return undefined;
  const pairs = [...header.matchAll(/([^=;,\s]+)=([^;,\s]*)/g)].filter(
    ([, name = '']) => !COOKIE_ATTRIBUTES.has(name.toLowerCase()),
  );
  return pairs.map(([, name = '', value = '']) => `${name}=${value}`).join('; ');
}

function headerOf(reply: HttpReply, wanted: string): string | undefined {
  return Object.entries(reply.headers).find(([name]) => name.toLowerCase() === wanted)?.[1];
}

function isSuccess(reply: HttpReply): boolean {
  return reply.status === 200 || reply.status === 201;
}

async function identityOf(
  whoAmI: ((call: { http: TargetHttp; session: Session }) => Promise<Identity>) | undefined,
  http: TargetHttp,
  session: Session,
): Promise<Identity | undefined> {
  if (whoAmI === undefined) return undefined;
  try {
    return await whoAmI({ http, session });
  } catch (error) {
    // A deployment without the endpoint cannot vouch for the token; a refused token is refused.
    if (error instanceof TargetRefusal && (error.status === 404 || error.status === 405)) {
      return undefined;
    }
    throw error;
  }
}

/** Tokens are longer than ids may be. */
function longTextOf(frame: Frame | undefined, name: string): string | undefined {
  const value = fieldOf(frame, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function distinct(values: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(values.filter((value) => value !== undefined && value !== ''))].filter(
    (value) => value !== undefined,
  );
}
