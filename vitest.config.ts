import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

/**
 * What takes long, the longest first, as files and as folders: what takes long must not begin last, and what
 * mostly waits (browsers, embedded targets) leaves the processors to what computes beside it.
 */
const LONG = [
  '/tests/e2e/selftest-',
  '/tests/scenarios/explore/exploration.',
  '/tests/targets/netra-page.',
  '/tests/e2e/',
  '/tests/scenarios/',
  '/tests/clients/browser-user.',
  '/tests/reference/page.',
  '/tests/clients/renewed-profile.',
  '/tests/clients/page-streams.',
  '/tests/cli/',
  '/tests/deploy/',
  '/tests/reports/html-browser.',
  '/tests/reference/page-faults.',
  '/tests/clients/',
  '/tests/reference/',
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
    globalSetup: [
      './tests/compile-programs.ts',
      './tests/obtain-browser.ts',
      './tests/temporary-directory.ts',
    ],
    sequence: { sequencer: LongestFirst },
    // Limits are for what hangs; a busy machine may need a multiple of what a test usually takes.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Files share no state but modules, and loading those anew for each file took half the time of units.
    isolate: false,
    // More workers than cores: most tests wait, for what others compute or for time to pass.
    maxWorkers: 6,
    // Trials over raw sockets in one file.
    maxConcurrency: 8,
    include: ['tests/**/*.test.ts'],
  },
});
