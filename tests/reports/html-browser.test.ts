import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { obtainBrowser } from '../../clients/browser-install.ts';
import { defaultPlan } from '../../clients/plan.ts';
import { renderReportHtml } from '../../reports/html/report-page.tsx';
import { recordPlainTrial } from '../../scenarios/plain-trial.ts';
import { storyOf } from '../../scenarios/stories/table.ts';
import { crosstalk, temporaryDirectory } from '../cli/command-line.ts';
import {
  campaignIn,
  campaignOf,
  crowdVerdict,
  hostileCampaign,
  VECTORS,
} from './html-campaigns.ts';
import { verdictOf } from './verdicts.ts';

const BYTES_MAX = 2 * 1024 * 1024;
/** A second on a machine that does nothing else. */
const OPENING_MS_MAX = 10_000;
const SCHEMES = ['light', 'dark'] as const;
const SCREENS = [
  { width: 1280, height: 800 },
  { width: 360, height: 740 },
];

const directory = temporaryDirectory();
let browser: Browser;

beforeAll(async () => {
  const { path } = await obtainBrowser({ headed: false });
  browser = await chromium.launch({
    executablePath: path,
    chromiumSandbox: process.getuid?.() !== 0,
  });
});
afterAll(() => browser.close());

/** A page that was opened from disk, and everything that went wrong or out while it was. */
interface Opened {
  readonly page: Page;
  readonly incidents: readonly string[];
}

async function open(
  file: string,
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<Opened> {
  const page = await browser.newPage(options);
  const url = pathToFileURL(file).href;
  const incidents: string[] = [];
  page.on('console', (message) => incidents.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => incidents.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => incidents.push(`dialog: ${dialog.message()}`));
  page.on('popup', (popup) => incidents.push(`popup: ${popup.url()}`));
  page.on('request', (request) => {
    if (request.url() !== url && !request.url().startsWith('data:'))
      incidents.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  return { page, incidents };
}

function written(name: string, html: string): string {
  const path = join(directory, `${name}.html`);
  writeFileSync(path, html);
  return path;
}

/** Serious and critical objections of axe-core, as sentences. */
async function objections(page: Page): Promise<string[]> {
  // Evaluated by the browser's debugger: the page's own policy forbids every script.
  await page.evaluate(axe.source);
  const results = await page.evaluate<axe.AxeResults>('axe.run()');
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
}

describe('the report of a real campaign of ten users', () => {
  const out = join(directory, 'swap');
  const file = join(out, 'report.html');

  beforeAll(async () => {
    // The trial without Playwright Test, whose start-up alone would take as long.
    const recorded = join(directory, 'recorded');
    const plan = { ...defaultPlan({}, recorded), pace: 0.1, faults: ['swap'], seed: 'a-test' };
    await recordPlainTrial({ plan, story: storyOf('golden-path'), transport: 'websocket' });
    const { code } = await crosstalk(['judge', recorded, '--quiet', '--out', out]);
    expect(code).toBe(1);
  });

  it('is small, opens at once, loads nothing and complains of nothing', async () => {
    expect(statSync(file).size).toBeLessThan(BYTES_MAX);
    const { page, incidents } = await open(file);
    const openedMs = await page.evaluate(() => {
      const [timing] = performance.getEntriesByType('navigation');
      return timing?.duration ?? Infinity;
    });
    await page.emulateMedia({ media: 'print' });
    await page.close();
    expect(incidents).toEqual([]);
    expect(openedMs).toBeLessThan(OPENING_MS_MAX);
  });

  it('shows on the first screen not to ship, and leads to the frame that says why', async () => {
    const { page } = await open(file, { viewport: { width: 1280, height: 800 } });
    const { summary, verdicts } = campaignIn(out);
    const banner = page.locator('.banner');
    await banner.getByText('Do not ship.', { exact: true }).waitFor();
    await banner.getByText('Isolation').waitFor();
    expect(summary.verdict).toBe('fail');
    const swapped = verdicts[0]?.findings.find(({ mechanism }) => mechanism === 'swap');
    await banner.getByRole('link', { name: swapped?.message ?? 'no swap', exact: true }).click();
    const card = page.locator('.finding:target');
    await card.waitFor();
    await expect.poll(() => card.evaluate((e) => e.getBoundingClientRect().top < 800)).toBe(true);
    const line = String(swapped?.witness[0]?.line);
    await card.getByText(`Line ${line} of`).first().waitFor();
    expect(await card.locator('mark strong').count()).toBeGreaterThan(0);
    await page.close();
  });

  it.each(SCHEMES)('can be used by everybody in %s colours', async (colorScheme) => {
    const { page } = await open(file, { colorScheme });
    expect(await objections(page)).toEqual([]);
    await page.close();
  });

  it.each(SCREENS)('is never wider than a screen of $width pixels', async (viewport) => {
    const { page } = await open(file, { viewport });
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(excess).toBeLessThanOrEqual(0);
    await page.close();
  });

  it('is no wider for a scenario whose name is one long word', async () => {
    const { trial } = verdictOf();
    const scenario = 'a'.repeat(300);
    const html = renderReportHtml(campaignOf(verdictOf({ trial: { ...trial, scenario } })));
    const { page } = await open(written('long-name', html), {
      viewport: { width: 360, height: 740 },
    });
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(excess).toBeLessThanOrEqual(0);
    await page.close();
  });

  it('can be walked through by keyboard: first a way past the head, then what scrolls', async () => {
    const { page } = await open(file, { viewport: { width: 360, height: 740 } });
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Skip to');
    await page.keyboard.press('Enter');
    expect(new URL(page.url()).hash).toBe('#report');
    const scrolling = page.getByRole('group', { name: 'Timeline', exact: true });
    await scrolling.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => scrolling.evaluate((element) => element.scrollLeft)).toBeGreaterThan(0);
    await page.close();
  });
});

describe('a report of what a target sent to attack it', () => {
  it('shows it as text, and nothing of it happens', async () => {
    const file = written('hostile', renderReportHtml(hostileCampaign()));
    const { page, incidents } = await open(file);
    await page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true;
    });
    for (const element of await page.locator('a, summary, svg, .finding').all())
      await element.dispatchEvent('mouseover');
    const seen = await page.evaluate(() => ({
      pwned: Reflect.get(globalThis, 'pwned') as unknown,
      foreign: document.querySelectorAll(
        'script, iframe, object, embed, form, base, img, math, input, textarea, link:not([rel=icon]), style ~ style, body style, body meta, a:not([href^="#"])',
      ).length,
      color: getComputedStyle(document.body).display,
      text: document.body.innerText,
    }));
    expect(seen).toMatchObject({ pwned: undefined, foreign: 0, color: 'block' });
    for (const vector of VECTORS.filter((text) => /^[\u0020-\u007e]*$/.test(text)))
      expect(seen.text).toContain(vector.replaceAll(/ +/g, ' '));
    expect(seen.text).toContain(String.raw`\u{202e}reversed`);
    expect(incidents).toEqual([]);
    await page.close();
  });
});

describe('other campaigns', () => {
  it('unfold the trial that a reason on the first screen leads to', async () => {
    const many = campaignOf(...Array.from({ length: 4 }, () => crowdVerdict(4)));
    const { page } = await open(written('folded', renderReportHtml(many)));
    const card = page.locator('#t3-finding-0');
    expect(await card.isVisible()).toBe(false);
    await page.locator('.why a[href="#t3-finding-0"]').click();
    await card.waitFor({ state: 'visible' });
    await page.close();
  });

  it.each([
    ['that passed', campaignOf(verdictOf()), SCHEMES],
    ['without a trial', campaignOf(), SCHEMES],
    // In one scheme each: more of what was seen in both above, and axe takes its time for it.
    ['of a thousand users', campaignOf(crowdVerdict(1000)), ['light']],
    ['of many trials', campaignOf(...Array.from({ length: 5 }, () => crowdVerdict(10))), ['dark']],
  ] as const)('%s open without a complaint and can be used by everybody', async (...of) => {
    const [name, campaign, schemes] = of;
    const file = written(name, renderReportHtml(campaign));
    for (const colorScheme of schemes) {
      const { page, incidents } = await open(file, { colorScheme });
      expect(await objections(page)).toEqual([]);
      expect(incidents).toEqual([]);
      await page.close();
    }
  });
});
