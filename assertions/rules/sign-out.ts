import type { Observation } from '../../history/observation.ts';
import { closerOf } from '../disturbances.ts';
import type { Facts } from '../facts.ts';
import type { UserIndex } from '../knowledge.ts';
import type { Bench } from '../rule-group.ts';
import type { Tally } from '../tally.ts';

const STALE = 'isolation/stale-authority';

/** How long after a sign-out a socket may stay open and deliver, beside the harness's own delay. */
const TOLERANCE_MS = 1_000;
/** Late frames kept per sign-out: the first show it. */
const LATE_MAX = 20;
/** What addresses by which people sign out are called. */
const SIGN_OUT_URL = /log[-_]?out|log[-_]?off|sign[-_]?out|sign[-_]?off|revoke/i;

interface Socket {
  readonly conn: string;
  closed: Observation | undefined;
}

interface SignOut {
  readonly act: Observation;
  /** Sockets that were open when the user signed out. */
  readonly sockets: readonly Socket[];
  readonly late: Observation[];
  /** The requests that may be the sign-out, by address, still without a reply. */
  readonly requests: Set<string>;
  /** The target agreed: its reply, and whether that was surely to the sign-out. */
  agreed: { readonly observation: Observation; readonly surely: boolean } | undefined;
  /** The user went on to something else; what it requests now is no sign-out any more. */
  isOver: boolean;
}

interface Watched {
  readonly open: Map<string, Socket>;
  readonly signOuts: SignOut[];
}

/**
 * Do sockets outlive the sign-out of their user? Judged where the target claims that they close, from the
 * moment it agreed to the sign-out, at the end of the record, when the harness's own delay is known.
 */
export class SignOutWatch {
  readonly #bench: Bench;
  readonly #tally: Tally;
  readonly #users = new Map<UserIndex, Watched>();
  /** Of each user who signed out; asked for with every frame, and nearly always empty. */
  readonly #latest = new Map<UserIndex, SignOut>();
  /** Who opened a connection: in a browser profile that was taken over, another may see it close. */
  readonly #openerOf = new Map<string, UserIndex>();
  readonly #heartbeats: ReadonlySet<string>;
  /** Standstills of the harness: when each was over, and how long it was, milliseconds. */
  readonly #stalls: { readonly t: number; readonly delay: number }[] = [];
  /** Sign-outs that were judged. */
  judged = 0;

  constructor(bench: Bench, tally: Tally) {
    this.#bench = bench;
    this.#tally = tally;
    this.#heartbeats = new Set(bench.knowledge.profile.heartbeats);
  }

  /** Whether there was any sign-out whose consequence the target claims. */
  get applies(): boolean {
    if (!this.#bench.knowledge.profile.claims.closesOnSignOut) return false;
    return [...this.#users.values()].some(({ signOuts }) =>
      signOuts.some(({ sockets }) => sockets.length > 0),
    );
  }

  observe({ observation, observer }: Facts): void {
    switch (observation.kind) {
      case 'open':
        this.#opened(observation, observer);
        break;
      case 'close':
        this.#closed(observation);
        break;
      case 'act':
        this.#act(observation, observer);
        break;
      case 'request':
        this.#requested(observation, observer);
        break;
      case 'response':
        this.#replied(observation, observer);
        break;
      case 'frame':
        this.#received(observation, observer);
        break;
      default:
    }
  }

  observeCrowd({ kind, t, delay = 0 }: Observation): void {
    if (kind === 'stall') this.#stalls.push({ t, delay });
  }

  conclude(): void {
    if (!this.applies) return;
    for (const [user, { signOuts }] of this.#users)
      for (const signOut of signOuts) this.#judge(user, signOut);
  }

  /** What the harness was late by itself is nobody's fault: its longest delay, or all that it stood still meanwhile. */
  #toleranceMs(since: number, until: number): number {
    const stalledMs = this.#stalls
      .filter(({ t, delay }) => t > since && t - delay < until)
      .reduce((sum, { delay }) => sum + delay, 0);
    return TOLERANCE_MS + Math.max(this.#tally.harnessDelay?.max ?? 0, stalledMs);
  }

  #of(user: UserIndex): Watched {
    const known = this.#users.get(user);
    if (known !== undefined) return known;
    const fresh: Watched = { open: new Map(), signOuts: [] };
    this.#users.set(user, fresh);
    return fresh;
  }

  #opened({ conn, purpose }: Observation, user: UserIndex): void {
    if (conn === null || purpose === 'refusal-probe') return;
    this.#openerOf.set(conn, user);
    this.#of(user).open.set(conn, { conn, closed: undefined });
  }

  #closed(observation: Observation): void {
    const conn = observation.conn ?? '';
    const opener = this.#openerOf.get(conn);
    if (opener === undefined) return;
    const { open } = this.#of(opener);
    const socket = open.get(conn);
    if (socket !== undefined) socket.closed = observation;
    open.delete(conn);
    this.#openerOf.delete(conn);
  }

  #act(observation: Observation, user: UserIndex): void {
    const { act } = observation;
    const signOuts = this.#users.get(user)?.signOuts;
    for (const signOut of signOuts ?? []) signOut.isOver = true;
    if (act !== 'sign-out') return;
    const { open, signOuts: all } = this.#of(user);
    const signOut: SignOut = {
      act: observation,
      sockets: [...open.values()],
      late: [],
      requests: new Set(),
      agreed: undefined,
      isOver: false,
    };
    all.push(signOut);
    this.#latest.set(user, signOut);
  }

  /** Which exchange was the sign-out is not said; its address tells, else that it changes something. */
  #requested(observation: Observation, user: UserIndex): void {
    const signOut = this.#latest.get(user);
    if (signOut === undefined || signOut.isOver || observation.surface !== 'http') return;
    if (maySignOut(observation)) signOut.requests.add(observation.url ?? '');
  }

  #replied(observation: Observation, user: UserIndex): void {
    const signOut = this.#latest.get(user);
    const { url = '', status = 0 } = observation;
    if (signOut?.requests.has(url) !== true || status < 200 || status > 299) return;
    const surely = SIGN_OUT_URL.test(url);
    if (surely || signOut.agreed?.surely !== true) signOut.agreed = { observation, surely };
  }

  #received(observation: Observation, user: UserIndex): void {
    const signOut = this.#latest.get(user);
    if (signOut?.agreed === undefined || observation.dir !== 'in') return;
    const { conn, event, t } = observation;
    if (event !== undefined && this.#heartbeats.has(event)) return;
    if (t - signOut.agreed.observation.t <= TOLERANCE_MS || signOut.late.length >= LATE_MAX) return;
    if (signOut.sockets.some((socket) => socket.conn === conn)) signOut.late.push(observation);
  }

  #judge(user: UserIndex, signOut: SignOut): void {
    const { act, agreed, sockets, late } = signOut;
    for (const socket of sockets) this.#judgeSocket(user, signOut, socket);
    if (agreed === undefined) return;
    const since = agreed.observation.t;
    for (const frame of late)
      if (frame.t - since > this.#toleranceMs(since, frame.t) && frame.n > act.n)
        this.#add(user, frame, {
          event: frame.event ?? null,
          what: `it still received ${frame.event ?? 'a frame'}`,
        });
  }

  #judgeSocket(user: UserIndex, { act, agreed }: SignOut, socket: Socket): void {
    const since = agreed?.observation.t ?? act.t;
    const until = socket.closed?.t ?? this.#tally.lastAt;
    const openMs = until - since;
    const inTime = openMs <= this.#toleranceMs(since, until);
    this.judged += 1;
    const isPage = this.#bench.knowledge.isBrowser(user);
    if (isRight(socket, { inTime, isPage })) return;
    if (inTime || agreed === undefined || (isPage && socket.closed === undefined)) {
      const why =
        agreed === undefined ? 'no reply says that it took effect' : 'the record does not tell';
      this.#add(user, act, {
        event: 'sign-out',
        what: `${why}: it is not known whether its connection ${socket.conn} was closed`,
        severity: 'inconclusive',
      });
      return;
    }
    this.#add(user, agreed.observation, {
      event: 'sign-out',
      what: `its connection ${socket.conn} stayed open for ${(openMs / 1000).toFixed(1)} s or longer`,
    });
  }

  #add(
    user: UserIndex,
    observation: Observation,
    {
      event,
      what,
      severity = 'violation',
    }: { event: string | null; what: string; severity?: 'violation' | 'inconclusive' },
  ): void {
    const { knowledge, report } = this.#bench;
    report.add({
      rule: STALE,
      ...(severity === 'inconclusive' ? { severity, cause: 'blind' as const } : {}),
      observer: user,
      owner: user,
      observation,
      surface: knowledge.eventsOn,
      event,
      mechanism: severity === 'violation' ? 'access' : null,
      message: `after the sign-out of ${knowledge.nameOf(user)} ${what}`,
    });
  }
}

function maySignOut({ method = '', url = '' }: Observation): boolean {
  return SIGN_OUT_URL.test(url) || !['GET', 'HEAD', 'OPTIONS'].includes(method);
}

/**
 * A page that is left takes its sockets with it, and may not be able to say when: what such a socket still
 * delivers is all that tells. A raw user's client closes its own only when the trial is over.
 */
function isRight({ closed }: Socket, how: { inTime: boolean; isPage: boolean }): boolean {
  if (closed === undefined) return false;
  const closer = closerOf(closed);
  return how.isPage && closer === 'us' ? true : how.inTime && closer === 'them';
}
