import type { CDPSession, Page } from 'playwright';
import { expect, test } from 'vitest';
import { DevToolsChannel } from '../../clients/page-channel.ts';
import { drivingSessionOf, innerSessionOf } from '../../clients/page-inner-half.ts';
import { until } from './lab.ts';
import { pageTests } from './page-lab.ts';

const { browser } = pageTests();

/** An object as another version of Playwright may have it: with nothing to be found behind it. */
function closed<T extends CDPSession | Page>(outer: T): T {
  return new Proxy(outer, {
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
  ['by the public way where there is no other', closed<CDPSession>, false],
] as const)('a channel answers and tells %s', async (_how, seenAs, hasInner) => {
  const context = await browser().newContext();
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

test('what Playwright is told of a page is not asked for once more', async () => {
  const context = await browser().newContext();
  const page = await context.newPage();
  const driving = drivingSessionOf(page);
  const session = await context.newCDPSession(page);
  const channel = DevToolsChannel.over(session, { type: 'page', url: page.url() });
  const told: string[] = [];
  channel.on('Network.requestWillBeSent', ({ request }) => told.push(`network ${request.url}`));
  channel.on('Page.frameNavigated', ({ frame }) => told.push(`page ${frame.url}`));
  channel.on('Runtime.consoleAPICalled', ({ type }) => told.push(`console ${type}`));
  if (driving !== undefined) channel.listenIn(driving);
  await channel.send('Runtime.enable');
  await page.goto('data:text/html,<script>console.warn(1)</script>');
  await until(() => told.length === 3);
  expect(told.toSorted()).toEqual([
    'console warning',
    expect.stringContaining('network data:'),
    expect.stringContaining('page data:'),
  ]);
  // Somebody listens there already.
  expect(drivingSessionOf(page)).toBeUndefined();
  const { frameTree } = await channel.send('Page.getFrameTree');
  expect(frameTree.frame.url).toContain('data:');
  await context.close();
  await expect(channel.send('Page.getFrameTree')).rejects.toThrow(/Page.getFrameTree/);
});

test('a page of which nothing can be heard is asked by our own session', async () => {
  const context = await browser().newContext();
  expect(drivingSessionOf(closed(await context.newPage()))).toBeUndefined();
  await context.close();
});
