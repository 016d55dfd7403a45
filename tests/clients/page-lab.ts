import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import type { PageOwner } from '../../clients/browser-parts.ts';
import { CdpPageRecorder, type PageRecorderSettings } from '../../clients/page-recorder.ts';
import { QuietWindow } from '../../clients/quiet-window.ts';
import { Recorder } from '../../clients/recorder.ts';
import { judgingOfTrial } from '../../clients/trial.ts';
import { startClock } from '../../history/clock.ts';
import { JournalWriter } from '../../history/journal-writer.ts';
import { Vault } from '../../history/redaction.ts';
import type { DecodedFrame } from '../../targets/target.ts';
import {
  Closers,
  endsWithTest,
  headerFor,
  linesOf,
  planFor,
  portOf,
  PREFIX,
  temporaryDirectory,
  tinyTarget,
  type Line,
} from './lab.ts';

export const BROWSER = process.env['CROSSTALK_BROWSER'] ?? '/usr/bin/chromium-headless-shell';

/** Longest wait for something that a test provoked to be in the history, milliseconds. */
export const WAIT_MS_MAX = 15_000;

/** A browser that talks to nobody but the loopback interface. */
export function launchBrowser(args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: BROWSER,
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-background-networking', '--disable-component-update', ...args],
  });
}

/** What the page tests of a file share. */
interface PageTests {
  /** What one of the tests opened. */
  readonly closers: Closers;
  /** Launched before the first of them, closed after the last. */
  readonly browser: () => Browser;
}

/** To be asked for at the head of a file: it hooks in what goes on around its tests. */
export function pageTests(): PageTests {
  const closers = new Closers();
  let launched: Browser | undefined;
  beforeAll(async () => {
    launched = await launchBrowser();
  });
  afterAll(() => launched?.close());
  afterEach(() => closers.closeAll());
  return {
    closers,
    browser: () => {
      if (launched === undefined) throw new Error('there is a browser only while tests run');
      return launched;
    },
  };
}

/** Id of the process that keeps a browser's cookies. */
export async function networkProcessOf(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const parent = processInfo.find(({ type }) => type === 'browser')?.id ?? 0;
  const found = readdirSync(`/proc/${parent}/task`)
    .flatMap((task) => readFileSync(`/proc/${parent}/task/${task}/children`, 'utf8').split(' '))
    .find((pid) => pid !== '' && isNetwork(readFileSync(`/proc/${pid}/cmdline`, 'utf8')));
  return Number(found);
}

function isNetwork(command: string): boolean {
  return command.includes('network.mojom.NetworkService');
}

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/** A site with pages, calls and sockets on one port; what is not in `files` goes to `serve`. */
export interface Site {
  readonly url: string;
  /** The same site under another name, which makes it another origin and site. */
  readonly otherUrl: string;
}

export async function site(
  closers: Closers,
  parts: {
    readonly files?: Readonly<Record<string, string>>;
    readonly serve?: Serve;
    readonly socket?: (socket: WebSocket, request: IncomingMessage) => void;
  },
): Promise<Site> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').replace(/\?.*/, '');
    const file = parts.files?.[path];
    if (file === undefined) {
      if (parts.serve !== undefined) parts.serve(request, response);
      else response.writeHead(404).end();
      return;
    }
    const type = path.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8';
    response.writeHead(200, { 'content-type': type }).end(file);
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => parts.socket?.(socket, request));
  await new Promise<void>((resolve) => {
    server.listen(0, resolve);
  });
  endsWithTest(closers, server, sockets);
  const port = portOf(server);
  return { url: `http://127.0.0.1:${port}`, otherUrl: `http://localhost:${port}` };
}

/** What the recorder told the owner. */
export interface Told {
  readonly opened: string[];
  readonly received: DecodedFrame[];
  readonly sent: string[];
  readonly closed: { readonly code: number; readonly by: string }[];
  readonly lost: string[];
}

export interface PageLab {
  readonly context: BrowserContext;
  readonly recorder: CdpPageRecorder;
  readonly pen: Recorder;
  readonly owner: PageOwner;
  readonly told: Told;
  readonly directory: string;
  /** A watched page at an address. */
  open(url: string): Promise<Page>;
  /** Lines written so far, everything under way included. */
  lines(): Promise<Line[]>;
}

export function ownerOf(name: string, told: Told): PageOwner {
  return {
    name,
    userId: `id-${name}`,
    connections: 0,
    opened: (conn) => told.opened.push(conn),
    sent: (_frame, text) => told.sent.push(text),
    received: (decoded) => told.received.push(decoded),
    closed: (code, by) => told.closed.push({ code, by }),
    replied: () => undefined,
    ended: () => told.closed.push({ code: 1000, by: 'them' }),
    lost: (reason) => told.lost.push(reason),
  };
}

export function nothingTold(): Told {
  return { opened: [], received: [], sent: [], closed: [], lost: [] };
}

/** One recorder on a fresh profile of a browser, with a journal of its own, owned by `u00`. */
export async function pageLab(
  closers: Closers,
  browser: () => Browser,
  changes: Partial<PageRecorderSettings> = {},
): Promise<PageLab> {
  const directory = temporaryDirectory(closers);
  const path = join(directory, 'history.ndjson');
  const target = tinyTarget();
  const profile = judgingOfTrial(planFor('/'), target);
  const journal = new JournalWriter({ path, clock: startClock(), header: headerFor(target) });
  closers.add(() => journal.end('done'));
  const pen = new Recorder(journal, new Vault(), PREFIX);
  pen.learn({ user: 'id-u00' });
  const recorder = new CdpPageRecorder({
    recorder: pen,
    wire: target.socket,
    handshake: () => target.socket.handshake({ userId: 'id-u00', token: 't', secrets: [] }),
    quiet: new QuietWindow(profile.limits),
    silentEvents: new Set(profile.heartbeats),
    bytesMax: 64 * 1024,
    bodyBytesMax: 256 * 1024,
    addresses: { api: '', auth: '', socket: '', page: '' },
    ...changes,
  });
  const context = await browser().newContext();
  closers.add(async () => {
    await recorder.stop();
    await context.close();
  });
  const told = nothingTold();
  const owner = ownerOf('u00', told);
  recorder.belongsTo(owner);
  await recorder.watch(context);
  return {
    context,
    recorder,
    pen,
    owner,
    told,
    directory,
    open: async (url) => {
      const page = await context.newPage();
      await recorder.attended(page);
      await page.goto(url);
      return page;
    },
    lines: async () => {
      await recorder.flush();
      await journal.flush();
      return linesOf(path);
    },
  };
}

/** Lines of a surface. */
export function on(lines: readonly Line[], surface: string): Line[] {
  return lines.filter((line) => line['surface'] === surface);
}

/** A line's content as text, whatever it was written as. */
export function contentIn(line: Line | undefined): string {
  const content = line?.['text'] ?? line?.['frame'];
  return typeof content === 'string' ? content : JSON.stringify(content ?? '');
}

/** Lines that hold a text in their content. */
export function holding(lines: readonly Line[], text: string): Line[] {
  return lines.filter((line) => contentIn(line).includes(text));
}
