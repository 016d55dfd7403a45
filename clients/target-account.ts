import type { Place } from '../history/markers.ts';
import { INFRASTRUCTURE_COOKIE } from '../targets/sign-in.ts';
import type { OwnedIds } from '../history/observation.ts';
import type { Session, SignInMethod, Target, TargetHttp } from '../targets/target.ts';
import { RecordedHttp } from './http.ts';
import { NotApplicable } from './not-applicable.ts';
import type { Persona, PlannedQuestion } from './persona.ts';
import type { Observer } from './recorder.ts';
import { givenByProfile, StepFailure } from './step-failure.ts';
import { TokenLife } from './token-life.ts';
import type { TrialContext } from './trial-context.ts';
import type { OptionalVerb } from './user.ts';

/** Ids of a list that are looked at: a user of a trial has few threads. */
const LISTED_MAX = 1_000;

/** Sign-in methods that make the user, so that the display name is ours to choose. */
const NAMING: ReadonlySet<SignInMethod> = new Set(['register', 'e2e-key', 'page']);

/** What a profile must say of its target so that a verb can be done over the API. */
const NEEDED_OF_TARGETS: Readonly<
  Partial<
    Record<OptionalVerb, { readonly what: string; readonly isThere: (target: Target) => boolean }>
  >
> = {
  signOut: { what: 'way to sign out', isThere: (target) => target.signOut !== undefined },
  revoke: { what: 'way to revoke sessions', isThere: (target) => target.revoke !== undefined },
  refreshToken: {
    what: 'way to refresh a token',
    isThere: (target) => target.refresh !== undefined,
  },
  provokeError: {
    what: 'word that makes a tool fail',
    isThere: ({ failWord }) => failWord !== undefined,
  },
  ownThreads: { what: 'list of threads', isThere: ({ threads }) => threads.list !== undefined },
  storeNote: {
    what: 'place to store a note',
    isThere: ({ threads }) => threads.note !== undefined,
  },
  probe: { what: 'verbs to probe', isThere: ({ probes }) => probes !== undefined },
};

/** The user whose account it is. */
export interface AccountOwner {
  readonly name: string;
  /** Whom lines are about right now: the user, and the connection where there is one. */
  observer(): Observer;
  /** A step within the action under way begins. */
  stepped(step: string): void;
  /** The session's token ends soon: has it exchanged, wherever else this user keeps it. */
  renewTokens(): Promise<void>;
}

/**
 * Who a simulated user is on the target, and everything it does there over plain HTTP, whatever it acts
 * through besides. All users of all transports leave the same lines here.
 */
export class TargetAccount {
  readonly http: RecordedHttp;
  readonly #context: TrialContext;
  readonly #persona: Persona;
  readonly #owner: AccountOwner;
  #session: Session | undefined;
  #tokenLife: TokenLife | undefined;
  /** A sign-in is under way: the session before it says no more who is signed in. */
  #isArriving = false;
  /** The target has made the account, so that signing in again must not make it once more. */
  #exists = false;

  constructor(context: TrialContext, persona: Persona, owner: AccountOwner) {
    this.http = new RecordedHttp(context.http, owner.name);
    this.#context = context;
    this.#persona = persona;
    this.#owner = owner;
  }

  /**
   * What the target gave at sign-in.
   * @throws StepFailure before that.
   */
  get session(): Session {
    if (this.#session === undefined)
      throw new StepFailure('the user is not signed in', { reason: 'error' });
    return this.#session;
  }

  /** What the target gave at sign-in; undefined before that. */
  get sessionIfAny(): Session | undefined {
    return this.#session;
  }

  /**
   * The session, with a token that lasts: whoever works for longer than a token lives exchanges it in time, as
   * apps do. One that is refused before its time stays refused.
   */
  async lastingSession(): Promise<Session> {
    const { session } = this;
    const { refresh } = this.#context.target;
    if (refresh !== undefined && session.refreshToken !== undefined && this.isEnding)
      await this.#owner.renewTokens();
    return this.session;
  }

  /** Whether the session's token ends soon, as far as it says. */
  get isEnding(): boolean {
    return this.#tokenLife?.isEnding(this.#nowUnixMs()) === true;
  }

  /** The session that this user works with; undefined while a sign-in is under way. */
  get sessionNow(): Session | undefined {
    return this.#isArriving ? undefined : this.#session;
  }

  /** How this user signs in now: whoever is there already does not register again. */
  get signInMethod(): SignInMethod {
    const { signInMethod, target } = this.#context;
    const returns = this.#exists && signInMethod === 'register';
    return returns && target.signIn.password !== undefined ? 'password' : signInMethod;
  }

  /** The target knows nobody any more: the next sign-in makes the user anew. */
  forgotten(): void {
    this.#exists = false;
  }

  /** Id the target knows this user by; empty before sign-in. */
  get userId(): string {
    return this.#session?.userId ?? '';
  }

  plant(place: Place, marker: string): void {
    this.#context.recorder.act(this.#owner.observer(), 'plant', { place, marker });
  }

  /** Writes down that a sign-in begins, and what it plants. Comes before anything is sent. */
  announceSignIn(): void {
    const { recorder, arrived } = this.#context;
    const { signInMethod } = this;
    const { nameMarker } = this.#persona;
    this.#isArriving = true;
    arrived.add(this.#owner.name);
    if (nameMarker !== undefined && NAMING.has(signInMethod)) this.plant('name', nameMarker);
    recorder.act(this.#owner.observer(), 'sign-in', { message: signInMethod });
  }

  /** Signs in over the API, as the trial's method says. */
  async signIn(): Promise<void> {
    const { target, env } = this.#context;
    const method = target.signIn[this.signInMethod];
    if (method === undefined)
      throw new StepFailure(`"${this.signInMethod}" is not offered`, { reason: 'error' });
    this.announceSignIn();
    const call = { http: this.http, account: this.#persona.account, env };
    this.signedIn(await givenByProfile(`signIn.${this.signInMethod}`, () => method(call)));
  }

  /** Takes over what a sign-in gave: its secrets are known from here on, its ids are this user's own. */
  signedIn(session: Session, { isFresh = false }: { readonly isFresh?: boolean } = {}): void {
    const { recorder } = this.#context;
    const { account } = this.#persona;
    this.#session = session;
    this.#tokenLife = new TokenLife(session, { obtainedAt: this.#nowUnixMs(), isFresh });
    this.#isArriving = false;
    this.#exists = true;
    recorder.learn({ user: session.userId });
    const secrets = new Set([
      session.token,
      session.refreshToken,
      ...cookieValues(session),
      ...session.secrets,
    ]);
    // Some targets keep in a cookie who is signed in: that is no secret, and stands in every frame.
    for (const known of ['', session.userId, session.email, account.email]) secrets.delete(known);
    const credentials = [...secrets].flatMap((secret) =>
      secret === undefined ? [] : [recorder.vault.claim(secret)],
    );
    recorder.identity(this.#owner.observer(), {
      source: 'sign-in',
      ids: { user: session.userId, ...this.#addressOf(session) },
      credentials,
    });
    if (account.userId !== undefined && account.userId !== session.userId)
      recorder.identity(this.#owner.observer(), { source: 'sign-in', shown: session.userId });
    else this.#compareEmail('sign-in', session.email);
  }

  /** Another identity than the own one is a finding, and no reason to stop. */
  async whoAmI(): Promise<void> {
    const { target, recorder } = this.#context;
    if (target.whoAmI === undefined) return;
    this.#owner.stepped('who-am-i');
    const { http } = this;
    const session = await this.lastingSession();
    const ask = target.whoAmI;
    const { userId, email } = await givenByProfile('whoAmI', () =>
      ask.call(target, { http, session }),
    );
    if (userId !== session.userId)
      recorder.identity(this.#owner.observer(), { source: 'whoami', shown: userId });
    else this.#compareEmail('whoami', email);
  }

  async listThreads(): Promise<void> {
    const { threads } = this.#context.target;
    const list = threads.list?.bind(threads);
    if (list === undefined) return;
    this.#owner.stepped('list-threads');
    const call = { http: this.http, session: await this.lastingSession() };
    this.#recordListed(await givenByProfile('threads.list', () => list(call)));
  }

  /** What a profile says was listed; the reply itself has been recorded before. */
  #recordListed(threads: readonly string[] | void): void {
    if (!Array.isArray(threads)) return;
    const { recorder } = this.#context;
    const line = { ...this.#owner.observer(), conn: null, surface: 'http', dir: 'in' } as const;
    for (const thread of threads.slice(0, LISTED_MAX))
      recorder.journal.append({ ...line, kind: 'frame', event: 'list', thread: String(thread) });
  }

  /**
   * Lists the threads, and looks for some in what came.
   * @throws StepFailure when one is missing: what is the user's own must not be lost.
   */
  async findThreads(threads: readonly string[]): Promise<void> {
    const { threads: wire } = this.#context.target;
    if (wire.list === undefined) throw new NotApplicable(this.#offersNo('list of threads'));
    this.#owner.stepped('own-threads');
    const replies: string[] = [];
    const http: TargetHttp = {
      request: async (request) => {
        const reply = await this.http.request(request);
        replies.push(reply.text);
        return reply;
      },
    };
    const list = wire.list.bind(wire);
    const call = { http, session: await this.lastingSession() };
    this.#recordListed(await givenByProfile('threads.list', () => list(call)));
    const missing = threads.filter((thread) => !replies.some((text) => text.includes(thread)));
    if (missing.length === 0) return;
    throw new StepFailure(
      `the list of own threads lacks ${missing.length} of ${threads.length}: ${missing.join(', ')}`,
      { reason: 'error' },
    );
  }

  /** Makes a thread; resolves to its id, or undefined where the target's threads make themselves. */
  async createThread(): Promise<string | undefined> {
    const { target, recorder, members, arrived, variants } = this.#context;
    const { threads } = target;
    const create = threads.create?.bind(threads);
    if (create === undefined) return undefined;
    this.#owner.stepped('create-thread');
    // The variant `shared-thread`: the first user's thread has the second user as a member.
    const isShared = this.#persona.index === 0 && variants.includes('shared-thread');
    const other = isShared ? members[1] : undefined;
    if (other !== undefined && !arrived.has(other.name))
      throw new NotApplicable(`the variant shared-thread needs ${other.name}, who comes later`);
    const { text, marker } = this.#persona.title();
    if (marker !== undefined) this.plant('title', marker);
    const call = {
      http: this.http,
      session: await this.lastingSession(),
      title: text,
      members: other === undefined ? [] : [other.email],
    };
    const thread = await givenByProfile('threads.create', () => create(call));
    recorder.identity(this.#owner.observer(), {
      source: 'thread',
      ids: { thread },
      audience: other === undefined ? undefined : [this.#owner.name, other.name],
    });
    return thread;
  }

  async storeNote(): Promise<void> {
    const { threads } = this.#context.target;
    const note = threads.note?.bind(threads);
    if (note === undefined) return;
    this.#owner.stepped('store-note');
    const { text, marker } = this.#persona.note();
    this.plant('note', marker);
    const call = { http: this.http, session: await this.lastingSession(), text };
    await givenByProfile('threads.note', () => note(call));
  }

  async readThread(thread: string | undefined): Promise<void> {
    const { threads } = this.#context.target;
    const read = threads.read?.bind(threads);
    if (read === undefined || thread === undefined) return;
    this.#owner.stepped('read-thread');
    const call = { http: this.http, session: await this.lastingSession(), thread };
    await givenByProfile('threads.read', () => read(call));
  }

  /** Signs out over the API, and waits until the target agreed. */
  async signOut(): Promise<void> {
    const { target, recorder } = this.#context;
    const signOut = target.signOut?.bind(target);
    if (signOut === undefined) throw new NotApplicable(this.#offersNo('way to sign out'));
    recorder.act(this.#owner.observer(), 'sign-out');
    await givenByProfile('signOut', () => signOut({ http: this.http, session: this.session }));
  }

  /**
   * Takes all sessions of the user back, and waits until the target agreed. For the judge that is a
   * sign-out: from then on nothing of the session may be good for anything.
   */
  async revoke(): Promise<void> {
    const { target, recorder } = this.#context;
    const revoke = target.revoke?.bind(target);
    if (revoke === undefined) throw new NotApplicable(this.#offersNo('way to revoke sessions'));
    recorder.act(this.#owner.observer(), 'sign-out', { message: 'revoked' });
    await givenByProfile('revoke', () => revoke({ http: this.http, session: this.session }));
  }

  /** Exchanges the session's tokens for new ones of the same user. */
  async refresh(): Promise<void> {
    const { target, recorder } = this.#context;
    const refresh = target.refresh?.bind(target);
    if (refresh === undefined) throw new NotApplicable(this.#offersNo('way to refresh a token'));
    recorder.act(this.#owner.observer(), 'refresh-token');
    const { session } = this;
    const fresh = await givenByProfile('refresh', () => refresh({ http: this.http, session }));
    if (fresh.userId === session.userId) {
      this.signedIn(fresh, { isFresh: true });
      return;
    }
    // Tokens of somebody else are no more this user's own for having been handed out.
    for (const secret of fresh.secrets) recorder.vault.add(secret);
    recorder.identity(this.#owner.observer(), { source: 'sign-in', shown: fresh.userId });
  }

  /** A question with the word in it that makes a tool of the target fail. */
  provoking(planned: PlannedQuestion, ordinal: number): PlannedQuestion {
    const { failWord } = this.#context.target;
    if (failWord === undefined)
      throw new NotApplicable(this.#offersNo('word that makes a tool fail'));
    this.#context.recorder.act(this.#owner.observer(), 'provoke-error', { question: ordinal });
    return { ...planned, content: `${planned.content} (${failWord})` };
  }

  /**
   * Why a verb that goes over the API cannot be done on this target; undefined where it can. What is done
   * through a socket or a page, those know.
   */
  cannot(verb: OptionalVerb): string | undefined {
    const { target, madeByUs } = this.#context;
    if (verb === 'probe' && target.probes !== undefined && !madeByUs)
      return 'only users that the harness made itself are probed';
    const needed = NEEDED_OF_TARGETS[verb];
    return needed === undefined || needed.isThere(target) ? undefined : this.#offersNo(needed.what);
  }

  #nowUnixMs(): number {
    const { clock } = this.#context.recorder;
    return clock.startedAtUnixMs + clock.now();
  }

  #offersNo(what: string): string {
    return `the profile of "${this.#context.target.name}" names no ${what}`;
  }

  /** Who comes with a token alone is known by the address that the target tells. */
  #addressOf({ email }: Session): OwnedIds {
    return this.#persona.account.email === '' && email !== undefined && email !== ''
      ? { email }
      : {};
  }

  #compareEmail(source: 'sign-in' | 'whoami', email: string | undefined): void {
    const own = this.#persona.account.email || (this.#session?.email ?? '');
    if (email === undefined || own === '' || email.toLowerCase() === own.toLowerCase()) return;
    this.#context.recorder.identity(this.#owner.observer(), { source, shown: email });
  }
}

/** Cookies short enough to be no secret are left alone by the vault itself. */
function cookieValues({ cookies = '' }: Session): string[] {
  return cookies
    .split('; ')
    .filter((cookie) => !INFRASTRUCTURE_COOKIE.test(cookie))
    .map((cookie) => cookie.slice(cookie.indexOf('=') + 1));
}
