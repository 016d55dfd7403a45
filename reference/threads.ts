import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { HookChain } from './hooks.ts';
import type { Message, Thread, User } from './model.ts';
import { Refusal } from './refusal.ts';

/** What a new thread is made from. */
export interface NewThread {
  readonly owner: User;
  readonly title: string;
  /** User ids of further members. */
  readonly members?: readonly string[];
}

const MESSAGES_PER_THREAD_MAX = 2_000;
const TITLE_LENGTH_MAX = 200;
/** Title of a thread that was made without one, until somebody asks in it. */
export const TITLE_OF_NEW = 'New conversation';

/** All threads, in memory, and who may see them. */
export class Threads {
  private readonly hooks: HookChain;
  private readonly clock: Clock;
  private readonly threads = new Map<string, Thread>();
  private readonly byMember = new Map<string, Set<Thread>>();

  constructor(hooks: HookChain, clock: Clock) {
    this.hooks = hooks;
    this.clock = clock;
  }

  create(wanted: NewThread): Thread {
    const replaced = this.hooks.thread(wanted.owner);
    const thread = replaced ?? {
      id: `thread_${randomUUID()}`,
      title: wanted.title,
      owner: wanted.owner,
      members: new Set<string>(),
      createdAt: this.clock.now(),
      messages: [],
    };
    this.threads.set(thread.id, thread);
    for (const member of [wanted.owner.id, ...(wanted.members ?? [])]) this.join(thread, member);
    return thread;
  }

  /** Finds a thread, whoever may see it. */
  find(id: string): Thread | undefined {
    return this.threads.get(id);
  }

  /** Returns a thread that this user may see: 404 if there is none, 403 if it is not theirs. */
  open(id: string, user: User): Thread {
    const thread = this.threads.get(id);
    if (thread === undefined) throw new Refusal(404, 'Thread not found');
    if (!thread.members.has(user.id)) throw new Refusal(403, 'Access denied');
    return thread;
  }

  /** The threads of which the user is a member, oldest first. */
  of(user: User): readonly Thread[] {
    return [...(this.byMember.get(user.id) ?? [])];
  }

  /** All threads of everybody, oldest first. */
  all(): IterableIterator<Thread> {
    return this.threads.values();
  }

  /** Removes a thread for all its members. */
  remove(thread: Thread): void {
    this.threads.delete(thread.id);
    for (const member of thread.members) this.byMember.get(member)?.delete(thread);
  }

  /** Stores a message; the oldest goes when a thread is full. The first question names a new thread. */
  append(thread: Thread, message: Omit<Message, 'id' | 'createdAt'>): void {
    if (thread.title === TITLE_OF_NEW && message.role === 'user')
      thread.title = Array.from(message.content).slice(0, TITLE_LENGTH_MAX).join('');
    thread.messages.push({ id: `msg_${randomUUID()}`, createdAt: this.clock.now(), ...message });
    if (thread.messages.length > MESSAGES_PER_THREAD_MAX) thread.messages.shift();
  }

  private join(thread: Thread, userId: string): void {
    thread.members.add(userId);
    const known = this.byMember.get(userId);
    if (known === undefined) this.byMember.set(userId, new Set([thread]));
    else known.add(thread);
  }
}
