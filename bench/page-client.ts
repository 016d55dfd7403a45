import { chromium, type CDPSession, type Page } from 'playwright';
import { CdpPageRecorder } from '../clients/page-recorder.ts';
import { QuietWindow } from '../clients/quiet-window.ts';
import { Recorder } from '../clients/recorder.ts';
import { startClock } from '../history/clock.ts';
import { JournalWriter } from '../history/journal-writer.ts';
import { Vault } from '../history/redaction.ts';
import reference from '../targets/reference.ts';
import { headerOf, readCast } from './cast.ts';
import { pageJobSchema, type PageJob, type PageResult } from './jobs.ts';
import { serveJob } from './processes.ts';

/**
 * One page that is sent frames, watched either by the product's recorder or by a bare Playwright
 * listener that only counts. Measured is the CPU time of this process and of the browser's.
 */

const WAIT_MS_MAX = 60_000;

/** Counts what is received, and waits for so many. */
class Counter {
  count = 0;
  #wanted = Number.POSITIVE_INFINITY;
  #reached: (() => void) | undefined;

  add(): void {
    this.count += 1;
    if (this.count >= this.#wanted) this.#reached?.();
  }

  /** Resolves when so many have come, or when the limit is over: then frames were lost. */
  async reach(wanted: number): Promise<void> {
    if (this.count >= wanted) return;
    this.#wanted = wanted;
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, WAIT_MS_MAX);
      this.#reached = () => {
        clearTimeout(limit);
        resolve();
      };
    });
  }
}

async function work(job: PageJob): Promise<PageResult> {
  const { executable, variant, url, draws, frames, perSecond, warmUp } = job;
  const browser = await chromium.launch({
    executablePath: executable,
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-background-networking', '--disable-component-update'],
  });
  const counter = new Counter();
  const session = await browser.newBrowserCDPSession();
  const context = await browser.newContext();
  const recording = variant === 'recorder' ? record(job, counter) : undefined;
  await recording?.recorder.watch(context);
  const page = await context.newPage();
  await recording?.recorder.attended(page);
  if (recording === undefined)
    page.on('websocket', (socket) => socket.on('framereceived', () => counter.add()));
  await page.goto(draws ? `${url}/?draws` : url);
  await page.waitForFunction('window.socket.readyState === 1');
  await ask(page, warmUp, perSecond);
  await counter.reach(warmUp);
  const browserBefore = await browserSeconds(session);
  const cpu = process.cpuUsage();
  await ask(page, frames, perSecond);
  await counter.reach(warmUp + frames);
  const { user, system } = process.cpuUsage(cpu);
  const browserCpuSeconds = (await browserSeconds(session)) - browserBefore;
  const shown = await page.evaluate('window.count');
  const written = await recording?.finish();
  await browser.close();
  return {
    counted: counter.count - warmUp,
    shown: Number(shown) - warmUp,
    written: written === undefined ? null : written - warmUp,
    cpuSeconds: (user + system) / 1e6,
    browserCpuSeconds,
  };
}

async function ask(page: Page, frames: number, perSecond: number): Promise<void> {
  await page.evaluate(`window.socket.send('${JSON.stringify({ frames, perSecond })}')`);
}

/** The product's recorder on a journal of its own; `finish` gives the number of frames in it. */
function record(
  { journalPath, castPath }: PageJob,
  counter: Counter,
): { readonly recorder: CdpPageRecorder; readonly finish: () => Promise<number> } {
  const cast = readCast(castPath);
  const userId = cast.people[0]?.user ?? '';
  const clock = startClock();
  const startedAt = new Date(clock.startedAtUnixMs).toISOString();
  const header = { ...headerOf(cast, 'bench'), startedAt };
  const journal = new JournalWriter({ path: journalPath, header, clock });
  let written = 0;
  journal.listen(({ surface, dir, kind }) => {
    if (surface === 'socket' && dir === 'in' && kind === 'frame') written += 1;
  });
  const recorder = new CdpPageRecorder({
    recorder: new Recorder(journal, new Vault(), 'xtk0123456'),
    wire: reference.socket,
    quiet: new QuietWindow(reference.judging.limits),
    silentEvents: new Set(reference.judging.heartbeats),
    bytesMax: reference.judging.limits.payloadBytesMax,
    bodyBytesMax: 1024 * 1024,
    addresses: { api: '', auth: '', socket: '', page: '' },
  });
  recorder.belongsTo({
    name: 'u00',
    userId,
    connections: 0,
    opened: () => undefined,
    sent: () => undefined,
    received: () => counter.add(),
    closed: () => undefined,
    replied: () => undefined,
    ended: () => undefined,
    lost: (reason) => {
      throw new Error(reason);
    },
  });
  const finish = async (): Promise<number> => {
    await recorder.stop();
    await journal.end('done');
    return written;
  };
  return { recorder, finish };
}

/** CPU time of all processes of the browser so far. */
async function browserSeconds(session: CDPSession): Promise<number> {
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

serveJob((job) => work(pageJobSchema.parse(job)));
