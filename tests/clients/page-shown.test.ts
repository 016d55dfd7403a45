import { describe, expect, it } from 'vitest';
import type { Line } from './lab.ts';
import { holding, nothingTold, on, ownerOf, pageLab, pageTests, site } from './page-lab.ts';

const { closers, browser } = pageTests();

const TEXT = 'shown-to-somebody';

describe('what a page shows is seen', () => {
  it.each<{ where: string; deed: (text: string) => void; place: RegExp }>([
    {
      where: 'in a sheet within the document',
      deed: (text) => {
        const style = document.createElement('style');
        style.textContent = `p::before { content: "${text}" } b { --width: 1px }`;
        document.head.append(style);
      },
      place: /^html > head > style/,
    },
    {
      where: 'in a rule that a script adds',
      deed: (text) => {
        const style = document.createElement('style');
        document.head.append(style);
        style.sheet?.insertRule(`p { --said: '${text}' }`);
      },
      place: /^style$/,
    },
    {
      where: 'in a sheet that a script makes',
      deed: (text) => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(`@media all { p::after { content: "${text}" } }`);
        document.adoptedStyleSheets = [sheet];
      },
      place: /^style$/,
    },
    {
      where: 'in letters that are blocks',
      deed: (text) => {
        for (const letter of text) {
          const wrapping = document.createElement('div');
          wrapping.append(document.createElement('div'));
          wrapping.firstElementChild?.append(letter);
          document.querySelector('main')?.append(wrapping);
        }
      },
      place: /^html > body > main:nth\(0\) \(in one\)$/,
    },
    {
      where: 'in letters that come one by one',
      deed: (text) => {
        let at = 0;
        const timer = setInterval(() => {
          const letter = document.createElement('li');
          letter.append(text[at++] ?? '');
          document.querySelector('main')?.append(letter);
          if (at === text.length) clearInterval(timer);
        }, 10);
      },
      place: /^html > body > main:nth\(0\) \(in one\)$/,
    },
    {
      where: 'in letters on a canvas',
      deed: (text) => {
        const drawing = document.createElement('canvas').getContext('2d');
        let x = 0;
        for (const letter of text) drawing?.fillText(letter, (x += 9), 20);
      },
      place: /^canvas$/,
    },
    {
      where: 'on a canvas of a worker',
      deed: (text) => {
        const code = `onmessage = ({ data }) => {
          const drawing = new OffscreenCanvas(9, 9).getContext('2d');
          drawing.fillText(data, 0, 9);
        }`;
        const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker is no window
        new Worker(url).postMessage(text);
      },
      place: /^canvas of a worker$/,
    },
    {
      where: 'in letters on a canvas of a worker',
      deed: (text) => {
        const code = `onmessage = ({ data }) => {
          const drawing = new OffscreenCanvas(9, 9).getContext('2d');
          [...data].forEach((letter, at) => drawing.fillText(letter, at * 9, 9));
        }`;
        const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker is no window
        new Worker(url).postMessage(text);
      },
      place: /^canvas of a worker$/,
    },
    {
      where: 'where it is spoken',
      deed: (text) => speechSynthesis.speak(new SpeechSynthesisUtterance(text)),
      place: /^speech$/,
    },
    {
      where: 'below a film',
      deed: (text) =>
        document
          .createElement('video')
          .addTextTrack('captions')
          .addCue(new VTTCue(0, 9, text)),
      place: /^caption$/,
    },
    {
      where: 'where a control complains',
      deed: (text) => document.createElement('input').setCustomValidity(text),
      place: /^validity$/,
    },
    {
      where: 'where a script puts a part of it into a control',
      deed: (text) => {
        const area = document.createElement('textarea');
        document.querySelector('main')?.append(area);
        area.setRangeText(text);
        area.value = '';
      },
      place: /textarea:nth\(0\)@value$/,
    },
  ])('$where', async ({ deed, place }) => {
    const { url } = await site(closers, { files: { '/': '<main>page</main>' } });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(url);
    await page.evaluate(deed, TEXT);
    const shown = async (): Promise<Line[]> =>
      holding(on(await lab.lines(), 'dom'), TEXT).filter((line) =>
        place.test(String(line['place'])),
      );
    await expect.poll(shown, { timeout: 5_000 }).not.toEqual([]);
  });

  it('again in sheets by whoever comes next', async () => {
    const { url } = await site(closers, { files: { '/': '<style>p { color: red }</style>' } });
    const lab = await pageLab(closers, browser);
    const page = await lab.open(url);
    await page.evaluate((text) => {
      const rule = document.styleSheets[0]?.cssRules[0];
      if (rule instanceof CSSStyleRule) rule.style.setProperty('--said', `"${text}"`);
    }, TEXT);
    lab.recorder.belongsTo(ownerOf('u01', nothingTold()));
    const lines = holding(on(await lab.lines(), 'dom'), TEXT);
    expect(lines).toMatchObject([{ user: 'u01', place: 'style' }]);
  });

  it('by whoever comes next where the document holds it unshown', async () => {
    const { url } = await site(closers, {
      files: {
        '/': `<script>window.page = 1</script><script type="application/json">{"of":"${TEXT}"}</script>
          <template><b>${TEXT}</b></template><!-- ${TEXT} --><main>page</main>`,
      },
    });
    const lab = await pageLab(closers, browser);
    await lab.open(url);
    lab.recorder.belongsTo(ownerOf('u01', nothingTold()));
    const lines = holding(on(await lab.lines(), 'dom'), TEXT);
    expect(lines).toMatchObject([
      { user: 'u01', place: 'script (not shown)' },
      { user: 'u01', place: 'template (not shown)' },
      { user: 'u01', place: 'comment' },
    ]);
  });

  it('only where it may name somebody: neither icons nor measures of sheets', async () => {
    const { url } = await site(closers, {
      files: {
        '/': `<style>i::before { content: "\\f101"; --gap: 12px } p { background: url("a-long-address") }</style>
          <script>
            const drawing = document.createElement('canvas').getContext('2d');
            for (let row = 0; row < 9; row += 1) drawing.fillText('12', 0, row);
          </script><main>page</main>`,
      },
    });
    const lab = await pageLab(closers, browser);
    await lab.open(url);
    const places = on(await lab.lines(), 'dom').map(({ place }) => String(place));
    expect(places.filter((place) => /style|canvas|in one/.test(place))).toEqual([]);
  });
});
