import type { BrowserContext, BrowserContextOptions, Page } from 'playwright';
import type { DecodedFrame } from '../targets/target.ts';

/** Cookies, local storages and databases of a browser profile. */
export type ProfileState = NonNullable<BrowserContextOptions['storageState']>;

/** The browser processes of a trial. */
export interface BrowserPool {
  /** A fresh browser profile in the process that is this user's turn: empty, or with what another one kept. */
  open(index: number, state?: ProfileState): Promise<BrowserContext>;
  /**
   * Called with the reason when the process that holds this user's profile is gone. One listener a user: a
   * later one takes the place of the one before.
   */
  onGone(index: number, tell: (reason: string) => void): void;
  /** Ends all processes; those that do not end by themselves are killed. */
  close(): Promise<void>;
}

/** Whose browser profile it is, told of what its pages send and receive after it was recorded. */
export interface PageOwner {
  /** Crowd name, for the lines of the history. */
  readonly name: string;
  /** The id the target knows this user by; empty before sign-in. */
  readonly userId: string;
  /** Connections that were opened for it so far, in whatever profile: names go on from there. */
  readonly connections: number;
  /** A page opened a socket; `conn` is the connection's name, `u03#1`. */
  opened(conn: string): void;
  /** A page sent a frame. `frame` is the parsed JSON, or undefined where it was none. */
  sent(frame: unknown, text: string, at: number): void;
  /** An event came in the reply to the request that asked; told before it is recorded. */
  replied(decoded: DecodedFrame): void;
  /** `isReply`: it came in the reply to the request that asked. */
  received(decoded: DecodedFrame, text: string, at: number, isReply?: boolean): void;
  closed(code: number, by: 'us' | 'them'): void;
  /** A reply that streamed events, which counts as a connection, came to its end or broke off. */
  ended(): void;
  /** The page or its process is gone, or does not answer. */
  lost(reason: string): void;
}

/**
 * Writes down everything the pages of one browser profile receive, show and keep (DESIGN §4.4): socket
 * frames, server-sent events, HTTP, HTML before hydration, text as it changes, console, storage.
 */
export interface PageRecorder {
  /** Installs the watchers, before the profile's first page opens; each proves that it sees. */
  watch(context: BrowserContext): Promise<void>;
  /** Resolves when a page is watched, at the latest after a limit; until then it must go nowhere. */
  attended(page: Page): Promise<void>;
  /** From now on the profile is this user's: whatever is seen in it, this user saw. */
  belongsTo(owner: PageOwner): void;
  /** Requests from now on are for this. */
  purpose(purpose: 'sign-in' | 'api'): void;
  /** Reads what the profile keeps: cookies, storages, databases, caches. */
  snapshot(): Promise<void>;
  /** Takes a picture of a page and records its path; resolves also when the page is gone. */
  screenshot(page: Page, dir: string): Promise<void>;
  /** Waits a bounded time until what was received is recorded. */
  flush(): Promise<void>;
  /** Ends watching. A close of a socket after this is our own doing. */
  stop(): Promise<void>;
}
