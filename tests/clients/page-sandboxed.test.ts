import { expect, it } from 'vitest';
import { holding, on, pageLab, pageTests, site } from './page-lab.ts';

const { closers, browser } = pageTests();

it('a frame whose reply says that it can keep nothing hides nothing that its origin keeps', async () => {
  const other = await site(closers, {
    files: { '/keeps': `<script>localStorage.draft = 'kept by another'</script>` },
    serve: (_request, response) =>
      response
        .writeHead(200, {
          'content-type': 'text/html',
          'content-security-policy': 'sandbox allow-scripts',
        })
        .end('<p>a preview</p>'),
  });
  const { url } = await site(closers, {
    files: {
      '/': `<iframe src="${other.otherUrl}/preview"></iframe><iframe src="/inner"></iframe>
        <iframe src="${other.otherUrl}/keeps"></iframe>`,
      '/inner': `<script>localStorage.note = 'kept by itself'</script>`,
    },
  });
  const lab = await pageLab(closers, browser);
  await lab.open(url);
  await lab.recorder.snapshot();
  const lines = await lab.lines();
  for (const text of ['kept by another', 'kept by itself'])
    expect(holding(on(lines, 'storage'), text), text).not.toEqual([]);
  expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
});
