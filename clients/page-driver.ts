import { errors, type BrowserContext, type Locator, type Page, type Request } from 'playwright';
import { messageOf } from '../history/message-of.ts';
import type { Selector } from '../targets/target.ts';
import type { PageOwner, PageRecorder, ProfileState } from './browser-parts.ts';
import type { BrowserSeat, TrialContext } from './trial-context.ts';
import { StepFailure } from './step-failure.ts';
import { TraceFile } from './page-driver-trace.ts';
import { withoutNotes, type CarryOut } from './page-inner-half.ts';
import { leavePage } from './page-leaving.ts';
import { every, pause, within } from './waiting.ts';

/** Longest single step on a page, milliseconds; a phase that is shorter makes it shorter. */
const STEP_MS_MAX = 20_000;
/** Share of a phase that one step may take, so that a missing element is named before time is up. */
const STEP_SHARE_OF_PHASE = 0.8;
/** What Playwright may need beyond its own limit before a page counts as hung. */
const GRACE_MS = 2_000;
/** How often a page is asked for a sign of life while one waits for it, and how long it may take. */
const LIFE_EVERY_MS = 4_000;
const LIFE_MS_MAX = 10_000;
/** Shares of a phase for both, so that a hung page is called one before time is up. */
const LIFE_EVERY_SHARE = 0.1;
const LIFE_SHARE = 0.3;
/** How long an element may be gone that was there a moment ago. */
const TEXT_MS_MAX = 1_000;
const PICTURE_MS_MAX = 5_000;
const POLL_MS = 25;
const CLOSE_MS_MAX = 5_000;
const CLOSE_LOST_MS_MAX = 500;
const HTTP_ERROR_MIN = 400;

/** Navigation errors that mean that there was nobody to talk to. */
const UNREACHABLE =
  /ERR_(CONNECTION_REFUSED|NAME_NOT_RESOLVED|ADDRESS_UNREACHABLE|INTERNET_DISCONNECTED)/;
const TIMED_OUT = /ERR_(CONNECTION_)?TIMED_OUT/;
/** What Playwright says when there is nothing left to drive. */
const GONE =
  /Target (page, context or browser has been closed|crashed|closed)|Page crashed|browser has been closed|Connection closed/i;
/** What happens to a question put to a page that is just on its way to the next. */
const NAVIGATING = /Execution context was destroyed|navigat|Cannot find context/i;
/** What has no text that a person could read, a drawing for one. */
const TEXTLESS = /not an HTMLElement/i;
const COLOURS = new RegExp(String.raw`\u001b\[\d+m`, 'g');

/** An element of a page: where it is, and which field of the profile says so. */
export interface Part {
  readonly selector: Selector;
  /** `page.composer`. */
  readonly field: string;
}

/** What a driver works with. */
export interface DriverSettings {
  readonly context: TrialContext;
  readonly seat: BrowserSeat;
  /** Position in the crowd of the user whose profile it is at first. */
  readonly index: number;
  /** What the profile begins with; absent: nothing. */
  readonly kept?: KeptProfile | undefined;
}

/** What of a browser profile another one can go on with. */
export interface KeptProfile {
  readonly state: ProfileState;
  /** What the page's tab kept for itself. */
  readonly tab: Readonly<Record<string, string>>;
}

/**
 * Drives the one page of a browser profile. Every step has a time limit and ends as a
 * {@link StepFailure} that says what to do about it; a profile that is lost fails the step under way and
 * all later ones at once. The profile may pass from one user to the next.
 */
export class PageDriver {
  readonly recorder: PageRecorder;
  readonly page: Page;
  readonly #settings: DriverSettings;
  readonly #browserContext: BrowserContext;
  readonly #trace: TraceFile | undefined;
  readonly #carryOut: CarryOut;
  readonly #lost: Promise<never>;
  #reject: (failure: StepFailure) => void = () => undefined;
  #loss: StepFailure | undefined;
  /** When the marked document began, by its own clock: no two have begun at the same time. */
  #marked: number | undefined;
  #owner: PageOwner;
  #closing: Promise<void> | undefined;
  /** The document that the page is waiting for, as long as the target has not begun to send it. */
  #awaited: Request | undefined;
  /** Documents that the page has asked for so far. */
  #documents = 0;

  /**
   * Opens a profile with a page in it, watched from before its first script.
   * @throws StepFailure (`browser-lost`) when there is no browser to open it in.
   */
  static async open(settings: DriverSettings, owner: PageOwner): Promise<PageDriver> {
    const { seat, index, kept } = settings;
    const recorder = seat.createRecorder();
    recorder.belongsTo(owner);
    seat.pool.onGone(index, (reason) => owner.lost(reason));
    const opening = (async () => {
      const context = await seat.pool.open(index, kept?.state);
      const carryOut = seat.trace ? asNoted : await withoutNotes(context);
      return carryOut(async () => {
        await recorder.watch(context);
        const trace = seat.trace ? await TraceFile.start(context) : undefined;
        const page = await context.newPage();
        await recorder.attended(page);
        return { context, trace, page, carryOut };
      });
    })();
    try {
      const opened = await within(opening, stepMsMax(settings), () => {
        throw new Error(`it opened no profile within ${stepMsMax(settings)} ms`);
      });
      return new PageDriver(settings, { recorder, owner, ...opened });
    } catch (error) {
      const reason = firstLineOf(error);
      owner.lost(reason);
      throw browserLost(reason, error);
    }
  }

  private constructor(
    settings: DriverSettings,
    parts: {
      readonly recorder: PageRecorder;
      readonly owner: PageOwner;
      readonly context: BrowserContext;
      readonly trace: TraceFile | undefined;
      readonly page: Page;
      readonly carryOut: CarryOut;
    },
  ) {
    this.#settings = settings;
    this.recorder = parts.recorder;
    this.page = parts.page;
    this.#owner = parts.owner;
    this.#browserContext = parts.context;
    this.#trace = parts.trace;
    this.#carryOut = parts.carryOut;
    this.#lost = new Promise<never>((_resolve, reject) => {
      this.#reject = reject;
    });
    // Whoever takes a step hears of it there.
    this.#lost.catch(() => undefined);
    this.#browserContext.setDefaultTimeout(stepMsMax(settings));
    this.#watchDocuments();
    this.page.on('crash', () => this.#owner.lost('the page crashed'));
    this.page.on('close', () => {
      if (this.#closing === undefined) this.#owner.lost('the page was closed');
    });
  }

  /** Longest single step, milliseconds. */
  get stepMsMax(): number {
    return stepMsMax(this.#settings);
  }

  /** From now on the profile is this user's. */
  belongsTo(owner: PageOwner): void {
    const { seat, index } = this.#settings;
    this.#owner = owner;
    this.recorder.belongsTo(owner);
    seat.pool.onGone(index, (reason) => owner.lost(reason));
  }

  /** Nothing more can be done here: fails the step under way and all later ones. */
  lose(failure: StepFailure): void {
    this.#loss = failure;
    this.#reject(failure);
  }

  /** Opens a path of the page's address. @throws StepFailure. */
  async go(path: string): Promise<void> {
    const url = this.#settings.context.addresses.page + path;
    const response = await this.#step(`opening ${path}`, () =>
      this.page.goto(url, { waitUntil: 'domcontentloaded' }),
    );
    const status = response?.status() ?? 0;
    if (status >= HTTP_ERROR_MIN)
      throw new StepFailure(`the page ${path} was answered with status ${status}`, {
        reason: `status ${status}`,
      });
  }

  /** Waits a short while until the page itself has gone to a path; resolves to whether it did. */
  async wentTo(path: string, ms: number): Promise<boolean> {
    if (this.#isAt(new URL(this.page.url()), path)) return true;
    try {
      await this.page.waitForURL((url) => this.#isAt(url, path), {
        waitUntil: 'commit',
        timeout: ms,
      });
      return true;
    } catch (error) {
      if (error instanceof errors.TimeoutError) return false;
      throw this.#gone(error);
    }
  }

  /** Remembers the document that is open. */
  async markDocument(): Promise<void> {
    this.#marked = await this.#documentBegan();
  }

  /** Whether the marked document is still open, with all that it holds in memory. */
  async keptDocument(): Promise<boolean> {
    return this.#marked !== undefined && this.#marked === (await this.#documentBegan());
  }

  /** Presses the browser's own Back button; where that leads may lead on at once. */
  async back(): Promise<void> {
    await this.#step('going back', async () => {
      await this.page.goBack({ waitUntil: 'commit' });
      await this.page.waitForLoadState('load');
    });
  }

  /** Leaves the page for an empty one, which ends its connections; resolves to where it was. */
  async away(): Promise<string> {
    const url = this.page.url();
    await this.#step('leaving the page', () => leavePage(this.page));
    return url;
  }

  /** Opens an address where the page has been before. */
  async comeBack(url: string): Promise<void> {
    await this.#step('coming back', () => this.page.goto(url, { waitUntil: 'domcontentloaded' }));
  }

  /**
   * Opens the page's address in one more tab as its own script would, which copies what the tab keeps for
   * itself, and waits until that tab shows something. The tab begins empty: what it loads is watched from
   * the first byte.
   */
  async duplicate(part: Part, ms: number): Promise<void> {
    await this.#step(
      'duplicating the tab',
      async () => {
        const opened = this.#browserContext.waitForEvent('page', { timeout: ms });
        await this.page.evaluate("void window.open('about:blank')");
        const tab = await opened;
        await this.recorder.attended(tab);
        await tab.goto(this.page.url(), { waitUntil: 'domcontentloaded' });
        await tab.locator(part.selector).first().waitFor({ state: 'visible', timeout: ms });
      },
      ms,
    );
  }

  async fill(part: Part, text: string): Promise<void> {
    await this.#on(part, (locator) => locator.fill(text));
  }

  async press(part: Part): Promise<void> {
    await this.#on(part, (locator) => locator.click());
  }

  /** Puts the mouse on something that can be pressed, so that {@link pressHere} is all that is left. */
  async aim(part: Part): Promise<void> {
    await this.#on(part, async (locator) => {
      await locator.hover();
      if (await locator.isEnabled()) return;
      // A tried press waits until it can be pressed; where it can be at once, it is half the work of a whole one.
      await locator.click({ trial: true });
      await locator.hover();
    });
  }

  /** Presses what the mouse is on: no search and no check stand between this moment and the press. */
  async pressHere(): Promise<void> {
    const { mouse } = this.page;
    await this.#step('a press', () => Promise.all([mouse.down(), mouse.up()]));
  }

  /** Presses Enter where was typed last. */
  async pressEnter(): Promise<void> {
    await this.#step('Enter', () => this.page.keyboard.press('Enter'));
  }

  /** Waits until something is visible. @param ms limit, where it differs from other steps'. */
  async seen(part: Part, ms?: number): Promise<void> {
    const timeout = Math.min(ms ?? this.stepMsMax, shareOfPhase(this.#settings));
    await this.#on(part, (locator) => locator.waitFor({ state: 'visible', timeout }), timeout);
  }

  /** What something says once it says anything. */
  async wordsOf(part: Part): Promise<string> {
    let words = '';
    await this.#on(part, async (locator) => {
      words = (await locator.filter({ hasText: /\S/, visible: true }).innerText()).trim();
    });
    return words;
  }

  /** How many elements a selector finds, seen or not. */
  count(selector: Selector): Promise<number> {
    return this.#step(`counting ${selector}`, () => this.page.locator(selector).count());
  }

  /** Whether any such element can be seen right now. */
  isVisible(selector: Selector): Promise<boolean> {
    return this.#step(`looking for ${selector}`, () =>
      this.page.locator(selector).filter({ visible: true }).first().isVisible(),
    );
  }

  /** The text of the element with this number, from 0, as it can be read; undefined while it cannot. */
  textOf(selector: Selector, number: number): Promise<string | undefined> {
    return this.#step(`reading ${selector}`, async () => {
      const element = this.page.locator(selector).nth(number).filter({ visible: true });
      // Texts of several at once would be read in the page's own world, to which all of Playwright's own script
      // would have to be brought first: 330 KB for each user.
      if ((await element.count()) === 0) return undefined;
      try {
        return await element.innerText({ timeout: TEXT_MS_MAX });
      } catch (error) {
        if (error instanceof errors.TimeoutError || TEXTLESS.test(messageOf(error)))
          return undefined;
        throw error;
      }
    });
  }

  /** localStorage of the page's own origin; empty while another is open. */
  async entries(): Promise<Readonly<Record<string, string>>> {
    if (!this.#isAt(new URL(this.page.url()), '')) return {};
    return this.#step('reading localStorage', async () => {
      try {
        // As text: a function would be rewritten by whatever compiles this file.
        return await this.page.evaluate<Record<string, string>>(
          'Object.fromEntries(Object.entries(localStorage))',
        );
      } catch (error) {
        if (NAVIGATING.test(firstLineOf(error)) && !GONE.test(firstLineOf(error))) return {};
        throw error;
      }
    });
  }

  /** What another profile needs so that its user is signed in there, and its page finds what it kept. */
  keep(): Promise<KeptProfile> {
    return this.#step('reading what the profile keeps', async () => ({
      tab: await this.page.evaluate<Record<string, string>>(
        'Object.fromEntries(Object.entries(sessionStorage))',
      ),
      state: await this.#browserContext.storageState({ indexedDB: true }),
    }));
  }

  /** Puts entries into the localStorage of the page that is open, as another tab of it would. */
  async keepEntries(entries: Readonly<Record<string, string>>): Promise<void> {
    const script = `for (const [name, value] of Object.entries(${JSON.stringify(entries)}))
      localStorage.setItem(name, value);`;
    await this.#step('writing localStorage', () => this.page.evaluate(script));
  }

  /** The cookies that the profile sends to the page's origin, as a `Cookie` header carries them. */
  async cookies(): Promise<string | undefined> {
    const { page } = this.#settings.context.addresses;
    const cookies = await this.#step('reading cookies', () => this.#browserContext.cookies(page));
    if (cookies.length === 0) return undefined;
    return cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  }

  /**
   * Puts entries into a storage of the page's origin before the first script of the next page that is
   * opened there, once.
   * @returns call it when that page is there: later pages are left alone.
   */
  async plantEntries(
    entries: Readonly<Record<string, string>>,
    storage: 'localStorage' | 'sessionStorage' = 'localStorage',
  ): Promise<() => Promise<void>> {
    const { origin } = new URL(this.#settings.context.addresses.page);
    const content = `if (location.origin === ${JSON.stringify(origin)} && window === window.top)
      for (const [name, value] of Object.entries(${JSON.stringify(entries)}))
        ${storage}.setItem(name, value);`;
    const script = await this.#step(`preparing ${storage}`, () =>
      this.page.addInitScript({ content }),
    );
    return () => this.#step(`preparing ${storage}`, () => script.dispose());
  }

  /** Asks again and again until there is an answer. @throws StepFailure with `late` after the limit. */
  async until<T>(ask: () => Promise<T | undefined>, late: string): Promise<T> {
    const limit = this.#settings.context.recorder.clock.now() + this.stepMsMax;
    for (;;) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      if (this.#settings.context.recorder.clock.now() >= limit)
        throw await this.#pictured(new StepFailure(late, { reason: 'timeout' }));
      await pause(POLL_MS);
    }
  }

  /** Settles as the promise does, or rejects when the profile is lost or its page hangs before that. */
  async whileAlive<T>(promise: Promise<T>): Promise<T> {
    const { timeoutMs } = this.#settings.context;
    const stopAsking = every(Math.min(LIFE_EVERY_MS, timeoutMs * LIFE_EVERY_SHARE), () => {
      // On its way to a document that the target does not send a page answers nobody: the step's limit tells.
      if (this.#awaited !== undefined) return;
      const documents = this.#documents;
      const sign = this.#carryOut(() => this.page.evaluate('1')).catch(() => undefined);
      const limit = Math.min(LIFE_MS_MAX, timeoutMs * LIFE_SHARE);
      void within(sign, limit, () => {
        if (documents === this.#documents)
          this.#owner.lost(`the page showed no sign of life for ${limit} ms`);
      });
    });
    try {
      return await Promise.race([promise, this.#lost]);
    } finally {
      stopAsking();
    }
  }

  /** Reads what the profile keeps. */
  snapshot(): Promise<void> {
    return this.#step('reading what the profile keeps', () => this.recorder.snapshot());
  }

  /** Takes a picture; a page that cannot be pictured is no error. */
  async picture(): Promise<void> {
    const picture = this.recorder.screenshot(this.page, this.#settings.seat.dir);
    await within(picture, PICTURE_MS_MAX, () => undefined).catch(() => undefined);
  }

  /** Ends the Playwright trace, if there is one; kept as `traces/<name>.zip`, or dropped. */
  async endTrace(name: string, keep: boolean): Promise<void> {
    const { seat, context } = this.#settings;
    await this.#trace?.end(keep ? { dir: seat.dir, name, vault: context.recorder.vault } : null);
  }

  /** Closes the profile; what its sockets do from now on is our doing. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const end of [
        () => this.recorder.flush(),
        () => this.recorder.stop(),
        () => this.#browserContext.close(),
      ])
        // A browser that is gone cannot be tidied up; the pool ends its process.
        await within(
          end(),
          this.#loss === undefined ? CLOSE_MS_MAX : CLOSE_LOST_MS_MAX,
          () => undefined,
        ).catch(() => undefined);
    })();
    return this.#closing;
  }

  /** Not a number while the page is on its way to the next. */
  #documentBegan(): Promise<number> {
    return this.#step('looking at the document', async () => {
      try {
        return await this.page.evaluate<number>('performance.timeOrigin');
      } catch (error) {
        if (NAVIGATING.test(firstLineOf(error)) && !GONE.test(firstLineOf(error)))
          return Number.NaN;
        throw error;
      }
    });
  }

  async #on(part: Part, act: (locator: Locator) => Promise<void>, ms?: number): Promise<void> {
    const locator = this.page.locator(part.selector).first();
    try {
      await this.#step(`"${part.field}"`, () => act(locator), ms);
    } catch (error) {
      if (!(error instanceof errors.TimeoutError)) throw error;
      throw await this.#pictured(await this.#notFound(part, error, ms ?? this.stepMsMax));
    }
  }

  /** Runs one step to its end, its limit, or the end of the profile, whichever comes first. */
  async #step<T>(what: string, act: () => Promise<T>, ms = this.stepMsMax): Promise<T> {
    try {
      return await this.whileAlive(
        within(this.#carryOut(act), ms + GRACE_MS, () => this.#hung(what)),
      );
    } catch (error) {
      if (error instanceof errors.TimeoutError || error instanceof StepFailure) throw error;
      throw this.#gone(error);
    }
  }

  #watchDocuments(): void {
    const { page } = this;
    page.on('request', (request) => {
      if (!request.isNavigationRequest() || request.frame() !== page.mainFrame()) return;
      this.#awaited = request;
      this.#documents += 1;
    });
    const over = (request: Request): void => {
      if (this.#awaited === request) this.#awaited = undefined;
    };
    page.on('response', (response) => over(response.request()));
    page.on('requestfailed', over);
  }

  /** The step did not even end by its own limit, so nobody answers any more. */
  #hung(what: string): never {
    if (this.#awaited !== undefined)
      throw new StepFailure(
        `${new URL(this.#awaited.url()).pathname} was never answered (${what})`,
        {
          reason: 'timeout',
        },
      );
    throw this.#lostBy(`the page did not answer (${what})`);
  }

  /** Tells the owner, who writes it down once, and fails as that says. */
  #lostBy(reason: string, cause?: unknown): StepFailure {
    this.#owner.lost(reason);
    return this.#loss ?? browserLost(reason, cause);
  }

  /** An error of Playwright's as a failure of the step. */
  #gone(error: unknown): StepFailure {
    if (error instanceof StepFailure) return error;
    const message = firstLineOf(error);
    if (GONE.test(message)) return this.#lostBy(message, error);
    const unreachable = UNREACHABLE.test(message);
    const timedOut = TIMED_OUT.test(message) || error instanceof errors.TimeoutError;
    const reason = unreachable ? 'refused' : timedOut ? 'timeout' : 'error';
    return new StepFailure(message, { reason, unreachable, cause: error });
  }

  async #notFound({ selector, field }: Part, error: Error, ms: number): Promise<StepFailure> {
    const { target } = this.#settings.context;
    const found = await this.count(selector);
    const path = new URL(this.page.url()).pathname;
    const what =
      found === 0
        ? `there is no ${selector} on the page ${path} after ${ms} ms`
        : `${selector} is on the page ${path} but could not be used in ${ms} ms (${hindrance(error)})`;
    return new StepFailure(
      `${what}. Correct "${field}" in the profile "${target.name}", or see the screenshot for what the page shows instead.`,
      { reason: 'not-found', cause: error },
    );
  }

  async #pictured(failure: StepFailure): Promise<StepFailure> {
    await this.picture();
    return failure;
  }

  #isAt(url: URL, path: string): boolean {
    const { origin, pathname } = new URL(this.#settings.context.addresses.page + path);
    const isBelow = pathname === '/' || url.pathname.startsWith(`${pathname}/`);
    return url.origin === origin && (url.pathname === pathname || isBelow);
  }
}

/** A step that failed because its browser is gone, and not because of the target. */
export function browserLost(reason: string, cause?: unknown): StepFailure {
  return new StepFailure(`the browser was lost: ${reason}`, { reason: 'browser-lost', cause });
}

function stepMsMax(settings: DriverSettings): number {
  return Math.min(STEP_MS_MAX, shareOfPhase(settings));
}

function shareOfPhase({ context }: DriverSettings): number {
  return Math.floor(context.timeoutMs * STEP_SHARE_OF_PHASE);
}

/** What Playwright last waited for, from its call log. */
function hindrance(error: Error): string {
  const lines = error.message
    .replaceAll(COLOURS, '')
    .split('\n')
    .map((line) => line.replace(/^[\s-]+/, ''))
    .filter((line) => line !== '' && !/^(waiting|retrying|\d+ ×)/.test(line));
  return lines.at(-1) ?? 'no reason given';
}

/** A Playwright trace consists of what Playwright noted. */
function asNoted<T>(act: () => T): T {
  return act();
}

/** The first line of an error of Playwright's; the rest is its call log. */
function firstLineOf(error: unknown): string {
  return messageOf(error).replaceAll(COLOURS, '').split('\n')[0] ?? '';
}
