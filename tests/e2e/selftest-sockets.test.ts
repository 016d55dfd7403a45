import { afterAll, describe, test } from 'vitest';
import { selftestCases } from '../../cli/selftest-cases.ts';
import { SelftestWorkers } from '../../cli/selftest-workers.ts';
import { expectAsCatalogued, TITLES } from './selftest-case.ts';

/** The self-test over raw sockets: every fault and every legal variant on the real engine. */
const workers = new SelftestWorkers();
afterAll(() => workers.stop());

const cases = selftestCases().filter(({ transport }) => transport === 'websocket');

describe.concurrent.each(TITLES)('%s', (_title, kind) => {
  const ofKind = cases.filter((one) => one.kind === kind);
  test.each(ofKind.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    await expectAsCatalogued(one, workers);
  });
});
