import { createServer } from 'node:http';
import { connect } from 'node:net';
import { request as send } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { openBrowserPool } from '../../clients/browser-pool.ts';
import { openDispatcher } from '../../clients/http.ts';
import { environmentFor, hasProxy, proxyFor } from '../../clients/proxy-gate.ts';
import { Closers, httpServer, portOf, socketServer } from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

interface Upstream {
  readonly url: string;
  /** What it was asked for: URLs, and `CONNECT host:port`. */
  readonly asked: string[];
}

/** A proxy that takes every host for `at`, and wants to be told a password. */
async function upstream(at: string): Promise<Upstream> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const { search } = new URL(request.url ?? '');
    const ok = request.headers['proxy-authorization'] === `Basic ${btoa('me:s e c')}`;
    response.writeHead(ok ? 200 : 407, { 'content-type': 'text/html' });
    response.end(`<title>by proxy ${search}</title>`);
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url ?? ''}`);
    const onward = connect(Number(new URL(at).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
    closers.add(() => onward.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  closers.add(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://me:s%20e%20c@127.0.0.1:${portOf(server)}`, asked };
}

test('browsers reach the target through the proxy, and through it nobody else', async () => {
  const greeting = await socketServer(closers, (one) => one.send('hello'));
  const proxy = await upstream(greeting.replace('ws:', 'http:'));
  const local = await httpServer(closers, (_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<title>direct</title>');
  });
  const chat = 'http://chat.invalid';
  const pool = await openBrowserPool(
    { headed: false, browsers: 1, slowMoMs: 0 },
    {
      addresses: { api: local, auth: chat, page: chat, socket: 'ws://chat.invalid/ws' },
      env: { HTTP_PROXY: proxy.url },
    },
  );
  closers.add(() => pool.close());
  const page = await (await pool.open(0)).newPage();
  await page.goto(`${chat}/?1`);
  expect(await page.title()).toBe('by proxy ?1');
  const said = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const socket = new WebSocket('ws://chat.invalid/ws');
        socket.addEventListener('message', ({ data }) => resolve(data));
        socket.addEventListener('error', () => resolve('an error'));
      }),
  );
  expect(said).toBe('hello');
  expect(proxy.asked).toContain('CONNECT chat.invalid:80');
  // Loopback is never reached through a proxy, and reached at all only where it is the target.
  await page.goto(local);
  expect(await page.title()).toBe('direct');

  proxy.asked.splice(0);
  const foreign = await page.goto('http://elsewhere.invalid/');
  expect(foreign?.status()).toBe(403);
  expect((await page.goto('http://127.0.0.2:8080/'))?.status()).toBe(403);
  await expect(page.goto('https://elsewhere.invalid/')).rejects.toThrow(/ERR_TUNNEL/);
  expect(proxy.asked).toEqual([]);
});

test('requests of the harness go through the proxy, but where NO_PROXY says otherwise', async () => {
  const local = await httpServer(closers, (_request, response) => response.end('here'));
  const proxy = await upstream(local);
  const dispatcher = openDispatcher({ HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' });
  closers.add(() => dispatcher.destroy());
  const direct = await send(local, { dispatcher });
  expect(await direct.body.text()).toBe('here');
  expect(proxy.asked).toEqual([]);
  const proxied = await send('http://chat.invalid/', { dispatcher });
  expect(await proxied.body.text()).toBe('here');
  expect(proxy.asked).toEqual(['CONNECT chat.invalid:80']);
});

test('no proxy leads to a target that the harness started itself', () => {
  const env = { HTTP_PROXY: 'http://plain:1', https_proxy: 'http://safe:2', OTHER: 'x' };
  const [started, given] = [null, 'http://127.0.0.1:1'].map((url) =>
    environmentFor({ embedded: true }, { url }, env),
  );
  expect(hasProxy(started ?? env)).toBe(false);
  expect(started?.['OTHER']).toBe('x');
  expect(given).toBe(env);
  expect(environmentFor({ embedded: false }, { url: null }, env)).toBe(env);
});

describe('the proxy of a URL', () => {
  const proxied = (url: string, env: Readonly<Record<string, string>>): string | undefined =>
    proxyFor(new URL(url), env)?.host;
  const env = { HTTP_PROXY: 'http://plain:1', https_proxy: 'safe:2' };

  test('is the one for its scheme, for what is encrypted else the other', () => {
    expect(proxied('http://a.example', env)).toBe('plain:1');
    expect(proxied('https://a.example', env)).toBe('safe:2');
    expect(proxied('https://a.example', { HTTP_PROXY: 'http://plain:1' })).toBe('plain:1');
    expect(proxied('http://a.example', { HTTPS_PROXY: 'http://safe:2' })).toBeUndefined();
    expect(proxied('http://127.0.0.1:8080', env)).toBe('plain:1');
    expect(proxied('ws://a.example/ws', env)).toBe('plain:1');
    expect(proxied('wss://a.example/ws', env)).toBe('safe:2');
  });

  test.each([
    ['http://127.0.0.1:8080', '127.0.0.1'],
    ['http://[::1]:8080', '::1'],
    ['http://[::1]:8080', '[::1]:8080'],
    ['ws://127.0.0.1:8080/ws', 'localhost,127.0.0.1:8080'],
    ['wss://a.example/ws', 'a.example:443'],
    ['http://b.a.example', 'a.example'],
    ['http://a.example', 'x.example, .a.example'],
    ['http://a.example:81', 'a.example:81'],
    ['http://a.example', '*'],
  ])('of %s is none with NO_PROXY "%s"', (url, NO_PROXY) => {
    expect(proxied(url, { ...env, NO_PROXY })).toBeUndefined();
  });

  test.each([
    ['http://ba.example', 'a.example'],
    ['http://a.example', 'a.example:81'],
  ])('of %s is there with NO_PROXY "%s"', (url, NO_PROXY) => {
    expect(proxied(url, { ...env, NO_PROXY })).toBe('plain:1');
  });
});
