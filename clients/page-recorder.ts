import type { BrowserContext, Page } from 'playwright';
import { messageOf } from '../history/message-of.ts';
import type { Addresses } from '../targets/target.ts';
import type { PageOwner, PageRecorder } from './browser-parts.ts';
import { DevToolsChannel, DevToolsFailure } from './page-channel.ts';
import { PageConsole } from './page-console.ts';
import { PageHttpLog } from './page-http-log.ts';
import { PagePen } from './page-pen.ts';
import type { TargetFacts } from './page-protocol.ts';
import { plantProofs } from './page-proof.ts';
import { PageScreen } from './page-screen.ts';
import { SecondWitness } from './page-second-witness.ts';
import { drivingSessionOf } from './page-inner-half.ts';
import { onNewcomer } from './page-newcomers.ts';
import { PageSocketLog, type SocketLogSettings } from './page-socket-log.ts';
import { PageStorage } from './page-storage.ts';
import { PageTextWatch } from './page-text-watch.ts';
import { watchWorlds } from './page-world.ts';
import { workerGateOf, type WorkerGate } from './page-worker-gate.ts';
import type { Recorder } from './recorder.ts';
import { every, within } from './waiting.ts';

/** Longest wait for a page to be watched. */
const ATTEND_MS_MAX = 10_000;
/** Longest wait for what is under way when everything seen must be written. */
const FLUSH_MS_MAX = 5_000;
/** How long a page may take to show that it lives, and how many times as often it must. */
const HANG_MS_MAX = 15_000;
const PULSES_PER_HANG = 3;

/** What the recorders of a trial have in common, beside what is one user's own. */
export interface PageRecorderSettings extends SocketLogSettings {
  readonly recorder: Recorder;
  /** Tells requests to the target from all others. */
  readonly addresses: Addresses;
  /** Longest text of a reply or download that is kept whole, bytes. */
  readonly bodyBytesMax: number;
  /** How long a page may stand still before it counts as lost, milliseconds. */
  readonly hangMsMax?: number;
}

/** One page of the profile. */
interface AttendedPage {
  readonly channel: DevToolsChannel;
  mainFrame: string | undefined;
}

/** Records a browser profile through the DevTools protocol and a script in every document. */
export class CdpPageRecorder implements PageRecorder {
  readonly #pen: PagePen;
  /** Sees what comes before a window or worker is watched. */
  readonly #witness = new SecondWitness();
  readonly #sockets: PageSocketLog;
  readonly #http: PageHttpLog;
  readonly #texts: PageTextWatch;
  readonly #console: PageConsole;
  readonly #screen: PageScreen;
  readonly #storage: PageStorage;
  readonly #hangMsMax: number;
  readonly #pages = new Map<Page, AttendedPage>();
  readonly #attending = new Map<Page, Promise<void>>();
  /** Pages that are watched before Playwright lets them run, by the browser's own id of them. */
  readonly #early = new Map<string, AttendedPage>();
  readonly #work = new Set<Promise<void>>();
  #context: BrowserContext | undefined;
  #provenFor: PageOwner | undefined;
  #isStopped = false;
  #isLost = false;
  /** Whether a service worker has come up in the profile. */
  #hasServiceWorker = false;
  #endPulse: (() => void) | undefined;
  #workerGate: WorkerGate | undefined;
  readonly #endings: (() => void)[] = [];

  constructor(settings: PageRecorderSettings) {
    const { recorder, bodyBytesMax } = settings;
    this.#hangMsMax = settings.hangMsMax ?? HANG_MS_MAX;
    this.#pen = new PagePen(recorder, settings.quiet);
    this.#sockets = new PageSocketLog(settings, this.#pen, this.#witness);
    this.#http = new PageHttpLog({ ...settings, events: this.#sockets }, this.#pen, this.#witness);
    this.#console = new PageConsole(this.#pen);
    this.#screen = new PageScreen(this.#pen, bodyBytesMax);
    this.#storage = new PageStorage(this.#pen);
    this.#texts = new PageTextWatch(this.#pen, {
      closed: (channel, seen) => this.#sockets.closedInPage(channel, seen),
      cookie: (text, at) => this.#storage.cookieWritten(text, at),
    });
  }

  async watch(context: BrowserContext): Promise<void> {
    this.#context = context;
    this.#screen.attach(context);
    this.#witness.attach(context);
    context.on('page', (page) => void this.attended(page));
    context.on('close', () => this.#lost('the browser profile is gone'));
    const installed = this.#texts.install(context).catch((error: unknown) => {
      this.#pen.blind('dom', `the watcher of page text was not taken: ${messageOf(error)}`);
    });
    await within(
      Promise.all([installed, context.grantPermissions(['notifications']).catch(() => undefined)]),
      ATTEND_MS_MAX,
      () => this.#lost('the browser did not take the watchers in time'),
    );
    await Promise.all(context.pages().map((page) => this.attended(page)));
    this.#endPulse = every(this.#hangMsMax / PULSES_PER_HANG, () => this.#feelPulse());
  }

  belongsTo(owner: PageOwner): void {
    const isAnother = this.#pen.owner !== undefined && this.#pen.owner !== owner;
    this.#pen.belongsTo(owner);
    if (isAnother) {
      this.#storage.again();
      this.#sockets.passed();
      // Addresses are told when they change; to somebody else all of it is news.
      for (const page of this.#pages.keys()) this.#place(page.url());
      this.#keep(this.#texts.again(FLUSH_MS_MAX));
    }
    for (const [page, { channel }] of this.#pages) this.#prove(page, channel);
  }

  purpose(purpose: 'sign-in' | 'api'): void {
    this.#http.purpose = purpose;
  }

  attended(page: Page): Promise<void> {
    const known = this.#attending.get(page);
    if (known !== undefined) return known;
    const attending = within(this.#attend(page), ATTEND_MS_MAX, () => {
      this.#lost('a page could not be watched in time');
    });
    this.#attending.set(page, attending);
    return attending;
  }

  async snapshot(): Promise<void> {
    await this.flush();
    if (this.#context !== undefined && !this.#isLost)
      await this.#storage.read(this.#context, this.#channels());
  }

  screenshot(page: Page, dir: string): Promise<void> {
    return this.#screen.picture(page, dir);
  }

  async flush(): Promise<void> {
    if (this.#isLost) return;
    const ended = this.#witness.ended();
    const begun = [...this.#attending.values(), ...this.#work];
    await within(Promise.all(begun), FLUSH_MS_MAX, () => undefined);
    await this.#texts.flush(FLUSH_MS_MAX);
    await Promise.all([
      this.#http.flush(FLUSH_MS_MAX),
      this.#console.flush(FLUSH_MS_MAX),
      this.#screen.flush(FLUSH_MS_MAX),
    ]);
    await this.#http.fill(ended);
    this.#tellMissedSockets();
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    await this.flush();
    if (!this.#isLost)
      await Promise.all([this.#http.finish(FLUSH_MS_MAX), this.#witness.socketsSeen()]);
    this.#tellMissedSockets();
    this.#isStopped = true;
    this.#endPulse?.();
    for (const end of this.#endings.splice(0)) end();
    this.#sockets.stop();
    this.#http.stop();
  }

  #tellMissedSockets(): void {
    if (this.#witness.missesSocket())
      this.#pen.blind('socket', 'a socket was over before it could be watched');
  }

  async #attend(page: Page): Promise<void> {
    page.on('crash', () => this.#lost('the page crashed'));
    page.on('close', () => this.#closed(page));
    page.on('domcontentloaded', () => {
      const attended = this.#pages.get(page);
      if (attended !== undefined) this.#prove(page, attended.channel);
    });
    try {
      const session = await page.context().newCDPSession(page);
      const channel = DevToolsChannel.over(session, { type: 'page', url: page.url() });
      const { targetInfo } = await channel.send('Target.getTargetInfo');
      const early = this.#early.get(targetInfo.targetId);
      if (early === undefined) await this.#watchPage(page, channel, targetInfo);
      else {
        this.#pages.set(page, early);
        await session.detach();
      }
    } catch (error) {
      if (!page.isClosed() && !this.#isStopped)
        this.#pen.blind('socket', `a page could not be watched: ${messageOf(error)}`);
    }
  }

  async #watchPage(page: Page, channel: DevToolsChannel, facts: TargetFacts): Promise<void> {
    const attended: AttendedPage = { channel, mainFrame: undefined };
    this.#pages.set(page, attended);
    const driving = drivingSessionOf(page);
    if (driving !== undefined) channel.listenIn(driving);
    this.#watchPlace(attended);
    if (this.#hasServiceWorker) await this.#http.awaitMade(channel);
    await this.#listen(channel);
    await this.#expectOthers(facts);
    const { frameTree } = await channel.send('Page.getFrameTree');
    attended.mainFrame = frameTree.frame.id;
    if (/^https?:/.test(frameTree.frame.url)) this.#place(frameTree.frame.url);
  }

  /** All watchers on one target and on what comes up below it. */
  async #listen(channel: DevToolsChannel): Promise<void> {
    this.#sockets.attach(channel);
    this.#http.attach(channel);
    this.#console.attach(channel);
    const isDocument = channel.target.type === 'page' || channel.target.type === 'iframe';
    if (isDocument) {
      watchWorlds(channel);
      this.#texts.attach(channel);
      this.#storage.attach(channel);
    }
    channel.onChild((child) => this.#keep(this.#listenBelow(child)));
    // All at once: what waits for the last of them starts that much earlier.
    const commands = [
      ...this.#http.enable(channel),
      channel.attachBelow(),
      ...this.#console.enable(channel),
      ...(isDocument ? this.#enableDocuments(channel) : this.#texts.watchWorker(channel)),
    ];
    // A new target waits for us, even when it was refused something.
    const begun = channel.send('Runtime.runIfWaitingForDebugger');
    await Promise.all([...commands, begun]);
  }

  #enableDocuments(channel: DevToolsChannel): Promise<unknown>[] {
    return [
      ...this.#texts.enable(channel),
      ...this.#storage.enable(channel),
      channel.send('Page.enable'),
    ];
  }

  async #listenBelow(channel: DevToolsChannel): Promise<void> {
    const { type, url, targetId } = channel.target;
    let isGone = false;
    channel.onEnd(() => {
      isGone = true;
    });
    try {
      if (type === 'service_worker') await this.#awaitMade();
      const listening = this.#listen(channel);
      if (hasNoDocument(channel)) this.#letLoad(channel);
      await listening;
    } catch (error) {
      if (isGone || this.#isStopped || isYetToLoad(channel, error)) return;
      this.#pen.blind('socket', `a ${type} (${url}) could not be watched: ${messageOf(error)}`);
    } finally {
      if (targetId !== undefined) this.#workerGate?.release(targetId);
    }
  }

  /**
   * A window that its opener gave up on opening it (`noopener`, and each link with `target=_blank`) has no process
   * until it loads: what it was told waits for that, and is heard before its first script.
   */
  #letLoad({ target: { targetId } }: DevToolsChannel): void {
    if (targetId !== undefined) this.#workerGate?.release(targetId);
  }

  /** From now on pages may be answered by a service worker; it waits meanwhile. */
  async #awaitMade(): Promise<void> {
    if (this.#hasServiceWorker) return;
    this.#hasServiceWorker = true;
    const pages = [...this.#pages.values()];
    await Promise.all(pages.map((page) => this.#http.awaitMade(page.channel)));
  }

  /** Once per profile, whose id in the browser only its pages know. */
  async #expectOthers({ browserContextId: profile = '' }: TargetFacts): Promise<void> {
    const browser = this.#context?.browser() ?? undefined;
    if (browser === undefined || this.#workerGate !== undefined) return;
    const gate = workerGateOf(browser);
    this.#workerGate = gate;
    this.#endings.push(
      gate.hold(profile, ({ type }) => this.#ranUnwatched(type)),
      await onNewcomer(browser, profile, (channel) => {
        const { type } = channel.target;
        if (type === 'page') this.#expectPage(channel);
        else if (!gate.holds) this.#ranUnwatched(type);
        this.#keep(this.#listenBelow(channel));
      }),
    );
  }

  /** A page that waits until it is watched; Playwright makes it known only after that. */
  #expectPage(channel: DevToolsChannel): void {
    const { targetId = '' } = channel.target;
    const attended: AttendedPage = { channel, mainFrame: targetId };
    this.#early.set(targetId, attended);
    channel.onEnd(() => this.#early.delete(targetId));
    this.#watchPlace(attended);
  }

  #ranUnwatched(type: string): void {
    this.#pen.blind('socket', `a ${type.replace('_', ' ')} ran before it could be watched`);
  }

  #watchPlace(attended: AttendedPage): void {
    const { channel } = attended;
    channel.on('Page.frameNavigated', ({ frame }) => {
      if (frame.parentId === undefined) this.#place(frame.url);
    });
    channel.on('Page.navigatedWithinDocument', ({ frameId, url }) => {
      this.#place(url, frameId === attended.mainFrame ? 'url' : 'url of a frame');
    });
  }

  #place(url: string, place = 'url'): void {
    if (url === 'about:blank') return;
    // What stands behind the hash is hidden by the same rules as parameters are.
    const [address = '', fragment] = url.split(/#(.*)/s);
    const { vault } = this.#pen.recorder;
    const hidden = fragment === undefined ? '' : `#${vault.redact(`?${fragment}`).slice(1)}`;
    this.#pen.text({ surface: 'dom', place, text: address + hidden });
  }

  /** Once per owner, on the first page that has an origin. */
  #prove(page: Page, channel: DevToolsChannel): void {
    const { owner } = this.#pen;
    const context = this.#context;
    if (owner === undefined || context === undefined || this.#provenFor === owner) return;
    if (!/^https?:/.test(page.url())) return;
    this.#provenFor = owner;
    this.#keep(plantProofs(this.#pen, channel, () => this.#storage.readProven(context, channel)));
  }

  /** Pages, and frames in processes of their own: what has documents, main page first. */
  #channels(): DevToolsChannel[] {
    return [...this.#pages.values()].flatMap(({ channel }) => [
      channel,
      ...channel.descendants.filter(({ target }) => target.type === 'iframe'),
    ]);
  }

  #closed(page: Page): void {
    this.#pages.get(page)?.channel.end();
    this.#pages.delete(page);
    this.#attending.delete(page);
  }

  /** A page that does not answer for long is as good as gone. */
  #feelPulse(): void {
    if (this.#isStopped || this.#isLost) return;
    for (const [page, { channel }] of this.#pages)
      channel
        .send('Runtime.evaluate', { expression: '0' }, this.#hangMsMax)
        .catch((error: unknown) => {
          const isLate = error instanceof DevToolsFailure && error.late;
          if (isLate && !page.isClosed()) this.#lost('the page does not answer');
        });
  }

  #lost(reason: string): void {
    if (this.#isStopped || this.#isLost) return;
    this.#isLost = true;
    this.#endPulse?.();
    this.#pen.owner?.lost(reason);
  }

  #keep(work: Promise<void>): void {
    const settled = work
      .catch((error: unknown) => {
        this.#pen.recorder.remark(this.#pen.observer(), `recording a page: ${messageOf(error)}`);
      })
      .finally(() => this.#work.delete(settled));
    this.#work.add(settled);
  }
}

function hasNoDocument({
  target: { type, url, openerId, canAccessOpener },
}: DevToolsChannel): boolean {
  return type === 'page' && url === '' && openerId !== undefined && canAccessOpener !== true;
}

/** What such a window was told is answered when it loads, however long that takes. */
function isYetToLoad(channel: DevToolsChannel, error: unknown): boolean {
  return hasNoDocument(channel) && error instanceof DevToolsFailure && error.late;
}
