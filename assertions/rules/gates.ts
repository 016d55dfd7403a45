import { GATE_NAMES, type GateName, type ProfileData } from '../../history/profile-data.ts';
import type { GateResult, Metrics, Percentiles } from '../../history/verdict.ts';
import type { Tally } from '../tally.ts';
import type { Bench } from '../rule-group.ts';

/** Above this many users timing gates are enforced only when asked for (DESIGN §5). */
const TIMING_USERS_MAX = 10;
/** A harness whose loop was later than this (p99) may have caused the delay itself (DESIGN §4.7). */
const HARNESS_DELAY_MS_MAX = 50;

type Gate = NonNullable<ProfileData['gates'][GateName]>;

interface Measured {
  readonly actual: number | null;
  /** Larger is worse. */
  readonly ceiling: boolean;
  readonly timing: boolean;
  /** Whether a missing value is a gap in the evidence (else the gate does not apply). */
  readonly needed: boolean;
  readonly unit: 'ms' | 'share';
}

function at(percentiles: Percentiles | null, gate: Gate): number | null {
  return percentiles === null ? null : percentiles[gate.percentile ?? 'p95'];
}

function measure(
  name: GateName,
  gate: Gate,
  from: { metrics: Metrics; tally: Tally; eventsOn: 'socket' | 'sse' },
): Measured {
  const { metrics, tally, eventsOn } = from;
  const timing = (percentiles: Percentiles | null, needed: boolean): Measured => ({
    actual: at(percentiles, gate),
    ceiling: true,
    timing: true,
    needed,
    unit: 'ms',
  });
  const share = (actual: number | null, ceiling: boolean, needed = true): Measured => ({
    actual,
    ceiling,
    timing: false,
    needed,
    unit: 'share',
  });
  switch (name) {
    case 'connect':
      // A stream may have nothing to say for long: when it is connected no event tells.
      return timing(metrics.connectMs, eventsOn === 'socket');
    case 'first-event':
      return timing(metrics.firstEventMs, true);
    case 'delivery':
      return timing(metrics.deliveryMs, false);
    case 'api':
      return timing(metrics.apiMs, false);
    case 'routing':
      return share(metrics.routingAccuracy, false);
    case 'delivery-rate':
      return share(metrics.deliveryRate, false);
    case 'error-rate':
      return share(metrics.errorRate, true);
    case 'health': {
      const { healthy, checks } = tally.health;
      return share(checks === 0 ? null : healthy / checks, false, false);
    }
  }
}

/** Holds the metrics against the SLOs; an exceeded gate is a finding too. */
export function judgeGates(
  bench: Bench,
  from: { tally: Tally; metrics: Metrics; complete: boolean },
): GateResult[] {
  const { knowledge, report: findings } = bench;
  const { tally, metrics } = from;
  const outage = [...findings.entries].some(({ cause }) => cause === 'unavailable');
  const doubt = doubtOf(from.complete, outage);
  const results: GateResult[] = [];
  for (const name of GATE_NAMES) {
    const gate = knowledge.profile.gates[name];
    if (gate === undefined) continue;
    const { eventsOn } = knowledge;
    const measured = measure(name, gate, { metrics, tally, eventsOn });
    const certain = outcomeOf(gate, measured, { metrics, users: knowledge.users.length });
    // A wrong route is a leak whatever else went wrong.
    const doubted = certain === 'fail' && doubt !== undefined && name !== 'routing';
    const outcome = doubted ? 'inconclusive' : certain;
    results.push({ name, limit: gate.limit, actual: measured.actual, outcome });
    if (outcome === 'fail' || (outcome === 'inconclusive' && measured.actual !== null))
      report(bench, {
        name,
        gate,
        measured,
        outcome,
        cause: outage ? 'unavailable' : 'blind',
        doubt: doubted ? doubt : 'the harness itself was as late',
      });
  }
  return results;
}

/** Why an excess proves nothing here: the record is not whole, or the target was not there. */
function doubtOf(complete: boolean, outage: boolean): string | undefined {
  if (outage) return 'the target was not available';
  return complete ? undefined : 'the history is incomplete';
}

function outcomeOf(
  gate: Gate,
  measured: Measured,
  trial: { metrics: Metrics; users: number },
): GateResult['outcome'] {
  const { actual, ceiling, timing, needed } = measured;
  const enforced = !timing || trial.users <= TIMING_USERS_MAX || gate.enforced === true;
  if (!enforced || (actual === null && !needed)) return 'not-applicable';
  if (actual === null) return 'inconclusive';
  const excess = ceiling ? actual - gate.limit : gate.limit - actual;
  if (excess <= 0) return 'pass';
  return timing && mayBeOurs(excess, trial.metrics.harnessDelayMs) ? 'inconclusive' : 'fail';
}

/** Whether the harness's own loop was so late that the excess may come from there. */
function mayBeOurs(excess: number, delay: Percentiles | null): boolean {
  const late = delay?.p99 ?? 0;
  return late > HARNESS_DELAY_MS_MAX && excess <= late;
}

function report(
  bench: Bench,
  result: {
    name: GateName;
    gate: Gate;
    measured: Measured;
    outcome: 'fail' | 'inconclusive';
    cause: 'unavailable' | 'blind';
    doubt: string | undefined;
  },
): void {
  const { name, gate, measured, outcome } = result;
  const show = (value: number): string =>
    measured.unit === 'ms' ? `${value.toFixed(0)} ms` : `${(value * 100).toFixed(2)} %`;
  const percentile = measured.unit === 'ms' ? ` ${gate.percentile ?? 'p95'}` : '';
  const doubt =
    outcome === 'inconclusive' && result.doubt !== undefined ? `, but ${result.doubt}` : '';
  bench.report.add({
    rule: `gate/${name}`,
    ...(outcome === 'inconclusive'
      ? { severity: 'inconclusive' as const, cause: result.cause }
      : {}),
    observer: null,
    owner: null,
    observation: null,
    surface: 'harness',
    message: `${name}${percentile} was ${show(measured.actual ?? 0)}, the limit is ${show(gate.limit)}${doubt}`,
  });
}
