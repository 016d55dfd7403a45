import { defineTarget } from './define-target.ts';
import { decodeNetraBatch, decodeNetraFrame, RUN_EVENTS } from './netra-frames.ts';
import { netraHandshake } from './netra-handshake.ts';
import type { ApiCall } from './netra-http.ts';
import {
  createThread,
  listThreads,
  logIn,
  readThread,
  refreshSession,
  register,
  signInByKey,
  signInByReadyToken,
  signOut,
  whoAmI,
} from './netra-http.ts';
import { netraPage } from './netra-page.ts';
import { askOldGeneration } from './netra-questions.ts';
import { jwtProtocols } from './sub-protocols.ts';
import type { Addresses, Session, SignInCall } from './target.ts';
import { TargetRefusal } from './target.ts';

/** Ids that Netra accepts after `e2e-`; any other makes every later send to that user fail. */
const E2E_LOCAL_PART = /^[A-Za-z0-9_-]+$/;

/**
 * Words that change what Netra does with a text: questions with the first four leave the socket path for
 * HTTP (NETRA-WIRE §11), ids with the others are flagged as suspicious and may be blocked (§5.4).
 */
const AVOID_WORDS = [
  'test',
  'analyze',
  'optimize',
  'process',
  'mock',
  'fake',
  'dummy',
  'temp',
  'debug',
  'dev',
  'local',
  'admin',
  'default',
  'registry',
  'none',
  'undefined',
  'null',
];

/**
 * Netra Apex (NETRA-WIRE §1–§6, §9, §11). Hosts move between revisions, so each is a default that `--address`,
 * `--url` or a variable replaces; every envelope and both generations of the handshake are understood.
 *
 * Environment: `NETRA_API_URL`, `NETRA_AUTH_URL`, `NETRA_SOCKET_URL` (path included), `NETRA_PAGE_URL`;
 * `NETRA_HEADERS` (extra headers for gateways, one `NAME=VALUE` a line); `E2E_OAUTH_SIMULATION_KEY`
 * (for `--sign-in e2e-key`).
 */
export default defineTarget({
  name: 'netra',
  text: 'Netra Apex, staging hosts unless told otherwise.',
  production: false,
  isProduction: leadsToProduction,
  addresses: {
    api: { url: 'https://api.staging.netrasystems.ai', env: 'NETRA_API_URL' },
    auth: { url: 'https://auth.staging.netrasystems.ai', env: 'NETRA_AUTH_URL' },
    socket: {
      url: 'wss://api.staging.netrasystems.ai/ws',
      env: 'NETRA_SOCKET_URL',
      path: '/ws',
    },
    page: { url: 'https://app.staging.netrasystems.ai', env: 'NETRA_PAGE_URL' },
  },
  headersVariable: 'NETRA_HEADERS',
  // Any header with these in its name switches on a special treatment of identities (§3.2).
  forbiddenHeaders: ['test', 'e2e', 'x-user-id', 'x-auth-fast-path'],
  health: [
    { address: 'api', path: '/health' },
    { address: 'api', path: '/health/ready' },
    { address: 'api', path: '/ws/health' },
    { address: 'auth', path: '/auth/health' },
  ],
  signIn: {
    register,
    password: logIn,
    'e2e-key': signInBySafeKey,
    token: signInByReadyToken,
  },
  // Registering needs no secret, and its user ids are random from the first character on.
  signInOrder: ['register', 'e2e-key', 'password', 'token'],
  whoAmI,
  signOut,
  refresh: refreshSession,
  socket: {
    // A plain name and a token-bearing one: the newest revisions, the snapshot and the embedded target
    // all take the token from the second (§3.2, §9, §12).
    open: async (session, addresses) => ({
      url: addresses.socket,
      protocols: jwtProtocols(session.token),
      headers: {},
    }),
    handshake: netraHandshake,
    // The new generation asks otherwise; its handshake says so (`Handshake.ask`).
    ask: askOldGeneration,
    stop: (run) => ({ type: 'stop_agent', payload: { run_id: run } }),
    ping: (nowUnixMs) => ({ type: 'ping', timestamp: nowUnixMs }),
    decode: decodeNetraFrame,
    decodeAll: decodeNetraBatch,
    pingEveryMs: 20_000,
  },
  page: netraPage,
  threads: { create: createOwnThread, list: listThreads, read: readThread },
  names: { avoidWords: AVOID_WORDS },
  limits: {
    usersMax: 50,
    startsPerSecondMax: 50,
    // A night on all transports asks some 700; the system's rate limits name a thousand messages an hour (§3.7).
    questionsMax: 1_000,
    concurrentSignInsMax: 4,
    // The first frame may take 30 s, the rest of the new handshake 10 s more (§9).
    handshakeMsMax: 40_000,
  },
  closeCodes: {
    1000: 'normal or cleanup (once also right after accept)',
    1001: 'normal, the other side went away',
    1002: 'invalid state',
    1003: 'no supported sub-protocol',
    1006: 'infrastructure: dropped without a close frame',
    1007: 'client: a payload it could not read',
    1008: 'authentication failed',
    1009: 'client: a message that was too big',
    1010: 'client: a missing extension',
    1011: 'server not ready, or its start-up or mode failed',
    1012: 'server restarting',
    1013: 'server asks to try later',
    1014: 'server: a bad gateway',
    1015: 'infrastructure: TLS failed',
  },
  judging: {
    order: {
      failure: ['agent_error', 'agent_failed', 'agent_timeout_failure'],
      stopped: ['agent_stopped', 'agent_cancelled'],
      chunk: ['agent_chunk', 'stream_chunk', 'response_chunk'],
      aliases: {
        tool_started: 'tool_executing',
        tool_call: 'tool_executing',
        tool_result: 'tool_completed',
        agent_response: 'agent_completed',
        agent_finished: 'agent_completed',
      },
    },
    // Threads have one owner, and all connections of the asker are the asker.
    audience: 'asker',
    claims: {
      // No envelope carries all three everywhere: V2 has no thread, V7 no user. One must be there.
      ids: Object.fromEntries(RUN_EVENTS.map((event) => [event, ['owner', 'thread', 'run']])),
      echo: { agent_completed: ['question'] },
      sequence: false,
      eventIds: false,
      closesOnSignOut: false,
    },
    answer: {
      containers: [['data', 'payload'], ['data'], ['payload'], [], ['metadata']],
      answer: [
        'response',
        'final_response',
        'result',
        'results',
        'content',
        'executive_summary',
        'payload',
        'message',
      ],
      chunk: ['text', 'content', 'chunk', 'delta'],
    },
    heartbeats: ['heartbeat', 'heartbeat_ack', 'ping', 'pong'],
    errors: ['error', 'error_message', 'connection_error', 'system_error'],
    limits: { payloadBytesMax: 5 * 1024 * 1024 },
    gates: { 'first-event': { limit: 5_000, percentile: 'p95' } },
  },
});

/** Hosts of Netra that are not staging: someone's real conversations are behind them. */
function leadsToProduction(addresses: Addresses): boolean {
  return Object.values(addresses).some((address) => {
    const { hostname } = new URL(address);
    const isNetra =
      /(^|\.)netrasystems\.ai$/.test(hostname) || /^netra-.*\.run\.app$/.test(hostname);
    return isNetra && !/(^|[.-])staging([.-]|$)/.test(hostname);
  });
}

async function signInBySafeKey(call: SignInCall): Promise<Session> {
  const localPart = call.account.email.split('@')[0] ?? '';
  if (E2E_LOCAL_PART.test(localPart)) return signInByKey(call);
  throw new TargetRefusal(
    `"e2e-key" sign-in needs a mail name of letters, digits, _ and - only, got "${localPart}": Netra makes ` +
      'the user id from it and drops every event for other ids. Choose another e-mail.',
  );
}

async function createOwnThread(
  call: ApiCall & { title: string; members: readonly string[] },
): Promise<string> {
  if (call.members.length === 0) return createThread(call);
  throw new TargetRefusal(
    `"netra" threads have one owner, but ${call.members.length} more members were asked for. ` +
      'Leave out scenarios with shared threads.',
  );
}
