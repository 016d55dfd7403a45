import type { HttpRequest, Session, SocketRequest } from '../targets/target.ts';

/**
 * The request with everything removed that carries the session's token: what somebody without any
 * credential would send.
 */
export function withoutToken(request: SocketRequest, session: Session): SocketRequest {
  const holds = (text: string): boolean => text.includes(session.token);
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

/** An HTTP request without the headers that carry the session's token. */
export function withoutTokenHeaders<Request extends Pick<HttpRequest, 'headers'>>(
  request: Request,
  session: Session,
): Request {
  const headers = Object.entries(request.headers ?? {});
  const kept = headers.filter(([, value]) => !value.includes(session.token));
  return { ...request, headers: Object.fromEntries(kept) };
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
