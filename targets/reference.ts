import { wallUnixMs } from '../history/clock.ts';
import { defineTarget } from './define-target.ts';
import type { Frame } from './frames.ts';
import {
  asFrame,
  asInteger,
  asText,
  asUnixMs,
  firstOf,
  frameAt,
  textOf,
  unixMsOf,
} from './frames.ts';
import type { ApiCall } from './netra-http.ts';
import {
  createThread,
  listThreads,
  logIn,
  logInFor,
  refreshSession,
  readThread,
  register,
  requestApi,
  revokeSessions,
  signInByKey,
  signInByReadyToken,
  signOut,
  whoAmI,
} from './netra-http.ts';
import { bearer, refusal } from './sign-in.ts';
import { referencePage } from './reference-page.ts';
import { jwtProtocols } from './sub-protocols.ts';
import type {
  Addresses,
  DecodedFrame,
  Handshake,
  HttpRequest,
  Question,
  Session,
  SocketRequest,
  TargetHttp,
} from './target.ts';

/** Events of a run that end or carry it, beside the five that every run must show. */
const RUN_EVENTS = new Set([
  'agent_started',
  'agent_thinking',
  'tool_executing',
  'tool_completed',
  'agent_completed',
  'agent_chunk',
  'agent_error',
  'agent_stopped',
]);

/** Frames that are no events of a run, whatever ids they carry. */
const ROLES = new Map<string, DecodedFrame['role']>([
  ['connection_established', 'handshake'],
  ['ack', 'ack'],
  ['pong', 'pong'],
  ['heartbeat', 'heartbeat'],
  ['ping', 'heartbeat'],
  ['error', 'error'],
  ['error_message', 'error'],
]);

const ALL_IDS = ['owner', 'thread', 'run'] as const;

/**
 * The embedded target: the agent chat that comes with the harness (NETRA-WIRE §12). The harness starts
 * it itself; with `--url` a running one is used. `E2E_OAUTH_SIMULATION_KEY` holds what the target was given
 * as `--e2e-key`, for `--sign-in e2e-key`.
 */
export default defineTarget({
  name: 'reference',
  text: 'The embedded agent chat, started by the harness itself on a free port.',
  production: false,
  embedded: true,
  addresses: { api: {}, auth: {}, socket: { path: '/ws' }, page: {} },
  health: [
    { address: 'api', path: '/health' },
    { address: 'api', path: '/health/ready' },
    { address: 'auth', path: '/auth/health' },
    { address: 'api', path: '/ws/health' },
  ],
  signIn: { register, password: logIn, 'e2e-key': signInByKey, token: signInByReadyToken },
  signInOrder: ['register', 'password', 'e2e-key', 'token'],
  whoAmI,
  signOut,
  revoke: revokeSessions,
  refresh: refreshSession,
  failWord: 'miscarry',
  probes: {
    http: [
      {
        verb: 'GET /api/threads/{id}',
        needs: 'thread',
        request: ({ thread = '' }, session) => get(session, thread),
      },
      {
        verb: 'GET /api/threads/{id}/messages',
        needs: 'thread',
        request: ({ thread = '' }, session) => get(session, thread, '/messages'),
      },
      {
        verb: 'GET /api/threads',
        needs: 'nothing',
        request: (_ids, session) => ({
          address: 'api',
          method: 'GET',
          path: '/api/threads',
          headers: bearer(session),
        }),
      },
      {
        verb: 'POST /api/websocket/ticket',
        needs: 'nothing',
        request: (_ids, session) => ticketRequest(session),
      },
      {
        verb: 'DELETE /api/threads/{id}',
        needs: 'thread',
        deletes: true,
        request: ({ thread = '' }, session) => ({ ...get(session, thread), method: 'DELETE' }),
      },
    ],
    socket: [
      {
        verb: 'user_message',
        needs: 'thread',
        frame: ({ thread }, { content, run }) =>
          questionFrame({ content, thread, run, now: wallUnixMs(), first: false }),
        accepted: ['ack', ...RUN_EVENTS],
      },
      {
        verb: 'stop_agent',
        needs: 'run',
        frame: ({ run }) => ({ type: 'stop_agent', payload: { run_id: run } }),
        accepted: ['agent_stopped'],
      },
      {
        verb: 'resume',
        needs: 'run',
        frame: ({ run }) => ({ type: 'resume', payload: { run_id: run, after: 0 } }),
        accepted: ['ack', ...RUN_EVENTS],
      },
    ],
    cookieOpen: ({ cookies }, addresses) =>
      cookies === undefined
        ? undefined
        : { url: addresses.socket, protocols: [], headers: { cookie: cookies } },
    ticketOpen: openByTicket,
    shortLived: logInFor,
  },
  socket: {
    open: async (session, addresses) => ({
      url: addresses.socket,
      protocols: jwtProtocols(session.token),
      headers: {},
    }),
    handshake: greeted,
    ask: (question) => ({ frame: questionFrame(question), run: question.run }),
    stop: (run) => ({ type: 'stop_agent', payload: { run_id: run } }),
    resume: (run, after) => ({ type: 'resume', payload: { run_id: run, after } }),
    ping: (nowUnixMs) => ({ type: 'ping', timestamp: nowUnixMs }),
    decode: decodeEnvelope,
    pingEveryMs: 20_000,
  },
  page: referencePage,
  threads: { create: createThread, list: listThreads, read: readThread, note: storeNote },
  limits: {
    usersMax: 20_000,
    startsPerSecondMax: null,
    questionsMax: null,
    concurrentSignInsMax: 16,
  },
  closeCodes: {
    1000: 'closed normally',
    1001: 'the target shut down or the idle limit passed',
    1008: 'signed out, revoked or expired',
    1009: 'a frame of ours was too long',
    1011: 'the target broke down',
  },
  judging: {
    order: { aliases: { tool_started: 'tool_executing', tool_result: 'tool_completed' } },
    audience: 'thread-members',
    claims: {
      ids: Object.fromEntries([...RUN_EVENTS].map((event) => [event, [...ALL_IDS]])),
      echo: {
        agent_thinking: ['question'],
        tool_completed: ['note'],
        agent_completed: ['question', 'note'],
      },
      sequence: true,
      eventIds: true,
      toolCallIds: true,
      closesOnSignOut: true,
    },
    answer: { containers: [['payload']], answer: ['response'], chunk: ['text'] },
    heartbeats: ['heartbeat', 'ping', 'pong'],
    errors: ['error', 'error_message'],
  },
});

function questionFrame({ content, thread, run, now }: Question): unknown {
  return {
    type: 'user_message',
    payload: {
      content,
      // Without a value it is not written.
      thread_id: thread,
      run_id: run,
      timestamp: new Date(now).toISOString(),
    },
  };
}

/** The first frame is `connection_established`, and nothing follows it. */
function greeted(session: Session): Handshake {
  return {
    receive: (frame, { event }) => {
      if (event !== 'connection_established') return { state: 'waiting' };
      const data = frameAt(frame, ['data']);
      const user = textOf(data, 'user_id');
      const connection = textOf(data, 'connection_id');
      // A greeting for somebody else says nothing about what is ours, but its connection is this one.
      return user === undefined || user === session.userId
        ? { state: 'ready', ids: { user, connection, thread: textOf(data, 'thread_id') } }
        : { state: 'ready', ids: { connection }, shown: user };
    },
  };
}

/** What an event may hold. No name here is one that objects inherit, so plain reading is safe. */
interface Envelope {
  readonly type?: unknown;
  readonly user_id?: unknown;
  readonly thread_id?: unknown;
  readonly run_id?: unknown;
  readonly message_id?: unknown;
  readonly sequence?: unknown;
  readonly timestamp?: unknown;
  readonly payload?: unknown;
}

interface Payload {
  readonly tool_call_id?: unknown;
  readonly tool_name?: unknown;
  readonly agent_name?: unknown;
}

const NO_PAYLOAD: Payload = {};

/**
 * Reads the one envelope that this target speaks: `type`, ids, `sequence` and `timestamp` at the root,
 * content in `payload`. Whatever comes in another shape stays without an event, so that it is missed
 * where it should have been and noticed as drift. Runs for every frame: fields are read by their names,
 * which engines are quicker at than at looking them up.
 */
function decodeEnvelope(value: unknown): DecodedFrame {
  const frame: (Frame & Envelope) | undefined = asFrame(value);
  const event = asText(frame?.type);
  if (frame === undefined || event === undefined) return { role: 'other' };
  const role = ROLES.get(event);
  if (role !== undefined) {
    const content = role === 'handshake' ? frameAt(frame, ['data']) : asFrame(frame.payload);
    return { ...control(frame, content, role), event };
  }
  const content: Payload = asFrame(frame.payload) ?? NO_PAYLOAD;
  const run = asText(frame.run_id);
  return {
    role: run !== undefined || RUN_EVENTS.has(event) ? 'agent' : 'other',
    event,
    owner: asText(frame.user_id),
    thread: asText(frame.thread_id),
    run,
    tool: asText(content.tool_call_id) ?? asText(content.tool_name),
    agent: asText(content.agent_name),
    id: asText(frame.message_id),
    sequence: asInteger(frame.sequence),
    sentAt: asUnixMs(frame.timestamp),
  };
}

/** Greetings, acknowledgements, pongs and errors carry their ids inside, if any. */
function control(
  frame: Frame,
  content: Frame | undefined,
  role: DecodedFrame['role'],
): DecodedFrame {
  const places = [content, frameAt(frame, ['details']), frame];
  return {
    role,
    owner: firstOf(textOf, places, ['user_id']),
    thread: firstOf(textOf, places, ['thread_id']),
    run: firstOf(textOf, places, ['run_id']),
    sentAt: unixMsOf(frame, 'timestamp'),
    ...(role === 'pong' && { echoedAt: unixMsOf(frame, 'client_timestamp') }),
  };
}

function get(
  session: Session,
  thread: string,
  of = '',
): Pick<HttpRequest, 'address' | 'method' | 'path' | 'headers'> {
  const path = `/api/threads/${encodeURIComponent(thread)}${of}`;
  return { address: 'api', method: 'GET', path, headers: bearer(session) };
}

function ticketRequest(
  session: Session,
): Pick<HttpRequest, 'address' | 'method' | 'path' | 'headers' | 'json'> {
  const path = '/api/websocket/ticket';
  return { address: 'api', method: 'POST', path, headers: bearer(session), json: {} };
}

/** A ticket works once, and stands for its session in the address alone. */
async function openByTicket(
  session: Session,
  addresses: Addresses,
  http: TargetHttp,
): Promise<SocketRequest> {
  const reply = await http.request({ ...ticketRequest(session), purpose: 'api' });
  const ticket = textOf(asFrame(reply.json), 'ticket_id');
  if (ticket === undefined)
    throw refusal('POST /api/websocket/ticket', 'a ticket', { reply, secrets: session.secrets });
  const url = `${addresses.socket}?ticket=${encodeURIComponent(ticket)}`;
  return { url, protocols: [], headers: {}, secrets: [ticket] };
}

async function storeNote(call: ApiCall & { text: string }): Promise<void> {
  await requestApi(call, { method: 'PUT', path: '/api/profile/note', json: { note: call.text } });
}
