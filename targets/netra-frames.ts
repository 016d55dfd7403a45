import type { Frame } from './frames.ts';
import { asFrame, firstOf, frameAt, idOf, integerOf, textOf, unixMsOf } from './frames.ts';
import type { DecodedFrame } from './target.ts';

/** Canonical events of a run: each carries a user, a thread or a run id in every envelope. */
export const RUN_EVENTS = [
  'agent_started',
  'agent_thinking',
  'tool_executing',
  'tool_completed',
  'agent_completed',
  'agent_chunk',
  'agent_error',
] as const;

/** Other names of the same events (NETRA-WIRE §5.1: V1 and V4). */
const CANONICAL_NAMES: Readonly<Record<string, string>> = {
  reasoning: 'agent_thinking',
  agent_response_complete: 'agent_completed',
};

/** Types that wrap an event whose real name is in `event` (V4, V12). */
const WRAPPERS = new Set(['system_message', 'agent_progress', 'agent_response_complete']);

/** Events that belong to a run even where they carry no run id. */
const AGENT_EVENTS: ReadonlySet<string> = new Set([
  ...RUN_EVENTS,
  'agent_stopped',
  'agent_cancelled',
  'agent_failed',
  'agent_death',
  'agent_finished',
  'agent_progress',
  'agent_response',
  'agent_timeout_failure',
  'agent_timeout_warning',
  'agent_update',
  'partial_result',
  'progress_update',
  'response_chunk',
  'stream_chunk',
  'tool_call',
  'tool_result',
  'tool_started',
]);

/** Types that are no event of a run whatever ids they carry, by what they are. */
const ROLES = new Map<string, DecodedFrame['role']>([
  ['connection_established', 'handshake'],
  ['handshake_response', 'handshake'],
  ['handshake_complete', 'handshake'],
  ['connection_ready', 'handshake'],
  ['authenticated', 'handshake'],
  ['auth_success', 'handshake'],
  ['authentication_success', 'handshake'],
  ['ack', 'ack'],
  ['message_received', 'ack'],
  ['pong', 'pong'],
  ['ping', 'heartbeat'],
  ['heartbeat', 'heartbeat'],
  ['heartbeat_ack', 'heartbeat'],
  ['error', 'error'],
  ['error_message', 'error'],
  ['connection_error', 'error'],
  ['system_error', 'error'],
  ['authentication_error', 'error'],
  // Reports and housekeeping that may name a run after it has ended (§9, §11).
  ['agent_aggregation_complete', 'other'],
  ['backend_log', 'other'],
  ['chunk_response_immediate', 'other'],
  ['cleanup_complete', 'other'],
  ['cleanup_duration_estimate', 'other'],
  ['cleanup_started', 'other'],
  ['event_batch', 'other'],
  ['final_report', 'other'],
  ['pipeline_completed', 'other'],
  ['stream_complete', 'other'],
  ['stream_end', 'other'],
]);

/** More events in one batch than this are not told apart; the batch itself is recorded whole. */
const BATCH_EVENTS_MAX = 1_000;

/** `unknown_user`, `unknown_run_id` …: placeholders for ids that were missing (V6). */
const PLACEHOLDER = /^unknown(_|$)/;
/** A thread id; the bridge puts one into `user_id` when it has no context (§5.1). */
const THREAD_ID = /^thread_/;

/** Canonical fields of a frame in any of the envelopes V1 to V12 (NETRA-WIRE §5.1). Never throws. */
export function decodeNetraFrame(value: unknown): DecodedFrame {
  const root = asFrame(value);
  const [payload, data] = [frameAt(root, ['payload']), frameAt(root, ['data'])];
  const name = nameIn(root, data, payload);
  if (name === undefined) return { role: 'other' };
  const places = [root, payload, data, frameAt(data, ['payload']), frameAt(root, ['metadata'])];
  const event = Object.hasOwn(CANONICAL_NAMES, name) ? CANONICAL_NAMES[name] : name;
  const known = ROLES.get(name);
  const ids = idsIn(known === 'error' ? [...places, ...detailsIn(root, data, payload)] : places);
  const role = known ?? (AGENT_EVENTS.has(event ?? name) || ids.run ? 'agent' : 'other');
  return {
    role,
    event,
    ...ids,
    tool: toolIn(places),
    agent: firstOf(textOf, places, ['agent_name', 'agent']),
    id: firstOf(idOf, places, ['message_id']),
    sequence: firstOf(integerOf, places, ['sequence']),
    sentAt: firstOf(unixMsOf, places, ['timestamp']),
    ...(role === 'pong' && { echoedAt: firstOf(unixMsOf, places, ['client_timestamp']) }),
  };
}

/**
 * The frame, and after it the events inside where it is a batch (V11: `events` holds lists by type).
 * The batch keeps no order across types, so timestamps decide, and the order of the types where any
 * event has none.
 */
export function decodeNetraBatch(value: unknown): readonly DecodedFrame[] {
  const batch = decodeNetraFrame(value);
  if (batch.event !== 'event_batch') return [batch];
  const events = batchedFrames(asFrame(value)).map((frame) => {
    const decoded = { ...decodeNetraFrame(frame), part: frame };
    return decoded.owner === undefined ? { ...decoded, owner: batch.owner } : decoded;
  });
  const isTimed = events.every(({ sentAt }) => sentAt !== undefined);
  const ordered = isTimed
    ? events.toSorted((one, other) => (one.sentAt ?? 0) - (other.sentAt ?? 0))
    : events;
  return [batch, ...ordered];
}

function batchedFrames(batch: Frame | undefined): readonly Frame[] {
  const frames: Frame[] = [];
  for (const [type, list] of Object.entries(frameAt(batch, ['events']) ?? {})) {
    if (!Array.isArray(list)) continue;
    for (const item of list.slice(0, BATCH_EVENTS_MAX)) {
      frames.push({ type, ...asFrame(item) });
      if (frames.length === BATCH_EVENTS_MAX) return frames;
    }
  }
  return frames;
}

/** Root `type`, else `event`, else `data.event`; inside a wrapper, `event` comes first. */
function nameIn(
  root: Frame | undefined,
  data: Frame | undefined,
  payload: Frame | undefined,
): string | undefined {
  const type = textOf(root, 'type');
  if (type !== undefined && !WRAPPERS.has(type)) return type;
  return firstOf(textOf, [root, data, payload], ['event']) ?? type;
}

/** What an error says of itself, beside its code and its text (§3.8): the run it is about, if any. */
function detailsIn(...places: readonly (Frame | undefined)[]): readonly (Frame | undefined)[] {
  return places.map((place) => frameAt(place, ['details']));
}

function idsIn(
  places: readonly (Frame | undefined)[],
): Pick<DecodedFrame, 'owner' | 'thread' | 'run'> {
  const thread = firstOf(realIdOf, places, ['thread_id']);
  const run = firstOf(realIdOf, places, ['run_id']);
  const user = firstOf(realIdOf, places, ['user_id']);
  if (user !== undefined && (THREAD_ID.test(user) || user === thread)) {
    return { owner: undefined, thread: thread ?? user, run };
  }
  return { owner: user, thread, run };
}

function realIdOf(frame: Frame | undefined, name: string): string | undefined {
  const id = idOf(frame, name);
  return id === undefined || PLACEHOLDER.test(id) ? undefined : id;
}

/** `execution_id` (V1) is left out: it names an execution, not a call, and need not pair up. */
function toolIn(places: readonly (Frame | undefined)[]): string | undefined {
  return (
    firstOf(textOf, places, ['tool_call_id']) ?? firstOf(textOf, places, ['tool_name', 'tool'])
  );
}

/** Whether Netra's way of showing a user id (in full, or its first 8 characters and `...`) fits an id. */
export function showsUser(shown: string, userId: string): boolean {
  return shown.endsWith(SHOWN_SUFFIX)
    ? userId.startsWith(shown.slice(0, -SHOWN_SUFFIX.length))
    : shown === userId;
}

/** Whether a shown user id is the whole id. */
export function isWholeId(shown: string): boolean {
  return !shown.endsWith(SHOWN_SUFFIX);
}

const SHOWN_SUFFIX = '...';
