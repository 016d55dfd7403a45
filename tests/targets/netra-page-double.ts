import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import { WebSocketServer, type WebSocket } from 'ws';
import { fieldsOf, listening, type Closers, type Line } from '../clients/lab.ts';
import { jwt } from './fake-http.ts';

/** What the double does differently from a healthy Netra. */
export interface NetraBehaviour {
  /** Ends every run with the five events and no `final_report`: then the page draws no answer. */
  readonly withoutReport?: boolean;
  /** Closes the socket in the middle of every run; the page opens no other. */
  readonly closesInRun?: boolean;
  /** Development build: a page without a token signs itself in as `dev@example.com`. */
  readonly development?: boolean;
}

interface Reply {
  readonly status: number;
  readonly json: unknown;
}

interface Person {
  readonly id: string;
  readonly email: string;
  readonly name: string;
}

/** The double, and what its page was seen to do. */
export interface NetraDouble {
  readonly url: string;
  /** Sub-protocols that sockets offered, one entry a socket; the page offers none. */
  readonly offered: string[];
  /** Frames that pages sent, in the order they came. */
  readonly frames: Line[];
}

const EVENTS_EVERY_MS = 80;

/**
 * A small double of Netra's front end and its back end (NETRA-WIRE §2.1, §4.1, §6, §11): tokens in
 * localStorage, a start-up screen of 3 s, a ticket socket without sub-protocol, `start_agent` for every
 * question, and a composer that only `final_report` or `error` unlocks.
 */
export async function netraDouble(
  closers: Closers,
  behaviour: NetraBehaviour = {},
): Promise<NetraDouble> {
  const service = new Service(behaviour);
  const server = createServer((request, response) => void service.answer(request, response));
  const sockets = new WebSocketServer({ noServer: true });
  const offered: string[] = [];
  server.on('upgrade', (request, socket, head) => {
    const person = service.redeem(new URL(request.url ?? '/', 'http://double').searchParams);
    if (person === undefined) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    offered.push(request.headers['sec-websocket-protocol'] ?? '');
    sockets.handleUpgrade(request, socket, head, (open) => service.greet(open, person));
  });
  const url = await listening(closers, server, sockets);
  return { url, offered, frames: service.frames };
}

class Service {
  readonly frames: Line[] = [];
  readonly #behaviour: NetraBehaviour;
  readonly #people = new Map<string, Person>();
  readonly #tickets = new Map<string, Person>();
  /** Thread id to its owner's id. */
  readonly #threads = new Map<string, string>();

  constructor(behaviour: NetraBehaviour) {
    this.#behaviour = behaviour;
    this.#signIn({ email: 'dev@example.com', name: 'Dev User' });
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://double');
    const what = `${request.method} ${pathname}`;
    if (request.method === 'GET' && ['/login', '/chat'].includes(pathname)) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
      response.end(pageText(pathname, this.#behaviour));
      return;
    }
    const body = fieldsOf(await jsonBody(request));
    const reply = this.#reply(what, body, this.#bearer(request));
    response.writeHead(reply.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(reply.json));
  }

  redeem(parameters: URLSearchParams): Person | undefined {
    const ticket = parameters.get('ticket') ?? '';
    const person = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    return person;
  }

  greet(socket: WebSocket, person: Person): void {
    socket.send(
      JSON.stringify({
        type: 'connection_established',
        data: {
          mode: 'main',
          user_id: `${person.id.slice(0, 8)}...`,
          connection_id: `main_${randomUUID().slice(0, 8)}`,
        },
      }),
    );
    socket.on('message', (data: Buffer) => {
      const frame = fieldsOf(JSON.parse(data.toString()));
      this.frames.push(frame);
      if (frame['type'] === 'start_agent') this.#run(socket, person, fieldsOf(frame['payload']));
    });
  }

  #reply(what: string, body: Line, person: Person | undefined): Reply {
    if (what === 'POST /auth/register') return { status: 201, json: this.#signIn(body) };
    if (what === 'POST /auth/dev/login') return okay(this.#signIn({ email: 'dev@example.com' }));
    if (/^GET .*health/.test(what)) return okay({ status: 'ok' });
    if (person === undefined) return { status: 401, json: { detail: 'Not signed in' } };
    if (/^GET \/api\/threads\/[^/]+\/messages$/.test(what)) return okay({ messages: [] });
    return this.#signedIn(what, person);
  }

  #signedIn(what: string, person: Person): Reply {
    switch (what) {
      case 'GET /auth/me':
        return okay(person);
      case 'POST /auth/logout':
        return okay({ message: 'Logged out', status: 'success' });
      case 'GET /api/threads':
        return okay([...this.#threads].filter(([, owner]) => owner === person.id));
      case 'POST /api/threads': {
        const id = `thread_${randomUUID()}`;
        this.#threads.set(id, person.id);
        return okay({ id });
      }
      case 'POST /api/websocket/ticket': {
        const ticket_id = randomUUID();
        this.#tickets.set(ticket_id, person);
        return okay({ ticket_id });
      }
      default:
        return { status: 404, json: { detail: 'Not found' } };
    }
  }

  #signIn(body: Line): unknown {
    const email = String(body['email']);
    const known = [...this.#people.values()].find((person) => person.email === email);
    const person = known ?? { id: randomUUID(), email, name: String(body['name']) };
    const claims = { sub: person.id, email, jti: randomUUID() };
    const access_token = jwt({ ...claims, token_type: 'access' });
    this.#people.set(access_token, person);
    return { access_token, refresh_token: jwt({ ...claims, token_type: 'refresh' }), user: person };
  }

  #bearer(request: IncomingMessage): Person | undefined {
    return this.#people.get((request.headers.authorization ?? '').replace('Bearer ', ''));
  }

  #run(socket: WebSocket, person: Person, payload: Line): void {
    const run_id = `run_${randomUUID()}`;
    const { thread_id } = payload;
    const answer = `You asked: ${String(payload['user_request'])}`;
    const ids = { user_id: person.id, thread_id, run_id };
    const tool = { tool_name: 'lookup' };
    const frames: (readonly [string, object])[] = [
      ['agent_started', { agent_name: 'supervisor' }],
      ['agent_thinking', { agent_name: 'supervisor', thought: 'Looking it up.' }],
      ['tool_executing', tool],
      ['tool_completed', { ...tool, result: 'found' }],
      ['agent_completed', { agent_name: 'supervisor', response: answer }],
      ...(this.#behaviour.withoutReport === true
        ? []
        : ([['final_report', { executive_summary: answer }]] as const)),
    ];
    if (this.#behaviour.closesInRun === true) {
      socket.close(1011);
      return;
    }
    frames.forEach(([type, content], at) => {
      setTimeout(
        () => socket.send(JSON.stringify({ type, payload: { ...ids, ...content } })),
        EVENTS_EVERY_MS * (at + 1),
      );
    });
  }
}

function okay(json: unknown): Reply {
  return { status: 200, json };
}

async function jsonBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : JSON.parse(text);
}

function pageText(path: string, { development = false }: NetraBehaviour): string {
  const body =
    path === '/login'
      ? `<h1>Netra</h1><button>${development ? 'Login with Custom Credentials' : 'Access Beta'}</button>`
      : CHAT_BODY;
  const script = path === '/login' ? (development ? DEVELOPMENT_SCRIPT : '') : CHAT_SCRIPT;
  return `<!doctype html><title>Netra</title><body>${body}<script>${script}</script></body>`;
}

const CHAT_BODY = `
  <header><span data-testid="user-email"></span>
    <button data-testid="logout-button">Logout</button></header>
  <div data-testid="loading">Loading chat...</div>
  <div data-testid="main-chat" hidden>
    <div data-testid="main-content"></div>
    <div data-testid="agent-processing" hidden>Processing your request...</div>
    <textarea data-testid="message-textarea" aria-label="Message input" disabled></textarea>
    <button data-testid="send-button" aria-label="Send message">Send</button>
  </div>`;

const DEVELOPMENT_SCRIPT = `
  if (localStorage.dev_logout_flag !== 'true')
    fetch('/auth/dev/login', { method: 'POST', body: '{}' }).then((r) => r.json()).then((pair) => {
      localStorage.jwt_token = pair.access_token;
      location.assign('/chat');
    });`;

/** Plain script in the manner of the observed page; the start-up wait is as long as the real one. */
const CHAT_SCRIPT = `
  const at = (id) => document.querySelector('[data-testid=' + id + ']');
  const api = (method, path, body) => fetch(path, {
    method,
    headers: { authorization: 'Bearer ' + localStorage.jwt_token },
    ...(body && { body: JSON.stringify(body) }),
  }).then((r) => r.json());
  const state = JSON.parse(localStorage.chat_state_persistence ?? '{"activeThreadId":null,"messages":[]}');
  const card = (who, text) => {
    const article = document.createElement('div');
    article.setAttribute('role', 'article');
    article.innerText = who + '\\n' + text;
    at('main-content').append(article);
  };
  const keep = () => { localStorage.chat_state_persistence = JSON.stringify(state); };
  const lock = (on) => { at('message-textarea').disabled = on; at('agent-processing').hidden = !on; };
  let socket;
  async function start() {
    if (!localStorage.jwt_token) return location.assign('/login');
    const me = await api('GET', '/auth/me');
    at('user-email').textContent = me.name;
    for (const { who, text } of state.messages) card(who, text);
    const { ticket_id } = await api('POST', '/api/websocket/ticket', {});
    socket = new WebSocket('ws://' + location.host + '/ws?ticket=' + ticket_id);
    socket.onopen = () => {
      if (state.activeThreadId) send('session_restore', { threadId: state.activeThreadId });
    };
    socket.onmessage = ({ data }) => take(JSON.parse(data));
    setTimeout(() => { at('loading').hidden = true; at('main-chat').hidden = false; lock(false); }, 3000);
  }
  function take({ type, payload }) {
    if (type === 'agent_started') card('Netra Agent', '🚀 Starting ' + payload.agent_name + '...');
    if (type === 'agent_thinking') card('Netra Agent', '🤔 ' + payload.agent_name + ': ' + payload.thought);
    if (type === 'agent_completed') card('Netra Agent', '✅ ' + payload.agent_name + ' completed in 1s');
    if (type !== 'final_report') return;
    card('Netra Agent', payload.executive_summary);
    state.messages.push({ who: 'Netra Agent', text: payload.executive_summary });
    keep();
    lock(false);
  }
  const send = (type, payload) => socket.send(JSON.stringify({ type, payload }));
  at('send-button').onclick = async () => {
    const user_request = at('message-textarea').value;
    lock(true);
    card('You', user_request);
    state.activeThreadId ??= (await api('POST', '/api/threads', { title: user_request })).id;
    keep();
    send('start_agent', { user_request, thread_id: state.activeThreadId, context: {}, settings: {} });
  };
  at('logout-button').onclick = async () => {
    // The token is gone before the back end is told, and what was said stays where it is.
    localStorage.removeItem('jwt_token');
    localStorage.removeItem('refresh_token');
    await api('POST', '/auth/logout');
    location.assign('/login');
  };
  start();`;
