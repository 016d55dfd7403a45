import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocketServer, type WebSocket } from 'ws';
import { Heartbeats } from '../../clients/heartbeats.ts';
import { QuietWindow } from '../../clients/quiet-window.ts';
import { Recorder } from '../../clients/recorder.ts';
import { SocketClient } from '../../clients/socket-client.ts';
import type { SocketOwner, SocketSettings } from '../../clients/socket-settings.ts';
import type { Crowd } from '../../clients/crowd.ts';
import { judgingOfTrial, openTrial } from '../../clients/trial.ts';
import { resolveAddresses } from '../../targets/addresses.ts';
import { defaultPlan, type TrialPlan } from '../../clients/plan.ts';
import { startClock } from '../../history/clock.ts';
import { JournalWriter } from '../../history/journal-writer.ts';
import type { TrialHeader } from '../../history/observation.ts';
import { Vault } from '../../history/redaction.ts';
import { defineTarget } from '../../targets/define-target.ts';
import type { DecodedFrame, Session, SocketRequest, Target } from '../../targets/target.ts';

/** What a test opened, closed again in reverse. */
export class Closers {
  readonly #closers: (() => unknown)[] = [];
  add(close: () => unknown): void {
    this.#closers.push(close);
  }
  async closeAll(): Promise<void> {
    for (const close of this.#closers.splice(0).toReversed()) await close();
  }
}

export function temporaryDirectory(closers: Closers): string {
  const directory = mkdtempSync(join(tmpdir(), 'crosstalk-'));
  closers.add(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export type Line = Readonly<Record<string, unknown>>;

/** The observations of a history: header and end left out. */
export function linesOf(path: string): Line[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => parseLine(line))
    .filter((line) => line['kind'] !== 'end');
}

function parseLine(text: string): Line {
  const line: unknown = JSON.parse(text);
  return fieldsOf(line);
}

/** The members of an object; of anything else none. */
export function fieldsOf(value: unknown): Line {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

export const PREFIX = 'xtk0123456';

/** A plan with everything small, for trials in tests. */
export function planFor(directory: string, changes: Partial<TrialPlan> = {}): TrialPlan {
  return {
    ...defaultPlan({}, directory),
    campaignPrefix: PREFIX,
    seed: 'seed-1',
    transports: ['websocket'],
    timeoutMs: 5_000,
    outDir: directory,
    ...changes,
  };
}

/**
 * A profile of a tiny chat: `{type, user_id, run_id, …}`, a greeting `hello`, questions `{type:"ask"}`.
 * Signing in needs no request; the token is no JWT, so that only the vault can know it.
 */
export function tinyTarget(changes: Partial<Target> = {}): Target {
  return defineTarget({
    name: 'tiny',
    production: false,
    addresses: { api: {}, socket: { path: '/' } },
    signIn: {
      register: ({ account }) =>
        Promise.resolve<Session>({
          userId: `id-${account.email.slice(0, 4)}`,
          token: `token-of-${account.email.slice(0, 4)}-abcdefgh`,
          secrets: [`token-of-${account.email.slice(0, 4)}-abcdefgh`],
        }),
    },
    socket: {
      open: (session, addresses) =>
        Promise.resolve({
          url: addresses.socket,
          protocols: [session.token],
          headers: {},
        }),
      handshake: () => ({
        receive: (_frame, { event }) => ({ state: event === 'hello' ? 'ready' : 'waiting' }),
      }),
      ask: (question) => ({
        frame: { type: 'ask', run_id: question.run, content: question.content },
        run: question.run,
      }),
      decode: decodeTiny,
    },
    limits: { usersMax: 2_000, startsPerSecondMax: null, questionsMax: null },
    judging: { limits: { quietMsMin: 100, quietMsMax: 1_000 } },
    ...changes,
  });
}

function decodeTiny(frame: unknown): DecodedFrame {
  const fields = fieldsOf(frame);
  const text = (name: string): string | undefined =>
    typeof fields[name] === 'string' ? fields[name] : undefined;
  const event = text('type');
  if (event === 'explode') throw new Error('a defect of the profile');
  const role =
    event === 'hello'
      ? 'handshake'
      : event === 'pong'
        ? 'pong'
        : event === 'heartbeat'
          ? 'heartbeat'
          : event === 'error'
            ? 'error'
            : 'agent';
  return { role, event, owner: text('user_id'), run: text('run_id'), thread: text('thread_id') };
}

/** A literal WebSocket server on a free port; `serve` sees every connection. */
export async function socketServer(
  closers: Closers,
  serve: (socket: WebSocket, request: IncomingMessage) => void,
): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', serve);
  await new Promise((resolve) => {
    server.once('listening', resolve);
  });
  closers.add(async () => {
    for (const socket of server.clients) socket.terminate();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });
  return `ws://127.0.0.1:${portOf(server)}`;
}

/** A literal HTTP server on a free port. */
export async function httpServer(
  closers: Closers,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  return listening(closers, createServer(serve));
}

/** The address at which a server listens from now on until the test ends. */
export async function listening(
  closers: Closers,
  server: Server,
  sockets?: WebSocketServer,
): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  endsWithTest(closers, server, sockets);
  return `http://127.0.0.1:${portOf(server)}`;
}

/** What a server still serves ends with it. */
export function endsWithTest(closers: Closers, server: Server, sockets?: WebSocketServer): void {
  closers.add(async () => {
    for (const socket of sockets?.clients ?? []) socket.terminate();
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  });
}

/** The first line of a history without users. */
export function headerFor(target: Target): TrialHeader {
  return {
    schema: 1,
    kind: 'trial',
    trial: 't',
    scenario: 's',
    transport: 'websocket',
    target: target.name,
    url: '',
    seed: 's',
    part: null,
    startedAt: new Date(0).toISOString(),
    reproduce: '',
    users: [],
    profile: judgingOfTrial(planFor('/'), target),
  };
}

/** One socket client on a journal of its own, and what it told its owner. */
export interface SocketLab {
  readonly client: SocketClient;
  readonly recorder: Recorder;
  readonly told: DecodedFrame[];
  readonly closed: Promise<number>;
  connect(request?: Partial<SocketRequest>): Promise<void>;
  /** Ends the journal and reads it back. */
  lines(): Promise<Line[]>;
}

export function socketLab(
  closers: Closers,
  url: string,
  changes: Partial<SocketSettings> & { readonly target?: Target; readonly userId?: string } = {},
): SocketLab {
  const { target = tinyTarget(), userId = 'id-mine', ...settings } = changes;
  const path = join(temporaryDirectory(closers), 'history.ndjson');
  const profile = judgingOfTrial(planFor('/'), target);
  const journal = new JournalWriter({ path, clock: startClock(), header: headerFor(target) });
  const recorder = new Recorder(journal, new Vault(), PREFIX);
  recorder.learn({ user: userId });
  const heartbeats = new Heartbeats(null);
  closers.add(() => heartbeats.stop());
  const told: DecodedFrame[] = [];
  let close: (code: number) => void = () => undefined;
  const closed = new Promise<number>((resolve) => {
    close = resolve;
  });
  const owner: SocketOwner = {
    userId,
    received: (decoded) => told.push(decoded),
    introduced: () => undefined,
    closed: (code) => close(code),
  };
  const client = new SocketClient(
    {
      recorder,
      wire: target.socket,
      heartbeats,
      quiet: new QuietWindow(profile.limits),
      silentEvents: new Set(profile.heartbeats),
      bytesMax: 64 * 1024,
      handshakeMsMax: 2_000,
      headers: {},
      agent: undefined,
      ...settings,
    },
    owner,
    { user: 'u00', conn: 'u00#1' },
  );
  closers.add(() => client.terminate());
  return {
    client,
    recorder,
    told,
    closed,
    connect: (request = {}) =>
      client.connect(
        { url, protocols: [], headers: {}, ...request },
        target.socket.handshake({ userId, token: 't', secrets: [] }),
        recorder.clock.now(),
      ),
    lines: async () => {
      await journal.end('done');
      return linesOf(path);
    },
  };
}

/** Port of a server that listens. */
export function portOf(server: { address(): { readonly port: number } | string | null }): number {
  const address = server.address();
  if (typeof address === 'object' && address !== null) return address.port;
  throw new Error('the server does not listen on a port');
}

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const port = portOf(server);
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

/** Resolves when the condition holds; fails after 15 seconds, which only a busy machine comes near. */
export async function until(condition: () => boolean): Promise<void> {
  const limit = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > limit) throw new Error('what the test waits for did not happen');
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}

/** A trial of raw users on a target that stands somewhere else than its profile says. */
export async function openRawTrial(
  closers: Closers,
  target: Target,
  at: {
    readonly url: string;
    readonly socket?: string;
    readonly users: number;
    readonly headers?: TrialPlan['headers'];
  },
): Promise<Crowd> {
  const addresses: [string, string][] = at.socket === undefined ? [] : [['socket', at.socket]];
  const resolved = resolveAddresses(target, { url: at.url, addresses, env: {} });
  if (!resolved.ok) throw new Error(resolved.mistakes.join('\n'));
  return openTrial({
    plan: planFor(temporaryDirectory(closers), { users: at.users, headers: at.headers ?? [] }),
    scenario: 's',
    transport: 'websocket',
    target,
    addresses: resolved.addresses,
    env: {},
  });
}
