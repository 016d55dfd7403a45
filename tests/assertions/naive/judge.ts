import type { Observation, TrialHeader } from '../../../history/observation.ts';
import type { Outcome } from '../../../history/verdict.ts';
import { NaiveTrial } from './trial.ts';
import { RunEvents } from './run-events.ts';
import { Isolation } from './isolation.ts';
import { Interference } from './interference.ts';
import { Answers } from './answers.ts';
import { Order } from './order.ts';
import { Presence } from './presence.ts';
import { Delivery } from './delivery.ts';
import { Gates } from './gates.ts';
import { Evidence } from './evidence.ts';

/**
 * A second judge, written from the texts of the rules (DESIGN 3.3 to 3.8 and 4.7, `history/rules.ts`) and
 * from nothing in `assertions/`. It holds the whole history in memory and looks at it again and again:
 * slow, and simple enough to be believed. Where both judges agree, neither is likely to be wrong.
 *
 * It covers isolation, order, delivery, the evidence rules that decide a verdict, and the gates that count
 * events; not page rules, timing gates and notes.
 */
export interface NaiveVerdict {
  readonly verdict: Outcome;
  /** `rule|observer|owner|event` of every violation. */
  readonly violations: ReadonlySet<string>;
}

export function judgeNaively(
  header: TrialHeader,
  lines: readonly Observation[],
  complete = true,
): NaiveVerdict {
  const trial = new NaiveTrial(header, lines);
  const events = new RunEvents(trial);
  new Isolation(trial, events).judge();
  new Interference(trial, events).judge();
  new Answers(trial, events).judge();
  new Order(trial, events).judge();
  if (complete) new Presence(trial, events).judge();
  const hasOutage = new Delivery(trial, events).judge();
  const isWhole = complete && !hasOutage;
  new Gates(trial, events).judge({ isWhole });
  const open = trial.violations.size === 0 && !(isWhole && new Evidence(trial, events).isEnough());
  return {
    verdict: trial.violations.size > 0 ? 'fail' : open ? 'inconclusive' : 'pass',
    violations: trial.violations,
  };
}
