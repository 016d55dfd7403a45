import type { NaiveTrial } from './trial.ts';
import type { RunEvents } from './run-events.ts';

/** What every group of rules looks at. */
export abstract class RuleGroup {
  protected readonly trial: NaiveTrial;
  protected readonly events: RunEvents;

  constructor(trial: NaiveTrial, events: RunEvents) {
    this.trial = trial;
    this.events = events;
  }
}
