import type { ExplorationSummary } from './explore/exploration.ts';
import { skipElsewhere, test as base } from './fixtures.ts';

/** What a scenario can do instead of walking a crowd through a script of its own. */
export interface ExploreFixtures {
  /** Explores as long as `--for` says, or so many milliseconds; see `explore`. */
  readonly explore: (usualMs: number) => Promise<ExplorationSummary>;
}

/** The `test` of scenarios that look for their scripts themselves. What was found is judged after it. */
export const test = base.extend<ExploreFixtures>({
  explore: async ({ transports }, use, testInfo) => {
    skipElsewhere(transports, testInfo);
    const { setUpExploration } = await import('./explore/set-up.ts');
    const exploration = await setUpExploration(testInfo);
    await use(exploration.explore);
    const failure = await exploration.conclude(testInfo);
    if (failure !== undefined) throw failure;
  },
});
