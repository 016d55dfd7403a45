import type { Observation } from '../../history/observation.ts';
import type { Deed } from '../disturbances.ts';
import type { Facts } from '../facts.ts';
import type { UserIndex } from '../knowledge.ts';
import type { Bench, RuleGroup } from '../rule-group.ts';
import type { Run } from '../run-ledger.ts';

const INTERFERENCE = 'isolation/interference';

/**
 * Did another's cancel end my run? (DESIGN §4.7.) Only what one history proves: the target says that a
 * run was stopped, its asker did nothing to it, and somebody else stopped one meanwhile. Slower or failing
 * runs need the paired control of a second trial.
 */
export class InterferenceRule implements RuleGroup {
  readonly rules = [INTERFERENCE];
  readonly receivedOnly = true;
  readonly #bench: Bench;
  readonly #stopped: { readonly run: Run; readonly observation: Observation }[] = [];
  readonly #stopEvents: ReadonlySet<string>;

  constructor(bench: Bench) {
    this.#bench = bench;
    this.#stopEvents = new Set(bench.knowledge.profile.order.stopped);
  }

  get notApplicable(): readonly string[] {
    return this.#bench.disturbances.cancels.length === 0 ? [INTERFERENCE] : [];
  }

  examined(): number {
    return this.#bench.ledger.runs.length;
  }

  observe(facts: Facts): void {
    const { observation, received } = facts;
    if (!received || observation.event === undefined || !this.#stopEvents.has(observation.event))
      return;
    const run = this.#bench.ledger.runOf(facts);
    if (run !== undefined) this.#stopped.push({ run, observation });
  }

  conclude(): void {
    for (const { run, observation } of this.#stopped) {
      if (run.cancelled) continue;
      if (this.#bench.disturbances.disturbedItself(run.asker, run.ask, observation)) continue;
      const suspects = this.#suspects(run, observation);
      if (suspects.size > 0) this.#interfered(run, observation, suspects);
    }
  }

  /** Who else stopped a run between the question and its end. */
  #suspects(run: Run, end: Observation): ReadonlySet<UserIndex> {
    const meanwhile = this.#bench.disturbances.cancels.filter(
      ({ user, observation }) =>
        user !== run.asker && observation.n > run.ask.n && observation.n < end.n,
    );
    const named = meanwhile.filter(({ observation }) => observation.run === run.id);
    const cancels = meanwhile.filter(({ act }) => act !== 'probe');
    return new Set((named.length > 0 ? named : cancels).map(({ user }: Deed) => user));
  }

  #interfered(run: Run, observation: Observation, suspects: ReadonlySet<UserIndex>): void {
    const { knowledge, report } = this.#bench;
    const [only] = suspects;
    const owner = suspects.size === 1 && only !== undefined ? only : null;
    const who = owner === null ? `${suspects.size} other users` : knowledge.nameOf(owner);
    report.add({
      rule: INTERFERENCE,
      observer: run.asker,
      owner,
      observation,
      message: `run ${run.question} of ${knowledge.nameOf(run.asker)}, which it never cancelled, was stopped while ${who} cancelled`,
    });
  }
}
