import type { Observation, Surface } from '../history/observation.ts';
import type { Metrics, VerdictUser } from '../history/verdict.ts';
import type { FactFinder, Facts } from './facts.ts';
import type { Knowledge, UserIndex } from './knowledge.ts';
import { Latencies } from './latency.ts';
import { overlapOf, type Overlap, type RunInterval } from './overlap.ts';
import { hasShown, type RunLedger } from './run-ledger.ts';
import { TargetClock } from './target-clock.ts';

/** Events kept until their owner is known; far more than any honest trial has. */
const UNSETTLED_MAX = 20_000;

interface UserTally {
  /** Bytes by surface, in boxes: they grow with every observation. */
  readonly bytes: Map<string, { sum: number }>;
  inbound: number;
  agentEvents: number;
  readonly connections: Set<string>;
  connect: number | null;
  firstEvent: number | null;
  run: number | null;
}

/** Counts and measures: everything of a verdict that is no judgement. */
export class Tally {
  readonly #knowledge: Knowledge;
  readonly #ledger: RunLedger;
  readonly #finder: FactFinder;
  /** Agent events whose run nobody had asked for when they came; decided at the end. */
  readonly #unsettled: Facts[] = [];
  readonly #users: UserTally[];
  readonly #connecting = new Map<string, number>();
  /** Per connection: when its first frame came. */
  readonly #heardSince = new Map<string, number>();
  /** Per connection and run: when we last asked for the run again. */
  readonly #askedAgain = new Map<string, number>();
  /** Per user, when it read on after it had stopped reading on purpose. */
  readonly #awayUntil: (number | undefined)[] = [];
  readonly #clocks = new Map<UserIndex, TargetClock>();
  readonly #connect = new Latencies();
  readonly #delivery = new Latencies();
  readonly #api = new Latencies();
  readonly #startedAtUnixMs: number;
  #delay: Observation | undefined;
  #overlap: Overlap | undefined;
  observations = 0;
  #bytes = 0;
  #inboundFrames = 0;
  #agentEvents = 0;
  #routed = 0;
  #healthy = 0;
  #healthAsked = 0;
  #healthAnswered = 0;
  firstFrameAt: number | undefined;
  lastAt = 0;

  constructor(knowledge: Knowledge, ledger: RunLedger, finder: FactFinder) {
    this.#knowledge = knowledge;
    this.#ledger = ledger;
    this.#finder = finder;
    this.#startedAtUnixMs = Date.parse(knowledge.header.startedAt);
    this.#users = knowledge.users.map(() => ({
      bytes: new Map(),
      inbound: 0,
      agentEvents: 0,
      connections: new Set(),
      connect: null,
      firstEvent: null,
      run: null,
    }));
  }

  /** Counts a line that concerns no user. */
  observeCrowd(observation: Observation): void {
    this.observations += 1;
    this.lastAt = Math.max(this.lastAt, observation.t);
    if (observation.kind === 'delay') this.#delay = observation;
    if (observation.kind === 'request') this.#request(observation);
    if (observation.kind === 'response') this.#response(observation);
  }

  observe(facts: Facts): void {
    const { observation, observer } = facts;
    const user = this.#users[observer];
    if (user === undefined) return;
    this.observations += 1;
    this.lastAt = Math.max(this.lastAt, observation.t);
    if (facts.received) this.#received(facts, user);
    switch (observation.kind) {
      case 'open':
        if (isConnecting(observation))
          this.#connecting.set(observation.conn ?? '', observation.intended ?? observation.t);
        break;
      case 'act':
        this.#act(observation, observer);
        break;
      case 'ping':
        this.#clock(observation, observer);
        break;
      case 'request':
        this.#request(observation);
        break;
      case 'response':
        this.#response(observation);
        break;
      default:
    }
  }

  #act({ act, conn, run, t }: Observation, observer: UserIndex): void {
    if (act === 'resume' || act === 'probe') this.#askedAgain.set(`${conn} ${run}`, t);
    if (act === 'go-on') this.#awayUntil[observer] = t;
  }

  /** What the harness's own event loop cost, as last reported; null if never. */
  get harnessDelay(): Metrics['harnessDelayMs'] {
    const delay = this.#delay;
    if (delay === undefined) return null;
    return {
      p50: delay.p50 ?? 0,
      p95: delay.p95 ?? 0,
      p99: delay.p99 ?? 0,
      max: delay.max ?? 0,
    };
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A check that was never answered is one all the same: an endpoint that hangs is not well. */
  get health(): { healthy: number; checks: number } {
    return {
      healthy: this.#healthy,
      checks: Math.max(this.#healthAsked, this.#healthAnswered),
    };
  }

  /** Agent events each user received on any surface. */
  agentEventsOf(user: UserIndex): number {
    return this.#users[user]?.agentEvents ?? 0;
  }

  inboundOf(user: UserIndex): number {
    return this.#users[user]?.inbound ?? 0;
  }

  /** Content that a user received on a surface and that was searched. */
  bytesOf(user: UserIndex, surface: Surface): number {
    return this.#users[user]?.bytes.get(surface)?.sum ?? 0;
  }

  /** Σ over observers of inbound observations × (N−1) (DESIGN §3.10). */
  get opportunities(): number {
    const inbound = this.#users.reduce((sum, user) => sum + user.inbound, 0);
    return inbound * Math.max(0, this.#users.length - 1);
  }

  /** Reached overlap; computed once, when everything has been observed. */
  overlap(): Overlap {
    this.#overlap ??= overlapOf(this.#intervals(), this.#users.length);
    return this.#overlap;
  }

  #intervals(): RunInterval[] {
    const intervals: RunInterval[] = [];
    for (const { asker, ask, lastAt } of this.#ledger.runs)
      if (lastAt !== undefined) intervals.push({ user: asker, from: ask.t, to: lastAt });
    return intervals;
  }

  metrics(): Metrics {
    this.#settle();
    for (const clock of this.#clocks.values()) clock.settle();
    const { order } = this.#knowledge.profile;
    const { required, last } = order;
    const firstEvent = new Latencies();
    const runLatency = new Latencies();
    let wanted = 0;
    let delivered = 0;
    let failed = 0;
    const runs = this.#ledger.runs.filter((run) => !run.excused);
    for (const run of runs) {
      wanted += required.length;
      delivered += required.filter((event) => hasShown(run, event, order)).length;
      if (run.terminals[0]?.event !== last) failed += 1;
      const intended = run.ask.intended ?? run.ask.t;
      if (run.firstAt !== undefined) firstEvent.record(run.firstAt - intended);
      if (run.lastAt !== undefined) runLatency.record(run.lastAt - intended);
    }
    const seconds = Math.max(0.001, (this.lastAt - (this.firstFrameAt ?? 0)) / 1000);
    return {
      connectMs: this.#connect.percentiles(),
      firstEventMs: firstEvent.percentiles(),
      deliveryMs: this.#delivery.percentiles(),
      runMs: runLatency.percentiles(),
      apiMs: this.#api.percentiles(),
      harnessDelayMs: this.harnessDelay,
      messagesPerSecond: round(this.#inboundFrames / seconds),
      deliveryRate: wanted === 0 ? null : delivered / wanted,
      errorRate: runs.length === 0 ? null : failed / runs.length,
      routingAccuracy: this.#agentEvents === 0 ? null : this.#routed / this.#agentEvents,
    };
  }

  users(): VerdictUser[] {
    const { required } = this.#knowledge.profile.order;
    return this.#knowledge.header.users.map(({ user, identity }, index) => {
      const tally = this.#users[index];
      const runs = this.#ledger.runsOf(index);
      const events: Record<string, number> = {};
      for (const event of required)
        events[event] = runs.reduce((sum, run) => sum + (run.counts.get(event) ?? 0), 0);
      const latest = (values: (number | undefined)[]): number | null => {
        const known = values.filter((value) => value !== undefined);
        // One by one: a soak has more runs of a user than a call takes arguments.
        return known.length === 0
          ? null
          : round(known.reduce((one, other) => Math.max(one, other)));
      };
      const since = (run: (typeof runs)[number], at: number | undefined): number | undefined =>
        at === undefined ? undefined : at - (run.ask.intended ?? run.ask.t);
      return {
        user,
        identity,
        transport: this.#knowledge.transportOf(index),
        events,
        runs: runs.length,
        bytes: Object.fromEntries(
          [...(tally?.bytes ?? [])].map(([surface, { sum }]) => [surface, sum]),
        ),
        latencyMs: {
          connect: tally?.connect ?? null,
          firstEvent: latest(runs.map((run) => since(run, run.firstAt))),
          run: latest(runs.map((run) => since(run, run.lastAt))),
        },
      };
    });
  }

  #received(facts: Facts, user: UserTally): void {
    const { observation } = facts;
    const bytes = observation.content?.length ?? 0;
    user.inbound += 1;
    const known = user.bytes.get(observation.surface);
    if (known === undefined) user.bytes.set(observation.surface, { sum: bytes });
    else known.sum += bytes;
    this.#bytes += bytes;
    if (observation.kind !== 'frame') return;
    this.#inboundFrames += 1;
    this.firstFrameAt = Math.min(this.firstFrameAt ?? Infinity, observation.t);
    const { conn } = observation;
    const intended = conn === null ? undefined : this.#connecting.get(conn);
    if (conn !== null && intended !== undefined) {
      this.#connecting.delete(conn);
      this.#heardSince.set(conn, observation.t);
      const ms = round(observation.t - intended);
      this.#connect.record(ms);
      user.connect ??= ms;
    }
    if (facts.attribution === undefined) return;
    user.agentEvents += 1;
    this.#agentEvents += 1;
    this.#route(facts);
    this.#delivered(facts);
  }

  /**
   * Receipt minus the event's own timestamp, the clocks' offset taken out. What was made while its
   * receiver was away, or is sent again because we asked, is not owed before that.
   */
  #delivered({ observation, observer }: Facts): void {
    const { conn, run, sentAt, t } = observation;
    const clock = this.#clocks.get(observer);
    const offset = clock?.offset;
    if (sentAt === undefined || clock === undefined || offset === undefined) return;
    const madeAt = sentAt - this.#startedAtUnixMs - offset;
    // What waited for a user who did not read was late by that user's own doing.
    if (madeAt < (this.#awayUntil[observer] ?? -Infinity)) return;
    const heardSince = this.#heardSince.get(conn ?? '') ?? madeAt;
    // Hardly any trial asks again, and putting the key together costs more than the rest of this.
    const askedAgain =
      this.#askedAgain.size === 0 ? undefined : this.#askedAgain.get(`${conn} ${run}`);
    clock.delivered(t - Math.max(madeAt, heardSince, askedAgain ?? madeAt));
  }

  #route(facts: Facts): void {
    if (this.#isUnsettled(facts)) this.#unsettled.push(facts);
    else if (this.#belongs(facts)) this.#routed += 1;
  }

  /** An id may get its owner later, and a run id that the target made by this very event. */
  #isUnsettled({ attribution, observation }: Facts): boolean {
    if (this.#unsettled.length >= UNSETTLED_MAX) return false;
    if (attribution?.by === 'unknown' || attribution?.by === 'outside') return true;
    const { run } = observation;
    return (
      attribution?.by === 'crowd' &&
      run !== undefined &&
      this.#knowledge.idOf(run, 'run') === undefined
    );
  }

  #settle(): void {
    for (const facts of this.#unsettled.splice(0)) {
      const attribution = this.#finder.attribute(facts.observation, facts.observer);
      if (this.#belongs({ ...facts, attribution })) this.#routed += 1;
    }
  }

  #belongs({ attribution, observer, observation }: Facts): boolean {
    // Where a target promises no ids, an event without any is taken as its receiver's.
    if (attribution?.by === 'nothing')
      return (this.#knowledge.profile.claims.ids[observation.event ?? ''] ?? []).length === 0;
    if (attribution?.by !== 'crowd') return false;
    return attribution.owners.includes(observer) || this.#isShared(observation, observer);
  }

  #isShared({ thread, run }: Observation, observer: UserIndex): boolean {
    if (!this.#knowledge.sharesThreads) return false;
    const of = thread ?? this.#ledger.byId(run, observer)?.thread;
    return this.#knowledge.threadOf({ thread: of })?.audience?.has(observer) === true;
  }

  #clock({ rtt, offset }: Observation, observer: UserIndex): void {
    if (rtt === undefined || offset === undefined) return;
    let clock = this.#clocks.get(observer);
    if (clock === undefined) {
      clock = new TargetClock((ms) => this.#delivery.record(ms));
      this.#clocks.set(observer, clock);
    }
    clock.sample({ rtt, offset });
  }

  #request({ purpose }: Observation): void {
    if (purpose === 'health') this.#healthAsked += 1;
  }

  #response(observation: Observation): void {
    if (observation.purpose === 'health') {
      this.#healthAnswered += 1;
      if (observation.status === 200) this.#healthy += 1;
    } else if (observation.purpose === 'api' && observation.took !== undefined)
      this.#api.record(observation.took);
  }
}

/** Whether a socket is being opened; a stream may have nothing to say for long. */
function isConnecting({ conn, purpose, surface }: Observation): boolean {
  return conn !== null && purpose !== 'refusal-probe' && surface === 'socket';
}

/** Microseconds are enough for a reader. */
function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
