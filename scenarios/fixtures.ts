import { test as base } from 'playwright/test';
import { tsImport } from 'tsx/esm/api';
import { lendJudge } from '../assertions/expect.ts';
import type * as TrialFixture from './trial-fixture.ts';
import type { Crowd } from '../clients/crowd.ts';

export { expect } from '../assertions/expect.ts';

type TrialFixtureModule = typeof TrialFixture;

/**
 * Clients, targets and judge, loaded through tsx when a trial begins: the test runner would transform
 * each of their files by itself, with Babel, once to list the tests and once to run them.
 */
async function loadTrialFixture(): Promise<TrialFixtureModule> {
  const module: unknown = await tsImport('./trial-fixture.ts', import.meta.url);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the module named on the line above
  return module as TrialFixtureModule;
}

const EXIT_PARENT_GONE = 130;

// Whoever started this process is gone: end without a word. A teardown would write an end to a history
// that was cut off, and make it look complete.
process.on('disconnect', () => process.exit(EXIT_PARENT_GONE));

export interface CrosstalkOptions {
  /**
   * Share of user pairs whose runs must overlap, where the scenario differs from the profile; 0 where
   * overlap is not its point (DESIGN §3.4). `test.use({ overlapFloor: 0 })`.
   */
  readonly overlapFloor: number | null;
}

export interface CrosstalkFixtures {
  /** The crowd of one trial. Its end is judged by the whole rulebook whatever the script asserts. */
  readonly crowd: Crowd;
}

/** Playwright's `test` with a crowd: opened before the script, settled, closed and judged after it. */
export const test = base.extend<CrosstalkFixtures & CrosstalkOptions>({
  overlapFloor: [null, { option: true }],
  crowd: async ({ overlapFloor }, use, testInfo) => {
    const { setUpTrial } = await loadTrialFixture();
    const trial = await setUpTrial(overlapFloor, testInfo);
    lendJudge(trial.crowd, (historyPath) => trial.judgeSoFar(historyPath));
    let failure: Error | undefined;
    try {
      await use(trial.crowd);
    } finally {
      failure = await trial.conclude(testInfo);
    }
    if (failure !== undefined) throw failure;
  },
});
