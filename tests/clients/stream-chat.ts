import type { ServerResponse } from 'node:http';
import { frameAt, idOf, textOf, asFrame } from '../../targets/frames.ts';
import { defineTarget } from '../../targets/define-target.ts';
import type { Target } from '../../targets/target.ts';
import { httpServer, type Closers } from './lab.ts';

/** How answers come: in the reply to the question, or in a stream of their own that stays open. */
export type StreamKind = 'reply' | 'source';

/** One question, and how to answer it. */
export interface Asked {
  readonly user: string;
  readonly content: string;
  /** Questions of others, so far. */
  readonly others: readonly string[];
  /** Writes to the stream of the asker as it stands. */
  write(text: string): void;
  /** Breaks that stream off. */
  cut(): void;
}

const KEPT = 'token';

/** An article for each answer; what the page does not understand it leaves alone. */
function pageOf(kind: StreamKind, { aborts }: { readonly aborts: boolean }): string {
  return `<!doctype html><p id=who></p><div id=log></div><textarea></textarea><button>Send</button>
<script>
const token = localStorage.getItem('${KEPT}');
const headers = { authorization: 'Bearer ' + token };
who.textContent = token.slice('token-of-'.length);
const leaving = new AbortController();
function show(event, data) {
  if (event !== 'agent_completed') return;
  log.append(Object.assign(document.createElement('article'), { textContent: data.response }));
  if (${aborts}) leaving.abort();
}
async function read(reply) {
  let text = '';
  for await (const piece of reply.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text += piece.replaceAll('\\r', '')).split('\\n\\n');
    text = blocks.pop();
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block)?.[1];
      if (event !== undefined) show(event, JSON.parse(/^data: (.*)$/m.exec(block)[1]));
    }
  }
}
if (${kind === 'source'}) {
  const source = new EventSource('/events?token=' + token);
  source.addEventListener('agent_completed', ({ type, data }) => show(type, JSON.parse(data)));
}
document.querySelector('button').onclick = async () => {
  const body = JSON.stringify({ question: document.querySelector('textarea').value });
  const reply = await fetch('/ask', { method: 'POST', headers, body, signal: leaving.signal });
  if (${kind === 'reply'}) await read(reply).catch(() => undefined);
};
</script>`;
}

const OPENING = { 'content-type': 'text/event-stream' };

/** A literal chat without sockets; `answer` is called when everybody of the crowd has asked. */
export async function streamChat(
  closers: Closers,
  parts: {
    readonly kind: StreamKind;
    readonly users: number;
    readonly aborts?: boolean;
    readonly answer: (asked: Asked) => void;
  },
): Promise<string> {
  const { kind, users, aborts = false, answer } = parts;
  const streams = new Map<string, ServerResponse>();
  const questions = new Map<string, string>();
  const asked = (user: string, content: string): void => {
    questions.set(user, content);
    if (questions.size < users) return;
    for (const [asker, question] of questions)
      answer({
        user: asker,
        content: question,
        others: [...questions.values()].filter((other) => other !== question),
        write: (text) => streams.get(asker)?.write(text),
        cut: () => streams.get(asker)?.destroy(),
      });
  };
  return httpServer(closers, (request, response) => {
    const token = /token-of-[\w-]+/.exec(`${request.headers.authorization} ${request.url}`)?.[0];
    const user = token?.replace('token-of-', '') ?? '';
    if (request.url === '/') {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(pageOf(kind, { aborts }));
      return;
    }
    const isAsking = request.url === '/ask';
    if (!isAsking || kind === 'reply') streams.set(user, response.writeHead(200, OPENING));
    else response.writeHead(202).end();
    response.flushHeaders();
    if (!isAsking) return;
    const body: Buffer[] = [];
    request.on('data', (part: Buffer) => body.push(part));
    request.on('end', () => {
      const frame = asFrame(JSON.parse(Buffer.concat(body).toString('utf8')));
      asked(user, textOf(frame, 'question') ?? '');
    });
  });
}

/** The profile of that chat. Tokens are made here: what signs in needs no request. */
export function streamTarget(changes: Partial<Target> = {}): Target {
  return defineTarget({
    name: 'streams',
    production: false,
    addresses: { api: {} },
    signIn: {
      register: ({ account }) => {
        const name = account.email.replaceAll(/\W/g, '-');
        const token = `token-of-${name}`;
        return Promise.resolve({ userId: `id-of-${name}`, token, secrets: [token] });
      },
    },
    stream: {
      decode: (event) => {
        const name = textOf(asFrame(event), 'event');
        const isAgent = /^(?:agent|tool)_/.test(name ?? '');
        const data = frameAt(event, ['data']);
        return {
          role: isAgent ? 'agent' : 'other',
          event: name,
          run: idOf(data, 'run'),
          owner: idOf(data, 'user'),
          tool: idOf(data, 'tool'),
        };
      },
    },
    page: {
      signIn: {
        entries: ({ token }) => ({ [KEPT]: token }),
        session: () => undefined,
      },
      chatPath: '/',
      ready: 'textarea',
      composer: 'textarea',
      send: 'button',
      answer: 'article',
      asked: (frame) => (textOf(asFrame(frame), 'path') === '/ask' ? {} : undefined),
    },
    ...changes,
  });
}

/** One event as a stream says it. */
export function said(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The events of a run, up to its answer. */
export function beginning(ids: object, content: string): string {
  return [
    said('agent_started', ids),
    said('agent_thinking', { ...ids, text: `Looking for ${content}` }),
    said('tool_executing', { ...ids, tool: 'search' }),
    said('tool_completed', { ...ids, tool: 'search' }),
  ].join('');
}

export function ending(ids: object, content: string): string {
  return said('agent_completed', { ...ids, response: `${content}: done` });
}
