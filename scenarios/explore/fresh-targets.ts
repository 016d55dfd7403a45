import { join } from 'node:path';
import type { TrialPlan } from '../../clients/plan.ts';
import { resolveAddresses } from '../../targets/addresses.ts';
import type { Addresses, Target } from '../../targets/target.ts';
import { PlanInvalid } from '../../clients/plan.ts';
import { startEmbeddedTarget, type EmbeddedTarget } from '../embedded-target.ts';

/** Where one try takes place. */
export interface Place {
  readonly addresses: Addresses;
  /** Ground truth of the embedded target, which exists once something was done wrong; else null. */
  readonly truthPath: string | null;
  /** Gives the place up; nobody else gets it. */
  leave(): Promise<void>;
}

/** Runs of a try take so long at this pace that others can do something meanwhile, and no longer. */
const PACE = 0.4;

/**
 * Places for tries. On the embedded target each try gets a process of its own, so that nothing of an
 * earlier try is left in it; a few are started ahead. Any other target is the same place for all.
 */
export class FreshTargets {
  readonly #plan: TrialPlan;
  readonly #target: Target;
  readonly #directory: string;
  readonly #ahead: number;
  #started = 0;
  #closed = false;
  readonly #waiting: Promise<EmbeddedPlace>[] = [];
  readonly #open = new Set<EmbeddedTarget>();

  /** `directory`: for the ground truth; `ahead`: targets that wait for their try. */
  constructor(
    plan: TrialPlan,
    target: Target,
    { directory, ahead }: { readonly directory: string; readonly ahead: number },
  ) {
    this.#plan = plan;
    this.#target = target;
    this.#directory = directory;
    this.#ahead = ahead;
  }

  /** Whether each try finds a target that nobody has used. */
  get areFresh(): boolean {
    return this.#target.embedded && this.#plan.url === null;
  }

  /** @throws EmbeddedTargetFailed, PlanInvalid */
  async take(): Promise<Place> {
    if (!this.areFresh) {
      const addresses = this.#addressesAt(this.#plan.url ?? undefined);
      return { addresses, truthPath: null, leave: () => Promise.resolve() };
    }
    while (!this.#closed && this.#waiting.length <= this.#ahead) this.#waiting.push(this.#start());
    const place = await this.#waiting.shift();
    if (place === undefined) throw new Error('no target was started');
    const { embedded, truthPath } = place;
    return {
      addresses: this.#addressesAt(embedded.url),
      truthPath,
      leave: () => this.#stop(embedded),
    };
  }

  /** Ends every target that is still there. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#waiting);
    await Promise.all([...this.#open].map((embedded) => this.#stop(embedded)));
  }

  #start(): Promise<EmbeddedPlace> {
    const { faults, variants, pace, seed } = this.#plan;
    this.#started += 1;
    const truthPath =
      faults.length === 0 ? null : join(this.#directory, `truth-${this.#started}.ndjson`);
    const starting = (async () => {
      const embedded = await startEmbeddedTarget({
        faults,
        variants,
        pace: pace ?? PACE,
        seed,
        failWord: this.#target.failWord,
        truthPath,
      });
      this.#open.add(embedded);
      return { embedded, truthPath };
    })();
    // Whoever takes it hears of a failed start; one that nobody takes is nobody's concern.
    starting.catch(() => undefined);
    return starting;
  }

  async #stop(embedded: EmbeddedTarget): Promise<void> {
    await embedded.stop();
    this.#open.delete(embedded);
  }

  #addressesAt(url: string | undefined): Addresses {
    const { addresses } = this.#plan;
    const resolved = resolveAddresses(this.#target, { url, addresses, env: process.env });
    if (!resolved.ok) throw new PlanInvalid(resolved.mistakes);
    return resolved.addresses;
  }
}

interface EmbeddedPlace {
  readonly embedded: EmbeddedTarget;
  readonly truthPath: string | null;
}
