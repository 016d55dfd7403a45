import type { Crowd } from '../../clients/crowd.ts';
import { goldenPath } from './golden-path.ts';

/** What a crowd goes through in a scenario, without its assertions. */
export interface Story {
  /** Name of the scenario. */
  readonly name: string;
  /** Share of user pairs that must overlap, where the scenario differs from the profile. */
  readonly overlapFloor?: number;
  /** @throws CrowdLost when nobody is left, TrialAborted after an abort. */
  walk(crowd: Crowd): Promise<void>;
}

/** The stories that plain scripts can walk without Playwright Test; each scenario has one. */
export const STORIES: readonly Story[] = [{ name: 'golden-path', walk: goldenPath }];

/** The story of this name; throws when there is none, for names come from our own tables. */
export function storyOf(name: string): Story {
  const story = STORIES.find((candidate) => candidate.name === name);
  if (story === undefined) throw new Error(`there is no story "${name}"`);
  return story;
}
