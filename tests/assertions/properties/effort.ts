/**
 * How much harder than usual to look: `CROSSTALK_EFFORT=100` makes a hundred times as many histories and
 * texts. Without it the tests of this folder take seconds.
 */
const EFFORT = Number(process.env['CROSSTALK_EFFORT'] ?? '1');

/** Parameters of a property: so many runs, and no longer than so many seconds, times the effort. */
export function effort(numRuns: number, seconds: number) {
  const limit = { interruptAfterTimeLimit: seconds * 1_000 * EFFORT };
  return { numRuns: numRuns * EFFORT, ...limit, markInterruptAsFailure: false };
}

/** Time limit of a test, ms: nothing of this folder is slow unless it is told to be. */
export const EFFORT_MS = 60_000 * EFFORT;
