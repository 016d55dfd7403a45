import type { OwnedIds } from '../history/observation.ts';
import type { Session } from '../targets/target.ts';

/** What {@link User.probe} tries. */
export type Probing =
  | 'foreign run'
  | 'threads'
  | 'opens'
  | 'own question'
  | 'own run'
  | 'credentials'
  | 'foreign deletion'
  | 'own deletion';

/** Verbs that not every target offers, or not through every transport; see {@link User.cannot}. */
export type OptionalVerb =
  /** Asking while the answer to an earlier question is under way. */
  | 'askMeanwhile'
  | 'cancel'
  | 'newThread'
  | 'ownThreads'
  | 'probe'
  | 'provokeError'
  | 'reconnect'
  | 'refreshToken'
  | 'revoke'
  | 'signOut'
  | 'stall'
  | 'storeNote';

/** When a disturbance happens. */
export interface Moment {
  /**
   * Canonical event of the run under way (`tool_executing`): the verb waits until the run has shown it,
   * or is over. Absent: at once.
   */
  readonly at?: string | undefined;
}

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

  /** Why this user cannot do a verb on this target; undefined where it can. */
  cannot(verb: OptionalVerb): string | undefined;
  /**
   * The target was started again and knows nobody any more: the next sign-in makes the user anew.
   */
  forgotten(): void;
  /** Begins one more conversation, in which the next question is asked; runs in others go on. */
  newThread(): Promise<void>;
  /**
   * Lists the user's own threads and waits for the reply.
   * @throws StepFailure when one that the user made is not among them.
   */
  ownThreads(): Promise<void>;
  /** Does nothing for so many milliseconds, and listens. Ends early when the connection is lost. */
  idle(ms: number): Promise<void>;

  /**
   * Signs out, and waits until the target agreed. `elsewhere`: as from another device, so that what is open
   * here learns of it from the target alone.
   */
  signOut(where?: 'here' | 'elsewhere', moment?: Moment): Promise<void>;
  /**
   * Takes all sessions of the user back from another device, and waits until the target agreed: what is
   * open here must end, and its tokens must be worth nothing.
   */
  revoke(moment?: Moment): Promise<void>;
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
  /**
   * Goes back through the pages of a former user, where {@link takeOver} left that undone: a page on which one
   * signs out and another signs in without loading it anew must not be left in between. Nothing for a user
   * without a browser.
   */
  lookBack(): Promise<void>;

  /** Waits until the run under way has shown this canonical event, or is over. */
  until(event: string): Promise<void>;
  /** Stops the run under way. */
  cancel(moment?: Moment): Promise<void>;
  /** Cuts the connection without a word; the run goes on at the target. */
  drop(moment?: Moment): Promise<void>;
  /**
   * Opens a new connection and goes on with the run under way from its last event seen. With a moment
   * the old connection is cut then, and the new one opened at once.
   */
  reconnect(moment?: Moment): Promise<void>;
  /** Stops reading, with the connection open, until {@link goOn}: what is sent waits on the way. */
  stall(moment?: Moment): Promise<void>;
  /** Reads on after a {@link stall}. */
  goOn(): void;
  /**
   * Goes on in a new browser profile that keeps what the old one kept, after everything that was seen in the
   * old one is recorded: a browser that is used for hours must not grow. Nothing for a user without a browser.
   */
  renewProfile(): Promise<void>;
  /** Opens one more connection beside the one that is there. */
  duplicateTab(moment?: Moment): Promise<void>;
  /** Exchanges the session's tokens for new ones, under the open connection. */
  refreshToken(moment?: Moment): Promise<void>;
  /** The next question makes a tool of the target fail. */
  provokeError(): void;
  /**
   * Tries what must be refused: with the ids of a neighbour's running run, with threads, with credentials
   * that are none or somebody else's, or by opening sockets without a right to; and, as control, what must
   * be allowed: a question in the own thread, which waits until it was taken up, and the own run. A
   * deletion comes last: what it takes away nobody can try any more. Only users that the harness made are
   * probed.
   */
  probe(what: Probing, neighbour: User): Promise<void>;
  /** The user's own thread and latest run, for others to try. */
  readonly ids: OwnedIds;
  /** The user's session, for the probes of others; undefined before sign-in. */
  readonly session: Session | undefined;
  /** Beginning of all markers of this user. */
  readonly markerPrefix: string;
  /** Resolves when the latest run has shown this canonical event or is over; for others to wait by. */
  untilSeen(event: string): Promise<void>;
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

/** What the line of a disturbance says of when it was meant to happen. */
export function saidOf({ at }: Moment): string | undefined {
  return at === undefined ? undefined : `at ${at}`;
}
