import { randomUUID } from 'node:crypto';
import { wallUnixMs } from '../history/clock.ts';
import type { OwnedIds } from '../history/observation.ts';
import type {
  Account,
  DecodedFrame,
  HttpProbe,
  HttpReply,
  ProbedIds,
  ProbeWire,
  Session,
  SocketProbe,
  SocketRequest,
  TargetHttp,
} from '../targets/target.ts';
import { unixMsOf } from '../targets/frames.ts';
import { isTargetRefusal } from '../targets/target.ts';
import { claimsOf } from '../targets/token-claims.ts';
import { FORGERIES, sessionWith, withoutToken, withoutTokenHeaders } from './forged-tokens.ts';
import { tryToOpen } from './hostile-open.ts';
import { NotApplicable } from './not-applicable.ts';
import { givenByProfile } from './step-failure.ts';
import { RecordedHttp } from './http.ts';
import type { Observer } from './recorder.ts';
import type { Persona } from './persona.ts';
import { outcomeOfReply, outcomeOfStatus, saysNothing, type ProbeOutcome } from './refusals.ts';
import { SocketClient } from './socket-client.ts';
import type { TargetAccount } from './target-account.ts';
import type { Probing } from './user.ts';
import type { TrialContext } from './trial-context.ts';
import { pause, within } from './waiting.ts';

/** What is known of a user whose ids are probed, or who probes. */
export interface Probed {
  /** Crowd name. */
  readonly name: string;
  /** The user's own thread and latest run. */
  readonly ids: OwnedIds;
  /** The user's session, by which one looks whether a deletion took effect. */
  readonly session: Session | undefined;
  /** Beginning of the user's markers, by which one knows what was the user's. */
  readonly markerPrefix: string;
  /** Whether the latest run has shown this event to its asker. */
  hasSeen(event: string): boolean;
}

/** Who probes, and through what. */
export interface ProberSeat {
  readonly context: TrialContext;
  readonly self: Probed;
  readonly observer: Observer;
  readonly account: Account;
  readonly session: Session;
  readonly http: RecordedHttp;
  /** A connection of the user's own that nothing else uses. */
  readonly socket: SocketClient;
}

/** What is tried with which credentials or ids; the judge knows these words. */
type Source =
  | 'own id'
  | 'foreign id'
  | 'no token'
  | 'unsigned token'
  | 'tampered token'
  | 'expired token'
  | 'used ticket'
  | 'foreign origin';

interface Attempt {
  readonly place: string;
  readonly source: Source;
  readonly owner?: string | undefined;
  readonly ids?: ProbedIds | undefined;
}

/** A socket that has not answered a probe by then has refused it by silence. */
const ANSWER_MS_MAX = 1_500;
const EFFECT_POLL_MS = 25;
const SHORT_LIFE_S = 1;
/** Servers may round `exp` up to whole seconds and compare with a clock of their own. */
const EXPIRY_MARGIN_MS = 1_500;
const FOREIGN_ORIGIN = 'https://elsewhere.example.com';

/**
 * Tries what a target must refuse (DESIGN §3.5): another user's ids, no token, forged and expired tokens, a
 * foreign origin. Each attempt is recorded as an act before and as a result after, and each verb is tried
 * with the user's own ids as well: a refusal proves something only where the owner is let in.
 */
export class Prober {
  readonly #seat: ProberSeat;
  readonly #wire: ProbeWire;
  /** Verbs whose own replies show whose they are: then a foreign one must as well. */
  readonly #telling = new Set<string>();
  #waiting: ((decoded: DecodedFrame) => void) | undefined;
  #shortLived: Promise<Session | undefined> | undefined;

  constructor(seat: ProberSeat, wire: ProbeWire) {
    this.#seat = seat;
    this.#wire = wire;
  }

  /** Takes in what the probing connection received. */
  received(decoded: DecodedFrame): void {
    this.#waiting?.(decoded);
  }

  /** Everything that takes a thread id, with the other's and the own. */
  async threads(other: Probed): Promise<void> {
    for (const probe of this.#reads('thread')) {
      await this.#http(probe, this.#seat.self);
      await this.#http(probe, other);
    }
    for (const probe of this.#wire.socket.filter(({ needs }) => needs === 'thread'))
      await this.#socket(probe, other);
  }

  /**
   * Asks in the own thread: the control for questions in another's.
   * @param ask resolves to whether the target took the question up.
   */
  async ownQuestion(ask: () => Promise<boolean>): Promise<void> {
    const { self } = this.#seat;
    const verbs = this.#wire.socket.filter(({ needs }) => needs === 'thread');
    // One question is the control for every verb that asks.
    const attempts = verbs.map(({ verb }) => this.#attemptOn(`socket ${verb}`, self));
    // A question that was answered by an error alone lets nobody in, and so controls nothing.
    await this.#all(attempts, async () => ((await ask()) ? 'accepted' : 'unclear'));
  }

  /** Everything that takes a run id, with the other's; best while the other's run is under way. */
  async foreignRuns(other: Probed): Promise<void> {
    for (const probe of this.#reads('run')) await this.#http(probe, other);
    for (const probe of this.#wire.socket.filter(({ needs }) => needs === 'run'))
      await this.#socket(probe, other);
  }

  /** The same with the own run, as control. */
  async ownRuns(): Promise<void> {
    const { self } = this.#seat;
    for (const probe of this.#reads('run')) await this.#http(probe, self);
    for (const probe of this.#wire.socket.filter(({ needs }) => needs === 'run'))
      await this.#socket(probe, self);
  }

  /**
   * Everything over HTTP with the own ids, and with credentials that are worth nothing. Another's good
   * token with an own id is what that other tries anyway, with the foreign id of this user.
   */
  async credentials(): Promise<void> {
    const { self, session } = this.#seat;
    const probes = (['nothing', 'thread', 'run'] as const).flatMap((needs) => this.#reads(needs));
    for (const probe of probes.filter(({ needs }) => needs === 'nothing'))
      await this.#http(probe, self);
    const expired = await this.#expiredSession();
    const holders: { readonly source: Source; readonly token: string | undefined }[] = [
      { source: 'no token', token: undefined },
      ...FORGERIES.flatMap(({ source, forge }) => {
        const token = forge(session.token);
        return token === undefined ? [] : [{ source, token }];
      }),
      ...(expired === undefined
        ? []
        : [{ source: 'expired token' as const, token: expired.token }]),
    ];
    for (const probe of probes) for (const holder of holders) await this.#httpWith(probe, holder);
  }

  /** Everything that takes something away, with the ids of the other or the own. */
  async deletions(owner: Probed): Promise<void> {
    for (const probe of this.#wire.http.filter(({ deletes }) => deletes === true))
      await this.#http(probe, owner);
  }

  /** Every way of opening a socket that is not the user's own right. */
  async opens(): Promise<void> {
    const { context, session, http } = this.#seat;
    const { target, addresses } = context;
    if (target.stream !== undefined) return;
    const open = (): Promise<SocketRequest> => target.socket.open(session, addresses, http);
    const place = 'socket open';
    await this.#open({ place, source: 'own id' }, await open());
    const nobody = { userId: '', token: '', secrets: [] };
    await this.#open({ place, source: 'no token' }, withoutToken(await open(), session), nobody);
    for (const { source, forge } of FORGERIES) {
      const token = forge(session.token);
      if (token !== undefined) await this.#openAs({ place, source }, sessionWith(token, session));
    }
    const expired = await this.#expiredSession();
    if (expired !== undefined) await this.#openAs({ place, source: 'expired token' }, expired);
    await this.#usedTicket();
    await this.#crossOrigin();
  }

  #reads(needs: HttpProbe['needs']): readonly HttpProbe[] {
    return this.#wire.http.filter((probe) => probe.needs === needs && probe.deletes !== true);
  }

  /** A ticket that works once must not work twice. */
  async #usedTicket(): Promise<void> {
    const { context, session, http } = this.#seat;
    const request = await this.#wire.ticketOpen?.(session, context.addresses, http);
    if (request === undefined) return;
    const place = 'socket open by ticket';
    await this.#open({ place, source: 'own id' }, request);
    await this.#open({ place, source: 'used ticket' }, request);
  }

  /** A session of the same account that has ended by its own limit; undefined where none can be had. */
  #expiredSession(): Promise<Session | undefined> {
    this.#shortLived ??= this.#expireOne();
    return this.#shortLived;
  }

  async #expireOne(): Promise<Session | undefined> {
    const { context, account, http } = this.#seat;
    if (this.#wire.shortLived === undefined || account.password === undefined) return undefined;
    const { env, recorder } = context;
    const session = await this.#wire.shortLived({ http, account, env }, SHORT_LIFE_S);
    const credentials = session.secrets.map((secret) => recorder.vault.claim(secret));
    recorder.identity(this.#seat.observer, { source: 'sign-in', credentials });
    await pause(Math.max(0, expiryOf(session.token) + EXPIRY_MARGIN_MS - wallUnixMs()));
    return session;
  }

  /** With a session that is worth nothing, which may show where the target is asked for a ticket. */
  #openAs(attempt: Attempt, session: Session): Promise<void> {
    const { context, observer, http } = this.#seat;
    const { target, addresses, socket } = context;
    return this.#attempt(attempt, async () => {
      let isRefused = false;
      const probing: TargetHttp = {
        async request(request) {
          const reply = await http.request({ ...request, purpose: 'refusal-probe' });
          isRefused ||= outcomeOfReply(reply) === 'refused';
          return reply;
        },
      };
      let request: SocketRequest;
      try {
        request = await target.socket.open(session, addresses, probing);
      } catch (error) {
        // A profile may say that it was refused, or stumble over the ticket that is missing.
        if (isRefused || isTargetRefusal(error)) return 'refused';
        throw error;
      }
      return tryToOpen(socket, observer, { request, session });
    });
  }

  /** A cookie goes along wherever the browser is; only the origin tells whose page asks. */
  async #crossOrigin(): Promise<void> {
    const { context, session } = this.#seat;
    const request = this.#wire.cookieOpen?.(session, context.addresses);
    if (request === undefined) return;
    const place = 'socket open by cookie';
    const from = (origin: string): SocketRequest => ({
      ...request,
      headers: { ...request.headers, origin },
    });
    const own = new URL(context.addresses.page).origin;
    await this.#open({ place, source: 'own id' }, from(own));
    await this.#open({ place, source: 'foreign origin' }, from(FOREIGN_ORIGIN));
  }

  /** `session`: of whom the request is, where that is not the user's own. */
  #open(attempt: Attempt, request: SocketRequest, session = this.#seat.session): Promise<void> {
    const { context, observer } = this.#seat;
    return this.#attempt(attempt, () => tryToOpen(context.socket, observer, { request, session }));
  }

  #http(probe: HttpProbe, owner: Probed): Promise<void> {
    const { http, session } = this.#seat;
    const attempt = this.#attemptOn(`http ${probe.verb}`, owner);
    const { ids = {} } = attempt;
    if (!hasWhatItNeeds(probe, ids)) return Promise.resolve();
    return this.#attempt(attempt, async () => {
      const wasThere = probe.deletes === true ? await this.#isThere(owner) : undefined;
      const request = { ...probe.request(ids, session), purpose: 'refusal-probe' } as const;
      const reply = await http.request(request);
      if (probe.deletes === true) return this.#whatIsLeft(owner, { reply, wasThere });
      if (owner.name === this.#seat.self.name) this.#learnWhatShows(probe, reply);
      return this.#effectOf(probe, owner, reply);
    });
  }

  /** With the own ids, by credentials that are worth nothing. */
  #httpWith(
    probe: HttpProbe,
    { source, token }: { readonly source: Source; readonly token: string | undefined },
  ): Promise<void> {
    const { self, http, session } = this.#seat;
    const { thread, run } = self.ids;
    const ids = { thread, run };
    if (!hasWhatItNeeds(probe, ids)) return Promise.resolve();
    return this.#attempt({ place: `http ${probe.verb}`, source, ids }, async () => {
      const request =
        token === undefined
          ? withoutTokenHeaders(probe.request(ids, session), session)
          : probe.request(ids, sessionWith(token, session));
      const reply = await http.request({ ...request, purpose: 'refusal-probe' });
      return this.#outcomeFor(self, probe, reply);
    });
  }

  /** Whether a verb's reply to its owner shows whose it is. */
  #learnWhatShows({ verb }: HttpProbe, reply: HttpReply): void {
    if (outcomeOfReply(reply) === 'accepted' && shows(this.#seat.self, reply))
      this.#telling.add(verb);
  }

  /** A good status alone lets nobody in: a reply must show something of its owner's where the owner's own does. */
  #effectOf(probe: HttpProbe, owner: Probed, reply: HttpReply): ProbeOutcome {
    const outcome = this.#outcomeFor(owner, probe, reply);
    if (outcome !== 'accepted' || shows(owner, reply)) return outcome;
    const isForeign = owner.name !== this.#seat.self.name;
    return isForeign && this.#telling.has(probe.verb) ? 'unclear' : 'accepted';
  }

  /** What a reply says to a probe for what is an owner's: one that shows it is no refusal, whatever it says. */
  #outcomeFor(owner: Probed, { verb }: HttpProbe, reply: HttpReply): ProbeOutcome {
    if (outcomeOfStatus(reply.status) === 'accepted' && shows(owner, reply)) return 'accepted';
    // Where that to its owner is not empty, an empty one lets nobody in to anything.
    const { json } = reply;
    const isEmpty = json !== undefined && saysNothing(json);
    const outcome = outcomeOfReply(reply);
    return outcome === 'accepted' && isEmpty && this.#telling.has(verb) ? 'refused' : outcome;
  }

  /**
   * What was deleted must be gone for its owner, whatever the reply says: one may be refused in words what was
   * done all the same. A thread that was gone before is nobody's deed.
   */
  async #whatIsLeft(
    owner: Probed,
    { reply, wasThere }: { readonly reply: HttpReply; readonly wasThere: boolean | undefined },
  ): Promise<ProbeOutcome> {
    const outcome = outcomeOfReply(reply);
    const isThere = await this.#isThere(owner);
    if (isThere === undefined || wasThere === undefined) return outcome;
    if (wasThere && !isThere) return 'accepted';
    return outcome === 'accepted' ? 'unclear' : outcome;
  }

  /** Whether an owner can read its thread; undefined where there is no way to look. */
  async #isThere({ name, ids, session }: Probed): Promise<boolean | undefined> {
    const [read] = this.#reads('thread');
    if (read === undefined || session === undefined) return undefined;
    const { thread, run } = ids;
    // What its owner reads its owner receives, whoever wants to know.
    const http = new RecordedHttp(this.#seat.context.http, name);
    const request = read.request({ thread, run }, session);
    const reply = await http.request({ ...request, purpose: 'refusal-probe' });
    const outcome = outcomeOfReply(reply);
    // Whoever is not served, or not known any more, cannot say.
    return outcome === 'unclear' || reply.status === 401 ? undefined : outcome === 'accepted';
  }

  #socket(probe: SocketProbe, owner: Probed): Promise<void> {
    const attempt = this.#attemptOn(`socket ${probe.verb}`, owner);
    const { ids } = attempt;
    if (ids?.[probe.needs] === undefined) return Promise.resolve();
    return this.#attempt(attempt, () => this.#ask(probe, { ids, owner }));
  }

  /** Sends a probe's frame; what tells of its success may reach the owner instead of the prober. */
  async #ask(
    probe: SocketProbe,
    { ids, owner }: { readonly ids: ProbedIds; readonly owner: Probed },
  ): Promise<ProbeOutcome> {
    const run = randomUUID();
    const concerned = new Set([ids.run, ids.thread, run]);
    const answer = new Promise<ProbeOutcome>((resolve) => {
      this.#waiting = (decoded) => {
        if (decoded.role === 'error') resolve('refused');
        else if (
          probe.accepted.includes(decoded.event ?? '') &&
          (concerned.has(decoded.run) || concerned.has(decoded.thread))
        )
          resolve('accepted');
      };
    });
    const before = probe.accepted.filter((event) => owner.hasSeen(event));
    const wasOver = this.#isOver(owner);
    const content = 'What does my note say, and what was asked here before?';
    this.#seat.socket.send(probe.frame(ids, { content, run }));
    const direct = await within(answer, ANSWER_MS_MAX, () => 'refused' as const);
    this.#waiting = undefined;
    // Only a verb that shows nothing to its caller has its effect on the owner's side alone.
    const silent = probe.accepted.length === 1 ? probe.accepted : [];
    if (direct === 'accepted' || probe.needs !== 'run') return direct;
    // What is over cannot be stopped by anybody: that it was refused proves nothing.
    if (silent.length > 0 && wasOver) return 'unclear';
    await pause(EFFECT_POLL_MS);
    return silent.some((event) => !before.includes(event) && owner.hasSeen(event))
      ? 'accepted'
      : direct;
  }

  /** Whether the owner has seen its latest run end. */
  #isOver(owner: Probed): boolean {
    const { last, failure, stopped } = this.#seat.context.target.judging.order;
    return [last, ...failure, ...stopped].some((event) => owner.hasSeen(event));
  }

  #attemptOn(place: string, owner: Probed): Attempt {
    const { self } = this.#seat;
    const { thread, run } = owner.ids;
    const ids = { thread, run };
    return owner.name === self.name
      ? { place, source: 'own id', ids }
      : { place, source: 'foreign id', owner: owner.name, ids };
  }

  #attempt(attempt: Attempt, carryOut: () => Promise<ProbeOutcome>): Promise<void> {
    return this.#all([attempt], carryOut);
  }

  /** Records what is tried and what came of it, for one attempt or several that are tried at once. */
  async #all(attempts: readonly Attempt[], carryOut: () => Promise<ProbeOutcome>): Promise<void> {
    const { recorder } = this.#seat.context;
    const observer = this.#seat.observer;
    for (const { place, source, owner, ids } of attempts)
      recorder.act(observer, 'probe', {
        place,
        source,
        owner,
        thread: ids?.thread,
        run: ids?.run,
        message: source === 'own id' ? 'must be accepted' : 'must be refused',
      });
    const reason = await carryOut();
    for (const { place, source, owner } of attempts)
      recorder.act(observer, 'probe-result', { place, source, owner, reason });
  }
}

function hasWhatItNeeds({ needs }: HttpProbe, ids: ProbedIds): boolean {
  return needs === 'nothing' || ids[needs] !== undefined;
}

/** Whether a reply shows something of a user's. */
function shows({ session, markerPrefix }: Probed, { text }: HttpReply): boolean {
  const { userId = '' } = session ?? {};
  return text.includes(markerPrefix) || (userId !== '' && text.includes(userId));
}

/** When a token ends, Unix milliseconds. One that does not say was asked to live for a second, which the margin covers. */
function expiryOf(token: string): number {
  return unixMsOf(claimsOf(token), 'exp') ?? 0;
}

/** Whose probes these are. */
export interface ProbesOwner {
  readonly self: Probed;
  readonly persona: Persona;
  readonly account: TargetAccount;
  /** Names one more connection of the user. */
  nextConnection(): string;
}

/** A user's own probes: made with the first one, through a connection that nothing else uses. */
export class OwnProbes {
  readonly #context: TrialContext;
  readonly #owner: ProbesOwner;
  #prober: Promise<Prober> | undefined;
  #socket: SocketClient | undefined;

  constructor(context: TrialContext, owner: ProbesOwner) {
    this.#context = context;
    this.#owner = owner;
  }

  /**
   * @param ask asks a question of the user's own, and resolves to whether it was taken up.
   * @throws NotApplicable where the target names nothing to probe, or the users are somebody else's.
   */
  async probe(what: Probing, neighbour: Probed, ask: () => Promise<boolean>): Promise<void> {
    this.#prober ??= this.#make();
    const prober = await this.#prober;
    await this.#owner.account.lastingSession();
    if (what === 'foreign run') await prober.foreignRuns(neighbour);
    else if (what === 'own run') await prober.ownRuns();
    else if (what === 'threads') await prober.threads(neighbour);
    else if (what === 'own question') await prober.ownQuestion(ask);
    else if (what === 'credentials') await prober.credentials();
    else if (what === 'foreign deletion') await prober.deletions(neighbour);
    else if (what === 'own deletion') await prober.deletions(this.#owner.self);
    else await prober.opens();
  }

  close(): void {
    this.#socket?.close();
  }

  async #make(): Promise<Prober> {
    const { target, addresses, recorder, socket: settings } = this.#context;
    const { self, persona, account } = this.#owner;
    const { http } = account;
    const wire = target.probes;
    const reason = account.cannot('probe');
    if (wire === undefined || reason !== undefined)
      throw new NotApplicable(reason ?? `"${target.name}" names nothing to probe`);
    const session = await account.lastingSession();
    let prober: Prober | undefined;
    const listener = {
      userId: session.userId,
      received: (decoded: DecodedFrame) => prober?.received(decoded),
      introduced: () => undefined,
      closed: () => undefined,
    };
    const observer = { user: self.name, conn: this.#owner.nextConnection() };
    const socket = new SocketClient(settings, listener, observer);
    this.#socket = socket;
    if (target.stream === undefined) {
      const request = await givenByProfile('socket.open', async () =>
        target.socket.open(session, addresses, http),
      );
      await socket.connect(request, target.socket.handshake(session), recorder.clock.now());
    }
    const context = this.#context;
    const seat = {
      context,
      self,
      observer,
      account: persona.account,
      http,
      socket,
      get session() {
        return account.session;
      },
    };
    prober = new Prober(seat, wire);
    return prober;
  }
}
