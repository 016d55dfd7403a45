import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

/** Folders of tests that take long, the longest first: what takes long must not begin last. */
const LONG = [
  '/tests/e2e/',
  '/tests/scenarios/',
  '/tests/cli/',
  '/tests/targets/',
  '/tests/clients/',
];

/** Without a cache of earlier runs, as in a fresh checkout, the order would be that of file sizes. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((folder) => moduleId.includes(folder));
      return at === -1 ? LONG.length : at;
    };
    // oxlint-disable-next-line unicorn/no-array-sort -- the sequencer's own
    const bySize = await super.sort(files);
    return bySize.toSorted((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: './tests/obtain-browser.ts',
    sequence: { sequencer: LongestFirst },
    // End-to-end tests start real targets and real harness processes, and mostly wait for them: three
    // files, and eight trials over raw sockets in one of them, fit two cores.
    maxWorkers: 3,
    maxConcurrency: 8,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
