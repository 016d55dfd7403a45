import type { Browser, CDPSession } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevToolsChannel } from '../../clients/page-channel.ts';
import { innerSessionOf } from '../../clients/page-inner-half.ts';
import { until } from './lab.ts';
import { launchBrowser } from './page-lab.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** A session as another version of Playwright may have it: with nothing to be found behind it. */
function closed(session: CDPSession): CDPSession {
  return new Proxy(session, {
    get: (target, name) => {
      if (name === '_connection') return undefined;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

const asItIs = (session: CDPSession): CDPSession => session;

test.each([
  ['through the inner half', asItIs, true],
  ['by the public way where there is no other', closed, false],
] as const)('a channel answers and tells %s', async (_how, seenAs, hasInner) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const session = seenAs(await context.newCDPSession(page));
  expect(innerSessionOf(session) !== undefined).toBe(hasInner);
  const channel = DevToolsChannel.over(session, { type: 'page', url: page.url() });
  const said: string[] = [];
  channel.on('Runtime.consoleAPICalled', ({ type }) => said.push(type));
  await channel.send('Runtime.enable');
  const { result } = await channel.send('Runtime.evaluate', { expression: '6 * 7' });
  expect(result.value).toBe(42);
  await page.evaluate('console.warn("heard")');
  await until(() => said.length === 1);
  expect(said).toEqual(['warning']);
  await expect(channel.send('No.suchCommand')).rejects.toThrow(/No.suchCommand/);
  await context.close();
});
