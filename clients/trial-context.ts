import type { LimitFunction } from 'p-limit';
import type { Addresses, SignInMethod, Target } from '../targets/target.ts';
import type { BrowserPool, PageRecorder } from './browser-parts.ts';
import type { HttpSettings } from './http.ts';
import type { Pacer } from './pacer.ts';
import type { Persona } from './persona.ts';
import type { Recorder } from './recorder.ts';
import type { SocketSettings } from './socket-settings.ts';
import type { User } from './user.ts';

/** What every user of a trial shares. Made once per trial by `openTrial`. */
export interface TrialContext {
  readonly target: Target;
  readonly addresses: Addresses;
  readonly signInMethod: SignInMethod;
  readonly recorder: Recorder;
  readonly http: HttpSettings;
  readonly socket: SocketSettings;
  /** Bounds the sign-ins under way at once. */
  readonly signIns: LimitFunction;
  /** Bounds the connections being opened at once. */
  readonly connects: LimitFunction;
  /** Spaces sign-ins and connections where the target allows only so many a second. */
  readonly pacer: Pacer;
  /** Time limit of each phase for each user, milliseconds. */
  readonly timeoutMs: number;
  readonly variants: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the harness made these users itself: only those may be probed (DESIGN §6). */
  readonly madeByUs: boolean;
  /** Everybody in the crowd with what others may need to know of them, by index. */
  readonly members: readonly CrowdMember[];
  /** Names of those who have begun to sign in: the target may know nobody else. */
  readonly arrived: Set<string>;
}

/** Where the browser users of a trial sit. */
export interface BrowserSeat {
  readonly pool: BrowserPool;
  /** Bounds the pages being opened at once. */
  readonly openings: LimitFunction;
  /** Makes the recorder of one browser profile. */
  readonly createRecorder: () => PageRecorder;
  /** Directory of the trial, for screenshots and traces. */
  readonly dir: string;
  /** Whether a Playwright trace of every user is made. */
  readonly trace: boolean;
  /** Bytes of a reply that are recorded at most. */
  readonly bodyBytesMax: number;
}

/** What one user may know of another (variant `shared-thread`). */
export interface CrowdMember {
  readonly name: string;
  readonly email: string;
}

/** Makes the user a persona acts through; one per transport. */
export type UserFactory = (context: TrialContext, persona: Persona, name: string) => User;

/** Who makes the users of a trial, and what has to go when they are gone. */
export interface Cast {
  readonly createUser: UserFactory;
  readonly close: () => Promise<void>;
}
