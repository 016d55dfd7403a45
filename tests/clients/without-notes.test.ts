import { afterEach, expect, test } from 'vitest';
import { memberOf, withoutNotes } from '../../clients/page-inner-half.ts';
import reference from '../../targets/reference.ts';
import { Closers, httpServer } from './lab.ts';
import { OneBrowser, pageTrial } from './page-trial.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

/** Methods that are noted from now on, as Playwright's test runner notes them. */
function noted(outer: object): string[] {
  const methods: string[] = [];
  const listener = {
    onApiCallBegin: (_data: unknown, { method }: { method: string }) => methods.push(method),
  };
  const instrumentation = memberOf(outer, '_instrumentation');
  const add = memberOf(instrumentation, 'addListener');
  const remove = memberOf(instrumentation, 'removeListener');
  if (typeof add !== 'function' || typeof remove !== 'function') throw new Error('not as expected');
  add.call(instrumentation, listener);
  closers.add(() => remove.call(instrumentation, listener));
  return methods;
}

test('nothing that is called within is noted, then and later', async () => {
  const pool = await OneBrowser.launch(closers);
  const context = await pool.open(0);
  const page = await context.newPage();
  const methods = noted(context);
  const carryOut = await withoutNotes(context);
  await page.evaluate('1');
  expect(methods).toHaveLength(1);
  const answer = carryOut(() => page.evaluate('2'));
  await page.evaluate('3');
  expect(await answer).toBe(2);
  await carryOut(() => page.setContent('<p>there</p>'));
  expect(await carryOut(() => page.locator('p').textContent())).toBe('there');
  expect(methods).toHaveLength(2);
});

test('what fails within fails as it does outside', async () => {
  const pool = await OneBrowser.launch(closers);
  const context = await pool.open(0);
  const page = await context.newPage();
  const carryOut = await withoutNotes(context);
  const failing = (): Promise<void> => page.click('nothing', { timeout: 50 });
  await expect(carryOut(failing)).rejects.toMatchObject({ name: 'TimeoutError' });
  await expect(failing()).rejects.toMatchObject({ name: 'TimeoutError' });
});

test.each([
  { trace: false, what: 'nothing' },
  { trace: true, what: 'all, for the trace' },
])('of what users do $what is noted', async ({ trace }) => {
  const page = '<input placeholder="Email">';
  const url = await httpServer(closers, (_request, response) => {
    response.setHeader('content-type', 'text/html').end(page);
  });
  const { crowd, pool, users } = await pageTrial(closers, reference, {
    url,
    trace,
    plan: { timeoutMs: 2_000 },
  });
  const [user] = users;
  if (user === undefined) throw new Error('nobody is there');
  const before = pool.contexts.length;
  const browser = await OneBrowser.launch(closers);
  const methods = noted(await browser.open(0));
  await user.signIn().catch(() => undefined);
  await crowd.close('done');
  expect(pool.contexts.length).toBe(before + 1);
  expect(methods.includes('goto')).toBe(trace);
});
