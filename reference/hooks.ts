import type {
  AgentEvent,
  Connection,
  Deviation,
  Message,
  Origin,
  Payload,
  Run,
  Session,
  Step,
  Thread,
  User,
} from './model.ts';
import type { Claims } from './tokens.ts';

/** Somebody who reaches for what is not theirs. */
export interface Trespass {
  readonly act: 'read-thread' | 'delete-thread' | 'ask-in-thread' | 'stop-run' | 'resume-run';
  readonly session: Session;
  readonly thread: Thread;
  /** Null where it is about a thread as a whole. */
  readonly run: Run | null;
}

/** A token that should have been refused, and why it was not. */
export interface ExcusedToken {
  readonly claims: Claims;
  readonly deviation: Deviation;
}

/** A request that is about to get its reply. */
export interface Answered {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  /** Null where nobody is signed in. */
  readonly session: Session | null;
}

/** Extra headers of an HTTP reply, and why they are there. */
export interface ReplyHeaders {
  readonly headers: Readonly<Record<string, string>>;
  readonly deviations: readonly Deviation[];
}

/** A wait before a socket's handshake is answered. */
export interface UpgradeDelay {
  readonly milliseconds: number;
  readonly deviations: readonly Deviation[];
}

/** What a heartbeat says beside the connection's id, and why. */
export interface HeartbeatExtras {
  readonly fields: Payload;
  readonly deviations: readonly Deviation[];
}

/** What the chat page does differently; `reference/page/chat.js` knows what each means. */
export type PageSwitch =
  | 'acknowledge-first'
  | 'clone-connection-key'
  | 'decode-hints'
  | 'draw-errors-as-success'
  | 'flash-hints'
  | 'hide-answers'
  | 'hide-foreign-events'
  | 'keep-transcript'
  | 'refresh-in-run'
  | 'report-drawn';

/** A thread as somebody's list shows it. */
export interface ListedThread {
  readonly thread: Thread;
  readonly deviations: readonly Deviation[];
}

/**
 * The points at which a fault or a variant may step in. Everything else in the target is unaware of
 * them. All are optional; with several switched on, each works on what the one before it returned.
 */
export interface Hooks {
  /** A new user is being made; returns an id to use instead of a fresh one. */
  readonly onNewUser?: (email: string, ordinal: number) => string | null;
  /** Somebody signed in. */
  readonly onSignIn?: (user: User, from: Origin) => void;
  /** A valid token came with a request or an upgrade; returns as whom to treat its holder. */
  readonly onIdentity?: (session: Session, from: Origin) => User;
  /** A token was refused; resolves with what it says if its holder gets in all the same. */
  readonly onRefusedToken?: (token: string) => Promise<ExcusedToken | null>;
  /** A socket is asked for without any token; returns as whom to let it in. */
  readonly onNoToken?: () => User | null;
  /** A page of another origin opens a socket with the cookie; returns why it may. */
  readonly onForeignOrigin?: (session: Session) => Deviation | null;
  /** Somebody signs out; returns true if their sockets stay open. */
  readonly onSignOut?: (user: User) => boolean;
  /** Somebody's sessions are revoked; returns true if their sockets stay open. */
  readonly onRevoke?: (user: User) => boolean;
  /** A refresh token was accepted; returns to whom the new tokens go instead. */
  readonly onRefresh?: (user: User) => User | null;
  /** A ticket that was used up is shown again; returns why it works once more. */
  readonly onUsedTicket?: (session: Session) => Deviation | null;
  /** A heartbeat is about to be sent. */
  readonly onHeartbeat?: (connection: Connection) => HeartbeatExtras | null;
  /** Somebody reaches for what is not theirs; returns the explanation if they get it. */
  readonly onTrespass?: (trespass: Trespass) => Deviation | null;
  /** A thread is being made; returns one to hand out instead. */
  readonly onNewThread?: (owner: User) => Thread | null;
  /** The list of a user's threads is about to be shown. */
  readonly onThreadList?: (
    listed: readonly ListedThread[],
    session: Session,
  ) => readonly ListedThread[];
  /** The messages of a thread are about to be shown. */
  readonly onHistory?: (
    messages: readonly Message[],
    thread: Thread,
    session: Session,
  ) => readonly Message[];
  /** An HTTP reply is about to leave. */
  readonly onReply?: (answered: Answered) => ReplyHeaders | null;
  /** `GET /health` is asked; returns whether the service claims to be well. */
  readonly onHealth?: () => boolean;
  /** The chat page of a signed-in user asks how to behave; returns what to switch on in it. */
  readonly onPage?: (session: Session) => readonly PageSwitch[];
  /** The chat page says that it drew something of a thread; returns why it could. */
  readonly onDrawn?: (thread: Thread, session: Session) => readonly Deviation[];
  /** An authenticated upgrade is about to be answered. */
  readonly onUpgrade?: (session: Session) => UpgradeDelay | null;
  /** A connection is open and has been sent its first frame. */
  readonly onOpen?: (connection: Connection) => void;
  /** A client frame came in; returns true if it needs no further handling. */
  readonly onMessage?: (message: Payload, connection: Connection) => boolean;
  /** A question was accepted; returns true if its acknowledgement follows the first event. */
  readonly onQuestion?: (run: Run) => boolean;
  /** The agent made up its mind about a question. */
  readonly onPlan?: (plan: readonly Step[], run: Run) => readonly Step[];
  /** A step is due; returns the steps to take instead. */
  readonly onStep?: (step: Step, run: Run) => readonly Step[];
  /** An event has its ids; returns what goes to the run's audience instead. */
  readonly onEvent?: (event: AgentEvent, run: Run) => readonly AgentEvent[];
  /** An event went to its audience. */
  readonly onSent?: (event: AgentEvent, run: Run) => void;
  /** An event is about to be written to a connection; returns the frame that carries it. */
  readonly onFrame?: (frame: Payload, event: AgentEvent, connection: Connection) => Payload;
  /** A connection takes up a run; returns what to replay to it before it goes on live. */
  readonly onResume?: (
    missed: readonly AgentEvent[],
    run: Run,
    connection: Connection,
  ) => readonly AgentEvent[];
  /** The last active run of anybody ended. */
  readonly onIdle?: () => void;
}

/** All hooks that are switched on, in the order of the command line; empty for a clean target. */
export class HookChain {
  private readonly links: Hooks[] = [];

  add(hooks: Hooks): void {
    this.links.push(hooks);
  }

  userId(email: string, ordinal: number): string | null {
    return first(this.links, (hooks) => hooks.onNewUser?.(email, ordinal));
  }

  signedIn(user: User, from: Origin): void {
    for (const hooks of this.links) hooks.onSignIn?.(user, from);
  }

  identity(session: Session, from: Origin): Session {
    return this.links.reduce(
      (known, hooks) =>
        hooks.onIdentity === undefined ? known : { ...known, user: hooks.onIdentity(known, from) },
      session,
    );
  }

  async excused(token: string): Promise<ExcusedToken | null> {
    for (const hooks of this.links) {
      // Each is asked only if the one before it did not let the holder in.
      // oxlint-disable-next-line no-await-in-loop
      const excused = (await hooks.onRefusedToken?.(token)) ?? null;
      if (excused !== null) return excused;
    }
    return null;
  }

  withoutToken(): User | null {
    return first(this.links, (hooks) => hooks.onNoToken?.());
  }

  foreignOrigin(session: Session): Deviation | null {
    return first(this.links, (hooks) => hooks.onForeignOrigin?.(session));
  }

  keepsSockets(user: User): boolean {
    return this.links.some((hooks) => hooks.onSignOut?.(user) ?? false);
  }

  keepsRevokedSockets(user: User): boolean {
    return this.links.some((hooks) => hooks.onRevoke?.(user) ?? false);
  }

  refreshed(user: User): User {
    return first(this.links, (hooks) => hooks.onRefresh?.(user)) ?? user;
  }

  usedTicket(session: Session): Deviation | null {
    return first(this.links, (hooks) => hooks.onUsedTicket?.(session));
  }

  heartbeat(connection: Connection): readonly HeartbeatExtras[] {
    return this.links.flatMap((hooks) => hooks.onHeartbeat?.(connection) ?? []);
  }

  trespass(trespass: Trespass): Deviation | null {
    return first(this.links, (hooks) => hooks.onTrespass?.(trespass));
  }

  thread(owner: User): Thread | null {
    return first(this.links, (hooks) => hooks.onNewThread?.(owner));
  }

  threadList(threads: readonly Thread[], session: Session): readonly ListedThread[] {
    return this.links.reduce<readonly ListedThread[]>(
      (listed, hooks) => hooks.onThreadList?.(listed, session) ?? listed,
      threads.map((thread) => ({ thread, deviations: [] })),
    );
  }

  history(thread: Thread, session: Session): readonly Message[] {
    return this.links.reduce<readonly Message[]>(
      (messages, hooks) => hooks.onHistory?.(messages, thread, session) ?? messages,
      thread.messages,
    );
  }

  replyHeaders(answered: Answered): readonly ReplyHeaders[] {
    return this.links.flatMap((hooks) => hooks.onReply?.(answered) ?? []);
  }

  healthy(): boolean {
    return this.links.every((hooks) => hooks.onHealth?.() ?? true);
  }

  pageSwitches(session: Session): readonly PageSwitch[] {
    return this.links.flatMap((hooks) => hooks.onPage?.(session) ?? []);
  }

  drawn(thread: Thread, session: Session): readonly Deviation[] {
    return this.links.flatMap((hooks) => hooks.onDrawn?.(thread, session) ?? []);
  }

  upgradeDelays(session: Session): readonly UpgradeDelay[] {
    return this.links.flatMap((hooks) => hooks.onUpgrade?.(session) ?? []);
  }

  opened(connection: Connection): void {
    for (const hooks of this.links) hooks.onOpen?.(connection);
  }

  handled(message: Payload, connection: Connection): boolean {
    return this.links.some((hooks) => hooks.onMessage?.(message, connection) ?? false);
  }

  acknowledgesLate(run: Run): boolean {
    // Every link hears of the question, so this must not stop at the first that says yes.
    return this.links.filter((hooks) => hooks.onQuestion?.(run) ?? false).length > 0;
  }

  plan(plan: readonly Step[], run: Run): readonly Step[] {
    return this.links.reduce((known, hooks) => hooks.onPlan?.(known, run) ?? known, plan);
  }

  steps(step: Step, run: Run): readonly Step[] {
    return this.links.reduce<readonly Step[]>(
      (known, hooks) => known.flatMap((each) => hooks.onStep?.(each, run) ?? [each]),
      [step],
    );
  }

  events(event: AgentEvent, run: Run): readonly AgentEvent[] {
    return this.links.reduce<readonly AgentEvent[]>(
      (known, hooks) => known.flatMap((each) => hooks.onEvent?.(each, run) ?? [each]),
      [event],
    );
  }

  sent(event: AgentEvent, run: Run): void {
    for (const hooks of this.links) hooks.onSent?.(event, run);
  }

  frame(frame: Payload, event: AgentEvent, connection: Connection): Payload {
    return this.links.reduce(
      (known, hooks) => hooks.onFrame?.(known, event, connection) ?? known,
      frame,
    );
  }

  replay(missed: readonly AgentEvent[], run: Run, connection: Connection): readonly AgentEvent[] {
    return this.links.reduce(
      (known, hooks) => hooks.onResume?.(known, run, connection) ?? known,
      missed,
    );
  }

  idle(): void {
    for (const hooks of this.links) hooks.onIdle?.();
  }
}

function first<Value>(
  links: readonly Hooks[],
  ask: (hooks: Hooks) => Value | null | undefined,
): Value | null {
  for (const hooks of links) {
    const answer = ask(hooks);
    if (answer !== null && answer !== undefined) return answer;
  }
  return null;
}
