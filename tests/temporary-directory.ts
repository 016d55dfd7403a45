import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** A directory for what tests leave behind. */
    temporaryDirectory: string;
  }
}

/**
 * Makes the directory, and removes it when all tests are over. It is the system's temporary directory of the
 * workers and of all they start, except for what Playwright keeps of the sources it has transformed: that is
 * there since the project was installed, and making it anew took every campaign that came first five seconds.
 */
export default function setup(project: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'crosstalk-test-'));
  project.provide('temporaryDirectory', directory);
  // Playwright's own choice, as long as the temporary directory is the system's.
  process.env['PLAYWRIGHT_TRANSFORM_CACHE_DIR'] ??= join(
    tmpdir(),
    `playwright-transform-cache-${process.geteuid?.()}`,
  );
  process.env['TMPDIR'] = directory;
  return () => {
    rmSync(directory, { recursive: true, force: true });
  };
}
