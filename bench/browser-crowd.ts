import { join } from 'node:path';
import pLimit from 'p-limit';
import type { BrowserContext, Page } from 'playwright';
import { openBrowserPool } from '../clients/browser-pool.ts';
import { defaultPlan, type TrialPlan } from '../clients/plan.ts';
import { openTrial } from '../clients/trial.ts';
import { goldenPath } from '../scenarios/stories/golden-path.ts';
import { resolveAddresses } from '../targets/addresses.ts';
import reference from '../targets/reference.ts';
import type { Addresses, PageForm, PageWire } from '../targets/target.ts';
import { crowdJobSchema, type CrowdJob, type CrowdResult } from './jobs.ts';
import { serveJob } from './processes.ts';

/**
 * A crowd in browsers that walks the golden path once: as the product's trial, judging excluded, or as a
 * bare Playwright script that presses and fills the same and looks at nothing but the answer. Measured is the
 * CPU time of this process; whoever started it adds that of the browser's processes.
 */

/** As many profiles are opened at once as the product opens on two cores. */
const OPENINGS = 2;
const PHASE_MS_MAX = 60_000;

async function work(job: CrowdJob): Promise<CrowdResult> {
  const addresses = addressesAt(job.url);
  const plan = planFor(job);
  // The trial loads this when it needs it; here that must not be in the middle of the measurement.
  await import('../clients/browser-cast.ts');
  const cpu = process.cpuUsage();
  const from = performance.now();
  const observations =
    job.variant === 'trial' ? await trial(plan, addresses) : await script(plan, addresses);
  const wallSeconds = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { cpuSeconds: (user + system) / 1e6, wallSeconds, observations };
}

function planFor({ users, dir }: CrowdJob): TrialPlan {
  return { ...defaultPlan({}, dir), users, outDir: dir, timeoutMs: PHASE_MS_MAX };
}

function addressesAt(url: string): Addresses {
  const resolved = resolveAddresses(reference, { url, addresses: [], env: {} });
  if (!resolved.ok) throw new Error(resolved.mistakes.join('; '));
  return resolved.addresses;
}

/** Resolves to the number of observations that were written down. */
async function trial(plan: TrialPlan, addresses: Addresses): Promise<number> {
  let observations = 0;
  const crowd = await openTrial({
    plan,
    scenario: 'golden-path',
    transport: 'browser',
    target: reference,
    addresses,
    dir: join(plan.outDir, 'trial'),
    env: {},
    watch: () => () => {
      observations += 1;
    },
  });
  await goldenPath(crowd);
  await crowd.settle();
  await crowd.close('done');
  return observations;
}

async function script(plan: TrialPlan, addresses: Addresses): Promise<number> {
  const { page: wire } = reference;
  const form = wire?.signIn.forms?.register;
  if (wire === undefined || form === undefined) throw new Error('the target has a page and a form');
  const pool = await openBrowserPool(plan, { addresses, env: {} });
  const openings = pLimit(OPENINGS);
  try {
    const pages = await Promise.all(
      Array.from({ length: plan.users }, (_none, index) =>
        openings(async () => signIn(await pool.open(index), addresses, { form, index })),
      ),
    );
    await Promise.all(pages.map((page, index) => prepare(page, wire, index)));
    await Promise.all(pages.map((page) => page.locator(wire.send ?? 'button').click()));
    await Promise.all(pages.map((page) => readAnswer(page, wire)));
    await Promise.all(pages.map((page) => page.context().close()));
  } finally {
    await pool.close();
  }
  return 0;
}

async function signIn(
  context: BrowserContext,
  addresses: Addresses,
  { form, index }: { readonly form: PageForm; readonly index: number },
): Promise<Page> {
  const page = await context.newPage();
  await page.goto(addresses.page + form.path, { waitUntil: 'domcontentloaded' });
  await page.locator(form.email).fill(`bare-${Date.now()}-${index}@crosstalk.example.com`);
  await page.locator(form.password).fill('Xq7-a-bare-script');
  if (form.name !== undefined) await page.locator(form.name).fill(`Bare ${index}`);
  await page.locator(form.submit).click();
  return page;
}

async function prepare(page: Page, wire: PageWire, index: number): Promise<void> {
  await page.locator(wire.ready).waitFor();
  if (wire.newChat !== undefined) {
    await page.locator(wire.newChat).click();
    await page.locator(wire.ready).waitFor();
  }
  await page.locator(wire.composer).fill(`How long may the report be? Number ${index}`);
}

async function readAnswer(page: Page, wire: PageWire): Promise<string> {
  const answer = page.locator(wire.answer).filter({ hasText: /\S/ });
  await answer.waitFor();
  return answer.innerText();
}

serveJob((job) => work(crowdJobSchema.parse(job)));
