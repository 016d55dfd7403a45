import type { OwnedIds } from '../history/observation.ts';

/** What {@link User.probe} tries. */
export type Probing = 'foreign run' | 'threads' | 'opens' | 'own question' | 'own run';

/**
 * A simulated user, whatever it acts through. Scripts call the verbs; each of them ends when its effect
 * is there, or throws a `StepFailure` or `TargetRefusal`, which the crowd records before it takes the
 * user out of the rest of the script.
 */
export interface User {
  /** `u00`, `u01`, …; as many digits as the crowd needs, two at least. */
  readonly name: string;
  /** Position in the crowd, from 0. */
  readonly index: number;
  /** What this user acts through. */
  readonly transport: 'websocket' | 'browser';
  /** True once a step failed: later phases pass this user over. It still listens. */
  readonly isOut: boolean;
  /** The step under way or done last: `sign-in`, `connect`, `ask` …; names a time-out. */
  readonly step: string;
  /** When the action under way began, on the trial's clock; undefined while it waits in line. */
  readonly since: number | undefined;

  /** Signs in and asks the target who this is. */
  signIn(): Promise<void>;
  /** Opens the chat: connects, lists the threads, makes one, stores a note, lists again. */
  openChat(): Promise<void>;
  /** Stores the private note that the agent's tool reads; part of {@link openChat}. */
  storeNote(): Promise<void>;
  /** Opens the chat's connection and nothing else, so that a question can follow at once. */
  connect(): Promise<void>;
  /** Asks the next question; at once if {@link prepare} came before. */
  ask(): Promise<void>;
  /** Waits until the answer to the last question is over, then reads the thread and who-am-I again. */
  answered(): Promise<void>;

  /**
   * Signs out, and waits until the target agreed. `elsewhere`: as from another device, so that what is open
   * here learns of it from the target alone.
   */
  signOut(where?: 'here' | 'elsewhere'): Promise<void>;
  /**
   * Uses the session after sign-out: one API read with the old token, and a socket opened with it. What
   * came of it is for the judge to say; the verb fails only when it cannot try.
   */
  stale(): Promise<void>;
  /**
   * Goes on where another user, who signed out, has been: in the same browser profile. For a user
   * without a browser the two share no more than the machine, as all users do.
   */
  takeOver(former: User): Promise<void>;

  /** Waits until the run under way has shown this canonical event, or is over. */
  until(event: string): Promise<void>;
  /** Stops the run under way. */
  cancel(): Promise<void>;
  /** Cuts the connection without a word; the run goes on at the target. */
  drop(): Promise<void>;
  /** Opens a new connection and goes on with the run under way from its last event seen. */
  reconnect(): Promise<void>;
  /** Opens one more connection beside the one that is there. */
  duplicateTab(): Promise<void>;
  /** Exchanges the session's tokens for new ones, under the open connection. */
  refreshToken(): Promise<void>;
  /** The next question makes a tool of the target fail. */
  provokeError(): void;
  /**
   * Tries what must be refused: with the ids of a neighbour's running run, with threads, or by opening
   * sockets without a right to; and, as control, what must be allowed: a question in the own thread, which
   * waits until it was taken up, and the own run. Only users that the harness made are probed.
   */
  probe(what: Probing, neighbour: User): Promise<void>;
  /** The user's own thread and latest run, for others to try. */
  readonly ids: OwnedIds;
  /** Whether the latest run has shown this canonical event. */
  hasSeen(event: string): boolean;

  /** Gets the next question ready, so that {@link ask} can leave in one go. */
  prepare(): Promise<void>;
  /** Tells when the next {@link ask} is due, on the trial's clock; latency counts from there. */
  due(intended: number): void;
  /** Takes the user out of the script: waits of its own end, its connections keep listening. */
  leave(): void;
  /** Stops reading while the journal cannot follow, and goes on. */
  pause(): void;
  resume(): void;
  /**
   * Takes what a trial that does not look like a pass leaves to look at: pictures of the pages, and the
   * traces where they were asked for. With `keep` false what was traced is thrown away. Comes before
   * {@link close}; a user without a page resolves at once.
   */
  evidence(keep: boolean): Promise<void>;
  /** Closes all connections from our side, and waits a bounded time until they are closed. */
  close(): Promise<void>;
}
