import { test as base } from 'playwright/test';
import { lendJudge } from '../assertions/expect.ts';
import type { Crowd } from '../clients/crowd.ts';

export { expect } from '../assertions/expect.ts';

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
  /** Users are named as alike as can be: one name, one title, mail names that begin alike. */
  readonly alike: boolean;
}

export interface CrosstalkFixtures {
  /** The crowd of one trial. Its end is judged by the whole rulebook whatever the script asserts. */
  readonly crowd: Crowd;
}

/** Playwright's `test` with a crowd: opened before the script, settled, closed and judged after it. */
export const test = base.extend<CrosstalkFixtures & CrosstalkOptions>({
  overlapFloor: [null, { option: true }],
  alike: [false, { option: true }],
  crowd: async ({ overlapFloor, alike }, use, testInfo) => {
    // Listing scenarios needs neither clients nor judge, and a trial loads them while its target starts.
    const { setUpTrial } = await import('./trial-fixture.ts');
    const trial = await setUpTrial({ overlapFloor, alike }, testInfo);
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
