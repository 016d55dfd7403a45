/**
 * One-sided sign test: how likely at least `positive` of `all` comparisons come out positive when each is
 * a fair coin. From 0 to 1; 1 for no comparison at all. Derived in `docs/statistics.md`.
 */
export function signTest(positive: number, all: number): number {
  // Terms of the binomial distribution one from the other, in logarithms: 2^all may be beyond a number.
  let logTerm = -all * Math.LN2;
  let sum = 0;
  for (let count = 0; count <= all; count += 1) {
    if (count >= positive) sum += Math.exp(logTerm);
    logTerm += Math.log((all - count) / (count + 1));
  }
  return Math.min(1, sum);
}
