import pLimit from 'p-limit';
import { newSeed } from '../clients/plan.ts';
import { explainResult, goldenPath, PATIENT } from '../tests/e2e/trial.ts';

/**
 * How often does a clean target pass? Runs golden paths of ten users with different seeds on the embedded
 * target and prints how many ended in which verdict. Everything but `pass` is a false alarm or a gap.
 *
 * `node --import tsx bench/clean-trials.ts [trials = 200] [at once = 1]`. With more than one at once the
 * timing gates are lifted: trials that share a machine are slow together.
 */
const TRIALS_DEFAULT = 200;
const PACE = 0.1;

async function main(trials: number, atOnce: number): Promise<void> {
  const limit = pLimit(atOnce);
  const verdicts = new Map<string, number>();
  const one = async (): Promise<void> => {
    const seed = newSeed();
    const result = await goldenPath({ seed, pace: PACE, slo: atOnce > 1 ? PATIENT : {} });
    const { verdict } = result.verdict;
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    if (verdict !== 'pass') console.log(`seed ${seed}: ${explainResult(result)}`);
  };
  await Promise.all(Array.from({ length: trials }, () => limit(one)));
  console.log(`${trials} clean trials: ${JSON.stringify(Object.fromEntries(verdicts))}`);
  process.exitCode = verdicts.get('pass') === trials ? 0 : 1;
}

const [trials = TRIALS_DEFAULT, atOnce = 1] = process.argv.slice(2).map(Number);
await main(trials, atOnce);
