import { fileURLToPath } from 'node:url';
import { defineConfig } from 'playwright/test';
import { PLAN_VARIABLE, planFromEnvironment } from './clients/plan.ts';

/** Environment variable that names the reporter's module; `list` without it. */
const REPORTER_VARIABLE = 'CROSSTALK_REPORTER';

const root = fileURLToPath(new URL('./', import.meta.url));
const plan = planFromEnvironment(process.env, root);
// Workers read this file again; without this each would make a plan of its own.
process.env[PLAN_VARIABLE] = JSON.stringify(plan);

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
  projects: [{ name: 'websocket' }],
});
