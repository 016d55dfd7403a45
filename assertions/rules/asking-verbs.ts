import type { Facts } from '../facts.ts';
import type { UserIndex } from '../knowledge.ts';
import type { Run, RunLedger } from '../run-ledger.ts';

/** A frame says early what it is. */
const HEAD_CHARACTERS = 2_000;
const VERB = /"(?:type|event|action)"\s*:\s*"([^"\\]{1,80})"/;

/**
 * The verbs with which questions were asked and answered over sockets: that is the positive control for
 * trying the same verb with another's id, and needs no probe of its own.
 */
export class AskingVerbs {
  readonly #ledger: RunLedger;
  /** Users whose next frame is the question. */
  readonly #asking = new Set<UserIndex>();
  /** Per verb, one run that was asked with it and, once there is one, has shown something. */
  readonly #asked = new Map<string, Run>();

  constructor(ledger: RunLedger) {
    this.#ledger = ledger;
  }

  observe({ observation, observer }: Facts): void {
    if (observation.act === 'ask') this.#asking.add(observer);
    if (observation.dir !== 'out' || observation.surface !== 'socket') return;
    if (!this.#asking.delete(observer)) return;
    const verb = VERB.exec(observation.content?.slice(0, HEAD_CHARACTERS) ?? '')?.[1];
    const run = this.#ledger.runsOf(observer).at(-1);
    if (verb === undefined || run === undefined) return;
    if (this.#asked.get(verb)?.firstAt === undefined) this.#asked.set(verb, run);
  }

  /** Places, as probes name them, at which a user was let in with what is its own. */
  accepted(): string[] {
    return [...this.#asked].flatMap(([verb, { firstAt }]) =>
      firstAt === undefined ? [] : [`socket ${verb}`],
    );
  }
}
