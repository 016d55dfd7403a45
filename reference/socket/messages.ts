import { z } from 'zod';
import { isoTime } from '../clock.ts';
import type { Connection, Payload, Run, Session, Thread } from '../model.ts';
import { Refusal } from '../refusal.ts';
import { isLetIn } from '../trespass.ts';
import type { World } from '../world.ts';

const QUESTION_LENGTH_MAX = 10_000;

const Envelope = z.looseObject({
  type: z.string().max(100),
  payload: z.record(z.string(), z.unknown()).optional(),
});
const id = z.string().min(1).max(200);
const asked = { thread_id: id.nullish(), run_id: id.nullish() };
const question = z.string().min(1).max(QUESTION_LENGTH_MAX);
const UserMessage = z.looseObject({ content: question, ...asked });
const StartAgent = z.looseObject({ user_request: question, ...asked });
const StopAgent = z.looseObject({ run_id: id.nullish() });
const Resume = z.looseObject({ run_id: id, after: z.number().int().min(0).default(0) });

type ErrorCode = 'JSON_PARSE_ERROR' | 'INVALID_MESSAGE' | 'UNKNOWN_TYPE' | 'FORBIDDEN' | 'CONFLICT';

/** What went wrong with a client's frame, and about which run or thread. */
interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: Payload;
}

/**
 * Handles one frame from a client. Whatever is wrong with it is answered by an `error_message` frame;
 * the connection stays open.
 */
export function handleFrame(world: World, connection: Connection, text: string): void {
  const message = parse(text);
  if (message === null) {
    complain(world, connection, {
      code: 'JSON_PARSE_ERROR',
      message: 'This is not a JSON object.',
    });
    return;
  }
  if (world.hooks.handled(message, connection)) return;
  const payload = message.payload ?? {};
  switch (message.type) {
    case 'ping':
      pong(world, connection, message);
      return;
    case 'user_message': {
      const body = UserMessage.safeParse(payload);
      if (body.success) ask(world, connection, { ...body.data, question: body.data.content });
      else complain(world, connection, invalid(body.error));
      return;
    }
    case 'start_agent': {
      const body = StartAgent.safeParse(payload);
      if (body.success) ask(world, connection, { ...body.data, question: body.data.user_request });
      else complain(world, connection, invalid(body.error));
      return;
    }
    case 'stop_agent':
      stop(world, connection, payload);
      return;
    case 'resume':
      resume(world, connection, payload);
      return;
    case 'pong':
      return;
    default:
      complain(world, connection, {
        code: 'UNKNOWN_TYPE',
        message: 'There is no message of this type.',
      });
  }
}

function parse(text: string): z.infer<typeof Envelope> | null {
  try {
    const outcome = Envelope.safeParse(JSON.parse(text));
    return outcome.success ? outcome.data : null;
  } catch {
    return null;
  }
}

function ask(
  world: World,
  connection: Connection,
  wanted: {
    readonly question: string;
    readonly thread_id?: string | null | undefined;
    readonly run_id?: string | null | undefined;
  },
): void {
  const { session } = connection;
  const threadId = wanted.thread_id ?? connection.thread.id;
  const thread = world.threads.find(threadId);
  if (thread === undefined || !mayAskIn(world, thread, session)) {
    complain(world, connection, forbidden({ thread_id: threadId, run_id: wanted.run_id ?? null }));
    return;
  }
  try {
    world.runs.start({
      asker: session,
      connection,
      thread,
      content: wanted.question,
      runId: wanted.run_id ?? null,
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const details = { run_id: wanted.run_id ?? null };
    complain(world, connection, { code: 'CONFLICT', message: error.message, details });
  }
}

function stop(world: World, connection: Connection, payload: Payload): void {
  const body = StopAgent.safeParse(payload);
  if (!body.success) {
    complain(world, connection, invalid(body.error));
    return;
  }
  const runId = body.data.run_id ?? world.runs.newestOn(connection)?.id;
  const run = runId === undefined ? undefined : world.runs.find(runId);
  if (run === undefined || !mayStop(world, run, connection.session)) {
    complain(world, connection, forbidden({ run_id: runId ?? null }));
    return;
  }
  if (!world.runs.stop(run)) {
    const details = { run_id: run.id };
    complain(world, connection, { code: 'CONFLICT', message: 'This run is over.', details });
  }
}

function resume(world: World, connection: Connection, payload: Payload): void {
  const body = Resume.safeParse(payload);
  if (!body.success) {
    complain(world, connection, invalid(body.error));
    return;
  }
  const run = world.runs.find(body.data.run_id);
  if (run === undefined || !mayFollow(world, run, connection.session)) {
    complain(world, connection, forbidden({ run_id: body.data.run_id }));
    return;
  }
  world.runs.resume(run, connection, body.data.after);
}

function mayAskIn(world: World, thread: Thread, session: Session): boolean {
  const trespass = { act: 'ask-in-thread', session, thread, run: null } as const;
  return thread.members.has(session.user.id) || isLetIn(world, trespass);
}

function mayStop(world: World, run: Run, session: Session): boolean {
  const trespass = { act: 'stop-run', session, thread: run.thread, run } as const;
  return run.asker.user.id === session.user.id || isLetIn(world, trespass);
}

function mayFollow(world: World, run: Run, session: Session): boolean {
  const { user } = session;
  const trespass = { act: 'resume-run', session, thread: run.thread, run } as const;
  const own = run.asker.user.id === user.id || run.thread.members.has(user.id);
  return own || isLetIn(world, trespass);
}

/** Answers with the server's time, and with the client's `timestamp` and `id` if it sent any. */
function pong(world: World, connection: Connection, ping: z.infer<typeof Envelope>): void {
  const sent = { ...ping.payload, ...ping };
  const now = world.clock.now();
  world.connections.send(connection, {
    type: 'pong',
    timestamp: isoTime(now),
    server_time_ms: now,
    ...(sent['timestamp'] === undefined ? {} : { client_timestamp: sent['timestamp'] }),
    ...(sent['id'] === undefined ? {} : { id: sent['id'] }),
  });
}

function invalid(error: z.ZodError): Problem {
  return { code: 'INVALID_MESSAGE', message: z.prettifyError(error) };
}

// An unknown id and a foreign one get the same answer, so that nobody can find out which ids exist.
function forbidden(details: Payload): Problem {
  return { code: 'FORBIDDEN', message: 'There is no such thing, or it is not yours.', details };
}

function complain(world: World, connection: Connection, problem: Problem): void {
  world.connections.send(connection, {
    type: 'error_message',
    error_code: problem.code,
    error_message: problem.message,
    details: problem.details ?? {},
    timestamp: isoTime(world.clock.now()),
  });
}
