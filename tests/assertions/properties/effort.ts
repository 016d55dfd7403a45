/**
 * How much harder than usual to look: `CROSSTALK_EFFORT=100` makes a hundred times as many histories and
 * texts. Without it the tests of this folder take seconds.
 */
const EFFORT = Number(process.env['CROSSTALK_EFFORT'] ?? '1');

/** Of every day the same cases; whoever looks harder looks at new ones. */
const SEED = 20_260_105;

/** Parameters of a property: so many runs, and no longer than so many seconds, times the effort. */
export function effort(numRuns: number, seconds: number) {
  return {
    numRuns: numRuns * EFFORT,
    interruptAfterTimeLimit: seconds * 1_000 * EFFORT,
    markInterruptAsFailure: false,
    ...(EFFORT === 1 ? { seed: SEED } : {}),
  };
}

/** Time limit of a test, ms: nothing of this folder is slow unless it is told to be. */
export const EFFORT_MS = 60_000 * EFFORT;
