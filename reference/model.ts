/**
 * The nouns of the reference target: users and their sessions, threads, connections, runs, and the
 * events of a run. Types only; whoever owns the state of a noun is the module named after it.
 */
import type { WebSocket } from 'ws';

/** What is inside an event: names and values as they appear on the wire. */
export type Payload = Readonly<Record<string, unknown>>;

/** Somebody who signed in at least once. */
export interface User {
  /** A UUID, or `e2e-<local part>` for users of the end-to-end sign-in. */
  readonly id: string;
  readonly email: string;
  readonly name: string;
  /** Position in the order of first sign-ins, from 1; faults choose their victims by it. */
  readonly ordinal: number;
  readonly permissions: readonly string[];
  /** The private text that the agent's tool reads. */
  note: string;
  /** The access token issued last, kept only because `token-in-event` gives it away. */
  lastToken: string | null;
}

/** One accepted credential: who signed in, and as whom the service now treats them. */
export interface Session {
  /** The person whose token this is. Ground truth names people by this user's e-mail. */
  readonly signedIn: User;
  /** Whose data is read and written. Differs from `signedIn` only under identity faults. */
  readonly user: User;
  /** Id that all tokens of one sign-in share, refreshed ones too; ending it makes them worthless. */
  readonly sessionId: string;
}

/** Where a request came from, as far as a careless service would look. */
export interface Origin {
  readonly address: string;
  readonly userAgent: string;
}

/**
 * The explanation that a wrong thing carries with it. It is written to the ground truth at the moment
 * the thing leaves the process, once per receiver.
 */
export interface Deviation {
  readonly fault: string;
  /**
   * E-mail of the person whose data this is, or whose act had this effect; `outside` for an invented
   * person, null if nobody's.
   */
  readonly owner: string | null;
  readonly how: string;
  /** Event type to name instead of the type of the carrying event. */
  readonly event?: string;
  /** Run to name instead of the run of the carrying event. */
  readonly run?: string;
}

/** One message of a thread, as `GET /api/threads/{id}/messages` shows it. */
export interface Message {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  readonly content: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly runId: string;
  readonly deviations: readonly Deviation[];
}

/** A conversation. Everybody in `members` may read it and sees the runs in it. */
export interface Thread {
  readonly id: string;
  title: string;
  /** Who created it. */
  readonly owner: User;
  /** User ids, the owner's first. */
  readonly members: Set<string>;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly messages: Message[];
}

/** One WebSocket, from upgrade to close. */
export interface Connection {
  readonly id: string;
  /** Position in the order of upgrades, from 1. */
  readonly ordinal: number;
  readonly session: Session;
  readonly socket: WebSocket;
  /** Name that the client gave the connection, kept over its reconnects; null if it gave none. */
  readonly key: string | null;
  /** Where a question goes that names no thread. */
  readonly thread: Thread;
  /** Monotonic milliseconds of the last frame in, or event out; the idle limit counts from here. */
  activeAt: number;
  /** Monotonic milliseconds of the last heartbeat. */
  heartbeatAt: number;
}

/** What the agent does next: content of an event, before it has ids. */
export interface Step {
  readonly type: string;
  readonly payload: Payload;
  /** Pause before this step in milliseconds at pace 1. */
  readonly pauseMs: number;
  /** Pause in real milliseconds, whatever the pace; replaces `pauseMs`. */
  readonly exactMs?: number;
  /** The outermost completion: its `response` is stored as the answer. */
  readonly closing?: true;
  /** Why this step, though due, sends nothing. */
  readonly withheld?: Deviation;
  readonly deviations?: readonly Deviation[];
}

/** One event of a run, with its ids; ids are absent only where a fault strips them. */
export interface AgentEvent {
  readonly type: string;
  readonly user_id?: string;
  readonly thread_id?: string;
  readonly run_id?: string;
  readonly message_id?: string;
  readonly sequence?: number;
  /** ISO 8601 with milliseconds. */
  readonly timestamp: string;
  readonly payload: Payload;
  readonly deviations: readonly Deviation[];
}

/** One question and everything the agent does about it. It outlives the connection that asked. */
export interface Run {
  readonly id: string;
  readonly thread: Thread;
  readonly asker: Session;
  /** This is the asker's n-th run, from 1. */
  readonly ordinal: number;
  readonly question: string;
  /** Monotonic milliseconds of the question's arrival. */
  readonly startedAt: number;
  /** What the agent says about it, computed when the question arrives. */
  readonly note: string;
  plan: readonly Step[];
  /** Every event sent so far, in order; a resumed connection is served from it. */
  readonly log: AgentEvent[];
  /** Connections that asked or resumed. Members of a shared thread are found at each event. */
  readonly subscribers: Set<Connection>;
  /** Number of the last event, 0 before the first. */
  sequence: number;
  active: boolean;
  /** The acknowledgement is still owed and follows the first event. */
  acknowledgementOwed: boolean;
}
