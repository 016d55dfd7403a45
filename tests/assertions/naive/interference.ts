import type { Run } from './trial.ts';
import { RuleGroup } from './rule-group.ts';

/** A run that the target says was stopped, and not by its asker. */
export class Interference extends RuleGroup {
  judge(): void {
    for (const run of this.trial.runs) this.#stopped(run);
  }

  /** The target says that a run was stopped, its asker had done nothing by then, and another stopped one meanwhile. */
  #stopped(run: Run): void {
    for (const line of this.events.receivedOf(run)) {
      if (!this.trial.order.stopped.includes(line.event ?? '')) continue;
      const meanwhile = this.trial.lines.filter(
        ({ act, n }) => (act === 'stop' || act === 'cancel') && n > run.ask.n && n < line.n,
      );
      if (run.cancelledAt < line.n || meanwhile.some(({ user }) => user === run.asker)) continue;
      const named = meanwhile.filter((stop) => stop.run === run.id);
      const suspects = new Set((named.length > 0 ? named : meanwhile).map(({ user }) => user));
      const [only = null] = suspects;
      if (suspects.size > 0)
        this.trial.violated(
          'isolation/interference',
          run.asker,
          suspects.size === 1 ? only : null,
          line.event,
        );
    }
  }
}
