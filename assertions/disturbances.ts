import type { Observation } from '../history/observation.ts';
import type { Facts } from './facts.ts';
import type { Knowledge, UserIndex } from './knowledge.ts';
import type { Run, RunLedger } from './run-ledger.ts';

/** Acts by which a user may change the outcome of its own run. */
const SELF_INFLICTED = new Set([
  'cancel',
  'stop',
  'drop',
  'reconnect',
  'stall',
  'duplicate-tab',
  'sign-out',
  'take-over',
]);
/** Acts that end a run. */
const CANCELLING = new Set(['cancel', 'stop']);

/** Who closed a connection. A line of another program may not say it: then its direction does. */
export function closerOf({ by, dir }: Observation): 'us' | 'them' {
  return by ?? (dir === 'in' ? 'them' : 'us');
}

/** Something a user did on purpose. */
export interface Deed {
  readonly user: UserIndex;
  readonly act: string;
  readonly observation: Observation;
}

interface UserDeeds {
  /** The user's browser was lost: from then on nothing of the user's was seen. */
  isBlind: boolean;
  lastOpenAt: number;
  readonly drops: Observation[];
  readonly signOuts: Observation[];
  readonly all: Deed[];
  /** Probes without a result so far. */
  readonly probing: Observation[];
  /** After a drop: last observation of something received on each connection. */
  readonly heardAt: Map<string, number>;
}

/**
 * What our own clients did on purpose: dropped, cancelled, signed out, probed. It tells which breaks are
 * the direct answer to such an act and therefore none (DESIGN §4.7), and judges nothing itself.
 */
export class Disturbances {
  readonly #knowledge: Knowledge;
  readonly #users: readonly UserDeeds[];
  /** Who opened each connection, and at which observation. */
  readonly #opened = new Map<string, { readonly opener: UserIndex; readonly n: number }>();
  /** Runs whose stop came too late, and was refused. */
  readonly #stoppedTooLate = new Set<Run>();
  /** Cancels of all users, and probes that tried to stop a run. */
  readonly cancels: Deed[] = [];

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
    this.#users = knowledge.users.map(() => ({
      isBlind: false,
      lastOpenAt: -1,
      drops: [],
      signOuts: [],
      all: [],
      probing: [],
      heardAt: new Map(),
    }));
  }

  /** What users did on purpose that may change their own runs, user by user. */
  get deeds(): readonly Deed[] {
    return this.#users.flatMap(({ all }) => all);
  }

  observe({ observation, observer }: Facts): void {
    const user = this.#users[observer];
    if (user === undefined) return;
    const { kind, conn, n } = observation;
    if (kind === 'act') this.#act(observation, observer, user);
    else if (kind === 'failure' && observation.reason === 'browser-lost') user.isBlind = true;
    else if (kind === 'frame') {
      if (user.drops.length > 0 && conn !== null && observation.dir === 'in')
        user.heardAt.set(conn, n);
    } else if (kind === 'open' && conn !== null) {
      this.#opened.set(conn, { opener: observer, n });
      if (observation.purpose !== 'refusal-probe') user.lastOpenAt = n;
    }
  }

  /** Whether a user did anything on purpose, from `from` to `to`, that may change its own run. */
  disturbedItself(user: UserIndex, from: Observation, to: Observation): boolean {
    return (this.#users[user]?.all ?? []).some(
      ({ observation }) => observation.n >= from.n && observation.n <= to.n,
    );
  }

  /**
   * Whether the close of a connection is the answer to an act of its own user. In a browser profile that
   * was taken over the next user may see it.
   */
  explainsClose({ conn, purpose }: Observation, observer: UserIndex): boolean {
    const opened = conn === null ? undefined : this.#opened.get(conn);
    const user = this.#users[opened?.opener ?? observer];
    if (user === undefined) return false;
    // What was opened since may be the attempt itself; a connection that was there before has its own life.
    const isProbed = (probe: Observation): boolean =>
      /socket/i.test(probe.place ?? '') &&
      (probe.conn === null || probe.conn === conn || (opened?.n ?? Infinity) > probe.n);
    if (purpose === 'refusal-probe' || user.probing.some(isProbed)) return true;
    const before = (act: Observation): boolean => (opened?.n ?? -1) < act.n;
    return (
      user.signOuts.some(before) ||
      user.drops.some((drop) => before(drop) && (drop.conn === null || drop.conn === conn))
    );
  }

  /**
   * Whether an error is the answer to an act of its receiver: to a probe that is under way, to a stop, or
   * the failure that a question was made for.
   */
  explainsError(facts: Facts, ledger: RunLedger): boolean {
    const { observation, observer } = facts;
    const named = ledger.byId(observation.run, observer);
    if (named?.asker === observer) return mayFail(named);
    if ((this.#users[observer]?.probing.length ?? 0) > 0) return true;
    if (this.#refusesLateStop(observation, ledger.runsOf(observer))) return true;
    const run = this.#unnamedFailureOf(facts, ledger);
    return run !== undefined && mayFail(run);
  }

  /** The run that a failure is of which names none: that of the question that its receiver's events are of. */
  #unnamedFailureOf(facts: Facts, ledger: RunLedger): Run | undefined {
    const { event = '', run } = facts.observation;
    const isUnnamed = run === undefined && this.#knowledge.profile.order.failure.includes(event);
    return isUnnamed ? ledger.runOf(facts) : undefined;
  }

  /**
   * Whether an error that names no run says that there was nothing left to stop: its receiver stopped a run
   * that had come to its end, and nothing has come since of a question after it. One error for each stop.
   */
  #refusesLateStop({ event = '', run }: Observation, runs: readonly Run[]): boolean {
    const { errors, order } = this.#knowledge.profile;
    if (run !== undefined || !errors.includes(event)) return false;
    const stopped = runs.findLast(({ firstAt }) => firstAt !== undefined);
    if (stopped?.cancelled !== true || this.#stoppedTooLate.has(stopped)) return false;
    const { terminals } = stopped;
    const ends = terminals.map((terminal) => terminal.event);
    if (ends.length === 0 || ends.some((end) => order.stopped.includes(end))) return false;
    this.#stoppedTooLate.add(stopped);
    return true;
  }

  /** Says of every run whether its asker gave up the claim to all of it. Call when all is observed. */
  excuseRuns(ledger: RunLedger): void {
    for (const run of ledger.runs)
      run.excused =
        (run.provoked && run.terminals.length > 0) || this.#isCancelled(run) || this.#isLeft(run);
  }

  /** A cancel is answered by an end that comes after it. Silence is no answer, unless the target knows none. */
  #isCancelled({ cancelled, stoppedLate, terminals }: Run): boolean {
    const { stopped } = this.#knowledge.profile.order;
    return cancelled && !stoppedLate && (terminals.length > 0 || stopped.length === 0);
  }

  /** Its asker signed out before the end, lost the browser, or dropped the connection for good. */
  #isLeft({ asker, ask, terminals }: Run): boolean {
    const user = this.#users[asker];
    if (user === undefined || terminals.length > 0) return false;
    if (user.isBlind) return true;
    if (user.signOuts.some(({ n }) => n > ask.n)) return true;
    const drop = user.drops.findLast(({ n }) => n > ask.n);
    return drop !== undefined && !this.#cameBack(user, drop);
  }

  #cameBack(user: UserDeeds, drop: Observation): boolean {
    if (user.lastOpenAt > drop.n) return true;
    if (user.all.some(({ act, observation }) => act === 'reconnect' && observation.n > drop.n))
      return true;
    // Another connection of the same user, which was not dropped, goes on.
    if (drop.conn === null) return false;
    return [...user.heardAt].some(([conn, n]) => conn !== drop.conn && n > drop.n);
  }

  #act(observation: Observation, observer: UserIndex, user: UserDeeds): void {
    const { act = '' } = observation;
    const deed = { user: observer, act, observation };
    if (SELF_INFLICTED.has(act)) user.all.push(deed);
    if (CANCELLING.has(act)) this.cancels.push(deed);
    if (act === 'drop') user.drops.push(observation);
    else if (act === 'sign-out') user.signOuts.push(observation);
    else if (act === 'probe') this.#probe(deed, user);
    else if (act === 'probe-result') {
      const at = user.probing.findIndex(({ place }) => place === observation.place);
      if (at !== -1) user.probing.splice(at, 1);
    }
  }

  #probe(deed: Deed, user: UserDeeds): void {
    user.probing.push(deed.observation);
    // It may have stopped the run it names.
    if (deed.observation.run !== undefined) this.cancels.push(deed);
  }
}

/** Whether its asker made it fail, or stopped it: whatever else comes of it is the rest of it (DESIGN §4.7). */
function mayFail({ provoked, cancelled }: Run): boolean {
  return provoked || cancelled;
}
