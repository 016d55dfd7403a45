import { existsSync } from 'node:fs';
import pLimit from 'p-limit';
import { chromium, type Browser, type BrowserContext, type Page, type WebSocket } from 'playwright';
import type {
  BrowserPool,
  PageOwner,
  PageRecorder,
  ProfileState,
} from '../../clients/browser-parts.ts';
import { BrowserUser } from '../../clients/browser-user.ts';
import type { Crowd } from '../../clients/crowd.ts';
import type { TrialPlan } from '../../clients/plan.ts';
import type { Recorder } from '../../clients/recorder.ts';
import { openTrial } from '../../clients/trial.ts';
import type { TrialContext } from '../../clients/trial-context.ts';
import { resolveAddresses } from '../../targets/addresses.ts';
import type { ObservationFields } from '../../history/observation.ts';
import type { SocketWire, Target } from '../../targets/target.ts';
import { linesOf, planFor, temporaryDirectory, type Closers, type Line } from './lab.ts';

const BROWSERS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];

/** The browser that trials of one worker share, for profiles share nothing; it ends with the worker. */
let launched: Promise<Browser> | undefined;

function launch(): Promise<Browser> {
  const executablePath =
    process.env['CROSSTALK_BROWSER'] ?? BROWSERS.find((path) => existsSync(path));
  return chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    chromiumSandbox: process.getuid?.() !== 0,
  });
}

/** One real browser process. */
export class OneBrowser implements BrowserPool {
  readonly #browser: Browser;
  readonly contexts: BrowserContext[] = [];
  readonly #tell = new Map<number, (reason: string) => void>();

  static async launch(closers: Closers): Promise<OneBrowser> {
    const known = await launched?.catch(() => undefined);
    if (known?.isConnected() !== true) launched = launch();
    const pool = new OneBrowser(await (launched ?? launch()));
    closers.add(() => pool.close());
    return pool;
  }

  private constructor(browser: Browser) {
    this.#browser = browser;
    browser.on('disconnected', this.#ended);
  }

  readonly #ended = (): void => {
    for (const tell of this.#tell.values()) tell('the browser ended');
  };

  /** Profiles that are open right now. */
  get openProfiles(): number {
    return this.#browser.contexts().length;
  }

  async open(_index: number, storageState?: ProfileState): Promise<BrowserContext> {
    const context = await this.#browser.newContext(
      storageState === undefined ? {} : { storageState },
    );
    this.contexts.push(context);
    return context;
  }

  onGone(index: number, tell: (reason: string) => void): void {
    this.#tell.set(index, tell);
  }

  /** Ends the process in the middle of whatever its pages do. */
  async kill(): Promise<void> {
    const session = await this.#browser.newBrowserCDPSession();
    await session.send('Browser.crash').catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#browser.off('disconnected', this.#ended);
    await Promise.allSettled(this.#browser.contexts().map((context) => context.close()));
  }
}

/**
 * Listens to a profile's sockets by Playwright's own events: enough for a user to follow its runs, and
 * independent of the recorder that trials use.
 */
export class ListeningRecorder implements PageRecorder {
  readonly #recorder: Recorder;
  readonly #wire: SocketWire;
  #owner: PageOwner | undefined;
  #connections = 0;
  #stopped = false;
  readonly owners: string[] = [];
  readonly purposes: string[] = [];
  /** Text of the body at every snapshot, with the user it was taken for. */
  readonly seen: { readonly user: string; readonly text: string; readonly url: string }[] = [];
  readonly pictures: string[] = [];
  #page: Page | undefined;

  constructor(recorder: Recorder, wire: SocketWire) {
    this.#recorder = recorder;
    this.#wire = wire;
  }

  watch(context: BrowserContext): Promise<void> {
    context.on('page', (page) => {
      this.#page = page;
      page.on('websocket', (socket) => this.#follow(socket));
    });
    return Promise.resolve();
  }

  attended(): Promise<void> {
    return Promise.resolve();
  }

  belongsTo(owner: PageOwner): void {
    this.#owner = owner;
    this.#connections = owner.connections;
    this.owners.push(owner.name);
  }

  purpose(purpose: 'sign-in' | 'api'): void {
    this.purposes.push(purpose);
  }

  async snapshot(): Promise<void> {
    if (this.#page === undefined) return;
    const text = await this.#page.locator('body').innerText();
    this.seen.push({ user: this.#owner?.name ?? '', text, url: this.#page.url() });
  }

  async screenshot(page: Page): Promise<void> {
    const picture = await page.screenshot();
    this.pictures.push(`${this.#owner?.name ?? ''} ${picture.length > 0 ? 'png' : 'nothing'}`);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return Promise.resolve();
  }

  #follow(socket: WebSocket): void {
    const owner = this.#owner;
    if (owner === undefined) return;
    this.#connections += 1;
    owner.opened(`${owner.name}#${this.#connections}`);
    socket.on('framesent', ({ payload }) => {
      const text = String(payload);
      this.#line(text, { user: owner.name, dir: 'out' });
      owner.sent(JSON.parse(text), text, this.#recorder.clock.now());
    });
    socket.on('framereceived', ({ payload }) => {
      const text = String(payload);
      const { role, echoedAt: _echoedAt, ...fields } = this.#wire.decode(JSON.parse(text));
      this.#line(text, { user: owner.name, dir: 'in', ...fields });
      owner.received({ role, ...fields }, text, this.#recorder.clock.now());
    });
    socket.on('close', () => owner.closed(1005, this.#stopped ? 'us' : 'them'));
  }

  #line(text: string, fields: Pick<ObservationFields, 'user' | 'dir'>): void {
    this.#recorder.journal.append(
      { conn: null, surface: 'socket', kind: 'frame', ...fields },
      this.#recorder.content(text, true),
    );
  }
}

/** A trial whose users sit in one real browser. */
export interface PageTrial {
  readonly crowd: Crowd;
  readonly pool: OneBrowser;
  /** In the order in which profiles were opened. */
  readonly recorders: ListeningRecorder[];
  readonly dir: string;
  readonly users: readonly BrowserUser[];
  /** Ends the trial and reads its history back. */
  readonly lines: () => Promise<Line[]>;
}

export async function pageTrial(
  closers: Closers,
  target: Target,
  settings: { readonly url: string; readonly plan?: Partial<TrialPlan>; readonly trace?: boolean },
): Promise<PageTrial> {
  const { url, plan = {}, trace = false } = settings;
  const dir = temporaryDirectory(closers);
  const pool = await OneBrowser.launch(closers);
  const recorders: ListeningRecorder[] = [];
  const resolved = resolveAddresses(target, { url, addresses: [], env: {} });
  if (!resolved.ok) throw new Error(resolved.mistakes.join('\n'));
  const crowd = await openTrial({
    plan: planFor(dir, { users: 1, timeoutMs: 20_000, ...plan }),
    scenario: 's',
    transport: 'browser',
    target,
    addresses: resolved.addresses,
    dir,
    env: {},
    createUser: (context: TrialContext, persona, name) => {
      const createRecorder = (): ListeningRecorder => {
        const recorder = new ListeningRecorder(context.recorder, target.socket);
        recorders.push(recorder);
        return recorder;
      };
      const seat = { pool, openings: pLimit(1), createRecorder, dir, trace, bodyBytesMax: 1024 };
      return new BrowserUser(context, seat, { persona, name });
    },
  });
  closers.add(() => crowd.close('failed'));
  return {
    crowd,
    pool,
    recorders,
    dir,
    users: crowd.users.filter((user) => user instanceof BrowserUser),
    lines: async () => {
      await crowd.close('done');
      return linesOf(crowd.historyPath);
    },
  };
}
