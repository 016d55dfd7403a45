import type { HttpRequest, Session, SocketRequest } from '../targets/target.ts';

/**
 * The request with everything removed that signs its session in (the token, a cookie, a ticket that was fetched
 * for it): what somebody without any credential would send.
 */
export function withoutToken(request: SocketRequest, session: Session): SocketRequest {
  const holds = holderOf([...secretsOf(session), ...(request.secrets ?? [])]);
  const url = new URL(request.url);
  const kept = [...url.searchParams].filter(([, value]) => !holds(value));
  url.search = new URLSearchParams(kept).toString();
  return {
    url: url.href,
    protocols: request.protocols.filter((protocol) => !holds(protocol)),
    headers: Object.fromEntries(
      Object.entries(request.headers).filter(([, value]) => !holds(value)),
    ),
  };
}

/** An HTTP request without the headers that carry something that signs its session in. */
export function withoutTokenHeaders<Request extends Pick<HttpRequest, 'headers'>>(
  request: Request,
  session: Session,
): Request {
  const holds = holderOf(secretsOf(session));
  const headers = Object.entries(request.headers ?? {});
  return { ...request, headers: Object.fromEntries(headers.filter(([, value]) => !holds(value))) };
}

/** The session with another token, also where it is a cookie's value: cookies alone may sign it in. */
export function sessionWith(token: string, session: Session): Session {
  const { token: old, cookies } = session;
  if (cookies === undefined || old === '') return { ...session, token };
  const forged = cookies
    .replaceAll(old, token)
    .replaceAll(encodeURIComponent(old), encodeURIComponent(token));
  return { ...session, token, cookies: forged };
}

function secretsOf({ token, refreshToken, secrets }: Session): readonly string[] {
  return [token, refreshToken ?? '', ...secrets];
}

/** Tells whether a text holds any of these, as it is or as addresses and cookies spell it. */
function holderOf(secrets: readonly string[]): (text: string) => boolean {
  const spelt = secrets
    .filter((secret) => secret !== '')
    .flatMap((secret) => [secret, encodeURIComponent(secret)]);
  return (text) => spelt.some((secret) => text.includes(secret));
}

/** A JWT that claims the same but says that it is not signed (`alg: none`); undefined for other tokens. */
function unsignedToken(token: string): string | undefined {
  const [header, claims] = token.split('.');
  const algorithm = decoded(header);
  if (claims === undefined || algorithm === undefined) return undefined;
  return `${encoded({ ...algorithm, alg: 'none' })}.${claims}.`;
}

/** The token with one character of its signature changed; undefined where there is no signature. */
function tamperedToken(token: string): string | undefined {
  const at = token.lastIndexOf('.') + 1;
  if (at === 0 || at >= token.length) return undefined;
  // The first character of a signature is all bits; the last one may be padding.
  const other = token[at] === 'A' ? 'B' : 'A';
  return token.slice(0, at) + other + token.slice(at + 1);
}

/** Tokens that a target must refuse, by what is wrong with them; undefined where none can be made. */
export const FORGERIES = [
  { source: 'unsigned token', forge: unsignedToken },
  { source: 'tampered token', forge: tamperedToken },
] as const;

function decoded(part: string | undefined): object | undefined {
  if (part === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined; // Not a JWT: there is nothing to unsign.
  }
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
