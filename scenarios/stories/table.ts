import type { Crowd } from '../../clients/crowd.ts';
import {
  askAtOnce,
  cancel,
  error,
  reconnect,
  signOut,
  staggered,
  tabs,
  tokenRefresh,
} from './disturbances.ts';
import { goldenPath } from './golden-path.ts';
import { hostileAccess } from './hostile-access.ts';
import { interference } from './interference.ts';
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
  /** @throws CrowdLost when nobody is left, TrialAborted after an abort. */
  walk(crowd: Crowd): Promise<void>;
}

/** The stories that plain scripts can walk without Playwright Test; each scenario has one. */
export const STORIES: readonly Story[] = [
  { name: 'golden-path', walk: goldenPath },
  { name: 'equal-names', walk: goldenPath, alike: true },
  { name: 'cancel', walk: cancel },
  { name: 'reconnect', walk: reconnect },
  { name: 'error', walk: error },
  // Those who come late meet those who are done: not to overlap is the point.
  { name: 'staggered', walk: staggered, overlapFloor: 0 },
  { name: 'sign-out', walk: signOut },
  { name: 'tabs', walk: tabs },
  { name: 'ask-at-once', walk: askAtOnce },
  { name: 'token-refresh', walk: tokenRefresh },
  { name: 'hostile-access', walk: hostileAccess },
  { name: 'soak', walk: soak },
  { name: 'interference', walk: interference },
  // What one user leaves behind for the next is the point, not who is there at one moment.
  { name: 'switch-account', walk: switchAccount, overlapFloor: 0 },
];

/** The story of this name; throws when there is none, for names come from our own tables. */
export function storyOf(name: string): Story {
  const story = STORIES.find((candidate) => candidate.name === name);
  if (story === undefined) throw new Error(`there is no story "${name}"`);
  return story;
}
