import { fileURLToPath } from 'node:url';
import { defineConfig } from 'playwright/test';
import { PLAN_VARIABLE, planFromEnvironment, TRANSPORTS } from './clients/plan.ts';

/** Environment variable that names the reporter's module; `list` without it. */
const REPORTER_VARIABLE = 'CROSSTALK_REPORTER';

const root = fileURLToPath(new URL('./', import.meta.url));
const asked = (process.env[PLAN_VARIABLE] ?? '') !== '';
const plan = planFromEnvironment(process.env, root);
// Nobody said what to run: whoever starts Playwright Test itself chooses by `--project`.
if (!asked) plan.transports = [...TRANSPORTS];
// Workers read this file again; without this each would make a plan of its own.
process.env[PLAN_VARIABLE] = JSON.stringify(plan);
// On a failure Playwright would write down what a page shows, and nothing of a page may be kept unredacted.
process.env['PLAYWRIGHT_NO_COPY_PROMPT'] = '1';

export default defineConfig({
  testDir: fileURLToPath(new URL('./scenarios/', import.meta.url)),
  outputDir: `${plan.outDir}/playwright`,
  // A retry hides a race, and a leak seen once is sticky (DESIGN §1).
  retries: 0,
  // One trial at a time, in one worker: trials must not disturb each other's timing.
  workers: 1,
  fullyParallel: false,
  // Each phase has a time limit of its own.
  timeout: 0,
  reporter: process.env[REPORTER_VARIABLE] ?? 'list',
  projects: plan.transports.map((name) => ({ name })),
});
