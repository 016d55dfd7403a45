import type { OwnedIds } from '../history/observation.ts';
import type { DecodedFrame, PageWire, Session } from '../targets/target.ts';
import { BrowserConnections } from './browser-connections.ts';
import { BrowserConversation, type Asked } from './browser-conversation.ts';
import { BrowserGreeting } from './browser-greeting.ts';
import { pageOf, part } from './browser-page.ts';
import type { PageOwner } from './browser-parts.ts';
import { BrowserSignIn } from './browser-sign-in.ts';
import { BrowserSuccession } from './browser-succession.ts';
import { impossibleOnPage } from './browser-verbs.ts';
import { NotApplicable } from './not-applicable.ts';
import { browserLost, PageDriver, type KeptProfile } from './page-driver.ts';
import type { Persona } from './persona.ts';
import { OwnProbes } from './prober.ts';
import type { Observer } from './recorder.ts';
import type { RunTracker } from './run-tracker.ts';
import { probeOldSession } from './stale-session.ts';
import { failureOf, StepFailure } from './step-failure.ts';
import { TargetAccount } from './target-account.ts';
import type { BrowserSeat, TrialContext } from './trial-context.ts';
import { saidOf, type Moment, type OptionalVerb, type Probing, type User } from './user.ts';
import { within } from './waiting.ts';

const EVIDENCE_MS_MAX = 15_000;

/** Who a browser user is. */
export interface BrowserIdentity {
  readonly persona: Persona;
  /** Crowd name. */
  readonly name: string;
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
  readonly #signInOnPage: BrowserSignIn;
  readonly #succession: BrowserSuccession;
  readonly #conversation: BrowserConversation;
  readonly #connections = new BrowserConnections((failure) => this.#stop(failure));
  /** Address of the page that was left in mid-run. */
  #leftAt: string | undefined;
  #step = 'sign-in';
  #since: number | undefined;
  #out = false;
  #driver: PageDriver | undefined;
  #greeting: BrowserGreeting | undefined;
  #loss: StepFailure | undefined;
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
      renewTokens: () => this.#signInOnPage.renewTokens(this.#open()),
    });
    this.#probes = new OwnProbes(context, {
      self: this,
      persona,
      account: this.#account,
      // The name says that no page of the profile has opened this connection.
      nextConnection: () => `${name}#probe`,
    });
    this.#signInOnPage = new BrowserSignIn(context, persona, this.#account);
    this.#succession = new BrowserSuccession(context.target);
    this.#conversation = new BrowserConversation(context, {
      persona,
      account: this.#account,
      succession: this.#succession,
      observer: () => this.#observer(),
      driver: () => this.#open(),
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
    return this.#connections.count;
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
    await this.#conversation.prepare();
  }

  due(intended: number): void {
    this.#conversation.due(intended);
  }

  /** After {@link prepare}, nothing but one press is left to do. */
  async ask(): Promise<void> {
    this.#begin('ask');
    if (!this.#conversation.isPrepared) await this.#conversation.prepare();
    await this.#conversation.ask((left) => this.#unlessStopped(left));
  }

  async answered(): Promise<void> {
    this.#begin('answer');
    const { asked } = this.#conversation;
    if (asked === undefined) throw new StepFailure('nothing was asked', { reason: 'error' });
    await this.#untilOver(asked);
    this.#step = 'read-answer';
    await this.#conversation.readAnswer(asked, this.#since);
    await this.#account.listThreads();
    await this.#account.readThread(this.#conversation.thread);
    await this.#account.whoAmI();
    await this.#readSignedInUser();
    await this.#open().snapshot();
  }

  cannot(verb: OptionalVerb): string | undefined {
    const { target } = this.#context;
    const why = impossibleOnPage(verb, target);
    if (why !== undefined) return why;
    if (verb === 'signOut' && target.page?.signOut !== undefined) return undefined;
    return this.#account.cannot(verb);
  }

  async newThread(): Promise<void> {
    this.#waitInLine('new-thread');
    const { newChat, ready, readyMsMax } = pageOf(this.#context.target);
    if (newChat === undefined)
      throw new NotApplicable(this.cannot('newThread') ?? 'a page has one conversation');
    // Many a page is loaded anew for it.
    await this.#browser.openings(async () => {
      this.#begin('new-thread');
      await this.#open().press(part(newChat, 'page.newChat'));
      this.#conversation.begin();
      await this.#open().seen(part(ready, 'page.ready'), readyMsMax);
    });
  }

  async ownThreads(): Promise<void> {
    this.#begin('own-threads');
    await this.#account.findThreads(this.#conversation.threads);
    await this.#open().snapshot();
  }

  async idle(ms: number): Promise<void> {
    // Time that one means to wait is no time in which something must happen.
    this.#waitInLine('idle');
    this.#context.recorder.act(this.#observer(), 'idle', { message: `${ms} ms` });
    if (this.#connections.cutOff !== undefined) throw this.#connections.cutOff;
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
    const { signOut } = pageOf(this.#context.target);
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
    return { thread: this.#conversation.thread, run: this.#conversation.asked?.tracker?.run };
  }

  get session(): Session | undefined {
    return this.#account.sessionIfAny;
  }

  get markerPrefix(): string {
    return this.#persona.markerPrefix;
  }

  untilSeen(event: string): Promise<void> {
    return this.#conversation.asked?.tracker?.until(event) ?? Promise.resolve();
  }

  hasSeen(event: string): boolean {
    return this.#conversation.asked?.tracker?.hasSeen(event) ?? false;
  }

  async until(event: string): Promise<void> {
    this.#begin('answer');
    if (this.#connections.cutOff !== undefined) throw this.#connections.cutOff;
    await this.#unlessStopped(this.#trackerNow().until(event));
  }

  /** A page offers no way to stop what is over: then there is nothing left to do. */
  async cancel(moment: Moment = {}): Promise<void> {
    await this.#reach(moment);
    this.#begin('cancel');
    const tracker = this.#trackerNow();
    const { stop } = pageOf(this.#context.target);
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
    const run = this.#conversation.asked?.tracker?.run;
    this.#context.recorder.act(this.#observer(), 'drop', { run, message: saidOf(moment) });
    this.#leftAt = await this.#open().away();
  }

  /** Opens the page again where it was left; what goes on with the run is the page's own doing. */
  async reconnect(moment: Moment = {}): Promise<void> {
    if (moment.at !== undefined) await this.drop(moment);
    this.#begin('reconnect');
    const { chatPath, ready, readyMsMax } = pageOf(this.#context.target);
    const run = this.#conversation.asked?.tracker?.run;
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
    this.#connections.goneWithProfile();
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
    const { ready, readyMsMax } = pageOf(this.#context.target);
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
    if (pageOf(this.#context.target).signIn.entries === undefined)
      throw new NotApplicable(this.cannot('refreshToken') ?? 'the page keeps no tokens');
    const driver = this.#open();
    await this.#signInOnPage.adoptTokens(driver);
    await this.#signInOnPage.exchangeTokens(driver);
    await this.#account.whoAmI();
  }

  provokeError(): void {
    this.#conversation.provokeError();
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
    await probeOldSession(this.#context, this.#account, { at, thread: this.#conversation.thread });
  }

  async takeOver(former: User): Promise<void> {
    this.#begin('take-over');
    this.#context.recorder.act(this.#observer(), 'take-over', { message: former.name });
    const driver = former instanceof BrowserUser ? former.#handOver() : undefined;
    if (driver === undefined) return;
    this.#driver = driver;
    this.#succession.begin();
    driver.belongsTo(this);
    await driver.snapshot();
    await this.#succession.lookAround(driver, this.#signInOnPage.form?.form);
  }

  async lookBack(): Promise<void> {
    if (!this.#succession.isInPlace) return;
    this.#waitInLine('look-back');
    await this.#browser.openings(async () => {
      this.#begin('look-back');
      await this.#succession.goBack(this.#open());
    });
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
    this.#connections.close();
    this.#probes.close();
    await this.#driver?.close();
  }

  opened(conn: string): void {
    this.#connections.opened(conn);
    // A thread that the greeting offers is this user's own, but in which one the page asks, it says itself.
    this.#greeting = new BrowserGreeting(this.#context, this.#observer());
    const session = this.#account.sessionNow;
    if (session !== undefined) this.#greeting.begin(session);
  }

  sent(frame: unknown): void {
    this.#conversation.sent(frame);
  }

  // oxlint-disable-next-line max-params -- as its owner is told of it
  received(decoded: DecodedFrame, text: string, _at: number, isReply = false): void {
    this.#greeting?.received(decoded, text);
    this.#conversation.received(decoded, text, isReply);
  }

  replied(decoded: DecodedFrame): void {
    this.#conversation.replied(decoded);
  }

  closed(code: number, by: 'us' | 'them'): void {
    this.#connections.closed(code, by);
  }

  ended(): void {
    const isOver = this.#conversation.asked?.tracker?.isOver;
    this.#connections.ended({ isAwaited: isOver === false });
  }

  lost(reason: string): void {
    if (this.#loss !== undefined || this.#connections.isClosing) return;
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
    return { user: this.name, conn: this.#connections.latest };
  }

  #trackerNow(): RunTracker {
    const tracker = this.#conversation.asked?.tracker;
    if (tracker !== undefined) return tracker;
    throw new StepFailure('the page has sent no question', { reason: 'error' });
  }

  #open(): PageDriver {
    if (this.#driver !== undefined) return this.#driver;
    throw new StepFailure('the browser is not open', { reason: 'error' });
  }

  async #openProfile(kept?: KeptProfile): Promise<PageDriver> {
    pageOf(this.#context.target);
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

  async #signInHere(): Promise<void> {
    await this.#context.pacer.turn();
    this.#begin('sign-in');
    const driver = await this.#openProfile();
    driver.recorder.purpose('sign-in');
    await this.#signInOnPage.signIn(driver, this.#succession);
    driver.recorder.purpose('api');
    this.#greeting?.begin(this.#account.session);
    await this.#account.whoAmI();
    await driver.snapshot();
  }

  async #openPage(): Promise<void> {
    await this.#context.pacer.turn();
    this.#begin('connect');
    const driver = this.#open();
    const { chatPath, ready, readyMsMax, newChat } = pageOf(this.#context.target);
    if (!(await driver.wentTo(chatPath, 1))) await driver.go(chatPath);
    await driver.seen(part(ready, 'page.ready'), readyMsMax);
    if (newChat === undefined) return;
    await driver.press(part(newChat, 'page.newChat'));
    this.#conversation.begin();
    await driver.seen(part(ready, 'page.ready'), readyMsMax);
  }

  /** Another name on the page than the own one is a finding, and no reason to stop. */
  async #readSignedInUser(): Promise<void> {
    const { signedInUser } = pageOf(this.#context.target);
    if (signedInUser === undefined) return;
    this.#step = 'signed-in-user';
    const shown = await this.#signInOnPage.otherShown(this.#open(), signedInUser);
    if (shown === undefined) return;
    this.#context.recorder.identity(this.#observer(), { source: 'whoami', shown });
  }

  async #untilOver({ tracker }: Asked): Promise<void> {
    if (tracker === undefined)
      throw new StepFailure('the page has not sent the question', { reason: 'error' });
    if (tracker.isOver) return;
    if (this.#connections.cutOff !== undefined) throw this.#connections.cutOff;
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
}
