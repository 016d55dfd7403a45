import type { Observation } from '../../history/observation.ts';
import type { Facts } from '../facts.ts';
import type { UserIndex } from '../knowledge.ts';
import type { Bench, RuleGroup } from '../rule-group.ts';

const ERROR = 'delivery/error-event';
const CONNECT = 'delivery/connect-failed';
const TIMEOUT = 'delivery/timeout';
const CLOSE = 'delivery/unexpected-close';

/** Steps by which a user comes to be connected; anything else that fails is an error. */
const CONNECTING = /sign.?in|connect|handshake|open.?chat|who.?am.?i/i;

interface Failure {
  readonly user: UserIndex;
  readonly observation: Observation;
}

/**
 * Did every user get what it asked for? Failures are gathered by step: what hits all users at one step is
 * an outage (inconclusive, `unavailable`), what hits some is a violation (DESIGN §4.7).
 */
export function deliveryRules(bench: Bench): RuleGroup {
  const { knowledge, ledger, report } = bench;
  const { profile } = knowledge;
  const failures = new Map<string, { rule: string; step: string; failed: Failure[] }>();
  const closedByUs = new Set<string>();
  let attempts = 0;
  let steps = 0;
  let closes = 0;

  const gather = (rule: string, step: string, failure: Failure): void => {
    const key = `${rule} ${step}`;
    const known = failures.get(key) ?? { rule, step, failed: [] };
    known.failed.push(failure);
    failures.set(key, known);
  };

  const failed = ({ observation, observer }: Facts): void => {
    const step = observation.step ?? 'a step';
    const failure = { user: observer, observation };
    if (observation.reason === 'unexpected-close') return; // The close line itself says it.
    if (observation.reason === 'timeout') {
      const run = ledger.runsOf(observer).at(-1);
      if (run !== undefined) run.timedOut = true;
      gather(TIMEOUT, step, failure);
    } else gather(CONNECTING.test(step) ? CONNECT : ERROR, step, failure);
  };

  const closed = ({ observation, observer }: Facts): void => {
    closes += 1;
    const conn = observation.conn ?? '';
    if (observation.by === 'us') closedByUs.add(conn);
    if (observation.by !== 'them' || closedByUs.has(conn)) return;
    for (const run of ledger.runsOf(observer))
      if (run.terminals.length === 0 && (run.connections.size === 0 || run.connections.has(conn)))
        run.cutOff = true;
    gather(CLOSE, 'connection', { user: observer, observation });
  };

  const errored = (facts: Facts): void => {
    const { observation, observer } = facts;
    const { event } = observation;
    if (event === undefined) return;
    const isFailure = profile.order.failure.includes(event);
    if (!isFailure && !profile.errors.includes(event)) return;
    if (
      isFailure &&
      facts.attribution?.by === 'crowd' &&
      !facts.attribution.owners.includes(observer)
    )
      return; // Another's error is judged by isolation only.
    report.add({
      rule: ERROR,
      observer,
      owner: null,
      observation,
      message: `${knowledge.nameOf(observer)} received ${event}`,
    });
  };

  const describe = (rule: string, step: string, { observation }: Failure): string => {
    if (rule === CLOSE)
      return `the target closed its connection with ${observation.code ?? 'no code'}${
        observation.reason ? ` (${observation.reason})` : ''
      }`;
    const detail = observation.message ?? observation.reason ?? 'failed';
    return rule === TIMEOUT ? `${step} timed out: ${detail}` : `${step} failed: ${detail}`;
  };

  const outage = (rule: string, step: string, all: readonly Failure[]): void => {
    const [first] = all;
    if (first === undefined) return;
    const unreachable = all.some((failure) => failure.observation.unreachable === true);
    report.add({
      rule,
      severity: 'inconclusive',
      cause: 'unavailable',
      observer: null,
      owner: null,
      observation: first.observation,
      message: `${unreachable ? 'the target could not be reached' : `all ${knowledge.users.length} users failed at one step`}: ${describe(rule, step, first)}`,
    });
  };

  return {
    rules: [ERROR, CONNECT, TIMEOUT, CLOSE],
    observe(facts: Facts): void {
      const { observation } = facts;
      switch (observation.kind) {
        case 'failure':
          failed(facts);
          steps += 1;
          return;
        case 'close':
          closed(facts);
          return;
        case 'open':
          attempts += 1;
          return;
        case 'frame':
          if (facts.received) errored(facts);
          return;
        case 'act':
          steps += 1;
          return;
        case 'identity':
          attempts += 1;
          return;
        case 'request':
        case 'response':
        case 'text':
        case 'ping':
        case 'phase':
        case 'stall':
        case 'delay':
        case 'lost':
        case 'end':
      }
    },
    conclude(): void {
      for (const { rule, step, failed: all } of failures.values()) {
        const users = new Set(all.map((failure) => failure.user));
        if (users.size >= knowledge.users.length) {
          outage(rule, step, all);
          continue;
        }
        for (const failure of all)
          report.add({
            rule,
            observer: failure.user,
            owner: null,
            observation: failure.observation,
            event: step,
            message: `${knowledge.nameOf(failure.user)}: ${describe(rule, step, failure)}`,
          });
      }
    },
    examined: (rule) => {
      if (rule === CONNECT) return attempts + steps;
      if (rule === CLOSE) return attempts + closes;
      return steps + ledger.runs.length;
    },
  };
}
