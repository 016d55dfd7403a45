import { expect, test } from 'vitest';
import { leavePage } from '../../clients/page-leaving.ts';
import { until } from './lab.ts';
import { holding, on, pageLab, pageTests, site } from './page-lab.ts';

const { closers, browser } = pageTests();

/** What is lost is lost by chance: without care most leaves lose something. */
const LEAVES = 6;

/** A page that keeps the last thing it was told, and whether it was told that it ends. */
const LISTENER = `<script>
  new WebSocket('ws://' + location.host).onmessage = ({ data }) => localStorage.setItem('last', data);
  addEventListener('pagehide', () => localStorage.setItem('end', 'told'));
</script>`;

const LATER = "<script>document.title = 'it has scripts'</script>";

test('a page is left with nothing in it that was not seen, and may say good-bye', async () => {
  let said = 0;
  const place = await site(closers, {
    files: { '/': LISTENER, '/later': LATER },
    socket: (socket) => {
      const talk = setInterval(() => socket.send(String((said += 1))), 1);
      socket.once('close', () => clearInterval(talk));
    },
  });
  for (let leave = 0; leave < LEAVES; leave += 1) {
    const lab = await pageLab(closers, browser);
    const page = await lab.open(place.url);
    const heardAt = said;
    await until(() => said > heardAt + 20);
    await leavePage(page);
    await page.goto(`${place.url}/later`);
    expect(await page.title()).toBe('it has scripts');
    const kept = await page.evaluate<{ last: string; end: string }>('({ ...localStorage })');
    const seen = on(await lab.lines(), 'socket').map(({ frame }) => Number(frame ?? 0));
    expect(Number(kept.last)).toBeGreaterThan(0);
    expect(Math.max(...seen)).toBeGreaterThanOrEqual(Number(kept.last));
    expect(kept.end).toBe('told');
    // What comes next is read as ever.
    expect(holding(await lab.lines(), 'it has scripts')).not.toEqual([]);
    expect((await lab.lines()).filter(({ reason }) => reason === 'http')).toEqual([]);
  }
});
