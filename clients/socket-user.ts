import { randomUUID } from 'node:crypto';
import type { OwnedIds } from '../history/observation.ts';
import type { DecodedFrame, Question, RunContext, Session } from '../targets/target.ts';
import { NotApplicable } from './not-applicable.ts';
import type { Persona, PlannedQuestion } from './persona.ts';
import { OwnProbes } from './prober.ts';
import { toMicroseconds, type Observer } from './recorder.ts';
import { RunTracker } from './run-tracker.ts';
import { SocketClient } from './socket-client.ts';
import type { SocketOwner } from './socket-settings.ts';
import { probeOldSession } from './stale-session.ts';
import { givenByProfile, StepFailure } from './step-failure.ts';
import { TargetAccount } from './target-account.ts';
import type { TrialContext } from './trial-context.ts';
import { saidOf, type Moment, type OptionalVerb, type Probing, type User } from './user.ts';
import { wallUnixMs } from '../history/clock.ts';
import { within } from './waiting.ts';

/** How long a target may take to agree to a close. */
const CLOSE_MS_MAX = 2_000;

/** A question that is ready to leave. */
interface Prepared {
  readonly planned: PlannedQuestion;
  readonly ordinal: number;
  readonly run: string;
}

/** A run that is under way in a conversation. */
interface RunUnderWay {
  readonly tracker: RunTracker;
  readonly thread: string | undefined;
}

/** A user who acts through HTTP and one raw WebSocket. */
export class SocketUser implements User, SocketOwner {
  readonly name: string;
  readonly transport = 'websocket';
  readonly #context: TrialContext;
  readonly #persona: Persona;
  readonly #account: TargetAccount;
  #step = 'sign-in';
  #since: number | undefined;
  #out = false;
  #socket: SocketClient | undefined;
  #connections = 0;
  #thread: string | undefined;
  #asked = 0;
  #askedInThread = 0;
  #prepared: Prepared | undefined;
  #intended: number | undefined;
  #tracker: RunTracker | undefined;
  /** Runs of questions before the last one that were not over when it was asked. */
  #earlier: RunUnderWay[] = [];
  /** Threads that this user made, in their order. */
  readonly #threads: string[] = [];
  #stalled = false;
  /** Connections beside the one that is asked on. */
  readonly #tabs: SocketClient[] = [];
  readonly #probes: OwnProbes;
  #provokes = false;
  /** Ends whatever this user waits for. */
  #interrupt: ((failure: StepFailure) => void) | undefined;
  #closed: (() => void) | undefined;

  constructor(context: TrialContext, persona: Persona, name: string) {
    this.name = name;
    this.#context = context;
    this.#persona = persona;
    this.#account = new TargetAccount(context, persona, {
      name,
      observer: () => this.#observer(),
      stepped: (step) => {
        this.#step = step;
      },
      renewTokens: () => this.#account.refresh(),
    });
    this.#probes = new OwnProbes(context, {
      self: this,
      persona,
      account: this.#account,
      nextConnection: () => this.#nextConnection(),
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

  signIn(): Promise<void> {
    this.#waitInLine('sign-in');
    return this.#context.signIns(async () => {
      await this.#context.pacer.turn();
      this.#begin('sign-in');
      await this.#account.signIn();
      await this.#account.whoAmI();
    });
  }

  async connect(): Promise<void> {
    this.#waitInLine('connect');
    await this.#context.connects(() => this.#connect());
  }

  async storeNote(): Promise<void> {
    this.#begin('store-note');
    await this.#account.storeNote();
  }

  async openChat(): Promise<void> {
    await this.connect();
    await this.#account.listThreads();
    await this.#createThread();
    await this.#account.storeNote();
    await this.#account.listThreads();
  }

  prepare(): Promise<void> {
    this.#begin('ask');
    this.#prepareNow();
    return Promise.resolve();
  }

  due(intended: number): void {
    this.#intended = intended;
  }

  /** Everything up to the frame's departure happens before the first `await`: barriers rely on it. */
  ask(): Promise<void> {
    this.#begin('ask');
    try {
      this.#askNow();
      return Promise.resolve();
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async answered(): Promise<void> {
    this.#begin('answer');
    const earlier = [...this.#earlier];
    for (const { tracker } of earlier) await this.#untilOver(tracker);
    await this.#untilOver(this.#trackerNow());
    this.#earlier = [];
    await this.#account.listThreads();
    const threads = new Set([...earlier.map(({ thread }) => thread), this.#thread]);
    for (const thread of threads) await this.#account.readThread(thread);
    await this.#account.whoAmI();
  }

  cannot(verb: OptionalVerb): string | undefined {
    const { name, socket, threads } = this.#context.target;
    const lacks = (what: string): string => `the profile of "${name}" names no ${what}`;
    if (verb === 'cancel') return socket.stop ? undefined : lacks('way to stop a run');
    if (verb === 'reconnect') return socket.resume ? undefined : lacks('way to resume a run');
    if (verb === 'newThread' || verb === 'askMeanwhile')
      return threads.create ? undefined : lacks('way to make a thread');
    return this.#account.cannot(verb);
  }

  async newThread(): Promise<void> {
    this.#begin('new-thread');
    const reason = this.cannot('newThread');
    if (reason !== undefined) throw new NotApplicable(reason);
    await this.#createThread();
  }

  async ownThreads(): Promise<void> {
    this.#begin('own-threads');
    await this.#account.findThreads(this.#threads);
  }

  async idle(ms: number): Promise<void> {
    // Time that one means to wait is no time in which something must happen.
    this.#waitInLine('idle');
    this.#context.recorder.act(this.#observer(), 'idle', { message: `${ms} ms` });
    await this.#whileOpen((interrupted) => within(interrupted, ms, () => undefined));
  }

  forgotten(): void {
    this.#account.forgotten();
  }

  async signOut(_where: 'here' | 'elsewhere' = 'here', moment: Moment = {}): Promise<void> {
    await this.#reach(moment);
    this.#begin('sign-out');
    await this.#account.signOut();
  }

  async revoke(moment: Moment = {}): Promise<void> {
    await this.#reach(moment);
    this.#begin('revoke');
    await this.#account.revoke();
  }

  async stale(): Promise<void> {
    this.#begin('stale');
    const conn = this.#nextConnection();
    const at = { user: this.name, conn };
    await probeOldSession(this.#context, this.#account, { at, thread: this.#thread });
  }

  get ids(): OwnedIds {
    return { thread: this.#thread, run: this.#tracker?.run };
  }

  get session(): Session | undefined {
    return this.#account.sessionIfAny;
  }

  get markerPrefix(): string {
    return this.#persona.markerPrefix;
  }

  hasSeen(event: string): boolean {
    return this.#tracker?.hasSeen(event) ?? false;
  }

  untilSeen(event: string): Promise<void> {
    return this.#tracker?.until(event) ?? Promise.resolve();
  }

  async until(event: string): Promise<void> {
    this.#begin('answer');
    await this.#unlessCutOff(this.#trackerNow().until(event));
  }

  async cancel(moment: Moment = {}): Promise<void> {
    await this.#reach(moment);
    this.#begin('cancel');
    const tracker = this.#trackerNow();
    const { run } = tracker;
    const { target, recorder } = this.#context;
    if (target.socket.stop === undefined)
      throw new NotApplicable(this.cannot('cancel') ?? 'there is no way to stop a run');
    if (run === undefined && !tracker.isNameless)
      throw new StepFailure('the run has no id by which it could be stopped', { reason: 'error' });
    recorder.act(this.#observer(), 'cancel', { run, message: saidOf(moment) });
    this.#socketNow().send(target.socket.stop(run ?? '', this.#contextOf(tracker)), { run });
    await this.#untilOver(tracker);
  }

  async drop(moment: Moment = {}): Promise<void> {
    await this.#reach(moment);
    this.#begin('drop');
    const socket = this.#socketNow();
    this.#context.recorder.act(this.#observer(), 'drop', {
      run: this.#tracker?.run,
      message: saidOf(moment),
    });
    const closed = this.#untilClosed();
    socket.terminate();
    await within(closed, CLOSE_MS_MAX, () => undefined);
  }

  async reconnect(moment: Moment = {}): Promise<void> {
    if (moment.at !== undefined) await this.drop(moment);
    this.#begin('reconnect');
    const { target, recorder } = this.#context;
    const tracker = this.#tracker;
    recorder.act(this.#observer(), 'reconnect', { run: tracker?.run });
    await this.#connect();
    if (tracker === undefined || tracker.isOver) return;
    const { run, sequence } = tracker;
    if (run === undefined && !tracker.isNameless) return;
    if (target.socket.resume === undefined) return;
    const context = this.#contextOf(tracker);
    this.#socketNow().send(target.socket.resume(run ?? '', sequence, context), { run });
  }

  #contextOf({ thread }: RunTracker): RunContext {
    return { session: this.#account.session, thread };
  }

  async stall(moment: Moment = {}): Promise<void> {
    await this.#reach(moment);
    this.#begin('stall');
    this.#context.recorder.act(this.#observer(), 'stall', {
      run: this.#tracker?.run,
      message: saidOf(moment),
    });
    this.#stalled = true;
    for (const socket of [this.#socketNow(), ...this.#tabs]) socket.pause();
  }

  goOn(): void {
    this.#context.recorder.act(this.#observer(), 'go-on', { run: this.#tracker?.run });
    this.#stalled = false;
    this.resume();
  }

  /** There is no browser. */
  renewProfile(): Promise<void> {
    return Promise.resolve();
  }

  async duplicateTab(moment: Moment = {}): Promise<void> {
    await this.#reach(moment);
    this.#begin('duplicate-tab');
    this.#context.recorder.act(this.#observer(), 'duplicate-tab', { message: saidOf(moment) });
    await this.#open((socket) => this.#tabs.push(socket));
  }

  async refreshToken(moment: Moment = {}): Promise<void> {
    await this.#reach(moment);
    this.#begin('refresh-token');
    await this.#account.refresh();
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
      await this.#unlessCutOff(this.#trackerNow().until(beginning));
      return this.hasSeen(beginning);
    });
  }

  takeOver(former: User): Promise<void> {
    this.#begin('take-over');
    this.#context.recorder.act(this.#observer(), 'take-over', { message: former.name });
    return Promise.resolve();
  }

  lookBack(): Promise<void> {
    return Promise.resolve();
  }

  leave(): void {
    this.#out = true;
    this.#interrupt?.(new StepFailure('the user left the script', { reason: 'timeout' }));
  }

  pause(): void {
    this.#socket?.pause();
    for (const tab of this.#tabs) tab.pause();
  }

  resume(): void {
    // Whoever does not read on purpose is not made to by a journal that can follow again.
    if (this.#stalled) return;
    this.#socket?.resume();
    for (const tab of this.#tabs) tab.resume();
  }

  evidence(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    for (const tab of this.#tabs) tab.close();
    this.#probes.close();
    const socket = this.#socket;
    if (socket === undefined || !socket.isOpen) return;
    const closed = this.#untilClosed();
    socket.resume();
    socket.close();
    await within(closed, CLOSE_MS_MAX, () => socket.terminate());
  }

  received(decoded: DecodedFrame, text: string): void {
    const tracker = this.#tracker;
    if (this.#earlier.length > 0)
      for (const run of this.#earlier) run.tracker.receive(decoded, text);
    if (tracker === undefined || !tracker.receive(decoded, text)) return;
    // The target chose the run's id, or its thread's: its answer to the question is where we learn it.
    const news: OwnedIds = { run: tracker.run, ...this.#adoptThread(tracker.thread) };
    this.#context.recorder.identity(this.#observer(), { source: 'ask', ids: news });
  }

  introduced(ids: OwnedIds): void {
    this.#thread ??= ids.thread;
  }

  closed(code: number): void {
    this.#closed?.();
    // Another tab's end ends nothing here.
    if (this.#socket?.isOpen === true) return;
    this.#interrupt?.(
      new StepFailure(`the connection was closed with ${code} before the answer was over`, {
        reason: 'unexpected-close',
      }),
    );
  }

  /** An action's time limit counts from its beginning, not from when it got in line. */
  #waitInLine(step: string): void {
    this.#step = step;
    this.#since = undefined;
  }

  #begin(step: string): void {
    this.#step = step;
    this.#since = this.#context.recorder.clock.now();
  }

  /** Waits for the moment of a disturbance. */
  async #reach({ at }: Moment): Promise<void> {
    if (at !== undefined) await this.until(at);
  }

  #observer(): Observer {
    return { user: this.name, conn: this.#socket?.conn ?? null };
  }

  async #connect(): Promise<void> {
    await this.#context.pacer.turn();
    this.#begin('connect');
    await this.#open((socket) => {
      this.#socket = socket;
    });
  }

  /** Opens a connection; `made` hears of it before anything is received on it. */
  async #open(made: (socket: SocketClient) => void): Promise<void> {
    const { target, addresses, recorder, socket: settings } = this.#context;
    const { http } = this.#account;
    const session = await this.#account.lastingSession();
    const intended = recorder.clock.now();
    const request = await givenByProfile('socket.open', () =>
      target.socket.open(session, addresses, http),
    );
    const socket = new SocketClient(settings, this, {
      user: this.name,
      conn: this.#nextConnection(),
    });
    made(socket);
    await socket.connect(request, target.socket.handshake(session), intended);
  }

  #nextConnection(): string {
    this.#connections += 1;
    return `${this.name}#${this.#connections}`;
  }

  #untilClosed(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.#closed = resolve;
    });
  }

  #trackerNow(): RunTracker {
    if (this.#tracker !== undefined) return this.#tracker;
    throw new StepFailure('nothing was asked', { reason: 'error' });
  }

  #socketNow(): SocketClient {
    if (this.#socket !== undefined) return this.#socket;
    throw new StepFailure('the chat is not open', { reason: 'error' });
  }

  async #createThread(): Promise<void> {
    const thread = await this.#account.createThread();
    if (thread === undefined) return;
    this.#thread = thread;
    this.#threads.push(thread);
    this.#askedInThread = 0;
  }

  #prepareNow(): Prepared {
    const ordinal = this.#asked + 1;
    const planned = this.#provokes
      ? this.#account.provoking(this.#persona.question(ordinal), ordinal)
      : this.#persona.question(ordinal);
    this.#provokes = false;
    if (planned.marker !== undefined) this.#account.plant('question', planned.marker);
    const prepared = { planned, ordinal, run: randomUUID() };
    this.#prepared = prepared;
    return prepared;
  }

  #askNow(): void {
    const { recorder, target } = this.#context;
    const socket = this.#socketNow();
    const { planned, ordinal, run: freshRun } = this.#prepared ?? this.#prepareNow();
    this.#prepared = undefined;
    const intended = toMicroseconds(this.#intended ?? recorder.clock.now());
    this.#intended = undefined;
    const question: Question = {
      content: planned.content,
      thread: this.#thread,
      run: freshRun,
      now: wallUnixMs(),
      first: this.#askedInThread === 0,
    };
    const { frame, run } = socket.askFrame(question);
    this.#asked = ordinal;
    this.#askedInThread += 1;
    const { thread } = question;
    const { marker } = planned;
    this.#keepEarlier();
    this.#tracker = new RunTracker(target.judging, {
      ordinal,
      run,
      thread,
      marker,
      userId: this.userId,
    });
    socket.asking({ question: ordinal, run, thread, marker, intended });
    socket.send(frame, { run, thread });
  }

  /** A run that goes on while the next question is asked is followed to its end as well. */
  #keepEarlier(): void {
    const tracker = this.#tracker;
    if (tracker !== undefined && !tracker.isOver)
      this.#earlier.push({ tracker, thread: tracker.thread });
  }

  async #untilOver(tracker: RunTracker): Promise<void> {
    if (!tracker.isOver) await this.#unlessCutOff(tracker.over());
  }

  /** Waits as long as there is a connection through which what is waited for can come. */
  #unlessCutOff(awaited: Promise<void>): Promise<void> {
    return this.#whileOpen((interrupted) => Promise.race([awaited, interrupted]));
  }

  /** @param wait given what rejects when the connection is lost or the user leaves. */
  async #whileOpen(wait: (interrupted: Promise<never>) => Promise<void>): Promise<void> {
    if (this.#socket?.isOpen !== true)
      throw new StepFailure('the connection was closed before the answer was over', {
        reason: 'unexpected-close',
      });
    const interrupted = new Promise<never>((_resolve, reject) => {
      this.#interrupt = reject;
    });
    try {
      await wait(interrupted);
    } finally {
      this.#interrupt = undefined;
    }
  }

  #adoptThread(thread: string | undefined): OwnedIds {
    if (thread === undefined || this.#thread !== undefined) return {};
    this.#thread = thread;
    return { thread };
  }
}
