import { afterAll, describe, test } from 'vitest';
import { selftestCases, type SelftestCase } from '../../cli/selftest-cases.ts';
import { SelftestWorkers } from '../../cli/selftest-workers.ts';
import { expectAsCatalogued, TITLES } from './selftest-case.ts';

/**
 * The self-test over raw sockets: every fault and every legal variant on the real engine. A fault has half of
 * the users on whom to show itself, which makes it no easier to catch and the test a quarter cheaper; what is
 * legal must not be flagged in a whole crowd.
 */
const USERS_OF_FAULTS = 5;

const workers = new SelftestWorkers();
afterAll(() => workers.stop());

/** What happens rarely, which is what many rounds are for, needs all the events it can get. */
const isRare = ({ rounds }: SelftestCase): boolean => rounds > 2;

const cases = selftestCases()
  .filter(({ transport }) => transport === 'websocket')
  .map((one) => (one.kind === 'variant' || isRare(one) ? one : { ...one, users: USERS_OF_FAULTS }));

describe.concurrent.each(TITLES)('%s', (_title, kind) => {
  const ofKind = cases.filter((one) => one.kind === kind);
  test.each(ofKind.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    await expectAsCatalogued(one, workers);
  });
});
