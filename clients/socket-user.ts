import { randomUUID } from 'node:crypto';
import type { OwnedIds } from '../history/observation.ts';
import type { Place } from '../history/markers.ts';
import type { DecodedFrame, Question, Session, SignInMethod } from '../targets/target.ts';
import { RecordedHttp } from './http.ts';
import { Prober } from './prober.ts';
import type { Persona, PlannedQuestion } from './persona.ts';
import { toMicroseconds, type Observer } from './recorder.ts';
import { RunTracker } from './run-tracker.ts';
import { SocketClient, type SocketOwner } from './socket-client.ts';
import { StepFailure } from './step-failure.ts';
import type { TrialContext } from './trial-context.ts';
import type { Probing, User } from './user.ts';
import { wallUnixMs } from '../history/clock.ts';
import { within } from './waiting.ts';

/** How long a target may take to agree to a close. */
const CLOSE_MS_MAX = 2_000;
/** Sign-in methods that make the user, so that the display name is ours to choose. */
const NAMING: ReadonlySet<SignInMethod> = new Set(['register', 'e2e-key']);

/** A question that is ready to leave. */
interface Prepared {
  readonly planned: PlannedQuestion;
  readonly ordinal: number;
  readonly run: string;
}

/** A user who acts through HTTP and one raw WebSocket. */
export class SocketUser implements User, SocketOwner {
  readonly name: string;
  readonly transport = 'websocket';
  readonly #context: TrialContext;
  readonly #persona: Persona;
  readonly #http: RecordedHttp;
  #step = 'sign-in';
  #since: number | undefined;
  #out = false;
  #session: Session | undefined;
  #socket: SocketClient | undefined;
  #connections = 0;
  #thread: string | undefined;
  #asked = 0;
  #askedInThread = 0;
  #prepared: Prepared | undefined;
  #intended: number | undefined;
  #tracker: RunTracker | undefined;
  /** Connections beside the one that is asked on: further tabs, and one to probe through. */
  readonly #others: SocketClient[] = [];
  #prober: Promise<Prober> | undefined;
  #probeReceived: ((decoded: DecodedFrame) => void) | undefined;
  #provokes = false;
  /** Ends whatever this user waits for. */
  #interrupt: ((failure: StepFailure) => void) | undefined;
  #closed: (() => void) | undefined;

  constructor(context: TrialContext, persona: Persona, name: string) {
    this.name = name;
    this.#context = context;
    this.#persona = persona;
    this.#http = new RecordedHttp(context.http, name);
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
    return this.#session?.userId ?? '';
  }

  signIn(): Promise<void> {
    this.#waitInLine('sign-in');
    return this.#context.signIns(async () => {
      await this.#context.pacer.turn();
      this.#begin('sign-in');
      const { target, signInMethod, env, recorder } = this.#context;
      const { account, nameMarker } = this.#persona;
      const method = target.signIn[signInMethod];
      if (method === undefined)
        throw new StepFailure(`"${signInMethod}" is not offered`, { reason: 'error' });
      if (nameMarker !== undefined && NAMING.has(signInMethod)) this.#plant('name', nameMarker);
      recorder.act(this.#observer(), 'sign-in', { message: signInMethod });
      const session = await method({ http: this.#http, account, env });
      this.#signedIn(session);
      await this.#whoAmI();
    });
  }

  async openChat(): Promise<void> {
    await this.connect();
    await this.#listThreads();
    await this.#createThread();
    await this.storeNote();
    await this.#listThreads();
  }

  async connect(): Promise<void> {
    this.#waitInLine('connect');
    await this.#context.connects(() => this.#connect());
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
    await this.#untilOver();
    await this.#listThreads();
    await this.#readThread();
    await this.#whoAmI();
  }

  async signOut(): Promise<void> {
    this.#begin('sign-out');
    const { target, recorder } = this.#context;
    if (target.signOut === undefined)
      throw new StepFailure(`"${target.name}" names no way to sign out`, { reason: 'error' });
    recorder.act(this.#observer(), 'sign-out');
    await target.signOut({ http: this.#http, session: this.#signedInSession() });
  }

  get ids(): OwnedIds {
    return { thread: this.#thread, run: this.#tracker?.run };
  }

  hasSeen(event: string): boolean {
    return this.#tracker?.hasSeen(event) ?? false;
  }

  async until(event: string): Promise<void> {
    this.#begin('answer');
    await this.#whileOpen(this.#trackerNow().until(event));
  }

  async cancel(): Promise<void> {
    this.#begin('cancel');
    const { run } = this.#trackerNow();
    const { target, recorder } = this.#context;
    if (target.socket.stop === undefined || run === undefined)
      throw new StepFailure(`"${target.name}" names no way to stop a run`, { reason: 'error' });
    recorder.act(this.#observer(), 'cancel', { run });
    this.#socketNow().send(target.socket.stop(run), { run });
    await this.#untilOver();
  }

  drop(): Promise<void> {
    this.#begin('drop');
    const socket = this.#socketNow();
    this.#context.recorder.act(this.#observer(), 'drop', { run: this.#tracker?.run });
    const closed = this.#untilClosed();
    socket.terminate();
    return within(closed, CLOSE_MS_MAX, () => undefined);
  }

  async reconnect(): Promise<void> {
    this.#begin('reconnect');
    const { target, recorder } = this.#context;
    const tracker = this.#tracker;
    recorder.act(this.#observer(), 'reconnect', { run: tracker?.run });
    await this.#connect();
    const run = tracker?.run;
    if (tracker === undefined || run === undefined || tracker.isOver) return;
    if (target.socket.resume === undefined) return;
    this.#socketNow().send(target.socket.resume(run, tracker.sequence), { run });
  }

  async duplicateTab(): Promise<void> {
    this.#begin('duplicate-tab');
    this.#context.recorder.act(this.#observer(), 'duplicate-tab');
    this.#others.push(await this.#openSocket(this));
  }

  async refreshToken(): Promise<void> {
    this.#begin('refresh-token');
    const { target, recorder } = this.#context;
    if (target.refresh === undefined)
      throw new StepFailure(`"${target.name}" names no way to refresh a token`, {
        reason: 'error',
      });
    recorder.act(this.#observer(), 'refresh-token');
    const session = this.#signedInSession();
    this.#signedIn(await target.refresh({ http: this.#http, session }));
    await this.#whoAmI();
  }

  provokeError(): void {
    this.#provokes = true;
  }

  async probe(what: Probing, neighbour: User): Promise<void> {
    this.#begin('probe');
    this.#prober ??= this.#makeProber();
    const prober = await this.#prober;
    if (what === 'own question') {
      await prober.ownQuestion(async () => {
        await this.ask();
        await this.#whileOpen(this.#trackerNow().until(this.#firstEvent()));
      });
      return;
    }
    if (what === 'foreign run') await prober.foreignRuns(neighbour);
    else if (what === 'own run') await prober.ownRuns();
    else if (what === 'threads') await prober.threads(neighbour);
    else await prober.opens();
  }

  takeOver(former: User): Promise<void> {
    this.#begin('take-over');
    this.#context.recorder.act(this.#observer(), 'take-over', { message: former.name });
    return Promise.resolve();
  }

  leave(): void {
    this.#out = true;
    this.#interrupt?.(new StepFailure('the user left the script', { reason: 'timeout' }));
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  async close(): Promise<void> {
    for (const other of this.#others) other.close();
    const socket = this.#socket;
    if (socket === undefined || !socket.isOpen) return;
    const closed = this.#untilClosed();
    socket.resume();
    socket.close();
    await within(closed, CLOSE_MS_MAX, () => socket.terminate());
  }

  received(decoded: DecodedFrame, text: string): void {
    const tracker = this.#tracker;
    if (tracker === undefined || !tracker.receive(decoded, text)) return;
    // The target chose the run id: its answer to the question is where we learn it.
    const news: OwnedIds = { run: tracker.run, ...this.#adoptThread(decoded.thread) };
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

  #observer(): Observer {
    return { user: this.name, conn: this.#socket?.conn ?? null };
  }

  #plant(place: Place, marker: string): void {
    this.#context.recorder.act(this.#observer(), 'plant', { place, marker });
  }

  #signedIn(session: Session): void {
    const { recorder } = this.#context;
    const { account } = this.#persona;
    this.#session = session;
    const secrets = new Set(
      [session.token, session.refreshToken, ...session.secrets].filter(
        (secret) => secret !== undefined && secret !== '',
      ),
    );
    const credentials = [...secrets].flatMap((secret) =>
      secret === undefined ? [] : [recorder.vault.add(secret)],
    );
    recorder.identity(this.#observer(), {
      source: 'sign-in',
      ids: { user: session.userId },
      credentials,
    });
    if (account.userId !== undefined && account.userId !== session.userId)
      recorder.identity(this.#observer(), { source: 'sign-in', shown: session.userId });
    else this.#compareEmail('sign-in', session.email);
  }

  #compareEmail(source: 'sign-in' | 'whoami', email: string | undefined): void {
    const own = this.#persona.account.email;
    if (email === undefined || own === '' || email.toLowerCase() === own.toLowerCase()) return;
    this.#context.recorder.identity(this.#observer(), { source, shown: email });
  }

  /** Another identity than the own one is a finding, and no reason to stop. */
  async #whoAmI(): Promise<void> {
    const { target, recorder } = this.#context;
    if (target.whoAmI === undefined) return;
    this.#step = 'who-am-i';
    const session = this.#signedInSession();
    const { userId, email } = await target.whoAmI({ http: this.#http, session });
    if (userId !== session.userId)
      recorder.identity(this.#observer(), { source: 'whoami', shown: userId });
    else this.#compareEmail('whoami', email);
  }

  async #connect(): Promise<void> {
    await this.#context.pacer.turn();
    this.#begin('connect');
    await this.#openSocket(this, (socket) => {
      this.#socket = socket;
    });
  }

  /** Opens a connection; `made` hears of it before anything is received on it. */
  async #openSocket(
    owner: SocketOwner,
    made: (socket: SocketClient) => void = () => undefined,
  ): Promise<SocketClient> {
    const { target, addresses, recorder, socket: settings } = this.#context;
    const session = this.#signedInSession();
    const intended = recorder.clock.now();
    const request = await target.socket.open(session, addresses, this.#http);
    this.#connections += 1;
    const conn = `${this.name}#${this.#connections}`;
    const socket = new SocketClient(settings, owner, { user: this.name, conn });
    made(socket);
    await socket.connect(request, target.socket.handshake(session), intended);
    return socket;
  }

  async #makeProber(): Promise<Prober> {
    const { target, madeByUs } = this.#context;
    const wire = target.probes;
    if (wire === undefined)
      throw new StepFailure(`"${target.name}" names nothing to probe`, { reason: 'error' });
    if (!madeByUs)
      throw new StepFailure('only users that the harness made are probed', { reason: 'error' });
    const socket = await this.#openSocket({
      userId: this.userId,
      received: (decoded) => this.#probeReceived?.(decoded),
      introduced: () => undefined,
      closed: () => undefined,
    });
    this.#others.push(socket);
    const prober = new Prober(
      {
        context: this.#context,
        self: this,
        observer: () => ({ user: this.name, conn: socket.conn }),
        account: this.#persona.account,
        session: this.#signedInSession(),
        http: this.#http,
        socket,
      },
      wire,
    );
    this.#probeReceived = (decoded) => prober.received(decoded);
    return prober;
  }

  #firstEvent(): string {
    const { first, required } = this.#context.target.judging.order;
    return first ?? required[0] ?? '';
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

  async #listThreads(): Promise<void> {
    const { threads } = this.#context.target;
    if (threads.list === undefined) return;
    this.#step = 'list-threads';
    await threads.list({ http: this.#http, session: this.#signedInSession() });
  }

  async #createThread(): Promise<void> {
    const { target, recorder, members, variants } = this.#context;
    const { threads } = target;
    if (threads.create === undefined) return;
    this.#step = 'create-thread';
    // The variant `shared-thread`: the first user's thread has the second user as a member.
    const other = this.index === 0 && variants.includes('shared-thread') ? members[1] : undefined;
    const { text, marker } = this.#persona.title();
    if (marker !== undefined) this.#plant('title', marker);
    const thread = await threads.create({
      http: this.#http,
      session: this.#signedInSession(),
      title: text,
      members: other === undefined ? [] : [other.email],
    });
    this.#thread = thread;
    this.#askedInThread = 0;
    recorder.identity(this.#observer(), {
      source: 'thread',
      ids: { thread },
      audience: other === undefined ? undefined : [this.name, other.name],
    });
  }

  async storeNote(): Promise<void> {
    const { threads } = this.#context.target;
    if (threads.note === undefined) return;
    this.#begin('store-note');
    const { text, marker } = this.#persona.note();
    this.#plant('note', marker);
    await threads.note({ http: this.#http, session: this.#signedInSession(), text });
  }

  async #readThread(): Promise<void> {
    const { threads } = this.#context.target;
    const thread = this.#thread;
    if (threads.read === undefined || thread === undefined) return;
    this.#step = 'read-thread';
    await threads.read({ http: this.#http, session: this.#signedInSession(), thread });
  }

  #prepareNow(): Prepared {
    const ordinal = this.#asked + 1;
    const planned = this.#provoking(this.#persona.question(ordinal));
    if (planned.marker !== undefined) this.#plant('question', planned.marker);
    const prepared = { planned, ordinal, run: randomUUID() };
    this.#prepared = prepared;
    return prepared;
  }

  /** The question with the word in it that makes a tool fail, if that is wanted. */
  #provoking(planned: PlannedQuestion): PlannedQuestion {
    const { failWord } = this.#context.target;
    if (!this.#provokes) return planned;
    this.#provokes = false;
    if (failWord === undefined)
      throw new StepFailure('the target names no way to make a tool fail', { reason: 'error' });
    this.#context.recorder.act(this.#observer(), 'provoke-error', { question: this.#asked + 1 });
    return { ...planned, content: `${planned.content} (${failWord})` };
  }

  #askNow(): void {
    const { recorder, target } = this.#context;
    const socket = this.#socket;
    if (socket === undefined) throw new StepFailure('the chat is not open', { reason: 'error' });
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
    this.#tracker = new RunTracker(target.judging.order, {
      ordinal,
      run,
      thread,
      marker,
      userId: this.userId,
    });
    if (run !== undefined) recorder.identity(this.#observer(), { source: 'ask', ids: { run } });
    recorder.act(this.#observer(), 'ask', { question: ordinal, run, thread, marker, intended });
    socket.send(frame, { run, thread });
  }

  async #untilOver(): Promise<void> {
    const tracker = this.#trackerNow();
    if (!tracker.isOver) await this.#whileOpen(tracker.over());
  }

  /** Waits as long as there is a connection through which what is waited for can come. */
  async #whileOpen(awaited: Promise<void>): Promise<void> {
    if (this.#socket?.isOpen !== true)
      throw new StepFailure('the connection was closed before the answer was over', {
        reason: 'unexpected-close',
      });
    const interrupted = new Promise<never>((_resolve, reject) => {
      this.#interrupt = reject;
    });
    try {
      await Promise.race([awaited, interrupted]);
    } finally {
      this.#interrupt = undefined;
    }
  }

  #adoptThread(thread: string | undefined): OwnedIds {
    if (thread === undefined || this.#thread !== undefined) return {};
    this.#thread = thread;
    return { thread };
  }

  #signedInSession(): Session {
    if (this.#session === undefined)
      throw new StepFailure('the user is not signed in', { reason: 'error' });
    return this.#session;
  }
}
