import { randomUUID } from 'node:crypto';
import type { OwnedIds } from '../history/observation.ts';
import type { Place } from '../history/markers.ts';
import type { DecodedFrame, Question, Session, SignInMethod } from '../targets/target.ts';
import { RecordedHttp } from './http.ts';
import type { Persona, PlannedQuestion } from './persona.ts';
import { toMicroseconds, type Observer } from './recorder.ts';
import { RunTracker } from './run-tracker.ts';
import { SocketClient, type SocketOwner } from './socket-client.ts';
import { StepFailure } from './step-failure.ts';
import type { TrialContext } from './trial-context.ts';
import type { User } from './user.ts';
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
    this.#waitInLine('connect');
    await this.#context.connects(() => this.#connect());
    await this.#listThreads();
    await this.#createThread();
    await this.#storeNote();
    await this.#listThreads();
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
    const socket = this.#socket;
    if (socket === undefined || !socket.isOpen) return;
    const closed = new Promise<void>((resolve) => {
      this.#closed = resolve;
    });
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
    const { target, addresses, recorder, socket: settings } = this.#context;
    const session = this.#signedInSession();
    const intended = recorder.clock.now();
    const request = await target.socket.open(session, addresses, this.#http);
    this.#connections += 1;
    const conn = `${this.name}#${this.#connections}`;
    this.#socket = new SocketClient(settings, this, { user: this.name, conn });
    await this.#socket.connect(request, target.socket.handshake(session), intended);
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
    this.#plant('title', marker);
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

  async #storeNote(): Promise<void> {
    const { threads } = this.#context.target;
    if (threads.note === undefined) return;
    this.#step = 'store-note';
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
    const planned = this.#persona.question(ordinal);
    if (planned.marker !== undefined) this.#plant('question', planned.marker);
    const prepared = { planned, ordinal, run: randomUUID() };
    this.#prepared = prepared;
    return prepared;
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
    const tracker = this.#tracker;
    if (tracker === undefined) throw new StepFailure('nothing was asked', { reason: 'error' });
    if (tracker.isOver) return;
    if (this.#socket?.isOpen !== true)
      throw new StepFailure('the connection was closed before the answer was over', {
        reason: 'unexpected-close',
      });
    const interrupted = new Promise<never>((_resolve, reject) => {
      this.#interrupt = reject;
    });
    try {
      await Promise.race([tracker.over(), interrupted]);
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
