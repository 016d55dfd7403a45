import type { ServerResponse } from 'node:http';
import { describe, expect, it, vi } from 'vitest';
import { DevToolsChannel } from '../../clients/page-channel.ts';
import { PageHttpLog } from '../../clients/page-http-log.ts';
import { PagePen } from '../../clients/page-pen.ts';
import { SecondWitness } from '../../clients/page-second-witness.ts';
import { QuietWindow } from '../../clients/quiet-window.ts';
import type { Line } from './lab.ts';
import {
  contentIn,
  holding,
  nothingTold,
  on,
  ownerOf,
  pageLab,
  pageTests,
  site,
  WAIT_MS_MAX,
} from './page-lab.ts';

const { closers, browser } = pageTests();

/** In the order in which they came: one that waits for its headers is written after the next. */
function replies(lines: readonly Line[], path: string): Line[] {
  return on(lines, 'http')
    .filter(({ kind, url }) => kind === 'response' && String(url).endsWith(path))
    .toSorted((one, other) => Number(one['t']) - Number(other['t']));
}

const PART = { cut: undefined, text: 'a part' };

describe('requests of a page', () => {
  it('are recorded with purpose, headers, bodies and duration', async () => {
    const place = await site(closers, {
      files: { '/': '<h1>before hydration</h1>' },
      serve: (_request, response) => {
        response.writeHead(201, {
          'content-type': 'application/json',
          'set-cookie': 'sid=verysecretvalue; HttpOnly',
        });
        response.end('{"access_token":"abcdefghijklmnop","name":"me"}');
      },
    });
    const addresses = { api: place.url, auth: '', socket: '', page: place.url };
    const lab = await pageLab(closers, browser, { addresses });
    const page = await lab.open(place.url);
    const call = (): Promise<unknown> =>
      page.evaluate(() =>
        fetch('/login', { method: 'POST', body: '{"password":"hunter22"}' }).then((r) => r.text()),
      );
    await call();
    lab.recorder.purpose('api');
    await call();
    const lines = await lab.lines();
    const [html] = on(lines, 'html');
    expect(html).toMatchObject({ place: `${place.url}/`, text: '<h1>before hydration</h1>' });
    const [document] = replies(lines, '/');
    expect(document).toMatchObject({ status: 200, method: 'GET' });
    expect(document?.['purpose']).toBeUndefined();
    const [login, again] = replies(lines, '/login');
    expect(login).toMatchObject({ status: 201, method: 'POST', purpose: 'sign-in', user: 'u00' });
    expect(again).toMatchObject({ purpose: 'api' });
    expect(Number(login?.['took'])).toBeGreaterThan(0);
    expect(contentIn(login)).toContain('"name":"me"');
    expect(contentIn(login)).toContain('[redacted:');
    expect(JSON.stringify(login?.['headers'])).toMatch(/sid=\[redacted:/);
    const requests = on(lines, 'http').filter(({ kind }) => kind === 'request');
    const posted = requests.filter(({ method }) => method === 'POST');
    expect(contentIn(posted[0])).toContain('"password":"[redacted:');
    // The cookie goes only with the second one, and is hashed there too.
    expect(JSON.stringify(posted[1]?.['headers'])).toMatch(/"cookie":"sid=\[redacted:/);
    expect(JSON.stringify(lines)).not.toMatch(/hunter22|verysecret|abcdefghijklmnop/);
  });

  it('take as long as the network did: waiting in the browser for a free connection does not count', async () => {
    const HELD_MS = 1_000;
    const place = await site(closers, {
      files: { '/': '<p>six calls at once are all that a browser sends to one host</p>' },
      serve: (request, response) => {
        setTimeout(() => response.end('ok'), request.url === '/call?7' ? 0 : HELD_MS);
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(() =>
      Promise.all([1, 2, 3, 4, 5, 6, 7].map((n) => fetch(`/call?${n}`).then((r) => r.text()))),
    );
    const lines = await lab.lines();
    const took = (path: string): number => Number(replies(lines, path)[0]?.['took']);
    expect(took('/call?1')).toBeGreaterThanOrEqual(HELD_MS - 1);
    expect(took('/call?7')).toBeLessThan(took('/call?1'));
  });

  it('are seen also where the reply came from the browser, a redirect, or was left behind', async () => {
    const place = await site(closers, {
      files: { '/': '<p>one</p>', '/two': '<p>two</p>' },
      serve: (request, response) => {
        if (request.url === '/moved') {
          response.writeHead(302, { location: '/cached', 'x-of': 'somebody' }).end();
          return;
        }
        const headers = { 'content-type': 'application/json', 'cache-control': 'max-age=60' };
        response.writeHead(200, headers).end(`{"path":"${request.url ?? ''}"}`);
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(async () => {
      await (await fetch('/cached')).text();
      await (await fetch('/cached')).text();
      await (await fetch('/moved')).text();
    });
    // Nobody waits for the script that leaves: it does not outlive its page, and nor need the end of its reply.
    await page.evaluate(() => {
      void fetch('/leaving').then((last) => {
        location.href = '/two';
        return last.text();
      });
    });
    await page.waitForURL('**/two');
    await lab.recorder.stop();
    const lines = await lab.lines();
    const cached = replies(lines, '/cached');
    expect(cached.map(({ message }) => message ?? '')).toEqual(['', 'from cache', 'from cache']);
    for (const line of cached) expect(contentIn(line)).toContain('{"path":"/cached"}');
    const [moved] = replies(lines, '/moved');
    expect(moved).toMatchObject({ status: 302 });
    expect(JSON.stringify(moved?.['headers'])).toContain('"x-of":"somebody"');
    expect(contentIn(replies(lines, '/leaving')[0])).toContain('/leaving');
  });

  it('are of whoever had the profile when the reply came, whoever has it when that ends', async () => {
    const place = await site(closers, {
      files: { '/': '<p>one</p>' },
      serve: (request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(`{"path":"${request.url ?? ''}"}`);
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    // A script that never reads the reply: the browser tells its end when the page is left, or never.
    await page.evaluate(async () => Reflect.set(window, 'kept', await fetch('/unread')));
    await lab.recorder.snapshot();
    lab.recorder.belongsTo(ownerOf('u01', nothingTold()));
    await page.evaluate(() => fetch('/read').then((reply) => reply.text()));
    await lab.recorder.stop();
    const lines = await lab.lines();
    const [unread] = replies(lines, '/unread');
    expect(contentIn(unread)).toContain('/unread');
    expect([unread, ...replies(lines, '/read')].map((line) => line?.['user'])).toEqual([
      'u00',
      'u01',
    ]);
  });

  it('are read as scripts read them, whatever the reply is called, with its reason phrase', async () => {
    const place = await site(closers, {
      files: { '/': '<p>one</p>' },
      serve: (request, response) => {
        const isPicture = request.url === '/picture';
        response.writeHead(200, 'Thanks to u07', { 'content-type': 'image/png' });
        response.end(isPicture ? Buffer.from('\x89PNG\xFF of u07', 'latin1') : '{"of":"u07"}');
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(async () => {
      await (await fetch('/call')).json();
      await (await fetch('/picture')).blob();
    });
    const lines = await lab.lines();
    expect(contentIn(replies(lines, '/call')[0])).toBe('{"of":"u07"}');
    const [picture] = replies(lines, '/picture');
    expect(picture?.['headers']).toMatchObject({ '(reason phrase)': 'Thanks to u07' });
    for (const name of ['text', 'base64', 'cut']) expect(picture).not.toHaveProperty(name);
  });

  it('are cut at the limit, and bytes that are no text are kept as bytes', async () => {
    const place = await site(closers, {
      files: { '/': '<p>one</p>' },
      serve: (request, response) => {
        const isText = request.url === '/long';
        response.writeHead(200, { 'content-type': isText ? 'text/plain' : 'application/x-thing' });
        response.end(
          isText ? 'é'.repeat(600) : Buffer.from('\xFF\xFE of u07, secretsecret', 'latin1'),
        );
      },
    });
    const lab = await pageLab(closers, browser, { bodyBytesMax: 1_000 });
    lab.pen.vault.add('secretsecret');
    const page = await lab.open(place.url);
    await page.evaluate(async () => {
      await (await fetch('/long')).text();
      await (await fetch('/bytes')).arrayBuffer();
    });
    const lines = await lab.lines();
    const [long] = replies(lines, '/long');
    expect(Number(long?.['cut'])).toBeGreaterThan(0);
    const [bytes] = replies(lines, '/bytes');
    expect(Buffer.from(String(bytes?.['base64']), 'base64').toString('latin1')).toMatch(
      /^\xFF\xFE of u07, \[redacted:[0-9a-f]{16}\]$/,
    );
    expect(bytes).not.toHaveProperty('cut');
  });

  it.each([
    { how: 'are not taken for read', streams: false, is: { cut: 1 } },
    { how: 'are read as far as the page did, where streams are', streams: true, is: PART },
  ])('that stream bytes and are broken off $how', async ({ streams, is }) => {
    const place = await site(closers, {
      files: { '/': '<p>one</p>' },
      serve: (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/octet-stream' }).write('a part');
      },
    });
    const lab = await pageLab(closers, browser, { streams });
    const page = await lab.open(place.url);
    await page.evaluate(async () => {
      const stop = new AbortController();
      const reply = await fetch('/parts', { signal: stop.signal });
      await reply.body?.getReader().read();
      stop.abort();
    });
    await vi.waitFor(async () => {
      const [reply] = replies(await lab.lines(), '/parts');
      const { cut, text } = reply ?? {};
      expect({ cut, text }).toEqual(is);
    }, WAIT_MS_MAX);
  });

  it('are seen in workers, and told when nothing answered', async () => {
    const place = await site(closers, {
      files: {
        '/': `<script>new Worker('/w.js')</script>`,
        '/w.js': `fetch('/from-worker').then((reply) => reply.text())`,
      },
      serve: (request, response) => {
        if (request.url === '/none') request.socket.destroy();
        else response.writeHead(200, { 'content-type': 'text/plain' }).end('for the worker');
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(() => fetch('/none').catch(() => undefined));
    await vi.waitFor(async () => {
      const lines = await lab.lines();
      expect(contentIn(replies(lines, '/from-worker')[0])).toContain('for the worker');
      expect(replies(lines, '/none')[0]).toMatchObject({
        dir: 'act',
        message: 'net::ERR_EMPTY_RESPONSE',
      });
    }, WAIT_MS_MAX);
  });

  it('are read where a service worker makes the replies, documents and later tabs as well', async () => {
    const place = await site(closers, {
      files: {
        '/': '<p>one</p>',
        '/service.js': `addEventListener('install', () => skipWaiting());
          addEventListener('activate', (event) => event.waitUntil(clients.claim()));
          addEventListener('fetch', (event) => {
            const { pathname } = new URL(event.request.url);
            if (!pathname.startsWith('/made')) return;
            const headers = { 'content-type': 'text/html' };
            event.respondWith(new Response('<p>for ' + pathname, { headers }));
          });`,
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(async () => {
      const controlled = new Promise((resolve) => {
        navigator.serviceWorker.addEventListener('controllerchange', resolve);
      });
      await navigator.serviceWorker.register('/service.js');
      await controlled;
      await (await fetch('/made-call')).text();
    });
    // Nobody keeps it once the page is left.
    await lab.recorder.flush();
    await page.goto(`${place.url}/made-document`);
    await lab.open(`${place.url}/made-tab`);
    await lab.recorder.snapshot();
    await lab.recorder.snapshot();
    const lines = await lab.lines();
    expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
    const texts = [...on(lines, 'http'), ...on(lines, 'html')].map((line) => contentIn(line));
    for (const path of ['/made-call', '/made-document', '/made-tab'])
      expect(texts).toContain(`<p>for ${path}`);
  });

  it('bring events one by one, from an event source and from a reply that streams', async () => {
    const place = await site(closers, {
      files: { '/': '<p>one</p>' },
      serve: (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('id: 7\nevent: greeting\ndata: {"say":"first"}\n\n');
        setTimeout(() => response.write('data: second\n\n'), 100);
        setTimeout(() => response.end('data: third'), 200);
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(async () => {
      const source = new EventSource('/events');
      source.addEventListener('greeting', () => undefined);
      source.addEventListener('error', () => source.close());
      await (await fetch('/stream')).text();
    });
    const lines = await lab.lines();
    const events = on(lines, 'sse');
    expect(holding(events, 'first').map(({ frame }) => frame)).toMatchObject([{}, {}]);
    expect(holding(events, 'first')[0]).toMatchObject({
      frame: { event: 'greeting', id: '7', data: { say: 'first' } },
    });
    const second = holding(events, 'second');
    expect(second.map(({ url }) => String(url).replace(place.url, '')).toSorted()).toEqual([
      '/events',
      '/stream',
    ]);
    // The beginning may come before anybody can ask for it; the whole reply has it at the end.
    const streamed = lines.filter(({ url }) => String(url).endsWith('/stream'));
    expect(holding(streamed, 'first')).not.toHaveLength(0);
    expect(holding(streamed, 'third')).not.toHaveLength(0);
  });
});

const LONG = 'somebody, said in a comment that is long enough';

describe('what an event source says beside its events', () => {
  it.each<{ when: string; says: (stream: ServerResponse) => void; seen: boolean; told: boolean }>([
    {
      when: 'is read where it ends before it can be followed',
      says: (stream) => stream.end(`: ${LONG}\n\ndata: one\n\n`),
      seen: true,
      told: false,
    },
    {
      when: 'is read where it goes on',
      says: (stream) => {
        stream.write(': welcome\n\nretry: 3000\n\nid: 7\nevent: greeting\ndata: one\n\n');
        setTimeout(() => stream.write(`: ${LONG}\n\n`), 100);
      },
      seen: true,
      told: false,
    },
    {
      when: 'is told to be unread where it began before it could be followed',
      says: (stream) => stream.write(`: ${LONG}\n\ndata: one\n\n`),
      seen: false,
      told: true,
    },
  ])('$when', async ({ says, seen, told }) => {
    const script = 'new EventSource("/events").onerror = ({ target }) => target.close()';
    const place = await site(closers, {
      files: { '/': `<script>${script}</script>` },
      serve: (_request, response) =>
        says(response.writeHead(200, { 'content-type': 'text/event-stream' })),
    });
    const lab = await pageLab(closers, browser);
    await lab.open(place.url);
    await vi.waitFor(async () => {
      const lines = await lab.lines();
      expect(holding(on(lines, 'sse'), 'one')).not.toEqual([]);
      if (seen) expect(holding(lines, LONG)).not.toEqual([]);
    }, WAIT_MS_MAX);
    await lab.recorder.stop();
    const blind = (await lab.lines()).filter(({ kind }) => kind === 'failure');
    expect(blind.map(({ reason }) => reason)).toEqual(told ? ['sse'] : []);
  });
});

/** Reads a stream, and asks for more of it when it has said something. */
const READ = "new EventSource('/events').onmessage = () => fetch('/more');";

describe('streams, where agent events come in them', () => {
  it.each([
    { where: 'in a page', script: READ },
    { where: 'in a worker', script: "new Worker('/read.js');" },
  ])('are read with their comments from the beginning on, $where', async ({ script }) => {
    let say: (text: string) => void = () => undefined;
    const place = await site(closers, {
      files: {
        '/': `<script>${script}</script>`,
        '/read.js': READ,
      },
      serve: (request, response) => {
        if (request.url !== '/events') {
          say(': said later\n\n');
          response.end();
          return;
        }
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        say = (text) => response.write(text);
        say(': said first\n\ndata: one\n\n');
      },
    });
    const lab = await pageLab(closers, browser, { streams: true });
    await lab.open(place.url);
    await vi.waitFor(async () => {
      const frames = on(await lab.lines(), 'sse').flatMap(({ frame }) => frame ?? []);
      expect(frames).toEqual([
        { comment: 'said first' },
        { data: 'one' },
        { comment: 'said later' },
      ]);
    }, WAIT_MS_MAX);
  });
});

/** What a browser tells of one reply, by hand. */
function toldOf(path: string, { type = 'Fetch', mimeType = 'application/json' } = {}): Told[] {
  const url = `http://127.0.0.1${path}`;
  const request = { url, method: 'GET', headers: {} };
  const response = { url, status: 200, headers: { 'x-of': 'somebody' }, mimeType };
  const id = { requestId: path, type };
  return [
    { method: 'Network.requestWillBeSent', params: { ...id, timestamp: 1, wallTime: 1, request } },
    { method: 'Network.responseReceived', params: { ...id, timestamp: 2, response } },
  ];
}

interface Told {
  readonly method: string;
  readonly params: object;
}

describe('replies whose end nobody tells of', () => {
  const HAD = { body: '{"a":1}', base64Encoded: false };

  it.each([
    {
      how: 'with their text',
      answer: () => Promise.resolve(HAD),
      is: { content: HAD.body, cut: undefined },
    },
    {
      how: 'with a mark where it is gone',
      answer: () => Promise.reject(new Error('gone')),
      is: { content: '""', cut: 1 },
    },
  ])('are recorded at the end, $how', async ({ answer, is }) => {
    const { lab, log } = await logOf(toldOf('/left'), answer);
    await log.flush(WAIT_MS_MAX);
    expect(replies(await lab.lines(), '/left')).toEqual([]);
    await log.finish(WAIT_MS_MAX);
    const [reply, ...more] = replies(await lab.lines(), '/left');
    expect(more).toEqual([]);
    expect(reply).toMatchObject({ status: 200, headers: { 'x-of': 'somebody' } });
    expect({ content: contentIn(reply), cut: reply?.['cut'] }).toEqual(is);
  });

  it('are left out where they are recorded as they come', async () => {
    const told = toldOf('/stream', { type: 'EventSource', mimeType: 'text/event-stream' });
    const { lab, log } = await logOf(told, () => Promise.reject(new Error('never ends')));
    await log.finish(WAIT_MS_MAX);
    expect(replies(await lab.lines(), '/stream')).toEqual([]);
  });
});

/** A log that was told of something, by a browser that answers its questions so. */
async function logOf(
  told: readonly Told[],
  answer: () => Promise<unknown>,
): Promise<{ readonly lab: Awaited<ReturnType<typeof pageLab>>; readonly log: PageHttpLog }> {
  const lab = await pageLab(closers, browser);
  const pen = new PagePen(lab.pen, new QuietWindow({ quietMsMin: 1, quietMsMax: 1 }));
  const settings = {
    addresses: { api: '', auth: '', socket: '', page: '' },
    bodyBytesMax: 1_024,
    events: {
      requested: () => undefined,
      stream: () => ({ take: () => undefined, end: () => undefined }),
    },
  };
  const log = new PageHttpLog(settings, pen, new SecondWitness());
  const channel = new DevToolsChannel({ type: 'page', url: '' }, answer);
  log.attach(channel);
  for (const { method, params } of told) channel.dispatch(method, params);
  return { lab, log };
}

describe('headers of a reply as they were on the wire', () => {
  const id = { requestId: 'r1' };
  const url = 'http://127.0.0.1/login';
  const sent = {
    method: 'Network.requestWillBeSent',
    params: { ...id, timestamp: 1, wallTime: 1, request: { url, method: 'POST', headers: {} } },
  };
  const response = { url, status: 200, headers: {}, mimeType: 'text/plain' };
  const answered = {
    method: 'Network.responseReceived',
    params: { ...id, timestamp: 2, response, hasExtraInfo: true },
  };
  const finished = { method: 'Network.loadingFinished', params: { ...id, timestamp: 3 } };
  const wire = {
    method: 'Network.responseReceivedExtraInfo',
    params: { ...id, statusCode: 200, headers: { 'Set-Cookie': 'theme=dark' } },
  };

  it.each([
    ['before the request is told of', [wire, sent, answered, finished]],
    ['in the middle', [sent, wire, answered, finished]],
    ['after the end', [sent, answered, finished, wire]],
    ['first, and the request was sent unseen', [wire, answered, finished]],
  ])('are recorded where they come %s', async (_when, events) => {
    const { lab, log } = await logOf(events, () =>
      Promise.resolve({ body: 'ok', base64Encoded: false }),
    );
    await log.flush(WAIT_MS_MAX);
    const [reply] = replies(await lab.lines(), '/login');
    expect(reply?.['headers']).toMatchObject({ 'set-cookie': expect.stringContaining('theme=') });
  });
});
