import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium, type Browser, type Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { findBrowsers } from '../../clients/browser-finder.ts';
import { thisMachine } from '../../clients/browser-machine.ts';
import { renderTrendHtml } from '../../reports/trend/trend-page.tsx';
import { trendOf, type DatedCampaign } from '../../reports/trend/trend.ts';
import type { Verdict } from '../../history/verdict.ts';
import { campaignOf, failureOf, findingOf, HOSTILE, verdictOf } from './verdicts.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const axeSchema = z.object({
  violations: z.array(z.object({ id: z.string(), impact: z.string().nullish() })),
});

function nightly(date: string, verdict: Verdict): DatedCampaign {
  const { summary, trials } = campaignOf(verdict);
  const commit = date.at(-1)?.repeat(40) ?? null;
  return { dir: date, date, reading: { campaign: { summary: { ...summary, commit }, trials } } };
}

const HTML = renderTrendHtml(
  trendOf(
    [
      nightly('2026-01-01', verdictOf()),
      nightly('2026-01-02', verdictOf()),
      nightly('2026-01-04', failureOf([findingOf({ message: HOSTILE })])),
      nightly('2026-01-05', verdictOf()),
    ],
    '2026-01-06',
  ),
);

describe('trend.html in Chromium', () => {
  let browser: Browser;
  let page: Page;
  const requests: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    const [found] = findBrowsers(thisMachine(), { headed: false });
    browser = await chromium.launch({ executablePath: found?.path ?? '', args: ['--no-sandbox'] });
    page = await browser.newPage();
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.setContent(HTML);
  });
  afterAll(() => browser.close());

  it('is drawn without a complaint, and asks for nothing', async () => {
    expect(await page.locator('svg .gate').count()).toBe(1);
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toContain('2026-01-06');
    expect(await page.locator('td.fail').first().isVisible()).toBe(true);
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith('about:'))).toEqual([]);
  });

  it('shows what a target sent as text', async () => {
    expect(await page.locator('script, iframe, img').count()).toBe(0);
    expect(await page.getByText('<script>alert(1)</script>').first().isVisible()).toBe(true);
  });

  it('is never wider than a phone', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    const excess = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(excess).toBeLessThanOrEqual(0);
  });

  it.each(['light', 'dark'] as const)(
    'has nothing serious to object to in %s',
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      // Run from outside: the page itself forbids scripts.
      await page.evaluate(AXE);
      const { violations } = axeSchema.parse(await page.evaluate('axe.run()'));
      const serious = violations.filter(
        ({ impact }) => impact === 'serious' || impact === 'critical',
      );
      expect(serious.map(({ id }) => id)).toEqual([]);
    },
  );
});
