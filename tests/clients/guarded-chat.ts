import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { decodeJwt, jwtVerify, SignJWT } from 'jose';
import { WebSocketServer, type WebSocket } from 'ws';
import type { DecodedFrame, Session, Target } from '../../targets/target.ts';
import { fieldsOf, listening, tinyTarget, type Closers } from './lab.ts';

/** What a chat does with what it must refuse. */
export interface Guard {
  /** Signature and expiry of tokens, and that there is one. */
  readonly tokens: 'checked' | 'believed';
  /** Where a page comes from whose cookie signs in. */
  readonly origins: 'checked' | 'ignored';
  /** Whose threads and runs ids name; `broken`: it fails at that. */
  readonly owners: 'checked' | 'ignored' | 'broken';
  /** How it says over HTTP that something is not for whoever asks; absent: by a status. */
  readonly refuses?: keyof typeof REFUSALS;
  /** What comes of the deletion of what is not one's own; absent: nothing. */
  readonly deletions?: 'refused and done' | 'agreed and not done';
}

/** Refusals, as a status and a body. */
const REFUSALS = {
  'by a status': [403, '{}'],
  'in words': [200, '{"success":false,"error":"Not yours."}'],
  'with nothing': [200, '{"messages":[],"total":0}'],
  'as too busy': [429, '{}'],
} as const;

export const STRICT: Guard = { tokens: 'checked', origins: 'checked', owners: 'checked' };
export const LENIENT: Guard = { tokens: 'believed', origins: 'ignored', owners: 'ignored' };

const KEY = new TextEncoder().encode('a key of thirty-two bytes at least');
const NOBODY = 'id-of-nobody';

/** A server on loopback, and what it knows. */
interface Chat {
  readonly url: string;
  /** Completes every run that is under way. */
  finishRuns(): void;
}

/** A literal chat: threads by user, runs by asker, both given out to whoever the guard lets. */
export async function guardedChat(closers: Closers, guard: Guard): Promise<Chat> {
  const house = new House(guard);
  const server = createServer((request, response) => void house.answer(request, response));
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    void house.visitor(request).then((user) => {
      if (user === undefined) socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n');
      else sockets.handleUpgrade(request, socket, head, (guest) => house.welcome(guest, user));
    });
  });
  const url = await listening(closers, server, sockets);
  return { url, finishRuns: () => house.finishRuns() };
}

class House {
  readonly #guard: Guard;
  readonly #guests = new Map<WebSocket, string>();
  readonly #askers = new Map<string, string>();
  readonly #deleted = new Set<string>();
  /** Tickets that were not used so far, and whom they let in. */
  readonly #tickets = new Map<string, string>();

  constructor(guard: Guard) {
    this.#guard = guard;
  }

  /** Whom an upgrade signs in; undefined: nobody. */
  async visitor({ headers, url }: IncomingMessage): Promise<string | undefined> {
    const ticket = /ticket=([^&]+)/.exec(url ?? '')?.[1];
    if (ticket !== undefined) return this.#redeemed(ticket);
    const cookie = /session=([^;]+)/.exec(headers.cookie ?? '')?.[1];
    const own = `http://${headers.host}`;
    if (cookie !== undefined && headers.origin !== own && this.#guard.origins === 'checked')
      return undefined;
    return this.#userOf(cookie ?? headers['sec-websocket-protocol']);
  }

  welcome(guest: WebSocket, user: string): void {
    this.#guests.set(guest, user);
    guest.on('message', (data: Buffer) => this.#said(guest, user, data.toString('utf8')));
    guest.on('close', () => this.#guests.delete(guest));
    guest.send(JSON.stringify({ type: 'hello', user_id: user, thread_id: threadOf(user) }));
  }

  #redeemed(ticket: string): string | undefined {
    const user = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    return user;
  }

  /** A ticket that opens one socket, for whoever the cookie signs in. */
  async #ticket({ headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const user = await this.#userOf(/session=([^;]+)/.exec(headers.cookie ?? '')?.[1]);
    const ticket = `ticket-${this.#tickets.size}-of-${user}`;
    if (user !== undefined) this.#tickets.set(ticket, user);
    response.writeHead(user === undefined ? 401 : 200, { 'content-type': 'application/json' });
    response.end(user === undefined ? '{}' : JSON.stringify({ ticket }));
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/ticket') {
      await this.#ticket(request, response);
      return;
    }
    const user = await this.#userOf(request.headers.authorization?.slice('Bearer '.length));
    const thread = request.url?.slice('/threads/'.length) ?? '';
    const mine = thread === threadOf(user ?? NOBODY);
    const isDone =
      request.method === 'DELETE' ? this.#delete(thread, mine) : this.#has(thread, mine);
    const [status, body] = isDone
      ? [200, JSON.stringify({ of: thread.slice(threadOf('').length) })]
      : this.#refusal();
    response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' });
    response.end(body);
  }

  #has(thread: string, mine: boolean): boolean {
    return (mine || this.#guard.owners === 'ignored') && !this.#deleted.has(thread);
  }

  #delete(thread: string, mine: boolean): boolean {
    const { deletions } = this.#guard;
    if (mine || deletions === 'refused and done') this.#deleted.add(thread);
    return mine || deletions === 'agreed and not done';
  }

  #refusal(): readonly [status: number, body: string] {
    const { owners, refuses = 'by a status' } = this.#guard;
    return owners === 'broken' ? [500, '{}'] : REFUSALS[refuses];
  }

  finishRuns(): void {
    for (const run of this.#askers.keys()) this.#tell(run, 'agent_completed');
  }

  async #userOf(token: string | undefined): Promise<string | undefined> {
    if (this.#guard.tokens === 'believed')
      return token === undefined ? NOBODY : (decodeJwt(token).sub ?? NOBODY);
    try {
      return (await jwtVerify(token ?? '', KEY)).payload.sub;
    } catch {
      return undefined; // A refusal is all that it answers.
    }
  }

  #said(guest: WebSocket, user: string, text: string): void {
    const { type, run_id: run, thread_id: thread } = fieldsOf(JSON.parse(text));
    const owner = type === 'ask' ? thread : threadOf(this.#askers.get(String(run)) ?? '');
    if (owner !== threadOf(user) && this.#guard.owners !== 'ignored') {
      if (this.#guard.owners === 'checked') guest.send('{"type":"error"}');
      return;
    }
    if (type === 'ask') this.#askers.set(String(run), user);
    this.#tell(String(run), type === 'ask' ? 'agent_started' : 'agent_stopped');
  }

  /** Everything of a run goes to its asker alone. */
  #tell(run: string, type: string): void {
    const asker = this.#askers.get(run);
    for (const [guest, user] of this.#guests)
      if (user === asker)
        guest.send(JSON.stringify({ type, run_id: run, thread_id: threadOf(user), user_id: user }));
  }
}

function threadOf(user: string): string {
  return `thread-0a1b-of-${user}`;
}

/** The profile of that chat. Tokens are signed here: what signs in needs no request. */
export function guardedTarget(): Target {
  return tinyTarget({
    signIn: { register: ({ account }) => sessionOf(account.email, 600) },
    socket: {
      open: async (session, addresses) => ({
        url: addresses.socket,
        protocols: [session.token],
        headers: {},
      }),
      handshake: () => ({
        receive: (frame, { event }) =>
          event === 'hello'
            ? { state: 'ready', ids: { thread: textIn(frame, 'thread_id') } }
            : { state: 'waiting' },
      }),
      ask: ({ run, thread, content }) => ({
        frame: { type: 'ask', run_id: run, thread_id: thread, content },
        run,
      }),
      decode: decodeFrame,
      pingEveryMs: null,
    },
    probes: {
      http: [
        {
          verb: 'GET /threads/{id}',
          needs: 'thread',
          request: ({ thread = '' }, session) => ({
            address: 'api',
            method: 'GET',
            path: `/threads/${thread}`,
            headers: { authorization: `Bearer ${session.token}` },
          }),
        },
        {
          verb: 'DELETE /threads/{id}',
          needs: 'thread',
          deletes: true,
          request: ({ thread = '' }, session) => ({
            address: 'api',
            method: 'DELETE',
            path: `/threads/${thread}`,
            headers: { authorization: `Bearer ${session.token}` },
          }),
        },
      ],
      socket: [
        {
          verb: 'ask',
          needs: 'thread',
          frame: ({ thread }, { content, run }) => ({
            type: 'ask',
            thread_id: thread,
            run_id: run,
            content,
          }),
          accepted: ['agent_started', 'agent_completed'],
        },
        {
          verb: 'stop',
          needs: 'run',
          frame: ({ run }) => ({ type: 'stop', run_id: run }),
          accepted: ['agent_stopped'],
        },
      ],
      cookieOpen: ({ token }, addresses) => ({
        url: addresses.socket,
        protocols: [],
        headers: { cookie: `session=${token}` },
      }),
      shortLived: ({ account }, seconds) => sessionOf(account.email, seconds),
    },
  });
}

/** The same, where a cookie signs in and each socket is opened by a ticket fetched with it. */
export function ticketTarget(): Target {
  const target = guardedTarget();
  return tinyTarget({
    signIn: {
      register: async ({ account }) => {
        const session = await sessionOf(account.email, 600);
        return { ...session, cookies: `session=${session.token}` };
      },
    },
    socket: {
      ...target.socket,
      open: async ({ cookies = '' }, { socket }, http) => {
        const reply = await http.request({
          address: 'api',
          method: 'POST',
          path: '/ticket',
          headers: { cookie: cookies },
          purpose: 'api',
        });
        const ticket = textIn(reply.json, 'ticket');
        // What many a profile comes to that takes a reply for granted.
        if (ticket === undefined) throw new TypeError('ticket is undefined');
        return {
          url: `${socket}?ticket=${ticket}`,
          protocols: [],
          headers: {},
          secrets: [ticket],
        };
      },
    },
    probes: { http: [], socket: [] },
  });
}

async function sessionOf(email: string, seconds: number): Promise<Session> {
  const userId = `id-${email.slice(0, email.indexOf('@'))}`;
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime(`${seconds}s`)
    .sign(KEY);
  return { userId, token, secrets: [token] };
}

function textIn(frame: unknown, name: string): string | undefined {
  const value = fieldsOf(frame)[name];
  return typeof value === 'string' ? value : undefined;
}

function decodeFrame(frame: unknown): DecodedFrame {
  const event = textIn(frame, 'type');
  return {
    role: event === 'hello' ? 'handshake' : event === 'error' ? 'error' : 'agent',
    event,
    owner: textIn(frame, 'user_id'),
    run: textIn(frame, 'run_id'),
    thread: textIn(frame, 'thread_id'),
  };
}
