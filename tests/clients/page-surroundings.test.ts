import { describe, expect, it } from 'vitest';
import type { Line } from './lab.ts';
import { holding, on, pageLab, pageTests, site } from './page-lab.ts';

const { closers, browser } = pageTests();

/** What a page has done before it shows something, and what it shows. */
interface Surroundings {
  readonly where: string;
  readonly before: string;
  readonly html?: string;
}

describe('what a page shows is read', () => {
  it.each<Surroundings>([
    {
      where: 'has names of its own for what the browser calls so',
      before: `class Node {} class Map {} let Element = 0; const JSON2 = 1; var CSS = {}; function Set() {}`,
    },
    {
      where: 'takes away what it does not use',
      before: `for (const name of ['Node', 'Document', 'CSS', 'Map', 'MutationObserver', 'WebSocket', 'Blob'])
        delete globalThis[name];`,
    },
    {
      where: 'tells lists and objects how to be written as JSON',
      before: `Array.prototype.toJSON = () => 'a list'; Object.prototype.toJSON = () => 'an object';
        JSON.stringify = () => 'nothing';`,
    },
    {
      where: 'has a clock of its own, which stands still',
      before: `performance.now = () => 5; Date.now = () => 0; window.setTimeout = () => 0;
        window.requestAnimationFrame = () => 0; window.queueMicrotask = () => 0;`,
    },
    {
      where: 'has no clock at all',
      before: `Object.defineProperty(globalThis, 'performance', { value: undefined });`,
    },
    {
      where: 'freezes what it found',
      before: `for (const { prototype } of [Document, Element, Node, EventTarget, MutationObserver, Object, Array])
        Object.freeze(prototype);`,
    },
    {
      where: 'has controls under names that all elements have',
      before: '',
      html: `<form name="title" class="a"><input name="attributes"><input name="getAttribute"></form>
        <script>document.forms[0].className = 'b'</script>`,
    },
  ])('where it $where', async ({ before, html = '' }) => {
    const { url } = await site(closers, {
      files: {
        '/': `<!doctype html><body>${html}<p id="p" title="a title of it"></p><script>${before}</script><script>
          Promise.resolve().then(() => {
            document.getElementById('p').textContent = ['shown', 'to', 'somebody'].join(' ');
          });
        </script></body>`,
      },
    });
    const lab = await pageLab(closers, browser);
    await lab.open(url);
    let lines: readonly Line[] = [];
    const place = async (): Promise<unknown> =>
      holding(on((lines = await lab.lines()), 'dom'), 'shown to somebody')[0]?.['place'];
    await expect.poll(place, { timeout: 5_000 }).toBe('#p');
    expect(holding(lines, 'a title of it')).not.toEqual([]);
    // The planted text came back as well.
    const planted = lines.find(({ act, place: at }) => act === 'prove' && at === 'dom');
    expect(holding(on(lines, 'dom'), String(planted?.['message']))).not.toEqual([]);
    expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
  });
});
