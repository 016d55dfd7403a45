import { afterAll, describe, test } from 'vitest';
import { selftestCases, type SelftestCase } from '../../cli/selftest-cases.ts';
import { SelftestWorkers } from '../../cli/selftest-workers.ts';
import { expectAsCatalogued, TITLES } from './selftest-case.ts';

/**
 * The self-test in Chromium, of what only a page shows, and of one fault and one variant of the others;
 * `crosstalk selftest` runs them all. One after the other: browsers compute.
 */
const OF_THE_OTHERS = new Set(['broadcast', 'filter-only', 'unicode-names']);

const workers = new SelftestWorkers();
afterAll(() => workers.stop());

const cases = selftestCases();
const onSockets = new Set(
  cases.filter(({ transport }) => transport === 'websocket').map(({ name }) => name),
);
const isChosen = ({ name, transport, kind }: SelftestCase): boolean =>
  transport === 'browser' &&
  (OF_THE_OTHERS.has(name) || (kind === 'fault' && !onSockets.has(name)));

describe.each(TITLES)('%s', (_title, kind) => {
  const ofKind = cases.filter((one) => one.kind === kind && isChosen(one));
  test.each(ofKind.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    await expectAsCatalogued(one, workers);
  });
});
