import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { BrowserContext } from 'playwright';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { FoundBrowser } from '../../clients/browser-finder.ts';
import { obtainBrowser } from '../../clients/browser-install.ts';
import { ChromiumPool, hostsOf, type PoolSettings } from '../../clients/browser-pool.ts';
import { Closers, freePort, httpServer, until } from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

let browser: FoundBrowser;
beforeAll(async () => {
  browser = await obtainBrowser({ headed: false });
});

function addressesAt(url: string): PoolSettings['addresses'] {
  return { api: url, auth: url, page: url, socket: url.replace('http', 'ws') };
}

async function page(body = '<title>hello</title>'): Promise<string> {
  return httpServer(closers, (_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(body);
  });
}

function poolFor(url: string, changes: Partial<PoolSettings> = {}): ChromiumPool {
  const pool = new ChromiumPool({
    browser,
    processes: 1,
    addresses: addressesAt(url),
    headed: false,
    slowMoMs: 0,
    ...changes,
  });
  closers.add(() => pool.close());
  return pool;
}

async function titleAt(context: BrowserContext, url: string): Promise<string> {
  const opened = await context.newPage();
  await opened.goto(url);
  return opened.title();
}

/** Whether a process runs; one that has ended and was not waited for does not. */
function lives(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('the browsers of a trial', () => {
  test('start when they are needed, share users in turn, and are all gone at the end', async () => {
    const url = await page();
    const pool = poolFor(url, { processes: 2 });
    expect(pool.pids).toEqual([]);
    const contexts = await Promise.all([0, 1, 2].map((index) => pool.open(index)));
    const [first, second, third] = contexts.map((context) => context.browser());
    expect(first).toBe(third);
    expect(first).not.toBe(second);
    for (const context of contexts) expect(await titleAt(context, url)).toBe('hello');
    const { pids } = pool;
    expect(pids).toHaveLength(2);
    await pool.close();
    await until(() => pids.every((pid) => !lives(pid)));
    await expect(pool.open(0)).rejects.toMatchObject({ reason: 'browser-lost' });
  });

  test('give every user an empty profile', async () => {
    const url = await page();
    const pool = poolFor(url);
    const [one, other] = [await pool.open(0), await pool.open(0)];
    const left = await one.newPage();
    await left.goto(url);
    await left.evaluate(() => {
      localStorage.setItem('left', 'behind');
      document.cookie = 'left=behind';
    });
    const found = await other.newPage();
    await found.goto(url);
    expect(await found.evaluate(() => localStorage.length + document.cookie.length)).toBe(0);
  });

  test('can reach the target’s hosts and nobody else, whatever its address looks like', async () => {
    const url = await page();
    let visits = 0;
    const elsewhere = await httpServer(closers, (_request, response) => {
      visits += 1;
      response.end('<title>elsewhere</title>');
    });
    const port = new URL(elsewhere).port;
    const pool = poolFor(url);
    const context = await pool.open(0);
    expect(await titleAt(context, url)).toBe('hello');
    for (const host of ['127.0.0.2', 'localhost', '[::1]', '2130706434'])
      await expect(titleAt(context, `http://${host}:${port}/`)).rejects.toThrow(
        /ERR_NAME_NOT_RESOLVED/,
      );
    await expect(titleAt(context, 'http://chat.invalid/')).rejects.toThrow(/ERR_NAME_NOT_RESOLVED/);
    expect(visits).toBe(0);
  });

  test('reach a target by its name, too', async () => {
    const url = (await page()).replace('127.0.0.1', 'localhost');
    const pool = poolFor(url);
    expect(await titleAt(await pool.open(0), url)).toBe('hello');
  });

  test('are slowed down where that is asked for', async () => {
    const url = await page('<button>press</button>');
    const pool = poolFor(url, { slowMoMs: 200 });
    const opened = await (await pool.open(0)).newPage();
    await opened.goto(url);
    const began = performance.now();
    await opened.click('button');
    expect(performance.now() - began).toBeGreaterThan(200);
  });
});

describe('a browser process that is gone', () => {
  test('is told to the users who were in it, and to nobody else', async () => {
    const url = await page();
    const pool = poolFor(url, { processes: 2 });
    await pool.open(0);
    const [killed = 0] = pool.pids;
    await Promise.all([1, 2, 3].map((index) => pool.open(index)));
    const told: string[] = [];
    for (const index of [0, 1, 2, 3])
      pool.onGone(index, (reason) => told.push(`${index}: ${reason}`));
    process.kill(killed, 'SIGKILL');
    await until(() => told.length === 2);
    expect(told).toEqual([expect.stringMatching(/^0: .*ended/), expect.stringMatching(/^2: /)]);
    // Who comes late hears of it as well.
    pool.onGone(4, (reason) => told.push(reason));
    expect(told).toHaveLength(3);
    // And who needs a browser then gets a new one.
    expect(await titleAt(await pool.open(0), url)).toBe('hello');
  });

  test('by our own closing is no news', async () => {
    const pool = poolFor(await page());
    await pool.open(0);
    const told: string[] = [];
    pool.onGone(0, (reason) => told.push(reason));
    await pool.close();
    expect(told).toEqual([]);
  });

  test('is waited for a bounded time where it hangs, and is gone for certain then', async () => {
    const pool = poolFor(await page());
    await pool.open(0);
    const [pid = 0] = pool.pids;
    process.kill(pid, 'SIGSTOP');
    const began = performance.now();
    await pool.close();
    expect(performance.now() - began).toBeLessThan(10_000);
    await until(() => !lives(pid));
  });
});

test('browsers end with the process that started them, however that ends', async () => {
  const moduleOf = (name: string): string =>
    JSON.stringify(new URL(`../../clients/${name}.ts`, import.meta.url).href);
  const url = `http://127.0.0.1:${await freePort()}`;
  const script = `
    const { openBrowserPool } = await import(${moduleOf('browser-pool')});
    const pool = await openBrowserPool(
      { headed: false, browsers: 1, slowMoMs: 0 },
      { addresses: ${JSON.stringify(addressesAt(url))}, env: {} },
    );
    await pool.open(0);
    console.log(pool.pids[0]);
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  closers.add(() => child.kill('SIGKILL'));
  const pid = await new Promise<number>((resolve) => {
    child.stdout.once('data', (data: Buffer) => resolve(Number(data.toString())));
  });
  expect(lives(pid)).toBe(true);
  child.kill('SIGKILL');
  await until(() => !lives(pid));
});

test('a browser that does not start is a failed step that says why', async () => {
  const missing = { ...browser, path: '/no/such/browser' };
  const pool = poolFor(`http://127.0.0.1:${await freePort()}`, { browser: missing });
  await expect(pool.open(0)).rejects.toMatchObject({
    reason: 'browser-lost',
    message: expect.stringContaining('/no/such/browser does not start'),
  });
});

test('a trial without browsers loads nothing that drives one', () => {
  const trial = new URL('../../clients/trial.ts', import.meta.url).href;
  const script = `await import(${JSON.stringify(trial)});`;
  // Node tells of every module it loads.
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', script],
    { env: { ...process.env, NODE_DEBUG: 'module,esm' }, encoding: 'utf8', maxBuffer: 1e9 },
  );
  expect(status).toBe(0);
  expect(stderr).toContain('clients/socket-user.ts');
  expect(stderr).not.toMatch(/clients\/browser-(pool|user)\.ts|node_modules\/playwright/);
});

test('hosts are named once, addresses of the sixth version without brackets', () => {
  const addresses = {
    api: 'https://api.example.com',
    auth: 'https://api.example.com/auth',
    page: 'http://[::1]:8080',
    socket: 'wss://ws.example.com/ws',
  };
  expect([...hostsOf(addresses)]).toEqual(['api.example.com', 'ws.example.com', '::1']);
});
