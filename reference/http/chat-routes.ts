import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { isoTime } from '../clock.ts';
import type { Deviation, Session, Thread } from '../model.ts';
import { Refusal } from '../refusal.ts';
import { isLetIn } from '../trespass.ts';
import { TITLE_OF_NEW } from '../threads.ts';
import type { World } from '../world.ts';
import type { Call } from './caller.ts';
import { readInput, signedIn } from './caller.ts';

type Reply = Readonly<Record<string, unknown>>;

const THREADS_LISTED_MAX = 100;
const NOTE_LENGTH_MAX = 8_000;

const CreateBody = z.object({
  title: z.string().max(1_000).optional(),
  /** Users by id or e-mail. */
  members: z.array(z.string().max(300)).max(100).optional(),
});
const NoteBody = z.object({ note: z.string().max(NOTE_LENGTH_MAX) });
const TicketBody = z.object({
  ttl_seconds: z.number().min(1).max(3_600).default(300),
  single_use: z.boolean().default(true),
});
const Page = z.object({
  limit: z.coerce.number().int().min(1).max(THREADS_LISTED_MAX).default(THREADS_LISTED_MAX),
  offset: z.coerce.number().int().min(0).default(0),
});
const ThreadPath = z.object({ id: z.string().max(200) });

/** Adds threads, their messages, the profile note and socket tickets. */
export function addChatRoutes(app: FastifyInstance, world: World): void {
  app.post(
    '/api/threads',
    signedIn(world, (call) => createThread(world, call)),
  );
  app.get(
    '/api/threads',
    signedIn(world, (call) => listThreads(world, call)),
  );
  app.get(
    '/api/threads/:id',
    signedIn(world, (call) => {
      const thread = readableThread(world, call);
      return { ...summary(thread), members: [...thread.members] };
    }),
  );
  app.delete(
    '/api/threads/:id',
    signedIn(world, (call) => {
      const thread = deletableThread(world, call);
      world.threads.remove(thread);
      return { id: thread.id, object: 'thread', deleted: true };
    }),
  );
  app.get(
    '/api/threads/:id/messages',
    signedIn(world, (call) => listMessages(world, call)),
  );
  app.get(
    '/api/profile/note',
    signedIn(world, ({ session }) => ({ note: session.user.note })),
  );
  app.put(
    '/api/profile/note',
    signedIn(world, ({ session, request }) => {
      session.user.note = readInput(NoteBody, request.body).note;
      return { note: session.user.note };
    }),
  );
  app.post(
    '/api/websocket/ticket',
    signedIn(world, (call) => issueTicket(world, call)),
  );
}

function createThread(world: World, { session, request, reply }: Call): Reply {
  const body = readInput(CreateBody, request.body);
  const members = (body.members ?? []).map((wanted) => {
    const member = world.users.find(wanted);
    if (member === undefined) throw new Refusal(422, `No user "${wanted}"`);
    return member.id;
  });
  const title = body.title ?? TITLE_OF_NEW;
  const thread = world.threads.create({ owner: session.user, title, members });
  void reply.code(201);
  return { ...summary(thread), title, members: [...thread.members] };
}

function listThreads(world: World, { session, request }: Call): Reply {
  const { limit, offset } = readInput(Page, request.query);
  const newestFirst = world.threads.of(session.user).toReversed();
  const listed = world.hooks.threadList(newestFirst, session);
  const shown = listed.slice(offset, offset + limit);
  for (const { deviations } of shown) explain(world, session, { deviations, run: null });
  const threads = shown.map(({ thread }) => summary(thread));
  return { threads, total: listed.length, limit, offset };
}

function listMessages(world: World, call: Call): Reply {
  const thread = readableThread(world, call);
  const { limit, offset } = readInput(Page, call.request.query);
  const history = world.hooks.history(thread, call.session);
  const messages = history.slice(offset, offset + limit);
  for (const { deviations, runId } of messages) {
    explain(world, call.session, { deviations, run: runId });
  }
  return {
    messages: messages.map((message) => ({
      id: message.id,
      role: message.role,
      content: message.content,
      created_at: isoTime(message.createdAt),
      metadata: { run_id: message.runId },
    })),
    thread_id: thread.id,
    total: history.length,
    limit,
    offset,
  };
}

function issueTicket(world: World, { session, request, reply }: Call): Reply {
  const body = readInput(TicketBody, request.body);
  const ticket = world.tickets.issue(session, body.ttl_seconds, body.single_use);
  void reply.code(201);
  return {
    ticket_id: ticket.id,
    created_at: ticket.createdAt / 1_000,
    expires_at: ticket.expiresAt / 1_000,
    ttl_seconds: body.ttl_seconds,
    single_use: ticket.singleUse,
    websocket_url: `ws://${request.host}/ws?ticket=${ticket.id}`,
  };
}

function readableThread(world: World, call: Call): Thread {
  const { session, request } = call;
  const thread = world.threads.find(readInput(ThreadPath, request.params).id);
  const foreign = thread !== undefined && !thread.members.has(session.user.id);
  if (foreign && isLetIn(world, { act: 'read-thread', session, thread, run: null })) return thread;
  return openThread(world, call);
}

/** Only its owner may delete a thread. */
function deletableThread(world: World, call: Call): Thread {
  const { session, request } = call;
  const thread = world.threads.find(readInput(ThreadPath, request.params).id);
  const foreign = thread !== undefined && thread.owner.id !== session.user.id;
  if (foreign && isLetIn(world, { act: 'delete-thread', session, thread, run: null }))
    return thread;
  const open = openThread(world, call);
  if (foreign) throw new Refusal(403, 'Access denied');
  return open;
}

function openThread(world: World, { session, request }: Call): Thread {
  return world.threads.open(readInput(ThreadPath, request.params).id, session.user);
}

function summary(thread: Thread): Reply {
  return {
    id: thread.id,
    object: 'thread',
    title: thread.title,
    created_at: isoTime(thread.createdAt),
    updated_at: isoTime(thread.messages.at(-1)?.createdAt ?? thread.createdAt),
    message_count: thread.messages.length,
  };
}

function explain(
  world: World,
  session: Session,
  seen: { readonly deviations: readonly Deviation[]; readonly run: string | null },
): void {
  const observer = session.signedIn.email;
  for (const { fault, owner, how } of seen.deviations) {
    // Whoever finds their own words where they do not belong saw nothing of another.
    if (owner === observer) continue;
    world.truth.write({ fault, observer, owner, run: seen.run, event: null, how });
  }
}
