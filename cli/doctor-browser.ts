import type { Page } from 'playwright';
import { BrowserMissing, findBrowsers } from '../clients/browser-finder.ts';
import { thisMachine } from '../clients/browser-machine.ts';
import type { TrialPlan } from '../clients/plan.ts';
import { StepFailure } from '../clients/step-failure.ts';
import { messageOf } from '../history/message-of.ts';
import { resolveHeaders } from '../targets/addresses.ts';
import type { Addresses, PageWire, Target } from '../targets/target.ts';

const REASON_CHARACTERS_MAX = 200;

/** Whose page to open, and how. */
export interface BrowserExamination {
  readonly plan: TrialPlan;
  readonly target: Target;
  readonly addresses: Addresses;
  /** Told what is being tried where there is no browser yet. */
  readonly tell: (text: string) => void;
}

/** What came of a step: a problem in a sentence, or null and a fact. */
export interface Outcome {
  readonly problem: string | null;
  readonly fact: string;
}

/** Which browser is used, and, where the profile describes a page, whether its sign-in page opens in it. */
export async function examineBrowser(examination: BrowserExamination): Promise<Outcome> {
  try {
    const { page } = examination.target;
    return page === undefined ? browserAtHand() : await openPage(examination, page);
  } catch (error) {
    if (error instanceof BrowserMissing || error instanceof StepFailure)
      return { problem: error.message, fact: '' };
    throw error;
  }
}

function browserAtHand(): Outcome {
  const [browser] = findBrowsers(thisMachine(), { headed: false });
  const which = browser === undefined ? 'there is none' : `${browser.path} of ${browser.source}`;
  return { problem: null, fact: `${which}; not needed, the profile describes no page` };
}

async function openPage(examination: BrowserExamination, wire: PageWire): Promise<Outcome> {
  const { plan, target, addresses, tell } = examination;
  const { openBrowserPool } = await import('../clients/browser-pool.ts');
  const pool = await openBrowserPool(plan, { addresses, env: process.env, tell });
  try {
    const context = await pool.open(0);
    const version = context.browser()?.version() ?? 'of unknown version';
    const page = await context.newPage();
    const headers = resolveHeaders(target, plan.headers, process.env);
    if (headers.ok) await page.setExtraHTTPHeaders({ ...headers.headers });
    const url = addresses.page + firstPath(wire);
    const problem = await problemAt(page, { url, wire, timeoutMs: plan.timeoutMs });
    const { path, source } = pool.browser;
    return { problem, fact: `${path} of ${source}, Chromium ${version}; ${url} opens in it` };
  } finally {
    await pool.close();
  }
}

function firstPath({ signIn, chatPath }: PageWire): string {
  return signIn.forms?.password?.path ?? signIn.forms?.register?.path ?? chatPath;
}

async function problemAt(
  page: Page,
  { url, wire, timeoutMs }: { url: string; wire: PageWire; timeoutMs: number },
): Promise<string | null> {
  const form = wire.signIn.forms?.password ?? wire.signIn.forms?.register;
  try {
    const response = await page.goto(url, { timeout: timeoutMs });
    const status = response?.status() ?? 200;
    if (status >= 400) return `${url} answered ${status}`;
  } catch (error) {
    return `${url} does not open: ${firstLine(error)}`;
  }
  for (const selector of form === undefined ? [] : [form.email, form.password, form.submit])
    try {
      await page.locator(selector).first().waitFor({ timeout: timeoutMs });
    } catch {
      return `${url} shows nothing that is ${selector}`;
    }
  return null;
}

function firstLine(error: unknown): string {
  const text = messageOf(error);
  return (text.split('\n')[0] ?? '').slice(0, REASON_CHARACTERS_MAX);
}
