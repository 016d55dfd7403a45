import { describe, expect, it } from 'vitest';
import type { Line } from './lab.ts';
import { holding, on, pageLab, pageTests, site } from './page-lab.ts';

const { closers, browser } = pageTests();

const LINK = `<a target=_blank href="/next">more</a><script>document.querySelector('a').click()</script>`;
const OPEN = `<script>open('/next', '', 'noopener')</script>`;

describe('a window that is let go of as it is opened', () => {
  it.each([
    { by: 'a link', page: LINK },
    { by: 'a script', page: OPEN },
  ])(
    'by $by is watched from its first moment on, and nothing is said to be unseen',
    async (given) => {
      const next = `<body><script>
      new WebSocket(location.href.replace('http', 'ws'));
      document.body.append(['shown', 'to', 'somebody'].join(' '));
    </script></body>`;
      const { url } = await site(closers, {
        files: { '/': given.page, '/next': next },
        socket: (socket) => socket.send('the first frame'),
      });
      const lab = await pageLab(closers, browser);
      await lab.open(url);
      let lines: readonly Line[] = [];
      await expect
        .poll(async () => holding(on((lines = await lab.lines()), 'socket'), 'the first frame'))
        .toHaveLength(1);
      await expect
        .poll(async () => holding(on((lines = await lab.lines()), 'dom'), 'shown to somebody'))
        .toHaveLength(1);
      expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
    },
  );

  it('is awaited for as long as it takes to come', async () => {
    const { url } = await site(closers, {
      files: { '/': OPEN },
      serve: (_request, response) => void setTimeout(() => response.end('<p>came late</p>'), 6_000),
    });
    const lab = await pageLab(closers, browser);
    await lab.open(url);
    let lines: readonly Line[] = [];
    const late = async (): Promise<Line[]> =>
      holding(on((lines = await lab.lines()), 'dom'), 'came late');
    await expect.poll(late, { timeout: 15_000 }).toHaveLength(1);
    expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
  }, 30_000);
});
