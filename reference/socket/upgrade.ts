import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { SESSION_COOKIE } from '../http/auth-routes.ts';
import { bearerToken } from '../http/caller.ts';
import type { Origin, Session } from '../model.ts';
import { Refusal } from '../refusal.ts';
import type { World } from '../world.ts';

/** Who wants a socket, once the service let them in. */
export interface Admitted {
  readonly session: Session;
  /** The `?key=` of the address, by which a client names its connection. */
  readonly key: string | null;
}

/** What an accepted upgrade is handed to. */
export type OnSocket = (socket: WebSocket, admitted: Admitted) => void;

const FRAME_BYTES_MAX = 1_024 * 1_024;

/** The name that the server selects; the one that holds the token is never sent back. */
const PLAIN_PROTOCOLS = ['jwt-auth', 'jwt', 'bearer'];
// The part between prefix and token is an environment name, which newer clients put there.
const TOKEN_PROTOCOL = /^(?:jwt|jwt-auth|bearer)\.(?:[a-z]+\.)?([\w-]+\.[\w-]+\.[\w-]*)$/;
const SESSION_COOKIE_VALUE = new RegExp(`(?:^|;\\s*)${SESSION_COOKIE}=([^;\\s]+)`);

/**
 * Makes the handler of `upgrade` requests. It lets a socket in at `/ws` with a token as sub-protocol
 * `jwt.<token>`, an `Authorization` header, a `?ticket=`, or the cookie of the page's own origin, looked
 * for in this order; whatever is found first decides. All else is answered 401 (404 at another path).
 */
export function createUpgradeHandler(
  world: World,
  onSocket: OnSocket,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: FRAME_BYTES_MAX,
    handleProtocols: (offered) => PLAIN_PROTOCOLS.find((name) => offered.has(name)) ?? false,
  });
  return (request, socket, head) => {
    // A client may hang up while its token is being checked.
    const hangUp = (): void => void socket.destroy();
    socket.on('error', hangUp);
    void admit(world, request)
      .then((session) => {
        socket.off('error', hangUp);
        const key = addressOf(request).searchParams.get('key');
        return server.handleUpgrade(request, socket, head, (opened) =>
          onSocket(opened, { session, key }),
        );
      })
      .catch((error: unknown) => refuse(socket, error));
  };
}

/** Lets in or throws a `Refusal`; resolves when the handshake may be answered. */
async function admit(world: World, request: IncomingMessage): Promise<Session> {
  const session = await authenticate(world, request);
  const delays = world.hooks.upgradeDelays(session);
  if (delays.length === 0) return session;
  for (const { fault, owner, how } of delays.flatMap(({ deviations }) => deviations)) {
    const observer = session.signedIn.email;
    world.truth.write({ fault, observer, owner, run: null, event: null, how });
  }
  const milliseconds = delays.reduce((sum, delay) => sum + delay.milliseconds, 0);
  await new Promise<void>((resolve) => world.clock.after(milliseconds, resolve));
  return session;
}

async function authenticate(world: World, request: IncomingMessage): Promise<Session> {
  const url = addressOf(request);
  if (url.pathname !== '/ws') throw new Refusal(404, 'Not found');
  const from = originOf(request);
  const token = protocolToken(request) ?? bearerToken(request.headers.authorization);
  if (token !== null) return world.sessions.accept(token, from);
  const ticket = url.searchParams.get('ticket');
  if (ticket !== null) {
    const redeemed = world.tickets.redeem(ticket, (session) => isReused(world, session));
    return world.sessions.renew(redeemed, from);
  }
  const cookie = cookieToken(request);
  if (cookie === null) return withoutToken(world);
  const session = await world.sessions.accept(cookie, from);
  // A browser sends the cookie along for any page, so only the page's own origin may use it.
  const { origin, host } = request.headers;
  if (origin !== `http://${host}`) admitForeignOrigin(world, session);
  return session;
}

/** True if a fault lets a ticket that was used up work once more; the ground truth then says so. */
function isReused(world: World, session: Session): boolean {
  const deviation = world.hooks.usedTicket(session);
  if (deviation === null) return false;
  const { fault, owner, how } = deviation;
  const observer = session.signedIn.email;
  world.truth.write({ fault, observer, owner, run: null, event: null, how });
  return true;
}

function withoutToken(world: World): Session {
  const user = world.hooks.withoutToken();
  if (user === null) throw new Refusal(401, 'Missing token');
  return { signedIn: user, user, sessionId: 'none' };
}

function admitForeignOrigin(world: World, session: Session): void {
  const deviation = world.hooks.foreignOrigin(session);
  if (deviation === null) throw new Refusal(401, 'Foreign origin');
  const { fault, owner, how } = deviation;
  const observer = session.signedIn.email;
  world.truth.write({ fault, observer, owner, run: null, event: null, how });
}

function addressOf(request: IncomingMessage): URL {
  return new URL(request.url ?? '/', 'http://target.invalid');
}

function protocolToken(request: IncomingMessage): string | null {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',');
  for (const name of offered) {
    const token = TOKEN_PROTOCOL.exec(name.trim())?.[1];
    if (token !== undefined) return token;
  }
  return null;
}

function cookieToken(request: IncomingMessage): string | null {
  return SESSION_COOKIE_VALUE.exec(request.headers.cookie ?? '')?.[1] ?? null;
}

function originOf(request: IncomingMessage): Origin {
  return {
    address: request.socket.remoteAddress ?? '',
    userAgent: request.headers['user-agent'] ?? '',
  };
}

function refuse(socket: Duplex, error: unknown): void {
  const status = error instanceof Refusal ? error.statusCode : 500;
  const body = JSON.stringify({
    detail: error instanceof Refusal ? error.message : 'Internal error',
  });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'Connection: close',
      'Content-Type: application/json',
      ...(status === 401 ? ['WWW-Authenticate: Bearer'] : []),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
}
