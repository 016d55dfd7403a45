import type { Observation } from '../../history/observation.ts';
import { closerOf } from '../disturbances.ts';
import type { Facts } from '../facts.ts';
import type { UserIndex } from '../knowledge.ts';
import { RateLimits } from '../rate-limits.ts';
import type { Bench, RuleGroup } from '../rule-group.ts';

const ERROR = 'delivery/error-event';
const CONNECT = 'delivery/connect-failed';
const TIMEOUT = 'delivery/timeout';
const CLOSE = 'delivery/unexpected-close';

/** The code of a socket that was closed as agreed, and of a stream that came to its end. */
const ENDED = 1000;

/** Steps by which a user comes to be connected; anything else that fails is an error. */
const CONNECTING = /sign.?in|connect|handshake|open.?chat|who.?am.?i/i;

/** The step that is over with the run, once its last event is recognised for what it is. */
const WAITS_FOR_THE_END = /^answer/i;

/** Reasons of failures that other lines or other rules tell of. */
const SAID_ELSEWHERE = new Set(['unexpected-close', 'not-shown', 'browser-lost']);

interface Failure {
  readonly user: UserIndex;
  readonly observation: Observation;
  /** What its user waited for had come by then, if its own event is to be believed. */
  readonly cameAllTheSame?: boolean;
  /** That the target was asked too often for it, and what to do. */
  readonly limited?: string;
}

interface FailedStep {
  readonly rule: string;
  readonly step: string;
  readonly failures: Failure[];
}

/**
 * Did every user get what it asked for? Failures are gathered by step: what hits all users at one step is
 * an outage (inconclusive, `unavailable`), what hits some is a violation (DESIGN §4.7). One outage looks
 * different from a socket, which times out, and from a page, which shows no chat, so the rule makes no
 * difference there.
 */
export class DeliveryRules implements RuleGroup {
  readonly rules = [ERROR, CONNECT, TIMEOUT, CLOSE];
  readonly #bench: Bench;
  readonly #failed = new Map<string, FailedStep>();
  readonly #closedByUs = new Set<string>();
  readonly #errorEvents: ReadonlySet<string>;
  readonly #failureEvents: ReadonlySet<string>;
  readonly #limits = new RateLimits<UserIndex>();
  #connections = 0;
  #steps = 0;

  constructor(bench: Bench) {
    this.#bench = bench;
    const { errors, order } = bench.knowledge.profile;
    this.#errorEvents = new Set(errors);
    this.#failureEvents = new Set(order.failure);
  }

  examined(rule: string): number {
    if (rule === CLOSE) return this.#connections;
    if (rule === CONNECT) return this.#connections + this.#steps;
    return this.#steps + this.#bench.ledger.runs.length;
  }

  observe(facts: Facts): void {
    switch (facts.observation.kind) {
      case 'frame':
        if (facts.received) this.#errored(facts);
        break;
      case 'failure':
        this.#steps += 1;
        this.#stepFailed(facts);
        break;
      case 'response':
        this.#limits.replied(facts.observer, facts.observation);
        break;
      case 'close':
        this.#connections += 1;
        this.#closed(facts);
        break;
      case 'open':
        this.#connections += 1;
        break;
      case 'act':
      case 'identity':
        this.#steps += 1;
        break;
      default:
    }
  }

  conclude(): void {
    const everybody = this.#bench.knowledge.users.length;
    const usersAt = new Map<string, Set<UserIndex>>();
    for (const { step, failures } of this.#failed.values()) {
      const users = usersAt.get(placeOf(step)) ?? new Set();
      usersAt.set(placeOf(step), users);
      for (const { user } of failures) users.add(user);
    }
    for (const failed of this.#failed.values())
      if ((usersAt.get(placeOf(failed.step))?.size ?? 0) >= everybody) this.#outage(failed);
      else for (const failure of failed.failures) this.#violated(failed, failure);
  }

  #gather(rule: string, step: string, failure: Failure): void {
    const key = `${rule} ${step}`;
    const known = this.#failed.get(key);
    if (known === undefined) this.#failed.set(key, { rule, step, failures: [failure] });
    else known.failures.push(failure);
  }

  #stepFailed({ observation, observer }: Facts): void {
    const { reason, step = 'a step' } = observation;
    // The close line itself says it; what a page shows, and what could not be watched, has its own rules.
    if (SAID_ELSEWHERE.has(reason ?? '') || step === 'watch') return;
    const limited = WAITS_FOR_THE_END.test(step) ? '' : this.#limits.behind(observer);
    const failure = { user: observer, observation, limited };
    if (reason !== 'timeout') {
      this.#gather(CONNECTING.test(step) ? CONNECT : ERROR, step, failure);
      return;
    }
    const run = this.#bench.ledger.runsOf(observer).at(-1);
    if (run !== undefined) run.timedOut = true;
    const cameAllTheSame = run?.hasEnded === true && WAITS_FOR_THE_END.test(step);
    this.#gather(TIMEOUT, step, { ...failure, cameAllTheSame });
  }

  #closed({ observation, observer }: Facts): void {
    const conn = observation.conn ?? `${observation.user ?? ''}#?`;
    if (closerOf(observation) === 'us') this.#closedByUs.add(conn);
    if (this.#closedByUs.has(conn) || isAgreed(observation)) return;
    if (this.#bench.disturbances.explainsClose(observation, observer)) return;
    if (observation.surface === 'sse' && !this.#cutsOff(observation, observer)) return;
    this.#cutOff(observer, conn);
    this.#gather(CLOSE, 'connection', { user: observer, observation });
  }

  #cutOff(user: UserIndex, conn: string): void {
    for (const run of this.#bench.ledger.runsOf(user))
      if (run.terminals.length === 0 && (run.connections.size === 0 || run.connections.has(conn)))
        run.cutOff = true;
  }

  /** Streams end with what they were for; whether anything is missing then, its events tell. */
  #cutsOff({ code }: Observation, observer: UserIndex): boolean {
    const runs = this.#bench.ledger.runsOf(observer);
    return code !== ENDED && runs.some(({ terminals }) => terminals.length === 0);
  }

  #errored(facts: Facts): void {
    const { observation, observer, attribution } = facts;
    const { event } = observation;
    if (event === undefined) return;
    const ofRun = this.#failureEvents.has(event);
    if (!ofRun && !this.#errorEvents.has(event)) return;
    // Another's error is judged by isolation only.
    if (ofRun && attribution?.by === 'crowd' && !attribution.owners.includes(observer)) return;
    const { disturbances, knowledge, ledger, report } = this.#bench;
    if (disturbances.explainsError(facts, ledger)) return;
    report.add({
      rule: ERROR,
      observer,
      owner: null,
      observation,
      message: `${knowledge.nameOf(observer)} received ${event}`,
    });
  }

  #outage(failed: FailedStep): void {
    const { rule, step, failures } = failed;
    const [first] = failures;
    if (first === undefined) return;
    const unreachable = failures.some(({ observation }) => observation.unreachable === true);
    const what = unreachable
      ? `the target could not be reached (${step})`
      : `all ${this.#bench.knowledge.users.length} users failed at one step`;
    this.#bench.report.add({
      rule,
      severity: 'inconclusive',
      cause: 'unavailable',
      observer: null,
      owner: null,
      observation: first.observation,
      event: step,
      message: `${what}: ${describe(rule, step, first.observation)}${this.#behind(first)}`,
    });
  }

  #violated({ rule, step }: FailedStep, failure: Failure): void {
    const { user, observation } = failure;
    const { knowledge, report } = this.#bench;
    report.add({
      rule,
      observer: user,
      owner: null,
      observation,
      event: step,
      message: `${knowledge.nameOf(user)}: ${describe(rule, step, observation)}${this.#behind(failure)}`,
    });
  }

  /** What is behind it: an event goes by its name here, and to its user by the role and the ids that the profile gives it. */
  #behind({ cameAllTheSame, limited = '', user }: Failure): string {
    const { knowledge } = this.#bench;
    if (cameAllTheSame !== true || knowledge.isBrowser(user)) return limited;
    return `, although ${knowledge.profile.order.last} had come: the profile's decode must give it the role "agent", and the ids of the question`;
  }
}

/** It came to its end as it should, and who wanted that first is not said. */
function isAgreed({ by, code }: Observation): boolean {
  return by === undefined && code === ENDED;
}

/** A page cannot tell the greeting from the rest of connecting. */
function placeOf(step: string): string {
  return step === 'handshake' ? 'connect' : step;
}

function describe(rule: string, step: string, observation: Observation): string {
  const { code, reason, message } = observation;
  if (rule === CLOSE) {
    const why = reason === undefined || reason === '' ? '' : ` (${reason})`;
    return `the target closed its connection with ${code ?? 'no code'}${why}`;
  }
  return `${step} ${rule === TIMEOUT ? 'timed out' : 'failed'}: ${message ?? reason ?? 'no reason given'}`;
}
