import { join } from 'node:path';
import type { BrowserContext } from 'playwright';
import { beforeAll, expect, test } from 'vitest';
import { DevToolsChannel } from '../../clients/page-channel.ts';
import { PagePen } from '../../clients/page-pen.ts';
import { PageStorage } from '../../clients/page-storage.ts';
import { QuietWindow } from '../../clients/quiet-window.ts';
import { Recorder } from '../../clients/recorder.ts';
import { judgingOfTrial } from '../../clients/trial.ts';
import { startClock } from '../../history/clock.ts';
import { JournalWriter } from '../../history/journal-writer.ts';
import { Vault } from '../../history/redaction.ts';
import {
  headerFor,
  linesOf,
  planFor,
  PREFIX,
  temporaryDirectory,
  tinyTarget,
  type Line,
} from './lab.ts';
import { nothingTold, on, ownerOf, pageTests } from './page-lab.ts';

const { closers, browser } = pageTests();
let context: BrowserContext;
beforeAll(async () => {
  context = await browser().newContext();
});

/** Reads a page that keeps a draft, and whose document is replaced so many times while it is read. */
async function readWhileReplaced(times: number, problem: string): Promise<readonly Line[]> {
  const target = tinyTarget();
  const path = join(temporaryDirectory(closers), 'history.ndjson');
  const journal = new JournalWriter({ path, clock: startClock(), header: headerFor(target) });
  const recorder = new Recorder(journal, new Vault(), PREFIX);
  const pen = new PagePen(recorder, new QuietWindow(judgingOfTrial(planFor('/'), target).limits));
  pen.belongsTo(ownerOf('u00', nothingTold()));
  let left = times;
  const answers: Readonly<Record<string, () => unknown>> = {
    'Page.getFrameTree': () => ({ frameTree: { frame: { id: 'f', securityOrigin: 'http://a' } } }),
    'Page.createIsolatedWorld': () => ({ executionContextId: 1 }),
    'Runtime.evaluate': () => {
      left -= 1;
      if (left >= 0) throw new Error(problem);
      const entries = [{ place: 'localStorage["draft"]', text: 'kept' }];
      return { result: { value: { entries, problems: [] } } };
    },
  };
  const channel = new DevToolsChannel({ type: 'page', url: 'http://a/' }, async (method) =>
    answers[method]?.(),
  );
  await new PageStorage(pen).read(context, [channel]);
  await journal.end('done');
  return linesOf(path);
}

test.each([
  'Protocol error (Runtime.evaluate): Inspected target navigated or closed',
  'Protocol error (Runtime.evaluate): Cannot find context with specified id',
])('what a page keeps is read from the document that comes next: %s', async (problem) => {
  const lines = await readWhileReplaced(2, problem);
  expect(on(lines, 'storage')).toMatchObject([{ place: 'localStorage["draft"]', text: 'kept' }]);
  expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
});

test('a page that never stands still is not taken for seen', async () => {
  const lines = await readWhileReplaced(100, 'Inspected target navigated or closed');
  expect(lines).toMatchObject([{ kind: 'failure', message: expect.stringContaining('navig') }]);
});

test('a refusal is told at once', async () => {
  const lines = await readWhileReplaced(1, 'Not allowed');
  expect(lines).toMatchObject([
    {
      kind: 'failure',
      message: expect.stringContaining('could not be read: Runtime.evaluate: Not allowed'),
    },
  ]);
});
