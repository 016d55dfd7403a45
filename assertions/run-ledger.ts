import type { Observation } from '../history/observation.ts';
import type { ProfileData } from '../history/profile-data.ts';
import type { Facts } from './facts.ts';
import { newRunOnConnection, RunPacker } from './run-packer.ts';
import type { Knowledge, LateRun, LateRuns, OwnedId, UserIndex } from './knowledge.ts';

/** One run on one connection of its asker. Sets are there once something is in them. */
export interface RunOnConnection {
  readonly conn: string;
  /** By what the events seen are known, to tell repetitions: their ids, where these are unique. */
  readonly seen: Set<string>;
  started: boolean;
  /** First event that came before the opening event. */
  early: Observation | undefined;
  /** Moment of the run's end on this connection. */
  completedAt: number | undefined;
  lastSequence: number | undefined;
  /** Agents that started and have not completed, by name. */
  open: Set<string> | undefined;
  /** How often each tool started and completed: more than once where it is known by its name. */
  openedTools: Map<string, number> | undefined;
  closedTools: Map<string, number> | undefined;
  /** Tool completions that this connection has shown no start of so far. */
  unopened: Map<string, Observation> | undefined;
  /** First of each event type that must not come before another one. */
  first: Map<string, Observation> | undefined;
}

/** An end of a run, wherever it was seen. */
export interface Terminal {
  readonly event: string;
  readonly on: RunOnConnection;
  /** By what it is known, as in {@link RunOnConnection.seen}. */
  readonly id: string | undefined;
}

/** The tool calls of a run, over all connections. */
export interface RunTools {
  readonly open: Map<string, Observation>;
  readonly closed: Set<string>;
  /** Completions without a start so far. */
  readonly orphans: Map<string, Observation>;
}

/** A frame of a run that is no known event. */
export interface Unrecognised {
  readonly event: string | undefined;
  readonly observation: Observation;
}

/** Everything known of one run that a user of the crowd asked for. */
export interface Run {
  /** The run's id, or a stand-in while the target has not told it. */
  id: string;
  readonly asker: UserIndex;
  /** Ordinal of the question, from 1. */
  readonly question: number;
  readonly ask: Observation;
  readonly marker: string | undefined;
  readonly thread: string | undefined;
  /** Whether `id` came from us or from the target (false: not known yet). */
  bound: boolean;
  /** Whether `id` is this run's beyond doubt: a run that the target named may be the wrong one of several. */
  certain: boolean;
  outermost: string | undefined;
  /** Empty while the run is {@link packed}. */
  connections: Map<string, RunOnConnection>;
  /** Observed events by type, repetitions on further connections not counted. */
  counts: Map<string, number>;
  /** Whether the outermost agent has begun, and ended as it should: a sub-agent's events are not the run's. */
  hasBegun: boolean;
  hasEnded: boolean;
  terminals: readonly Terminal[];
  tools: RunTools | undefined;
  /** Own frames of this run that are no known event. */
  unrecognised: readonly Unrecognised[];
  /** What a run that has ended keeps of its only connection, in case something of it still comes. */
  packed: string | undefined;
  firstAt: number | undefined;
  lastAt: number | undefined;
  lastEvent: string | undefined;
  /** The asker stopped it. */
  cancelled: boolean;
  /** The observation of the first stop: what came before is no answer to it. */
  stoppedAt: number | undefined;
  /** It had come to an end by then, of which the stop is not the cause. */
  stoppedLate: boolean;
  /** The asker made it fail on purpose. */
  readonly provoked: boolean;
  /** The asker gave up the claim to all of it by an act of its own. Known when all has been observed. */
  excused: boolean;
  /** The target closed the asking connection before the run had ended. */
  cutOff: boolean;
  /** A failure line says that its asker waited in vain. */
  timedOut: boolean;
}

export const UNRECOGNISED_MAX = 20;
/** Far more than any user has questions under way. */
const UNCLAIMED_MAX = 1_000;
/** Verbs that end a run, as probes name them. */
const STOPPING = /stop|cancel|abort/i;
const NONE: readonly never[] = [];

/**
 * Which runs the crowd asked for, and what each showed on which connection. Rules about order, delivery
 * and latency read it; it judges nothing itself.
 */
export class RunLedger {
  readonly #knowledge: Knowledge;
  readonly #profile: ProfileData;
  readonly #byId = new Map<string, Run>();
  /** Further runs of one id, each by its asker: it was given to several users. */
  readonly #namesakes = new Map<string, Run>();
  readonly #byUser: Run[][];
  readonly #byMarker = new Map<string, Run>();
  readonly #all: Run[] = [];
  /** Questions that their askers are about to ask so that they fail. */
  readonly #provoked = new Map<UserIndex, Set<number>>();
  readonly #packer = new RunPacker();
  /** Per receiver, ids of runs whose events came before anything told whose they are. */
  readonly #unclaimed = new Map<UserIndex, Set<string>>();
  readonly #lateRuns = new Map<string, LateRun>();
  /** Of each question, the run that an earlier reading of the history has found out. */
  readonly #foretold = new Map<string, LateRun & { readonly run: string }>();

  /** `lateRuns`: of the same history, from an earlier reading of it. */
  constructor(knowledge: Knowledge, lateRuns: LateRuns = new Map()) {
    for (const [run, late] of lateRuns) this.#foretold.set(questionKey(late), { run, ...late });
    this.#knowledge = knowledge;
    this.#profile = knowledge.profile;
    this.#byUser = knowledge.users.map(() => []);
  }

  get runs(): readonly Run[] {
    return this.#all;
  }

  /** Runs of which something had been received before it was known whose they are. */
  get lateRuns(): LateRuns {
    return this.#lateRuns;
  }

  runsOf(user: UserIndex): readonly Run[] {
    return this.#byUser[user] ?? [];
  }

  /** `user`: whose it is rather than another's, where one id was given to several. */
  byId(run: string | undefined, user: UserIndex): Run | undefined {
    if (run === undefined) return undefined;
    const known =
      this.#byId.get(run) ?? this.#byId.get(this.#knowledge.idOf(run, 'run')?.text ?? run);
    if (known === undefined || known.asker === user || this.#namesakes.size === 0) return known;
    return this.#namesakes.get(namesakeKey(known.id, user)) ?? known;
  }

  /** The run whose question holds a marker. */
  byMarker(marker: string): Run | undefined {
    return this.#byMarker.get(marker);
  }

  /** A run of the same user that was asked in a thread. */
  askedIn({ asker }: Run, thread: string): Run | undefined {
    return this.runsOf(asker).find((other) => this.threadOf(other)?.text === thread);
  }

  /** The thread that a run was asked in, if it is one whose owner is known. */
  threadOf(run: Run): OwnedId | undefined {
    return this.#knowledge.threadOf(run);
  }

  /** Takes in `act` lines: questions, cancels, resumes. */
  act({ observation, observer }: Facts): void {
    const { act, conn } = observation;
    if (act === 'ask') this.#asked(observation, observer);
    else if (act === 'provoke-error') this.#provokes(observation, observer);
    else if (isStop(observation)) {
      const run = this.#ownRun(observation, observer);
      if (run !== undefined) stopped(run, observation);
    } else if (act === 'resume' && conn !== null) {
      const run = this.#ownRun(observation, observer);
      if (run !== undefined) this.#resumed(run, conn);
    }
  }

  /** Takes in `identity` lines: the target, or the page that asked, told the id of the latest question's run. */
  learned({ observation, observer }: Facts): void {
    const id = observation.source === 'ask' ? observation.ids?.run : undefined;
    const runs = this.runsOf(observer);
    const run = runs.at(-1);
    if (
      id === undefined ||
      run === undefined ||
      run.bound ||
      this.byId(id, observer)?.asker === observer
    )
      return;
    this.#name(run, id, { certain: runs.every((other) => other === run || other.bound) });
  }

  /** The run of its receiver that an agent event belongs to; undefined when it is none of them. */
  runOf(facts: Facts): Run | undefined {
    const { observation, observer, attribution } = facts;
    const known = this.byId(observation.run, observer);
    if (known !== undefined) return known.asker === observer ? known : undefined;
    if (attribution?.by === 'crowd' && !attribution.owners.includes(observer)) return undefined;
    if (attribution?.by === 'outside') return undefined;
    const runs = this.runsOf(observer);
    if (observation.run !== undefined) return this.#bind(facts, observation.run, runs);
    // No run id: the latest question of its thread, else the latest of all.
    const { thread } = observation;
    return runs.findLast((run) => thread === undefined || run.thread === thread) ?? runs.at(-1);
  }

  /** The run's record on one connection. */
  onConnection(run: Run, conn: string): RunOnConnection {
    this.#packer.unpack(run);
    const known = run.connections.get(conn);
    if (known !== undefined) return known;
    const fresh = newRunOnConnection(conn);
    run.connections.set(conn, fresh);
    return fresh;
  }

  /** Notes that something of a run was received that is no event we know. */
  unrecognised(run: Run, observation: Observation): void {
    if (run.unrecognised.length < UNRECOGNISED_MAX)
      run.unrecognised = [...run.unrecognised, { event: observation.event, observation }];
  }

  /** A run came to its end: what it keeps is made small. */
  ended(run: Run): void {
    this.#packer.pack(run);
  }

  isTerminal(event: string): boolean {
    const { order } = this.#profile;
    return event === order.last || order.failure.includes(event) || order.stopped.includes(event);
  }

  /**
   * From here on a connection may repeat what it has shown: that counts as another connection, and the
   * order of what follows is judged by itself.
   */
  #resumed(run: Run, conn: string): void {
    this.#packer.unpack(run);
    const before = run.connections.get(conn);
    if (before === undefined) return;
    run.connections.delete(conn);
    run.connections.set(`${conn} before resuming at ${before.seen.size}`, before);
  }

  /** The run an act names, if it is one of its user's, else the user's latest where it names none. */
  #ownRun({ run, act }: Observation, observer: UserIndex): Run | undefined {
    const named = this.byId(run, observer);
    if (named !== undefined) return this.#mayStop(named, observer) ? named : undefined;
    return act === 'probe' ? undefined : this.runsOf(observer).at(-1);
  }

  /** Its asker, and the members of its thread. */
  #mayStop(run: Run, user: UserIndex): boolean {
    return run.asker === user || this.threadOf(run)?.audience?.has(user) === true;
  }

  #provokes({ question }: Observation, observer: UserIndex): void {
    const questions = this.#provoked.get(observer) ?? new Set<number>();
    this.#provoked.set(observer, questions);
    questions.add(question ?? this.runsOf(observer).length + 1);
  }

  #asked(observation: Observation, observer: UserIndex): void {
    const runs = this.#byUser[observer];
    if (runs === undefined) return;
    const question = observation.question ?? runs.length + 1;
    const ask = this.#knowledge.withSharedTexts(observation);
    const run: Run = {
      id: ask.run ?? `(run ${runs.length + 1} of ${this.#knowledge.nameOf(observer)})`,
      asker: observer,
      question,
      ask,
      marker: ask.marker,
      thread: ask.thread,
      bound: ask.run !== undefined,
      certain: ask.run !== undefined,
      outermost: undefined,
      connections: new Map(),
      counts: new Map(),
      hasBegun: false,
      hasEnded: false,
      terminals: NONE,
      tools: undefined,
      unrecognised: NONE,
      packed: undefined,
      firstAt: undefined,
      lastAt: undefined,
      lastEvent: undefined,
      cancelled: false,
      stoppedAt: undefined,
      stoppedLate: false,
      provoked: this.#provoked.get(observer)?.has(question) === true,
      excused: false,
      cutOff: false,
      timedOut: false,
    };
    runs.push(run);
    this.#all.push(run);
    if (ask.run !== undefined) this.#file(run);
    else this.#nameForetold(run);
    if (ask.marker !== undefined) this.#byMarker.set(ask.marker, run);
  }

  #nameForetold(run: Run): void {
    const late = this.#foretold.get(questionKey(run));
    if (late === undefined || this.#byId.has(late.run)) return;
    this.#name(run, late.run, late);
    this.#knowledge.adoptRun(late.run, late.asker);
  }

  #name(run: Run, id: string, { certain }: { readonly certain: boolean }): void {
    run.bound = true;
    run.certain = certain;
    run.id = id;
    this.#file(run);
    const { asker, question } = run;
    if (this.#unclaimed.get(asker)?.has(id) === true)
      this.#lateRuns.set(id, { asker, question, certain });
  }

  #file(run: Run): void {
    const { id, asker } = run;
    if ((this.#byId.get(id)?.asker ?? asker) === asker) this.#byId.set(id, run);
    else this.#namesakes.set(namesakeKey(id, asker), run);
  }

  /** A run id the target made: mine if the event carries my thread, my user id or my marker. */
  #bind(facts: Facts, runId: string, runs: readonly Run[]): Run | undefined {
    const mine =
      facts.attribution?.by === 'crowd' ||
      facts.sightings.some(
        (sighting) => sighting.what === 'marker' && sighting.owner === facts.observer,
      );
    if (!mine) {
      this.#leaveUnclaimed(runId, facts.observer);
      return undefined;
    }
    const { thread } = facts.observation;
    const marked = runs.find(
      (run) => !run.bound && facts.sightings.some((sighting) => sighting.text === run.marker),
    );
    const run =
      marked ??
      runs.find(
        (other) =>
          !other.bound &&
          (thread === undefined || other.thread === undefined || other.thread === thread),
      );
    if (run === undefined) return undefined;
    // Without marker and thread it is the first that has no id yet, which is a guess.
    this.#name(run, runId, { certain: marked !== undefined || thread !== undefined });
    this.#knowledge.adoptRun(runId, facts.observer);
    return run;
  }

  #leaveUnclaimed(runId: string, observer: UserIndex): void {
    const unclaimed = this.#unclaimed.get(observer) ?? new Set();
    this.#unclaimed.set(observer, unclaimed);
    if (unclaimed.size < UNCLAIMED_MAX) unclaimed.add(runId);
  }
}

function stopped(run: Run, { n }: Observation): void {
  if (!run.cancelled) run.stoppedLate = run.terminals.length > 0;
  run.cancelled = true;
  run.stoppedAt ??= n;
}

function namesakeKey(id: string, asker: UserIndex): string {
  return `${asker} ${id}`;
}

function questionKey({ asker, question }: Pick<LateRun, 'asker' | 'question'>): string {
  return `${asker} ${question}`;
}

/** Whether an act ends the run it names, if that is its user's own: a cancel, or a probe of a verb that stops. */
export function isStop({ act, place = '' }: Observation): boolean {
  return act === 'cancel' || act === 'stop' || (act === 'probe' && STOPPING.test(place));
}

/** Whether the run has shown this event; of its first and last event only the outermost agent's counts. */
export function hasShown(
  run: Run,
  event: string,
  { first, last }: Pick<ProfileData['order'], 'first' | 'last'>,
): boolean {
  if (event === first) return run.hasBegun;
  return event === last ? run.hasEnded : run.counts.has(event);
}
