import type { HttpReply, HttpRequest, Session, TargetHttp } from '../../targets/target.ts';

/** A scripted target: answers `METHOD /path` from a table and remembers what it was asked. */
export interface FakeHttp extends TargetHttp {
  readonly requests: readonly HttpRequest[];
}

export interface FakeReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
}

export function fakeHttp(replies: Readonly<Record<string, FakeReply>>): FakeHttp {
  const requests: HttpRequest[] = [];
  return {
    requests,
    async request(request) {
      requests.push(request);
      return replyOf(replies[`${request.method} ${request.path}`] ?? { status: 404 });
    },
  };
}

export function replyOf({ status = 200, headers = {}, json, text }: FakeReply): HttpReply {
  return { status, headers, json, text: text ?? (json === undefined ? '' : JSON.stringify(json)) };
}

/** A session of the user with this id. */
export function sessionOf(userId: string): Session {
  return { userId, token: 'token-of-the-session', secrets: ['token-of-the-session'] };
}

/** An unsigned JWT with these claims: nothing in the harness verifies one. */
export function jwt(claims: Readonly<Record<string, unknown>>): string {
  return `${encoded({ alg: 'HS256' })}.${encoded(claims)}.c2lnbmF0dXJl`;
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
