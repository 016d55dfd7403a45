/** A few simulated users for the tests of the reference target: as small as can be, and recording. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { DEFAULT_OPTIONS } from '../../reference/options.ts';
import type { TargetOptions } from '../../reference/options.ts';
import { startTarget } from '../../reference/service.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface TestTarget {
  readonly url: string;
  readonly truth: () => readonly Json[];
  readonly close: () => Promise<void>;
}

/** Starts a target in this process at fifty times the usual pace, with a ground-truth log. */
export async function startTestTarget(options: Partial<TargetOptions> = {}): Promise<TestTarget> {
  const truth = join(mkdtempSync(join(tmpdir(), 'reference-')), 'truth.ndjson');
  const target = await startTarget({ ...DEFAULT_OPTIONS, pace: 0.02, truth, ...options });
  return { url: target.url, close: target.close, truth: () => readLines(truth) };
}

function readLines(file: string): readonly Json[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => asJson(JSON.parse(line)));
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

/** Calls the API; the body of the reply is read as JSON. */
export async function call(
  url: string,
  path: string,
  request: { readonly method?: string; readonly token?: string; readonly body?: unknown } & {
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Promise<Reply> {
  const response = await fetch(`${url}${path}`, {
    method: request.method ?? (request.body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(request.token === undefined ? {} : { authorization: `Bearer ${request.token}` }),
      ...request.headers,
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  });
  const body = asJson(await response.json());
  return { status: response.status, headers: response.headers, body };
}

/** Somebody with markers in every place where a marker can be planted. */
export class TestUser {
  readonly url: string;
  readonly email: string;
  readonly password = 'a password';
  readonly name = `Name ${marker()}`;
  readonly note = `Note ${marker()}`;
  readonly title = `Title ${marker()}`;
  readonly runIds: string[] = [];
  readonly questions: string[] = [];
  /** Everything that ever came back: bodies and headers of replies, and frames. */
  readonly seen: string[] = [];
  token = '';
  refreshToken = '';
  id = '';
  threadId = '';

  constructor(url: string, email = `user-${randomUUID()}@crowd.test`) {
    this.url = url;
    this.email = email;
  }

  static async register(url: string, extra: Json = {}): Promise<TestUser> {
    const user = new TestUser(url);
    await user.register(extra);
    return user;
  }

  /** Registers and keeps the tokens; `extra` goes into the request. */
  async register(extra: Json = {}): Promise<void> {
    const { email, password, name } = this;
    const { body } = await call(this.url, '/auth/register', {
      body: { email, password, name, ...extra },
    });
    this.token = text(body['access_token']);
    this.refreshToken = text(body['refresh_token']);
    this.id = text(asJson(body['user'])['id']);
  }

  async call(path: string, request: { method?: string; body?: unknown } = {}): Promise<Reply> {
    const reply = await call(this.url, path, { ...request, token: this.token });
    this.seen.push(JSON.stringify(reply.body), JSON.stringify([...reply.headers]));
    return reply;
  }

  async settle(): Promise<void> {
    await this.call('/auth/me');
    await this.call('/api/profile/note', { method: 'PUT', body: { note: this.note } });
    const { body } = await this.call('/api/threads', { body: { title: this.title } });
    this.threadId = text(body['id']);
    await this.call('/api/threads');
  }

  /** Opens a socket with the token as sub-protocol and waits for the first frame. */
  async connect(): Promise<TestSocket> {
    const socket = new TestSocket(this.url, ['jwt-auth', `jwt.${this.token}`]);
    socket.onText = (frame) => this.seen.push(frame);
    await socket.frame('connection_established');
    return socket;
  }

  /** Asks a question in the user's thread; returns the run's id. */
  ask(socket: TestSocket, question = `Question ${marker()} please`): string {
    const runId = `run-${randomUUID()}`;
    this.runIds.push(runId);
    this.questions.push(question);
    const payload = { content: question, thread_id: this.threadId, run_id: runId };
    socket.send({ type: 'user_message', payload });
    return runId;
  }
}

const FRAME_LENGTH_MAX = 100_000;

interface Waiter {
  readonly check: (frame: Json) => boolean;
  readonly resolve: (frame: Json) => void;
}

/** A socket that keeps every frame and can be waited on. */
export class TestSocket {
  readonly socket: WebSocket;
  readonly frames: Json[] = [];
  readonly texts: string[] = [];
  readonly closed: Promise<number>;
  onText: (text: string) => void = () => undefined;
  private readonly waiters = new Set<Waiter>();

  constructor(
    url: string,
    protocols: string[] = [],
    options: { readonly query?: string; readonly headers?: Record<string, string> } = {},
  ) {
    const address = `${url.replace('http', 'ws')}/ws${options.query ?? ''}`;
    this.socket = new WebSocket(address, protocols, { headers: options.headers ?? {} });
    this.socket.on('error', () => undefined);
    this.socket.on('message', (data: Buffer) => this.take(data.toString('utf8')));
    this.closed = new Promise((resolve) => this.socket.on('close', resolve));
  }

  send(frame: unknown): void {
    this.socket.send(JSON.stringify(frame));
  }

  /** Resolves with the first frame, past or coming, that passes; rejects after a while. */
  async wait(check: (frame: Json) => boolean, withinMs = 10_000): Promise<Json> {
    const known = this.frames.find(check);
    if (known !== undefined) return known;
    return new Promise((resolve, reject) => {
      const waiter = { check, resolve };
      this.waiters.add(waiter);
      setTimeout(() => {
        this.waiters.delete(waiter);
        reject(new Error(`no such frame within ${withinMs} ms: ${this.texts.join('\n')}`));
      }, withinMs).unref();
    });
  }

  frame(type: string): Promise<Json> {
    return this.wait((frame) => frame['type'] === type);
  }

  event(runId: string, type: string, withinMs = 10_000): Promise<Json> {
    return this.wait((frame) => frame['run_id'] === runId && frame['type'] === type, withinMs);
  }

  /** The types of the frames of one run, in the order they came. */
  typesOf(runId: string): readonly string[] {
    return this.frames
      .filter((frame) => frame['run_id'] === runId)
      .map((frame) => text(frame['type']));
  }

  close(): void {
    this.socket.close();
  }

  private take(raw: string): void {
    // An oversized frame is not worth the seconds that looking into it would take.
    const kept = raw.length > FRAME_LENGTH_MAX ? `${raw.length} characters` : raw;
    this.texts.push(kept);
    this.onText(kept);
    let frame: Json;
    try {
      frame = asJson(JSON.parse(kept));
    } catch {
      // Some faults send what is not JSON; the text is kept above.
      return;
    }
    this.frames.push(frame);
    for (const waiter of this.waiters) {
      if (!waiter.check(frame)) continue;
      this.waiters.delete(waiter);
      waiter.resolve(frame);
    }
  }
}

/** The status of an upgrade that is refused; 101 if it is accepted. */
export async function upgradeStatus(
  url: string,
  protocols: string[],
  options: { readonly query?: string; readonly headers?: Record<string, string> } = {},
): Promise<number> {
  const { socket } = new TestSocket(url, protocols, options);
  return new Promise((resolve) => {
    socket.on('open', () => {
      socket.close();
      resolve(101);
    });
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      socket.terminate();
      resolve(response.statusCode ?? 0);
    });
  });
}

/** Resolves when the condition holds; rejects after a while. */
export async function until(condition: () => boolean, withinMs = 6_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error(`not so within ${withinMs} ms`);
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** An unguessable word that nobody else's text holds. */
export function marker(): string {
  return `mk${randomBytes(18).toString('hex')}`;
}

export function asJson(value: unknown): Json {
  if (typeof value !== 'object' || value === null) throw new Error(`no object: ${String(value)}`);
  return Object.fromEntries(Object.entries(value));
}

export function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`no text: ${String(value)}`);
  return value;
}

export const payloadOf = (frame: Json): Json => asJson(frame['payload']);
