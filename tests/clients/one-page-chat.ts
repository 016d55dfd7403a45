import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { WebSocketServer, type WebSocket } from 'ws';
import { asFrame, idOf, textOf } from '../../targets/frames.ts';
import type { Target } from '../../targets/target.ts';
import { fieldsOf, listening, tinyTarget, type Closers } from './lab.ts';

/** What of a former user such a page holds on to. */
export type Kept =
  | 'nothing'
  /** The last answer, in a variable: it is drawn for whoever signs in next. */
  | 'answer'
  /** The socket, on which the former user's events go on to come. */
  | 'socket'
  /** The socket as well, but it is made the next user's before anything comes on it: this is legal. */
  | 'line';

function pageOf(kept: Kept): string {
  return `<!doctype html><form><input name=email><input name=password type=password><button>Sign in</button></form>
<main hidden><p id=who></p><div id=log></div><textarea></textarea><button id=send>Send</button>
<button id=out>Sign out</button></main>
<script>
const [form] = document.forms, main = document.querySelector('main'), area = document.querySelector('textarea');
let answer, socket;
const show = (text) => {
  log.append(Object.assign(document.createElement('article'), { textContent: text }));
};
function received({ data }) {
  const { type, response, user_id } = JSON.parse(data);
  if (type !== 'agent_completed' || user_id !== localStorage.user) return;
  if (response !== undefined) show(answer = response);
}
function enter() {
  form.hidden = true;
  main.hidden = false;
  who.textContent = localStorage.email;
  if (${kept === 'answer'} && answer !== undefined) show('Earlier: ' + answer);
  if (socket !== undefined) socket.send(JSON.stringify({ type: 'enter', token: localStorage.token }));
  else {
    socket = new WebSocket('ws://' + location.host + '/?' + localStorage.token);
    socket.onmessage = received;
  }
}
form.onsubmit = async (event) => {
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(form)));
  form.reset();
  Object.assign(localStorage, await (await fetch('/enter', { method: 'POST', body })).json());
  enter();
};
send.onclick = () => {
  socket.send(JSON.stringify({ type: 'ask', run_id: crypto.randomUUID(), content: area.value }));
  area.value = '';
  history.replaceState(null, '', '/of/' + localStorage.user);
};
out.onclick = async () => {
  await fetch('/leave', { method: 'POST', body: localStorage.token });
  localStorage.clear();
  log.replaceChildren();
  who.textContent = '';
  if (${!['socket', 'line'].includes(kept)}) socket.close();
  if (${kept !== 'line'}) socket = undefined;
  history.replaceState(null, '', '/');
  main.hidden = true;
  form.hidden = false;
};
</script>`;
}

/** A chat of one page, on which one signs out and another signs in without loading it anew. */
export async function onePageChat(closers: Closers, kept: Kept): Promise<string> {
  const house = new House(kept);
  const server = createServer((request, response) => void house.answer(request, response));
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const token = request.url?.slice(2) ?? '';
    if (house.knows(token))
      sockets.handleUpgrade(request, socket, head, (guest) => house.welcome(guest, token));
    else socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n');
  });
  return listening(closers, server, sockets);
}

const HANDSHAKE = '{"type":"hello"}';

class House {
  readonly #kept: Kept;
  readonly #users = new Map<string, string>();
  readonly #guests = new Map<WebSocket, string>();

  constructor(kept: Kept) {
    this.#kept = kept;
  }

  knows(token: string): boolean {
    return this.#users.has(token);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (request.url === '/leave') {
      this.#users.delete(body);
      response.end('{}');
    } else if (request.url === '/enter') {
      const email = String(fieldsOf(JSON.parse(body))['email']);
      const user = `id-of-${email.replaceAll(/\W/g, '-')}`;
      const token = `token-of-${user}-${this.#users.size}`;
      this.#users.set(token, user);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ email, user, token }));
    } else response.writeHead(200, { 'content-type': 'text/html' }).end(pageOf(this.#kept));
  }

  welcome(guest: WebSocket, token: string): void {
    const enter = (user: string): void => {
      this.#guests.set(guest, user);
      guest.send(HANDSHAKE);
    };
    enter(this.#users.get(token) ?? '');
    guest.on('close', () => this.#guests.delete(guest));
    guest.on('message', (data: Buffer) => {
      const { type, token: another, ...asked } = fieldsOf(JSON.parse(data.toString('utf8')));
      if (type === 'enter') enter(this.#users.get(String(another)) ?? '');
      else this.#run(guest, asked);
    });
  }

  #run(
    guest: WebSocket,
    { run_id, content }: { readonly run_id?: unknown; readonly content?: unknown },
  ): void {
    const user = this.#guests.get(guest) ?? '';
    const tell = (type: string, more: object = {}): void =>
      guest.send(JSON.stringify({ type, user_id: user, run_id, ...more }));
    tell('agent_started');
    tell('agent_thinking', { text: `Looking for ${String(content)}` });
    tell('tool_executing', { tool: 'search' });
    tell('tool_completed', { tool: 'search' });
    tell('agent_completed', { response: `${String(content)}: done` });
    // What belongs to others comes to whoever still listens as one of them.
    for (const [other, owner] of this.#guests)
      if (other !== guest) other.send(JSON.stringify({ type: 'agent_thinking', user_id: owner }));
  }
}

/** The profile of that chat. @param quietMsMin silence that a trial ends with. */
export function onePageTarget(quietMsMin: number): Target {
  const tiny = tinyTarget();
  const limits = { ...tiny.judging.limits, quietMsMin, quietMsMax: 5_000 };
  const target = tinyTarget({
    socket: {
      ...tiny.socket,
      open: ({ token }, addresses) =>
        Promise.resolve({ url: `${addresses.socket}?${token}`, protocols: [], headers: {} }),
    },
    page: {
      signIn: {
        forms: {
          register: {
            path: '/',
            email: '[name=email]',
            password: '[name=password]',
            submit: 'form button',
          },
        },
        session: ({ token, user, email }) =>
          token === undefined || user === undefined
            ? undefined
            : { userId: user, token, email, secrets: [token] },
      },
      chatPath: '/',
      ready: 'textarea',
      readyMsMax: 10_000,
      signedInUser: '#who',
      composer: 'textarea',
      send: '#send',
      answer: 'article',
      signOut: { press: '#out', done: '[name=email]' },
      asked: (frame) =>
        textOf(asFrame(frame), 'type') === 'ask'
          ? { run: idOf(asFrame(frame), 'run_id') }
          : undefined,
    },
  });
  return { ...target, judging: { ...target.judging, limits } };
}
