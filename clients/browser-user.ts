import type { OwnedIds } from '../history/observation.ts';
import { passwordOf } from '../targets/sign-in.ts';
import type { DecodedFrame, PageForm, PageWire, Session } from '../targets/target.ts';
import { BrowserGreeting } from './browser-greeting.ts';
import type { PageOwner } from './browser-parts.ts';
import { PageAnswer, type ShownAnswer } from './page-answer.ts';
import { browserLost, PageDriver, type KeptProfile, type Part } from './page-driver.ts';
import { NotApplicable } from './not-applicable.ts';
import type { Persona, PlannedQuestion } from './persona.ts';
import { OwnProbes } from './prober.ts';
import { toMicroseconds, type Observer } from './recorder.ts';
import { RunTracker } from './run-tracker.ts';
import { probeOldSession } from './stale-session.ts';
import { failureOf, StepFailure } from './step-failure.ts';
import { TargetAccount } from './target-account.ts';
import type { BrowserSeat, TrialContext } from './trial-context.ts';
import { saidOf, type Moment, type OptionalVerb, type Probing, type User } from './user.ts';
import { after, within } from './waiting.ts';

/** How long a page that has just signed somebody in may take to go to the chat by itself. */
const OWN_WAY_MS_MAX = 3_000;
/** How long a page whose socket was closed may take to open another before the answer counts as lost. */
const RECONNECT_MS_MAX = 10_000;
/** Time kept of a phase for what comes after a page that never stops being at work. */
const RESERVE_SHARE_OF_PHASE = 0.1;
const EVIDENCE_MS_MAX = 15_000;

const IMPOSSIBLE_ON_PAGES: Readonly<Partial<Record<OptionalVerb, string>>> = {
  stall: 'a page reads what its socket receives, whatever its user does',
  askMeanwhile: 'a page shows one conversation, and takes no question while it is at work',
};

/** What the profile must say of a page so that a verb can be done on it. */
const NEEDED_OF_PAGES: Readonly<
  Partial<
    Record<OptionalVerb, { readonly what: string; readonly isThere: (page: PageWire) => boolean }>
  >
> = {
  cancel: { what: 'way to stop a run', isThere: ({ stop }) => stop !== undefined },
  newThread: { what: 'way to begin a conversation', isThere: (page) => page.newChat !== undefined },
  refreshToken: {
    what: 'place where it keeps its tokens',
    isThere: ({ signIn }) => signIn.entries !== undefined,
  },
};

/** Who a browser user is. */
export interface BrowserIdentity {
  readonly persona: Persona;
  /** Crowd name. */
  readonly name: string;
}

/** A question that is ready to leave: it is typed, only the last press is missing. */
interface Prepared {
  readonly planned: PlannedQuestion;
  readonly ordinal: number;
  readonly answer: PageAnswer;
}

/** A question that has left, or is about to. */
interface Asked extends Prepared {
  /** Told when the page has sent it. */
  readonly onSent: () => void;
  tracker: RunTracker | undefined;
}

/**
 * A user who acts through a page in a real browser: signs in by its form, types, presses, reads. What
 * the page receives, shows and keeps is written down by the profile's recorder; what this user does, and
 * what it reads as the answer, is written down here.
 */
export class BrowserUser implements User, PageOwner {
  readonly name: string;
  readonly transport = 'browser';
  readonly #context: TrialContext;
  readonly #browser: BrowserSeat;
  readonly #persona: Persona;
  readonly #account: TargetAccount;
  readonly #probes: OwnProbes;
  #provokes = false;
  /** Address of the page that was left in mid-run. */
  #leftAt: string | undefined;
  #step = 'sign-in';
  #since: number | undefined;
  #out = false;
  #driver: PageDriver | undefined;
  /** Whether somebody else was signed in on this profile before. */
  #isSuccessor = false;
  /** Where the sign-out of somebody else led to, if the form for signing in is there. */
  #formAt: string | undefined;
  /** The document that somebody else signed out of is still there, and shows the form. */
  #isInPlace = false;
  #conn: string | null = null;
  #connections = 0;
  /** Open sockets of the page. */
  #sockets = 0;
  #greeting: BrowserGreeting | undefined;
  #thread: string | undefined;
  /** Threads that the page made for this user, in their order. */
  readonly #threads = new Set<string>();
  #questions = 0;
  #prepared: Prepared | undefined;
  #intended: number | undefined;
  #asked: Asked | undefined;
  #loss: StepFailure | undefined;
  #closing = false;
  /** Why no answer can come any more. */
  #cutOff: StepFailure | undefined;
  #cancelCutOff: (() => void) | undefined;
  /** Ends a time of doing nothing. */
  #wake: (() => void) | undefined;
  /** Ends whatever this user waits for. */
  #interrupt: ((failure: StepFailure) => void) | undefined;

  constructor(context: TrialContext, browser: BrowserSeat, { persona, name }: BrowserIdentity) {
    this.name = name;
    this.#context = context;
    this.#browser = browser;
    this.#persona = persona;
    this.#account = new TargetAccount(context, persona, {
      name,
      observer: () => this.#observer(),
      stepped: (step) => {
        this.#step = step;
      },
      renewTokens: () => this.#renewTokens(),
    });
    this.#probes = new OwnProbes(context, {
      self: this,
      persona,
      account: this.#account,
      // The name says that no page of the profile has opened this connection.
      nextConnection: () => `${name}#probe`,
    });
  }

  get index(): number {
    return this.#persona.index;
  }

  get isOut(): boolean {
    return this.#out;
  }

  get step(): string {
    return this.#step;
  }

  get since(): number | undefined {
    return this.#since;
  }

  /** Id the target knows this user by; empty before sign-in. */
  get userId(): string {
    return this.#account.userId;
  }

  get connections(): number {
    return this.#connections;
  }

  signIn(): Promise<void> {
    this.#waitInLine('sign-in');
    return this.#context.signIns(() => this.#browser.openings(() => this.#signInHere()));
  }

  async openChat(): Promise<void> {
    await this.connect();
    await this.#readSignedInUser();
    await this.#account.storeNote();
    await this.#account.listThreads();
    await this.#open().snapshot();
  }

  async connect(): Promise<void> {
    this.#waitInLine('connect');
    await this.#context.connects(() => this.#browser.openings(() => this.#openPage()));
  }

  async storeNote(): Promise<void> {
    this.#begin('store-note');
    await this.#account.storeNote();
  }

  async prepare(): Promise<void> {
    this.#begin('ask');
    await this.#prepareNow();
  }

  due(intended: number): void {
    this.#intended = intended;
  }

  /** After {@link prepare}, nothing but one press is left to do. */
  async ask(): Promise<void> {
    this.#begin('ask');
    if (this.#prepared === undefined) await this.#prepareNow();
    await this.#askNow();
  }

  async answered(): Promise<void> {
    this.#begin('answer');
    const asked = this.#asked;
    if (asked === undefined) throw new StepFailure('nothing was asked', { reason: 'error' });
    await this.#untilOver(asked);
    await this.#readAnswer(asked);
    await this.#account.listThreads();
    await this.#account.readThread(this.#thread);
    await this.#account.whoAmI();
    await this.#readSignedInUser();
    await this.#open().snapshot();
  }

  cannot(verb: OptionalVerb): string | undefined {
    const { name, page } = this.#context.target;
    const never = IMPOSSIBLE_ON_PAGES[verb];
    if (never !== undefined) return never;
    if (verb === 'signOut' && page?.signOut !== undefined) return undefined;
    const needed = NEEDED_OF_PAGES[verb];
    if (needed !== undefined && (page === undefined || !needed.isThere(page)))
      return `the page of "${name}" names no ${needed.what}`;
    return this.#account.cannot(verb);
  }

  async newThread(): Promise<void> {
    this.#waitInLine('new-thread');
    const { newChat, ready, readyMsMax } = this.#page();
    if (newChat === undefined)
      throw new NotApplicable(this.cannot('newThread') ?? 'a page has one conversation');
    // Many a page is loaded anew for it.
    await this.#browser.openings(async () => {
      this.#begin('new-thread');
      await this.#open().press(part(newChat, 'page.newChat'));
      await this.#open().seen(part(ready, 'page.ready'), readyMsMax);
    });
  }

  async ownThreads(): Promise<void> {
    this.#begin('own-threads');
    await this.#account.findThreads([...this.#threads]);
    await this.#open().snapshot();
  }

  async idle(ms: number): Promise<void> {
    // Time that one means to wait is no time in which something must happen.
    this.#waitInLine('idle');
    this.#context.recorder.act(this.#observer(), 'idle', { message: `${ms} ms` });
    if (this.#cutOff !== undefined) throw this.#cutOff;
    await this.#unlessStopped(this.#elapsed(ms));
    await this.#open().snapshot();
  }

  forgotten(): void {
    this.#account.forgotten();
  }

  async revoke(moment: Moment = {}): Promise<void> {
    await this.#reach(moment);
    this.#begin('revoke');
    await this.#account.revoke();
    await this.#open().snapshot();
  }

  stall(): Promise<void> {
    return Promise.reject(new NotApplicable(this.cannot('stall') ?? 'a page cannot stall'));
  }

  goOn(): void {}

  async signOut(where: 'here' | 'elsewhere' = 'here', moment: Moment = {}): Promise<void> {
    await this.#reach(moment);
    const driver = this.#open();
    const { signOut } = this.#page();
    if (where === 'elsewhere' || signOut === undefined) {
      this.#begin('sign-out');
      await this.#account.signOut();
    } else if (moment.at === undefined) {
      // Another page is loaded then.
      this.#waitInLine('sign-out');
      await this.#browser.openings(() => this.#signOutHere(signOut));
    }
    // A moment does not wait until it is one's turn.
    else await this.#signOutHere(signOut);
    await driver.snapshot();
  }

  async #signOutHere({ press, done }: NonNullable<PageWire['signOut']>): Promise<void> {
    this.#begin('sign-out');
    const driver = this.#open();
    this.#context.recorder.act(this.#observer(), 'sign-out');
    await driver.markDocument();
    await driver.press(part(press, 'page.signOut.press'));
    await driver.seen(part(done, 'page.signOut.done'));
  }

  get ids(): OwnedIds {
    return { thread: this.#thread, run: this.#asked?.tracker?.run };
  }

  get session(): Session | undefined {
    return this.#account.sessionIfAny;
  }

  get markerPrefix(): string {
    return this.#persona.markerPrefix;
  }

  untilSeen(event: string): Promise<void> {
    return this.#asked?.tracker?.until(event) ?? Promise.resolve();
  }

  hasSeen(event: string): boolean {
    return this.#asked?.tracker?.hasSeen(event) ?? false;
  }

  async until(event: string): Promise<void> {
    this.#begin('answer');
    if (this.#cutOff !== undefined) throw this.#cutOff;
    await this.#unlessStopped(this.#trackerNow().until(event));
  }

  /** A page offers no way to stop what is over: then there is nothing left to do. */
  async cancel(moment: Moment = {}): Promise<void> {
    await this.#reach(moment);
    this.#begin('cancel');
    const tracker = this.#trackerNow();
    const { stop } = this.#page();
    if (stop === undefined)
      throw new NotApplicable(this.cannot('cancel') ?? 'there is no way to stop a run');
    if (tracker.isOver) return;
    const { run } = tracker;
    this.#context.recorder.act(this.#observer(), 'cancel', { run, message: saidOf(moment) });
    const pressed = this.#open().press(part(stop, 'page.stop'));
    // The button goes with the run: whoever was too late to press it waits for it in vain.
    pressed.catch(() => undefined);
    await Promise.race([pressed, tracker.over()]);
    if (!tracker.isOver) await this.#unlessStopped(tracker.over());
  }

  /** Leaves the page in mid-run, as a reload does: the run goes on at the target. */
  async drop(moment: Moment = {}): Promise<void> {
    await this.#reach(moment);
    this.#begin('drop');
    const run = this.#asked?.tracker?.run;
    this.#context.recorder.act(this.#observer(), 'drop', { run, message: saidOf(moment) });
    this.#leftAt = await this.#open().away();
  }

  /** Opens the page again where it was left; what goes on with the run is the page's own doing. */
  async reconnect(moment: Moment = {}): Promise<void> {
    if (moment.at !== undefined) await this.drop(moment);
    this.#begin('reconnect');
    const { chatPath, ready, readyMsMax } = this.#page();
    const run = this.#asked?.tracker?.run;
    this.#context.recorder.act(this.#observer(), 'reconnect', { run });
    await this.#open().comeBack(this.#leftAt ?? this.#context.addresses.page + chatPath);
    await this.#open().seen(part(ready, 'page.ready'), readyMsMax);
  }

  /** Leaves the page, closes the profile, and opens the page again in a new one that keeps what that kept. */
  async renewProfile(): Promise<void> {
    this.#begin('renew-profile');
    const former = this.#open();
    await former.snapshot();
    const kept = await former.keep();
    await this.drop();
    this.#begin('renew-profile');
    // What a trace shows from here on is the new profile; the old one came to its end without a failure.
    await former.endTrace(this.name, false);
    await former.close();
    this.#sockets = 0;
    this.#driver = undefined;
    const driver = await this.#browser.openings(() => this.#openProfile(kept));
    driver.recorder.purpose('api');
    const arrived = await driver.plantEntries(kept.tab, 'sessionStorage');
    await this.reconnect();
    await arrived();
    await driver.snapshot();
  }

  async duplicateTab(moment: Moment = {}): Promise<void> {
    await this.#reach(moment);
    this.#begin('duplicate-tab');
    const { ready, readyMsMax } = this.#page();
    this.#context.recorder.act(this.#observer(), 'duplicate-tab', { message: saidOf(moment) });
    await this.#open().duplicate(part(ready, 'page.ready'), readyMsMax);
  }

  /**
   * Exchanges the tokens over the API and puts the new ones where the page keeps its own, as another tab
   * of the same browser does.
   */
  async refreshToken(moment: Moment = {}): Promise<void> {
    await this.#reach(moment);
    this.#begin('refresh-token');
    if (this.#page().signIn.entries === undefined)
      throw new NotApplicable(this.cannot('refreshToken') ?? 'the page keeps no tokens');
    await this.#adoptTokens();
    await this.#exchangeTokens();
    await this.#account.whoAmI();
  }

  provokeError(): void {
    this.#provokes = true;
  }

  async probe(what: Probing, neighbour: User): Promise<void> {
    this.#begin('probe');
    await this.#probes.probe(what, neighbour, async () => {
      await this.ask();
      const { first, required } = this.#context.target.judging.order;
      const beginning = first ?? required[0] ?? '';
      await this.#unlessStopped(this.#trackerNow().until(beginning));
      return this.hasSeen(beginning);
    });
  }

  async stale(): Promise<void> {
    this.#begin('stale');
    // The name says that no page of the profile has opened this connection.
    const conn = `${this.name}#stale`;
    const at = { user: this.name, conn };
    await probeOldSession(this.#context, this.#account, { at, thread: this.#thread });
  }

  async takeOver(former: User): Promise<void> {
    this.#begin('take-over');
    this.#context.recorder.act(this.#observer(), 'take-over', { message: former.name });
    const driver = former instanceof BrowserUser ? former.#handOver() : undefined;
    if (driver === undefined) return;
    this.#driver = driver;
    this.#isSuccessor = true;
    driver.belongsTo(this);
    await driver.snapshot();
    const form = this.#form()?.form;
    if (form !== undefined && (await this.#shows(driver, form))) this.#formAt = driver.page.url();
    // Any other page on the way would take with it what this one still holds of the former user.
    this.#isInPlace = this.#formAt !== undefined && (await driver.keptDocument());
    if (!this.#isInPlace) await this.#goBack(driver);
  }

  async lookBack(): Promise<void> {
    if (!this.#isInPlace) return;
    this.#waitInLine('look-back');
    await this.#browser.openings(async () => {
      this.#begin('look-back');
      await this.#goBack(this.#open());
    });
  }

  /** What a former user left in caches and in the pages gone through shows when one goes back. */
  async #goBack(driver: PageDriver): Promise<void> {
    const { forms } = this.#page().signIn;
    await driver.go(forms?.password?.path ?? forms?.register?.path ?? this.#page().chatPath);
    await driver.snapshot();
    await driver.back();
    await driver.snapshot();
  }

  async #shows(driver: PageDriver, { email, password, name, submit }: PageForm): Promise<boolean> {
    for (const selector of [email, password, name, submit])
      if (selector !== undefined && !(await driver.isVisible(selector))) return false;
    return true;
  }

  leave(): void {
    this.#out = true;
    this.#stop(new StepFailure('the user left the script', { reason: 'timeout' }));
  }

  /** A page goes on reading whatever happens here; what it receives waits in the browser's own queues. */
  pause(): void {}
  resume(): void {}

  /** Takes a picture of the page, if wanted, and keeps or drops the Playwright trace. Bounded. */
  async evidence(keep: boolean): Promise<void> {
    const driver = this.#driver;
    if (driver === undefined) return;
    const gathering = (async () => {
      if (keep && this.#loss === undefined) await driver.picture();
      await driver.endTrace(this.name, keep);
    })();
    try {
      await within(gathering, EVIDENCE_MS_MAX, () => undefined);
    } catch (error) {
      const { message } = failureOf(error, 'evidence');
      this.#context.recorder.remark(this.#observer(), `no trace could be kept: ${message}`);
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#cancelCutOff?.();
    this.#probes.close();
    await this.#driver?.close();
  }

  opened(conn: string): void {
    this.#conn = conn;
    this.#connections += 1;
    this.#sockets += 1;
    this.#cancelCutOff?.();
    this.#cutOff = undefined;
    // A thread that the greeting offers is this user's own, but in which one the page asks, it says itself.
    this.#greeting = new BrowserGreeting(this.#context, this.#observer());
    const session = this.#account.sessionNow;
    if (session !== undefined) this.#greeting.begin(session);
  }

  sent(frame: unknown): void {
    const asked = this.#asked;
    if (asked === undefined || asked.tracker !== undefined) return;
    const question = this.#questionIn(frame);
    if (question === undefined) return;
    const { recorder, target } = this.#context;
    const { run } = question;
    const thread = this.#ownThread(question.thread);
    const isNews = thread !== undefined && thread !== this.#thread;
    if (isNews) recorder.identity(this.#observer(), { source: 'thread', ids: { thread } });
    if (run !== undefined) recorder.identity(this.#observer(), { source: 'ask', ids: { run } });
    this.#thread = thread ?? this.#thread;
    if (thread !== undefined) this.#threads.add(thread);
    const { order } = target.judging;
    const endedBy = this.#page().endedBy ?? [];
    asked.tracker = new RunTracker(
      { ...order, stopped: [...order.stopped, ...endedBy] },
      {
        ordinal: asked.ordinal,
        run,
        thread: this.#thread,
        marker: asked.planned.marker,
        userId: this.userId,
      },
    );
    asked.onSent();
  }

  // oxlint-disable-next-line max-params -- as its owner is told of it
  received(decoded: DecodedFrame, text: string, _at: number, isReply = false): void {
    this.#greeting?.received(decoded, text);
    const tracker = this.#asked?.tracker;
    if (tracker === undefined || !tracker.receive(this.#asOfRun(decoded), text, isReply)) return;
    this.#adoptRun(tracker);
  }

  replied(decoded: DecodedFrame): void {
    const tracker = this.#asked?.tracker;
    if (tracker?.replied(decoded) === true) this.#adoptRun(tracker);
  }

  /** The target chose the run id: its answer to the question is where we learn it. */
  #adoptRun({ run, thread }: RunTracker): void {
    const ids: OwnedIds = { run, ...this.#adoptThread(this.#ownThread(thread)) };
    this.#context.recorder.identity(this.#observer(), { source: 'ask', ids });
  }

  /** A page may open another socket and go on with its run; only if it does not, the answer is lost. */
  closed(code: number, by: 'us' | 'them'): void {
    this.#sockets = Math.max(0, this.#sockets - 1);
    if (by === 'us' || this.#closing || this.#sockets > 0) return;
    this.#expectAnother(`the connection was closed with ${code}`);
  }

  /** Streams end with what they were for; one that ends before its run did is as good as a closed socket. */
  ended(): void {
    this.#sockets = Math.max(0, this.#sockets - 1);
    const tracker = this.#asked?.tracker;
    if (tracker === undefined || tracker.isOver || this.#closing || this.#sockets > 0) return;
    this.#expectAnother('the reply that streamed ended before its run did');
  }

  #expectAnother(problem: string): void {
    this.#cancelCutOff?.();
    this.#cancelCutOff = after(RECONNECT_MS_MAX, () => {
      this.#cutOff = new StepFailure(
        `${problem}, and the page opened no other within ${RECONNECT_MS_MAX} ms`,
        { reason: 'unexpected-close' },
      );
      this.#stop(this.#cutOff);
    });
  }

  lost(reason: string): void {
    if (this.#loss !== undefined || this.#closing) return;
    this.#loss = browserLost(reason);
    // Also where no step is under way: whoever only listens is blind from here on.
    this.#context.recorder.failure(this.#observer(), failureOf(this.#loss, this.#step));
    this.#loss.recorded = true;
    this.#driver?.lose(this.#loss);
    this.#stop(this.#loss);
  }

  /** An action's time limit counts from its beginning, not from when it got in line. */
  #waitInLine(step: string): void {
    this.#step = step;
    this.#since = undefined;
  }

  #begin(step: string): void {
    this.#step = step;
    this.#since = this.#context.recorder.clock.now();
    if (this.#loss !== undefined) throw this.#loss;
  }

  /** Waits for the moment of a disturbance. */
  async #reach({ at }: Moment): Promise<void> {
    if (at !== undefined) await this.until(at);
  }

  /** Resolves after so long; an end of the script, too, ends it. */
  #elapsed(ms: number): Promise<void> {
    const left = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    return within(left, ms, () => undefined);
  }

  #stop(failure: StepFailure): void {
    this.#wake?.();
    this.#interrupt?.(failure);
  }

  #observer(): Observer {
    return { user: this.name, conn: this.#conn };
  }

  #page(): PageWire {
    const { name, page } = this.#context.target;
    if (page !== undefined) return page;
    throw new StepFailure(
      `"${name}" has no page that the harness knows. Add "page" to its profile.`,
      { reason: 'error' },
    );
  }

  #trackerNow(): RunTracker {
    const tracker = this.#asked?.tracker;
    if (tracker !== undefined) return tracker;
    throw new StepFailure('the page has sent no question', { reason: 'error' });
  }

  #open(): PageDriver {
    if (this.#driver !== undefined) return this.#driver;
    throw new StepFailure('the browser is not open', { reason: 'error' });
  }

  async #openProfile(kept?: KeptProfile): Promise<PageDriver> {
    this.#page();
    try {
      this.#driver ??= await PageDriver.open(
        { context: this.#context, seat: this.#browser, index: this.index, kept },
        this,
      );
      return this.#driver;
    } catch (error) {
      throw this.#loss ?? error;
    }
  }

  #handOver(): PageDriver | undefined {
    const driver = this.#driver;
    this.#driver = undefined;
    return driver;
  }

  /** The form of the page for how this trial signs in; none where the page has none for it. */
  #form(): { readonly form: PageForm; readonly kind: 'password' | 'register' } | undefined {
    const { signInMethod } = this.#account;
    const { forms } = this.#page().signIn;
    const exists = this.#persona.nameMarker === undefined;
    const kind = signInMethod === 'page' ? (exists ? 'password' : 'register') : signInMethod;
    if (kind !== 'password' && kind !== 'register') return undefined;
    const form = forms?.[kind];
    return form === undefined ? undefined : { form, kind };
  }

  async #signInHere(): Promise<void> {
    await this.#context.pacer.turn();
    this.#begin('sign-in');
    const driver = await this.#openProfile();
    driver.recorder.purpose('sign-in');
    const form = this.#form();
    if (form === undefined) await this.#signInWithToken(driver);
    else await this.#signInByForm(driver, form);
    driver.recorder.purpose('api');
    this.#greeting?.begin(this.#account.session);
    await this.#account.whoAmI();
    await driver.snapshot();
  }

  async #signInWithToken(driver: PageDriver): Promise<void> {
    const { target } = this.#context;
    const { signInMethod } = this.#account;
    const { entries } = this.#page().signIn;
    if (entries === undefined)
      throw new StepFailure(
        `the page of "${target.name}" has no form for "${signInMethod}". Add "page.signIn.entries" to the profile, or choose another --sign-in.`,
        { reason: 'error' },
      );
    await this.#account.signIn();
    const arrived = await driver.plantEntries(entries(this.#account.session));
    await driver.go(this.#page().chatPath);
    await arrived();
  }

  async #signInByForm(
    driver: PageDriver,
    { form, kind }: { readonly form: PageForm; readonly kind: 'password' | 'register' },
  ): Promise<void> {
    const { account } = this.#persona;
    const field = (name: keyof PageForm): string => `page.signIn.forms.${kind}.${name}`;
    this.#account.announceSignIn();
    await this.#goToForm(driver, form);
    await driver.fill(part(form.email, field('email')), account.email);
    await driver.fill(part(form.password, field('password')), passwordOf(account, kind));
    if (form.name !== undefined) await driver.fill(part(form.name, field('name')), account.name);
    await driver.press(part(form.submit, field('submit')));
    this.#account.signedIn(
      await driver.until(
        () => this.#sessionOf(driver, form),
        'the page kept no session after its sign-in form was sent: either it refused without "page.signIn' +
          `.forms.${kind}.refusal", or "page.signIn.session" does not find where it keeps one`,
      ),
    );
    // The page goes on by itself; if it does not, it is sent there when the chat is opened.
    await driver.wentTo(this.#page().chatPath, OWN_WAY_MS_MAX);
  }

  /** After somebody else's sign-out as a person does: in the form to which that led. */
  async #goToForm(driver: PageDriver, form: PageForm): Promise<void> {
    const at = this.#formAt;
    this.#formAt = undefined;
    if (at !== undefined && !this.#isInPlace) await driver.comeBack(at);
    if (at === undefined || !(await this.#shows(driver, form))) await driver.go(form.path);
  }

  async #sessionOf(driver: PageDriver, { refusal }: PageForm): Promise<Session | undefined> {
    const session = await this.#keptSession(driver);
    if (session !== undefined) return session;
    if (refusal === undefined) return undefined;
    if (!(await driver.isVisible(refusal))) return undefined;
    const words = (await driver.textOf(refusal, 0)) ?? '';
    throw new StepFailure(`the page refused the sign-in: ${words}`, { reason: 'refused' });
  }

  async #keptSession(driver: PageDriver): Promise<Session | undefined> {
    const cookies = await driver.cookies();
    const { http } = this.#account;
    const session = await this.#page().signIn.session(await driver.entries(), { cookies, http });
    return session && { ...session, cookies };
  }

  async #renewTokens(): Promise<void> {
    if (this.#page().signIn.entries === undefined) return;
    await this.#adoptTokens();
    if (this.#account.isEnding) await this.#exchangeTokens();
  }

  /** The page may have exchanged its tokens itself meanwhile; a refresh token works once. */
  async #adoptTokens(): Promise<void> {
    const kept = await this.#keptSession(this.#open());
    const { userId, token } = this.#account.session;
    if (kept?.userId === userId && kept.token !== token) this.#account.signedIn(kept);
  }

  async #exchangeTokens(): Promise<void> {
    const { entries } = this.#page().signIn;
    await this.#account.refresh();
    await this.#open().keepEntries(entries?.(this.#account.session) ?? {});
  }

  async #openPage(): Promise<void> {
    await this.#context.pacer.turn();
    this.#begin('connect');
    const driver = this.#open();
    const { chatPath, ready, readyMsMax, newChat } = this.#page();
    if (!(await driver.wentTo(chatPath, 1))) await driver.go(chatPath);
    await driver.seen(part(ready, 'page.ready'), readyMsMax);
    if (newChat === undefined) return;
    await driver.press(part(newChat, 'page.newChat'));
    await driver.seen(part(ready, 'page.ready'), readyMsMax);
  }

  /** Another name on the page than the own one is a finding, and no reason to stop. */
  async #readSignedInUser(): Promise<void> {
    const { signedInUser } = this.#page();
    if (signedInUser === undefined) return;
    this.#step = 'signed-in-user';
    const shown = await this.#open().wordsOf(part(signedInUser, 'page.signedInUser'));
    const { email, name } = this.#persona.account;
    const own = [email, name].filter((word) => word !== '');
    const isMine = own.some((word) => shown.toLowerCase().includes(word.toLowerCase()));
    if (own.length === 0 || isMine) return;
    // Whose identity it is can be told by the address in it, if that is somebody's of the crowd.
    const { members, recorder } = this.#context;
    const other = members.find(
      (member) => member.email !== '' && shown.toLowerCase().includes(member.email.toLowerCase()),
    );
    const source = 'whoami';
    recorder.identity(this.#observer(), { source, shown: other?.email ?? shown });
  }

  async #prepareNow(): Promise<void> {
    const driver = this.#open();
    const { composer, send } = this.#page();
    const ordinal = this.#questions + 1;
    const planned = this.#provokes
      ? this.#account.provoking(this.#persona.question(ordinal), ordinal)
      : this.#persona.question(ordinal);
    this.#provokes = false;
    if (planned.marker !== undefined) this.#account.plant('question', planned.marker);
    const answer = await PageAnswer.before(driver, this.#page());
    await driver.fill(part(composer, 'page.composer'), planned.content);
    if (send !== null) await driver.aim(part(send, 'page.send'));
    this.#prepared = { planned, ordinal, answer };
  }

  async #askNow(): Promise<void> {
    const prepared = this.#prepared;
    if (prepared === undefined)
      throw new StepFailure('no question is ready to be asked', { reason: 'error' });
    this.#prepared = undefined;
    const { recorder } = this.#context;
    const { planned, ordinal } = prepared;
    const driver = this.#open();
    const intended = toMicroseconds(this.#intended ?? recorder.clock.now());
    this.#intended = undefined;
    this.#questions = ordinal;
    const sent = new Promise<true>((resolve) => {
      this.#asked = { ...prepared, onSent: () => resolve(true), tracker: undefined };
    });
    recorder.act(this.#observer(), 'ask', {
      question: ordinal,
      thread: this.#thread,
      marker: planned.marker,
      intended,
    });
    await (this.#page().send === null ? driver.pressEnter() : driver.pressHere());
    const hasLeft = await this.#unlessStopped(within(sent, driver.stepMsMax, () => false));
    if (hasLeft) return;
    await driver.picture();
    throw new StepFailure(
      `the page sent no question within ${driver.stepMsMax} ms after it was asked to: either it did not ` +
        'take the press, or "page.asked" of the profile does not recognise the frame',
      { reason: 'timeout' },
    );
  }

  async #untilOver({ tracker }: Asked): Promise<void> {
    if (tracker === undefined)
      throw new StepFailure('the page has not sent the question', { reason: 'error' });
    if (tracker.isOver) return;
    if (this.#cutOff !== undefined) throw this.#cutOff;
    await this.#unlessStopped(tracker.over());
  }

  /** Settles as the promise does, unless this user is told before that nothing will come. */
  async #unlessStopped<T>(promise: Promise<T>): Promise<T> {
    const stopped = new Promise<never>((_resolve, reject) => {
      this.#interrupt = reject;
    });
    try {
      return await this.#open().whileAlive(Promise.race([promise, stopped]));
    } finally {
      this.#interrupt = undefined;
    }
  }

  /** What the page shows is written down, and so is that it shows nothing; neither ends the script. */
  async #readAnswer({ answer, ordinal, tracker }: Asked): Promise<void> {
    this.#step = 'read-answer';
    const { recorder, timeoutMs } = this.#context;
    const { clock } = recorder;
    const begun = this.#since ?? clock.now();
    const latest = begun + timeoutMs * (1 - RESERVE_SHARE_OF_PHASE);
    const shown = await answer.read({ now: () => clock.now(), latest });
    const about = { run: tracker?.run, question: ordinal };
    for (const one of shown) this.#recordShown(one, about);
    if (shown.length > 0) return;
    await this.#open().picture();
    recorder.failure(this.#observer(), {
      step: 'read-answer',
      reason: 'not-shown',
      message: `the page shows neither an answer (${this.#page().answer}) nor an error to question ${ordinal}, although its run is over on the wire`,
      ...about,
    });
  }

  #recordShown(
    { event, place, text }: ShownAnswer,
    about: { readonly run: string | undefined; readonly question: number },
  ): void {
    const { journal } = this.#context.recorder;
    const fields = {
      user: this.name,
      conn: null,
      surface: 'dom',
      dir: 'in',
      kind: 'text',
    } as const;
    journal.append(
      { ...fields, event, place, ...about },
      this.#context.recorder.content(text, false),
    );
  }

  /** What ends a run on the page counts as an event of the run, whatever else it is on the wire. */
  #asOfRun(decoded: DecodedFrame): DecodedFrame {
    const { event } = decoded;
    const ends = event !== undefined && this.#page().endedBy?.includes(event) === true;
    return ends ? { ...decoded, role: 'agent' } : decoded;
  }

  #questionIn(frame: unknown): ReturnType<PageWire['asked']> {
    try {
      return this.#page().asked(frame);
    } catch (error) {
      this.#context.recorder.defect(this.#observer(), 'asked', error);
      return undefined;
    }
  }

  /**
   * A page that still knows its former user's thread asks in it: then the thread is no more this user's
   * for having been named. Everybody else's page names what the target gave it.
   */
  #ownThread(thread: string | undefined): string | undefined {
    if (thread === undefined || thread === this.#thread) return thread;
    const isLeftOver = this.#isSuccessor && this.#context.recorder.ownedByCrowd(thread);
    return isLeftOver ? undefined : thread;
  }

  #adoptThread(thread: string | undefined): OwnedIds {
    if (thread === undefined || this.#thread !== undefined) return {};
    this.#thread = thread;
    return { thread };
  }
}

function part(selector: string, field: string): Part {
  return { selector, field };
}
