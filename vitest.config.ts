import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { defineConfig } from 'vitest/config';

/** Folders of tests that take long, the longest first: what takes long must not begin last. */
const LONG = [
  '/tests/e2e/',
  '/tests/scenarios/',
  '/tests/cli/',
  '/tests/deploy/',
  '/tests/clients/',
];

/** Tests that drive Chromium, which computes: beside too many others its users would run out of time. */
const PAGES = [
  'tests/cli/browser.test.ts',
  'tests/clients/{browser-*,page-*,proxy-gate,renewed-profile}.test.ts',
  'tests/e2e/{browser-lost,selftest-pages}.test.ts',
  'tests/reference/page*.test.ts',
  'tests/reports/{html-browser,trend-page}.test.ts',
  'tests/targets/netra-page.test.ts',
];
/** Tests that start processes of the harness, and mostly wait for them; one measures its own process. */
const PROCESSES = [
  'tests/{cli,deploy,e2e,scenarios}/**/*.test.ts',
  'tests/assertions/soak-memory.test.ts',
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
    // One group after the other, each with as many workers as fit two cores.
    projects: [
      {
        extends: true,
        test: { name: 'pages', include: PAGES, maxWorkers: 3, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'processes',
          include: PROCESSES,
          exclude: PAGES,
          maxWorkers: 3,
          // Trials over raw sockets in one file.
          maxConcurrency: 8,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'units',
          include: ['tests/**/*.test.ts'],
          exclude: [...PAGES, ...PROCESSES],
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
