import { afterAll, describe, expect, test } from 'vitest';
import { selftestCases, type SelftestCase } from '../../cli/selftest-cases.ts';
import type { SelftestResult } from '../../cli/selftest-trial.ts';
import { SelftestWorkers } from '../../cli/selftest-workers.ts';

/**
 * The self-test over raw sockets, every fault and every legal variant on the real engine; and in Chromium
 * those that only a page shows, with one fault and one variant of the others. `crosstalk selftest` runs them all.
 */
const IN_CHROMIUM = new Set([
  'broadcast',
  'filter-only',
  'swap',
  'streamed-answer',
  'unicode-names',
]);

const workers = new SelftestWorkers();
afterAll(() => workers.stop());

const cases = selftestCases();
const inChromium = ({ name, transport, anyOf }: SelftestCase): boolean =>
  transport === 'browser' &&
  (IN_CHROMIUM.has(name) ||
    (anyOf.length > 0 && !cases.some((one) => one.name === name && one.transport === 'websocket')));
const chosen = cases.filter((one) => one.transport === 'websocket' || inChromium(one));

/** A trial that found its own machine too slow has said nothing; it is tried again. */
async function run(one: SelftestCase): Promise<SelftestResult> {
  const result = await workers.run(one);
  return !result.ok && result.overloaded ? workers.run(one) : result;
}

describe.concurrent.each([
  ['every fault is caught by its rule, and nothing untrue is said', 'fault'],
  ['nothing legal is flagged', 'variant'],
] as const)('%s', (_title, kind) => {
  test.each(
    chosen.filter((one) => one.kind === kind).map((one) => [one.name, one.transport, one] as const),
  )('%s on %s', async (_name, _transport, one) => {
    const { complaints, verdict, rules } = await run(one);
    expect(complaints, `verdict ${verdict}, raised ${rules.join(', ')}`).toEqual([]);
    expect(verdict).toBe(kind === 'fault' ? 'fail' : 'pass');
  });
});
