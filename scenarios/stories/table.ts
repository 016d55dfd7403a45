import type { Crowd } from '../../clients/crowd.ts';
import { revoked, signOut, tokenRefresh } from './authority.ts';
import {
  askAtOnce,
  askEqualTwice,
  askTwice,
  concurrentBurst,
  interleavedThreads,
  staggered,
} from './crowding.ts';
import { cancel, error, idle, idleLimit, reconnect, slowReader, tabs } from './disturbances.ts';
import { goldenPath } from './golden-path.ts';
import { hostileAccess } from './hostile-access.ts';
import { interference } from './interference.ts';
import { coldStart, history, memory } from './returning.ts';
import { soak } from './soak.ts';
import { switchAccount } from './switch-account.ts';

/** What a crowd goes through in a scenario, without its assertions. */
export interface Story {
  /** Name of the scenario. */
  readonly name: string;
  /** Share of user pairs that must overlap, where the scenario differs from the profile. */
  readonly overlapFloor?: number;
  /** Users are named as alike as can be. */
  readonly alike?: boolean;
  /** How alike the questions are; absent: as those of the golden path. */
  readonly questions?: 'equal' | 'near';
  /** Faults of the embedded target that motivated the scenario: it must catch each of them. */
  readonly reveals: readonly string[];
  /**
   * @throws CrowdLost when nobody is left, TrialAborted after an abort, NotApplicable where the target does
   * not offer what the story needs.
   */
  walk(crowd: Crowd): Promise<void>;
}

/** The stories that plain scripts can walk without Playwright Test; each scenario has one. */
export const STORIES: readonly Story[] = [
  {
    name: 'golden-path',
    walk: goldenPath,
    reveals: ['broadcast', 'swap', 'late-leak', 'anonymous-foreign', 'render-only'],
  },
  {
    name: 'concurrent-burst',
    walk: concurrentBurst,
    reveals: ['overlap-only', 'shared-state', 'replace-mine'],
  },
  { name: 'interleaved-threads', walk: interleavedThreads, reveals: ['wrong-run', 'shared-state'] },
  { name: 'equal-questions', walk: askEqualTwice, questions: 'equal', reveals: ['prompt-cache'] },
  {
    name: 'near-equal-questions',
    walk: askTwice,
    questions: 'near',
    reveals: ['near-prompt-cache'],
  },
  {
    name: 'equal-names',
    walk: goldenPath,
    alike: true,
    questions: 'equal',
    reveals: ['name-prefix', 'thread-name-key'],
  },
  // Those who come late meet only those before and after them: not to overlap is the point.
  { name: 'staggered', walk: staggered, overlapFloor: 0, reveals: ['replay-on-connect'] },
  { name: 'tabs', walk: tabs, reveals: ['tab-clone'] },
  {
    name: 'reconnect',
    walk: reconnect,
    reveals: ['reconnect-race', 'lost-on-reconnect', 'replay-disorder'],
  },
  { name: 'cancel', walk: cancel, reveals: ['shift', 'cancel-kills-neighbour'] },
  { name: 'error', walk: error, reveals: ['error-kills-neighbour'] },
  { name: 'token-refresh', walk: tokenRefresh, reveals: ['refresh-mixup'] },
  { name: 'sign-out', walk: signOut, reveals: ['stale-after-logout'] },
  { name: 'revoked', walk: revoked, reveals: ['stale-after-revocation'] },
  // What one user leaves behind for the next is the point, not who is there at one moment.
  {
    name: 'switch-account',
    walk: switchAccount,
    overlapFloor: 0,
    reveals: ['storage-residue', 'cache-residue'],
  },
  { name: 'ask-at-once', walk: askAtOnce, reveals: ['handshake-race'] },
  { name: 'slow-reader', walk: slowReader, reveals: ['slow-reader-starves'] },
  { name: 'idle', walk: idle, reveals: ['heartbeat-roster'] },
  { name: 'idle-limit', walk: idleLimit, reveals: ['heartbeat-roster'] },
  // Those who ask come after those who told: not to overlap is the point.
  { name: 'memory', walk: memory, overlapFloor: 0, reveals: ['memory-bleed'] },
  { name: 'history', walk: history, reveals: ['thread-list-cache', 'thread-list-titles'] },
  { name: 'cold-start', walk: coldStart, reveals: ['ids-restart'] },
  { name: 'soak', walk: soak, reveals: [] },
  {
    name: 'interference',
    walk: interference,
    reveals: ['cancel-kills-neighbour'],
  },
  {
    name: 'hostile-access',
    walk: hostileAccess,
    reveals: [
      'thread-read',
      'thread-delete',
      'socket-foreign-thread',
      'socket-foreign-stop',
      'resume-by-id',
      'no-token',
      'unsigned-token',
      'expired-token',
      'ticket-replay',
      'cross-origin-socket',
    ],
  },
];

/** The story of this name; throws when there is none, for names come from our own tables. */
export function storyOf(name: string): Story {
  const story = STORIES.find((candidate) => candidate.name === name);
  if (story === undefined) throw new Error(`there is no story "${name}"`);
  return story;
}
