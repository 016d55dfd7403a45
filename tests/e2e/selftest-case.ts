import { expect } from 'vitest';
import type { SelftestCase } from '../../cli/selftest-cases.ts';
import type { SelftestWorkers } from '../../cli/selftest-workers.ts';

/** Runs a case on the real engine and expects of it what `crosstalk selftest` does. */
export async function expectAsCatalogued(
  one: SelftestCase,
  workers: SelftestWorkers,
): Promise<void> {
  let result = await workers.run(one);
  // A trial that found its own machine too slow has said nothing; it is tried again.
  if (!result.ok && result.overloaded) result = await workers.run(one);
  const { complaints, verdict, rules } = result;
  expect(complaints, `verdict ${verdict}, raised ${rules.join(', ')}`).toEqual([]);
  expect(verdict).toBe(one.kind === 'fault' ? 'fail' : 'pass');
}

/** The titles under which the cases are tested, by their kind. */
export const TITLES = [
  ['every fault is caught by its rule, and nothing untrue is said', 'fault'],
  ['nothing legal is flagged', 'variant'],
] as const;
