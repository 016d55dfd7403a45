import { describe, expect, it, vi } from 'vitest';
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
  type PageLab,
} from './page-lab.ts';

const { closers, browser } = pageTests();

async function shown(lab: PageLab): Promise<Line[]> {
  return on(await lab.lines(), 'dom').filter(
    (line) => !contentIn(line).startsWith('proof-') && line['place'] !== 'url',
  );
}

describe('page text', () => {
  it('is told with a readable place, once while it stays the same', async () => {
    const place = await site(closers, {
      files: {
        '/': `<title>My chat</title><main><ul data-testid="thread-list">
          <li>First thread</li><li>Second <b>th</b>read</li></ul>
          <div role="article">Hello</div><div role="article">You said <em>mark</em>er</div>
          <input aria-label="Your question" value="half a draft"><a href="/threads/17">x</a></main>`,
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(() => document.querySelector('ul')?.append('')); // Nothing new to see.
    const lines = await shown(lab);
    expect(Object.fromEntries(lines.map((line) => [line['place'], contentIn(line)]))).toEqual({
      title: 'My chat',
      '[data-testid=thread-list]@data-testid': 'thread-list',
      'html > body > main:nth(0)': 'x',
      '[data-testid=thread-list] > li:nth(0)': 'First thread',
      '[data-testid=thread-list] > li:nth(1)': 'Second thread',
      '[role=article]:nth(0)': 'Hello',
      '[role=article]:nth(1)': 'You said marker',
      'html > body > main:nth(0) > input:nth(0)@aria-label': 'Your question',
      'html > body > main:nth(0) > input:nth(0)@value': 'half a draft',
      'html > body > main:nth(0) > a:nth(0)@href': '/threads/17',
    });
    for (const line of lines)
      expect(line).toMatchObject({ user: 'u00', dir: 'in', kind: 'text', conn: null });
  });

  it('is seen when it is shown for a moment only, or came and went at once', async () => {
    const place = await site(closers, {
      files: {
        '/': `<body><p id="a">old</p><script>
          const flash = document.createElement('section');
          flash.innerHTML = '<p>a flash of <b>fifty</b></p>';
          document.body.append(flash);
          setTimeout(() => flash.remove(), 50);
          const never = document.createElement('p');
          never.textContent = 'never painted';
          document.body.append(never);
          never.remove();
          a.textContent = 'in between';
          a.textContent = 'new';
          a.title = 'a title that';
          a.title = 'did not stay';
          a.firstChild.data = 'typed over';
          a.firstChild.data = 'final';
        </script></body>`,
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.waitForFunction(() => document.querySelector('section') === null);
    const lines = await shown(lab);
    for (const text of [
      'a flash of fifty',
      'never painted',
      'in between',
      'a title that',
      'did not stay',
      'typed over',
      'final',
    ])
      expect(holding(lines, text), text).not.toHaveLength(0);
  });

  it('is seen when the page leads on to another at once', async () => {
    const place = await site(closers, {
      files: {
        '/': `<body><script>
          onload = () => setTimeout(() => {
            document.body.append(['shown', 'while', 'leaving'].join(' '));
            location.href = '/next';
          });
        </script></body>`,
        '/next': '<p>next</p>',
      },
    });
    for (let times = 0; times < 3; times += 1) {
      const lab = await pageLab(closers, browser);
      const page = await lab.open(place.url);
      await page.waitForURL('**/next');
      expect(holding(await shown(lab), 'shown while leaving')).not.toHaveLength(0);
    }
  });

  it('is read as soon when it is nearly all blanks, or a sheet nearly all dashes', async () => {
    const place = await site(closers, { files: { '/': '<body><pre></pre>' } });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(() => {
      const style = document.createElement('style');
      style.textContent = `/*${'-'.repeat(1_000_000)}*/ p { color: red }`;
      document.head.append(style);
      const text = document.querySelector('pre');
      if (text !== null) text.textContent = `first${' '.repeat(1_000_000)}last`;
    });
    const read = async (): Promise<Line[]> => holding(await shown(lab), 'first last');
    await expect.poll(read, { timeout: WAIT_MS_MAX }).toHaveLength(1);
  });

  it('is whole when it is appended piece by piece', async () => {
    const place = await site(closers, { files: { '/': '<p id="answer"></p>' } });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate(async () => {
      for (const piece of ['xtk', '0123', '456', 'bcd', 'fgh']) {
        const span = document.createElement('span');
        span.append(piece);
        document.querySelector('#answer')?.append(span);
        await new Promise((resolve) => {
          setTimeout(resolve, 30);
        });
      }
    });
    const lines = await shown(lab);
    expect(holding(lines, 'xtk0123456bcdfgh')).toMatchObject([{ place: '#answer' }]);
    // Text that only grew is not written at every step.
    expect(lines.length).toBeLessThan(5);
  });

  it('is seen in shadow trees, frames of this and other sites, and written-over documents', async () => {
    const place = await site(closers, {
      files: {
        '/': `<div id="open"></div><div id="closed"></div><div id="late"></div>
          <div><template shadowrootmode="open"><p>declared shadow</p></template></div>
          <iframe src="/inner"></iframe><iframe srcdoc="<p>frame from text</p>"></iframe>
          <iframe id="blank"></iframe>
          <script>
            const shadow = document.querySelector('#open').attachShadow({ mode: 'open' });
            shadow.innerHTML = '<p>open shadow</p>';
            const shut = document.querySelector('#closed').attachShadow({ mode: 'closed' });
            shut.innerHTML = '<p>closed shadow</p>';
            setTimeout(() => { shut.querySelector('p').textContent = 'closed changed'; }, 30);
            document.querySelector('#blank').contentDocument.body.innerHTML = '<p>blank frame</p>';
          </script>`,
        '/inner': '<p>inner frame</p>',
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.evaluate((url) => {
      const frame = document.createElement('iframe');
      frame.src = `${url}/inner`;
      document.body.append(frame);
    }, place.otherUrl);
    await page.waitForFunction(() => window.frames[3] !== undefined);
    await page.frame({ url: `${place.url}/inner` })?.evaluate(() => {
      document.open();
      document.write('<p>written over</p>');
      document.close();
    });
    const lines = await shown(lab);
    const placeOf = (text: string): unknown => holding(lines, text)[0]?.['place'];
    expect(placeOf('open shadow')).toBe('#open >> p:nth(0)');
    expect(placeOf('closed shadow')).toBe('#closed >> p:nth(0)');
    expect(placeOf('closed changed')).toBe('#closed >> p:nth(0)');
    expect(placeOf('declared shadow')).toMatch(/>> p:nth\(0\)$/);
    expect(holding(lines, 'inner frame').map((line) => line['place'])).toEqual(
      expect.arrayContaining([
        `frame(${place.url}/inner) html > body > p:nth(0)`,
        `frame(${place.otherUrl}/inner) html > body > p:nth(0)`,
      ]),
    );
    for (const text of ['frame from text', 'blank frame', 'written over'])
      expect(holding(lines, text), text).not.toHaveLength(0);
  });

  it('is seen in a frame whose own scripts may not run, and which the page around it fills', async () => {
    const place = await site(closers, {
      files: {
        '/': `<main><iframe id="mail" sandbox="allow-same-origin" src="/inner"></iframe></main><script>
          const mail = document.querySelector('#mail');
          mail.onload = () => {
            mail.contentDocument.body.innerHTML = '<p>a letter</p><iframe></iframe><input>';
            setTimeout(() => { mail.contentDocument.querySelector('p').textContent = 'a later letter'; }, 30);
            mail.contentDocument.querySelector('input').value = 'a draft in it';
            mail.contentDocument.querySelector('iframe').contentDocument.body.append('within it');
          };
        </script>`,
        '/inner': '<p>inner frame</p>',
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.waitForFunction(() => document.querySelector('iframe')?.contentDocument?.body);
    await expect
      .poll(async () => holding(await shown(lab), 'a later letter')[0]?.['place'])
      .toBe('#mail >> html > body > p:nth(0)');
    const lines = await shown(lab);
    expect(holding(lines, 'a letter')[0]?.['place']).toBe('#mail >> html > body > p:nth(0)');
    for (const text of ['a draft in it', 'within it'])
      expect(holding(lines, text), text).not.toHaveLength(0);
  });

  it('includes attributes that mostly draw, where they may name somebody', async () => {
    const place = await site(closers, {
      files: {
        '/': `<title>before</title><p id="a" class="card wide-2" style="left: 1px">x</p><script>
          a.className = 'card of-3f2b8c1d-aaaa-4bbb-8ccc-0123456789ab wide-2';
          a.style.setProperty('--from', '"Anna Bell"');
          a.style.left = '2px';
          a.style.setProperty('--of', 'u0123456789abcdef');
          document.title = 'a flash of a title';
          document.title = 'after';
        </script>`,
      },
    });
    const lab = await pageLab(closers, browser);
    await lab.open(place.url);
    const lines = await shown(lab);
    const ofClass = lines.filter((line) => line['place'] === '#a@class');
    expect(ofClass.map((line) => contentIn(line))).toEqual([
      'of-3f2b8c1d-aaaa-4bbb-8ccc-0123456789ab',
    ]);
    const ofStyle = lines.filter((line) => line['place'] === '#a@style');
    expect(holding(ofStyle, 'Anna Bell')).not.toHaveLength(0);
    expect(holding(ofStyle, 'u0123456789abcdef')).not.toHaveLength(0);
    // What only moves is left out.
    expect(holding(ofStyle, '2px')).toEqual([]);
    expect(holding(lines, 'a flash of a title')).not.toHaveLength(0);
  });

  it('includes attributes of other namespaces, and of names in capitals, as they change', async () => {
    const place = await site(closers, {
      files: {
        '/': `<svg><a id="a" xlink:title="before"></a></svg><p id="p"></p><script>
          addEventListener('load', () => {
            a.setAttributeNS('http://www.w3.org/1999/xlink', 'xlink:title', 'a link to Anna Bell');
            a.setAttributeNS('http://www.w3.org/1999/xlink', 'xlink:href', '/of/Anna Bell');
            p.setAttributeNS(null, 'lastSeen', 'last seen by Anna Bell');
            setTimeout(() => p.removeAttributeNS(null, 'lastSeen'), 50);
          });
        </script>`,
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.waitForFunction(() => document.querySelector('p')?.attributes.length === 1);
    const lines = await shown(lab);
    for (const text of ['a link to Anna Bell', '/of/Anna Bell', 'last seen by Anna Bell'])
      expect(holding(lines, text), text).toHaveLength(1);
  });

  it('includes what controls hold, the title and the address, but no password', async () => {
    const place = await site(closers, {
      files: {
        '/': '<textarea></textarea><input type="password" id="p"><select><option>one</select>',
      },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    await page.fill('textarea', 'what I type');
    await page.fill('#p', 'hunter22hunter');
    await page.evaluate(() => {
      document.title = 'renamed';
      history.pushState({}, '', '/threads/42');
    });
    await lab.recorder.snapshot();
    const lines = on(await lab.lines(), 'dom');
    expect(holding(lines, 'what I type')[0]?.['place']).toMatch(/textarea:nth\(0\)@value$/);
    expect(holding(lines, 'renamed').map((line) => line['place'])).toContain('title');
    const urls = lines.filter((line) => line['place'] === 'url').map((line) => contentIn(line));
    expect(urls).toEqual([`${place.url}/`, `${place.url}/threads/42`]);
    expect(JSON.stringify(lines)).not.toContain('hunter22');
  });

  it('is unseen, and that is told, in a closed shadow tree that comes with the HTML', async () => {
    const tree = '<template shadowrootmode="closed"><p>out of sight</p></template>';
    const place = await site(closers, { files: { '/': `<section>${tree}</section>` } });
    const lab = await pageLab(closers, browser);
    await lab.open(place.url);
    expect((await lab.lines()).find(({ kind }) => kind === 'failure')).toMatchObject({
      step: 'watch',
      reason: 'dom',
      message: expect.stringContaining('closed shadow tree'),
    });
  });

  it('is told again to whom the profile passes, and redacted', async () => {
    const place = await site(closers, { files: { '/': '<p>left behind, secretsecret</p>' } });
    const lab = await pageLab(closers, browser);
    lab.pen.vault.add('secretsecret');
    await lab.open(place.url);
    await lab.recorder.flush();
    lab.recorder.belongsTo(ownerOf('u01', nothingTold()));
    const lines = holding(await shown(lab), 'left behind');
    expect(lines.map(({ user }) => user)).toEqual(['u00', 'u01']);
    expect(contentIn(lines[0])).toMatch(/left behind, \[redacted:/);
  });

  it('is seen in a window that a page opens', async () => {
    const place = await site(closers, {
      files: { '/': '<p>opener</p>', '/popup': '<p>popup text</p>' },
    });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    const popup = page.waitForEvent('popup');
    await page.evaluate(() => void window.open('/popup'));
    await (await popup).waitForLoadState();
    expect(holding(await shown(lab), 'popup text')).toHaveLength(1);
  });

  it.each<{ where: string; deed: () => void; place: RegExp }>([
    {
      where: 'a window that is filled and closed at once',
      deed: () => {
        const opened = window.open('about:blank');
        if (opened === null) throw new Error('no window');
        opened.document.title = 'a title of somebody';
        opened.document.body.append('shown to somebody');
        opened.close();
      },
      place: /^html > body$/,
    },
    {
      where: 'a window that closes itself',
      deed: () => {
        const text = "document.body.append(['shown', 'to', 'somebody'].join(' ')); close();";
        const page = new Blob([`<body><script>${text}</scr`, 'ipt>'], { type: 'text/html' });
        window.open(URL.createObjectURL(page));
      },
      place: /^html > body/,
    },
    {
      where: 'a window that was opened empty, let go, and given a document',
      deed: () => {
        const opened = window.open('about:blank');
        if (opened === null) throw new Error('no window');
        opened.opener = null;
        const text =
          "const at = document.body; at.append(['shown', 'to', 'somebody'].join(' ')); setTimeout(() => at.replaceChildren(), 8);";
        const page = new Blob([`<body><script>${text}</scr`, 'ipt>'], { type: 'text/html' });
        opened.location.href = URL.createObjectURL(page);
      },
      place: /^html > body/,
    },
    {
      where: 'a frame that is written and removed at once',
      deed: () => {
        const frame = document.createElement('iframe');
        document.body.append(frame);
        frame.contentDocument?.write('<p>shown to somebody</p>');
        frame.remove();
      },
      place: /^frame\(.*\) html > body > p/,
    },
    {
      where: 'a document of the page in a frame without scripts',
      deed: () => {
        const frame = document.createElement('iframe');
        frame.setAttribute('sandbox', '');
        frame.src = URL.createObjectURL(
          new Blob(['<p>shown to ', 'somebody'], { type: 'text/html' }),
        );
        document.body.append(frame);
      },
      place: /^blob$/,
    },
  ])('is seen in $where', async ({ deed, place }) => {
    const { url } = await site(closers, { files: { '/': '<p>page</p>' } });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(url);
    await page.evaluate(deed);
    await vi.waitFor(async () => {
      const lines = holding(await shown(lab), 'shown to somebody');
      expect(lines.filter((line) => place.test(String(line['place'])))).not.toEqual([]);
    }, WAIT_MS_MAX);
  });
});
