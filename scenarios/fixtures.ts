import { pathToFileURL } from 'node:url';
import { test as base, type TestInfo } from 'playwright/test';
import { lendJudge } from '../assertions/expect.ts';
import type { Crowd } from '../clients/crowd.ts';
import type { Transport } from '../clients/plan.ts';
import { compiledFile } from './compiled-programs.ts';
import type { setUpTrial } from './trial-fixture.ts';

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
  /** The scenario goes on as long as `--for` says. */
  readonly lasting: boolean;
  /**
   * Users hardly do anything but wait. Over sockets such a trial goes on beside the others, where each has
   * a target of its own.
   */
  readonly waits: boolean;
  /** The transports the scenario can be walked on; null: all. On the others it is not applicable. */
  readonly transports: readonly Transport[] | null;
  /**
   * How alike the questions are: `equal` words for all, or `near` ones that differ in capitals, spaces, a
   * number and a marker; null as those of the golden path.
   */
  readonly questions: 'equal' | 'near' | null;
}

export interface CrosstalkFixtures {
  /** The crowd of one trial. Its end is judged by the whole rulebook whatever the script asserts. */
  readonly crowd: Crowd;
}

/** Skips a test on a transport that its scenario cannot be walked on. Projects are named after transports. */
export function skipElsewhere(transports: readonly Transport[] | null, testInfo: TestInfo): void {
  const { name } = testInfo.project;
  const fits = transports === null || transports.some((transport) => transport === name);
  testInfo.skip(!fits, `this scenario cannot be walked on ${name}`);
}

/**
 * `test.fail()` would turn a violation into a passed test: there is no list of known leaks to ignore
 * (DESIGN §3.9), so a test with a crowd is never expected to fail.
 */
function expectSuccess(testInfo: TestInfo): void {
  if (testInfo.expectedStatus === 'failed') testInfo.expectedStatus = 'passed';
}

interface TrialModule {
  readonly setUpTrial: typeof setUpTrial;
}

/** Some hundred modules, which are read much faster as the one file that they were compiled to. */
async function trialFixture(): Promise<TrialModule> {
  const compiled = compiledFile('scenarios/trial-fixture.ts');
  if (compiled === undefined) return import('./trial-fixture.ts');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- compiled from that very module
  return import(pathToFileURL(compiled).href) as Promise<TrialModule>;
}

/** Playwright's `test` with a crowd: opened before the script, settled, closed and judged after it. */
export const test = base.extend<CrosstalkFixtures & CrosstalkOptions>({
  overlapFloor: [null, { option: true }],
  alike: [false, { option: true }],
  lasting: [false, { option: true }],
  waits: [false, { option: true }],
  transports: [null, { option: true }],
  questions: [null, { option: true }],
  crowd: async ({ overlapFloor, alike, questions, transports }, use, testInfo) => {
    skipElsewhere(transports, testInfo);
    // Listing scenarios needs neither clients nor judge, and a trial loads them while its target starts.
    const { setUpTrial: setUp } = await trialFixture();
    const trial = await setUp({ overlapFloor, alike, questions }, testInfo);
    lendJudge(trial.crowd, (historyPath) => trial.judgeSoFar(historyPath));
    let failure: Error | undefined;
    try {
      await use(trial.crowd);
    } finally {
      expectSuccess(testInfo);
      failure = await trial.conclude(testInfo);
    }
    if (failure !== undefined) throw failure;
  },
});
