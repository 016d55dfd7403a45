import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { describe, expect, it, vi } from 'vitest';
import { until, type Line } from './lab.ts';
import {
  contentIn,
  holding,
  launchBrowser,
  networkProcessOf,
  nothingTold,
  on,
  ownerOf,
  pageLab,
  pageTests,
  site,
  WAIT_MS_MAX,
} from './page-lab.ts';

const { closers, browser } = pageTests();

/** Puts something into every place in which a page can keep things. */
function keepThings(page: Page, what: string): Promise<void> {
  return page.evaluate(async (text) => {
    localStorage.setItem('chat_state_persistence', JSON.stringify({ draft: text }));
    sessionStorage.setItem('tab', text);
    document.cookie = `theme=${encodeURIComponent(text)}`;
    document.cookie = 'session_id=abcdefghijklmnop';
    await new Promise<void>((resolve, reject) => {
      const opening = indexedDB.open('chats', 1);
      opening.addEventListener('upgradeneeded', () => opening.result.createObjectStore('messages'));
      opening.addEventListener('error', reject);
      opening.addEventListener('success', () => {
        const change = opening.result.transaction('messages', 'readwrite');
        const message = {
          said: text,
          to: new Map([['a', new Blob([`blob of ${text}`])]]),
          boxed: Object(`boxed ${text}`) as unknown,
          failed: new Error('it failed', { cause: `cause of ${text}` }),
        };
        change.objectStore('messages').put(message, 'm1');
        change.addEventListener('complete', () => {
          opening.result.close();
          resolve();
        });
      });
    });
    const cache = await caches.open('replies');
    await cache.put('/api/threads', new Response(`cached ${text}`));
    await navigator.serviceWorker.register('/service.js');
    const folder = await navigator.storage.getDirectory();
    const drafts = await folder.getDirectoryHandle('drafts', { create: true });
    const file = await drafts.getFileHandle('note.txt', { create: true });
    const writer = await file.createWritable();
    await writer.write(`filed ${text}`);
    await writer.close();
  }, what);
}

const KEEPING = { '/': '<p>page</p>', '/service.js': 'self.addEventListener("fetch", () => {});' };

describe('what a profile keeps', () => {
  it('is written at a snapshot, and only what changed at the next', async () => {
    const place = await site(closers, { files: KEEPING });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await keepThings(page, 'mine alone');
    await lab.recorder.snapshot();
    const lines = await lab.lines();
    const kept = Object.fromEntries(
      [...on(lines, 'storage'), ...on(lines, 'cookie')].map((line) => [
        String(line['place']).replaceAll(place.url, ''),
        contentIn(line),
      ]),
    );
    expect(kept['localStorage["chat_state_persistence"]']).toBe('{"draft":"mine alone"}');
    expect(kept['sessionStorage["tab"]']).toBe('mine alone');
    for (const text of ['blob of mine alone', 'boxed mine alone', 'cause of mine alone'])
      expect(kept['indexedDB["chats"]["messages"]["m1"]']).toContain(text);
    expect(kept['caches["replies"]["/api/threads"]']).toContain('cached mine alone');
    expect(kept['files["/drafts/note.txt"]']).toBe('filed mine alone');
    expect(kept['serviceWorker["/"]']).toBe(`${place.url}/service.js`);
    expect(kept['theme; domain=127.0.0.1; path=/']).toBe('mine alone');
    expect(kept['session_id; domain=127.0.0.1; path=/']).toMatch(/^\[redacted:[0-9a-f]{16}\]$/);
    await page.evaluate(() => localStorage.setItem('chat_state_persistence', 'changed'));
    await lab.recorder.snapshot();
    const later = (await lab.lines()).slice(lines.length);
    expect([...on(later, 'storage'), ...on(later, 'cookie')]).toMatchObject([
      { place: 'localStorage["chat_state_persistence"]', text: 'changed' },
    ]);
  });

  it('is written also where it was taken away before anybody looked', async () => {
    const place = await site(closers, {
      files: {
        '/': '<p>page</p>',
        '/inner': `<script>localStorage.setItem('elsewhere', 'of a frame')</script>`,
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(() => {
      localStorage.setItem('short', 'kept for a moment');
      localStorage.removeItem('short');
      sessionStorage['assigned'] = 'the first';
      sessionStorage['assigned'] = 'the second';
      sessionStorage['assigned'] = '';
      localStorage.setItem('auth_token', 'abcdefghijklmnop');
      localStorage.removeItem('auth_token');
      const middle = 'y'.repeat(3_000);
      localStorage.setItem('long', `${middle}${middle}`);
      localStorage.setItem('long', `${middle}changed here${middle}`);
      localStorage.setItem('long', '{}');
    });
    await page.evaluate((url) => {
      const frame = document.createElement('iframe');
      frame.src = `${url}/inner`;
      document.body.append(frame);
    }, place.otherUrl);
    // A frame that is looked at just when it writes is told of by both.
    await expect
      .poll(async () => holding(on(await lab.lines(), 'storage'), 'of a frame').at(0))
      .toMatchObject({ place: `${place.otherUrl} localStorage["elsewhere"]` });
    const lines = on(await lab.lines(), 'storage');
    expect(holding(lines, 'kept for a moment')).toMatchObject([{ place: 'localStorage["short"]' }]);
    for (const text of ['the first', 'the second']) expect(holding(lines, text)).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toContain('abcdefghijklmnop');
    // Of a long text that is written again and again only what changed.
    const [changed] = holding(lines, 'changed here');
    expect(contentIn(changed).length).toBeLessThan(1_000);
  });

  it('is read once for all windows of an origin, of which one that was written knows no service workers', async () => {
    const place = await site(closers, { files: KEEPING });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(() => {
      const opened = window.open('about:blank');
      opened?.document.write('<p>what is printed</p>');
      opened?.document.close();
      opened?.sessionStorage.setItem('of', 'the second window');
    });
    await lab.recorder.snapshot();
    const lines = await lab.lines();
    expect(holding(on(lines, 'storage'), 'the second window')).not.toHaveLength(0);
    expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
  });

  it('includes the name of a database in which there is nothing yet', async () => {
    const place = await site(closers, { files: KEEPING });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(
      () =>
        new Promise<void>((resolve) => {
          const opening = indexedDB.open('chats of Anna Bell');
          opening.addEventListener('success', () => {
            opening.result.close();
            resolve();
          });
        }),
    );
    await lab.recorder.snapshot();
    const kept = on(await lab.lines(), 'storage').map((line) => line['place']);
    expect(kept).toContain('indexedDB["chats of Anna Bell"]');
  });

  it('is not said to be read where a page keeps it in a bucket of its own', async () => {
    const place = await site(closers, { files: KEEPING });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate('navigator.storageBuckets.open("drafts")');
    await lab.recorder.snapshot();
    expect((await lab.lines()).filter(({ kind }) => kind === 'failure')).toMatchObject([
      { reason: 'storage', message: 'storageBuckets drafts: is not read' },
    ]);
  });

  it('is written again for whom the profile passes to', async () => {
    const place = await site(closers, { files: KEEPING });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await keepThings(page, 'left behind');
    await page.evaluate(() => history.replaceState(null, '', '/#left behind'));
    await lab.recorder.snapshot();
    lab.recorder.belongsTo(ownerOf('u01', nothingTold()));
    await lab.recorder.snapshot();
    const found = (await lab.lines()).filter(
      (line) => line['user'] === 'u01' && /left(?: |%20)behind/.test(contentIn(line)),
    );
    expect(new Set(found.map(({ place: where }) => String(where).replace(/\[.*|;.*/, '')))).toEqual(
      new Set(['localStorage', 'sessionStorage', 'indexedDB', 'caches', 'files', 'theme', 'url']),
    );
  });
});

describe('the watchers', () => {
  it('prove that they see, for every owner, and leave nothing behind', async () => {
    const place = await site(closers, { files: { '/': '<p>page</p>' } });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await lab.recorder.flush();
    lab.recorder.belongsTo(ownerOf('u01', nothingTold()));
    const lines = await lab.lines();
    const planted = lines.filter(({ act }) => act === 'prove');
    expect(planted.map(({ user, place: where }) => `${String(user)} ${String(where)}`)).toEqual(
      ['u00', 'u01'].flatMap((user) =>
        ['console', 'dom', 'storage', 'cookie'].map((surface) => `${user} ${surface}`),
      ),
    );
    for (const { user, place: surface, message, n } of planted) {
      expect(message).toMatch(/^proof-[a-z]{16}$/);
      const seen = holding(on(lines, String(surface)), String(message));
      expect(seen, `${String(user)} ${String(surface)}`).toHaveLength(1);
      expect(seen[0]).toMatchObject({ user });
      expect(Number(seen[0]?.['n'])).toBeGreaterThan(Number(n));
    }
    expect(
      await page.evaluate(() => [localStorage.length, document.querySelectorAll('p').length]),
    ).toEqual([0, 1]);
    expect(await lab.context.cookies()).toEqual([]);
  });

  it('wait for a cookie that is still on its way when the browser is asked for it', async () => {
    const slow = await launchBrowser();
    closers.add(() => slow.close());
    const place = await site(closers, { files: { '/': '<p>page</p>' } });
    const lab = await pageLab(closers, () => slow);
    await lab.open(place.url);
    await lab.recorder.flush();
    const keeper = await networkProcessOf(slow);
    process.kill(keeper, 'SIGSTOP');
    const resume = setTimeout(() => process.kill(keeper, 'SIGCONT'), 2_000);
    closers.add(() => clearTimeout(resume));
    const stoppedAt = Date.now();
    lab.recorder.belongsTo(ownerOf('u01', nothingTold()));
    const lines = (await lab.lines()).filter(({ user }) => user === 'u01');
    const at = (text: unknown, surface: string): Line[] =>
      holding(on(lines, surface), String(text));
    const planted = new Map(
      lines.filter(({ act }) => act === 'prove').map((line) => [line['place'], line]),
    );
    const tookMs = Date.now() - stoppedAt;
    expect(at(planted.get('console')?.['message'], 'console')).toHaveLength(1);
    expect(at(planted.get('cookie')?.['message'], 'cookie')).toHaveLength(1);
    // What else is kept was not read before the cookie had arrived, either.
    const [kept] = at(planted.get('storage')?.['message'], 'storage');
    const sinceMs = Number(kept?.['t']) - Number(planted.get('storage')?.['t']);
    expect(sinceMs).toBeGreaterThan(500);
    expect(tookMs).toBeGreaterThan(sinceMs);
  });

  it('prove that they see also where a page leads on to the next at once', async () => {
    const leading = `<p>page</p><script>
      addEventListener('load', () => setTimeout(() => location.replace('/next')));</script>`;
    const place = await site(closers, { files: { '/': leading, '/next': '<p>next</p>' } });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.waitForURL('**/next');
    const lines = await lab.lines();
    const planted = lines.filter(({ act }) => act === 'prove');
    expect(planted).toHaveLength(4);
    for (const { place: surface, message } of planted)
      expect(holding(on(lines, String(surface)), String(message)), String(surface)).not.toEqual([]);
    expect(await lab.context.cookies()).toEqual([]);
  });

  it('are not said to see where a page can keep nothing', async () => {
    const place = await site(closers, {
      serve: (_request, response) =>
        response
          .writeHead(200, {
            'content-type': 'text/html',
            'content-security-policy': 'sandbox allow-scripts',
          })
          .end('<p>page</p>'),
    });
    const lab = await pageLab(closers, browser);
    await lab.open(place.url);
    const lines = await lab.lines();
    const seen = lines
      .filter(({ act }) => act === 'prove')
      .map(({ place: surface, message }) => [
        surface,
        holding(on(lines, String(surface)), String(message)).length,
      ]);
    expect(Object.fromEntries(seen)).toEqual({ console: 1, dom: 1, storage: 0, cookie: 0 });
  });

  it('hear what is said on the console, thrown and logged', async () => {
    const place = await site(closers, { files: { '/': '<p>page</p>' } });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(() => {
      globalThis.console.log('received', { deep: { inside: [{ of: 'a frame' }] } }, 7);
      setTimeout(() => {
        throw new Error('a mishap');
      });
      void fetch('/missing');
    });
    await vi.waitFor(async () => {
      const lines = on(await lab.lines(), 'console');
      expect(contentIn(holding(lines, 'received')[0])).toBe(
        'received {"deep":{"inside":[{"of":"a frame"}]}} 7',
      );
      expect(holding(lines, 'a mishap')[0]?.['place']).toBe('exception');
      expect(holding(lines, '/missing')[0]?.['place']).toBe('log.network.error');
    }, WAIT_MS_MAX);
  });

  it('read what is logged to its end, in workers as well', async () => {
    const place = await site(closers, {
      files: {
        '/': '<p>page</p>',
        '/worker.js': `console.log({ of: { a: 'worker' } }, new Map([['k', { in: 'a map' }]]));`,
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(() => {
      const { console } = globalThis;
      const throwing = {
        before: 'a thrower',
        get bad(): string {
          throw new Error('no');
        },
        after: 'it goes on',
      };
      console.log(throwing);
      console.log(1, {}, {}, {}, {}, {}, {}, {}, {}, { last: 'of many' });
      console.error(
        Object.assign(new Error('failed', { cause: { by: 'a cause' } }), { of: 'a request' }),
      );
      console.log(new Headers({ 'x-of': 'a header' }), new TextEncoder().encode('in bytes'));
      const passing = { state: 'as it was logged' };
      console.log(passing);
      passing.state = 'gone';
      console.log(new MessageEvent('message', { data: { of: 'a message' } }), /an expression/);
      void Promise.reject(new AggregateError([new Error('one of several')], 'all failed'));
      void new Worker('/worker.js');
    });
    await vi.waitFor(async () => {
      const lines = on(await lab.lines(), 'console');
      for (const text of [
        'a thrower',
        'it goes on',
        'of many',
        'a cause',
        'a request',
        'a header',
        'in bytes',
        'as it was logged',
        'one of several',
        'a message',
        'an expression',
        'worker',
        'a map',
      ])
        expect(holding(lines, text), text).not.toHaveLength(0);
    }, WAIT_MS_MAX);
  });

  it('see dialogs, notifications, downloads, and take pictures', async () => {
    const place = await site(closers, { files: { '/': '<p>page</p>' } });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    expect(await page.evaluate(() => confirm('are you u07?'))).toBe(false);
    const downloaded = page.waitForEvent('download');
    await page.evaluate(() => {
      void new Notification('an answer', { body: 'for somebody' });
      const link = document.createElement('a');
      link.download = 'export.txt';
      link.href = URL.createObjectURL(new Blob(['all my threads']));
      link.click();
    });
    await downloaded;
    await lab.recorder.screenshot(page, lab.directory);
    const screen = on(await lab.lines(), 'screen');
    expect(screen.map((line) => [line['place'] ?? line['kind'], contentIn(line)])).toEqual(
      expect.arrayContaining([
        ['dialog.confirm', 'are you u07?'],
        ['notification', 'an answer\nfor somebody'],
        ['download', 'export.txt\nall my threads'],
      ]),
    );
    const picture = screen.find(({ kind }) => kind === 'screenshot');
    expect(picture).toMatchObject({ dir: 'act', url: 'screenshots/u00.png' });
    expect(existsSync(join(lab.directory, 'screenshots/u00.png'))).toBe(true);
  });
});

describe('a page that is gone', () => {
  it('is told when it crashes, and nobody waits for it', async () => {
    const place = await site(closers, { files: { '/': '<p>page</p>' } });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.goto('chrome://crash').catch(() => undefined);
    await until(() => lab.told.lost.length === 1);
    expect(lab.told.lost).toEqual(['the page crashed']);
    const from = performance.now();
    await lab.recorder.snapshot();
    await lab.recorder.screenshot(page, lab.directory);
    await lab.recorder.stop();
    expect(performance.now() - from).toBeLessThan(20_000);
  });

  it('is told when its browser is gone', async () => {
    const other = await launchBrowser();
    const place = await site(closers, { files: { '/': '<p>page</p>' } });
    const lab = await pageLab(closers, () => other);
    await lab.open(place.url);
    await other.close();
    await until(() => lab.told.lost.length === 1);
    await lab.recorder.snapshot();
  });

  it('is told when it does not answer any more', async () => {
    const place = await site(closers, { files: { '/': '<p>page</p>' } });
    const lab = await pageLab(closers, browser, { hangMsMax: 1_000 });
    const page = await lab.open(place.url);
    const hung = page.evaluate(() => {
      const end = performance.now() + 4_000;
      while (performance.now() < end);
    });
    await until(() => lab.told.lost.length === 1).catch(() => undefined);
    await hung;
    expect(lab.told.lost).toEqual(['the page does not answer']);
  });
});
