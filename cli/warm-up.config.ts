import { fileURLToPath } from 'node:url';
import { defineConfig } from 'playwright/test';

/**
 * For `warm-up.mjs` only: has the test runner load, as if they were tests, the files from which a trial
 * loads everything else. There is nothing in them to run.
 */
export default defineConfig({
  testDir: fileURLToPath(new URL('../', import.meta.url)),
  testMatch: [
    'scenarios/*.spec.ts',
    'scenarios/trial-fixture.ts',
    'clients/trial.ts',
    'clients/browser-pool.ts',
    'clients/browser-user.ts',
    'assertions/judge.ts',
    'reports/playwright-reporter.ts',
    'cli/playwright.config.ts',
  ],
  projects: [{ name: 'websocket' }],
});
