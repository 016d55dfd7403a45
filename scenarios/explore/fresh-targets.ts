import { join } from 'node:path';
import pLimit from 'p-limit';
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
  /** Gives the place up. One that was left clean may be given to another try. */
  leave(how: { readonly clean: boolean }): Promise<void>;
}

/** Runs of a try take so long at this pace that others can do something meanwhile, and no longer. */
const PACE = 0.3;

/** A start is all work: more at once than there are processors only make each of them late. */
const STARTS_AT_ONCE = 2;
/** Tries that one target serves, one after the other, while nothing is wrong: starting one is dear. */
const TRIES_PER_TARGET = 8;

/**
 * Places for tries. On the embedded target each try has a process to itself while it lasts, and one that
 * showed something is used no more; a few are started ahead. Any other target is the same place for all.
 */
export class FreshTargets {
  readonly #plan: TrialPlan;
  readonly #target: Target;
  readonly #directory: string;
  readonly #ahead: number;
  readonly #starts = pLimit(STARTS_AT_ONCE);
  #started = 0;
  #closed = false;
  readonly #waiting: Promise<EmbeddedPlace>[] = [];
  /** Left clean, and good for more tries. */
  readonly #idle: EmbeddedPlace[] = [];
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

  /** Whether each try has a target to itself, so that several can go on at once. */
  get areSeparate(): boolean {
    return this.#target.embedded && this.#plan.url === null;
  }

  /**
   * A place; with `unused` one that nobody has been at, where there can be such.
   * @throws EmbeddedTargetFailed, PlanInvalid
   */
  async take({ unused }: { readonly unused: boolean }): Promise<Place> {
    if (!this.areSeparate) {
      const addresses = this.#addressesAt(this.#plan.url ?? undefined);
      return { addresses, truthPath: null, leave: () => Promise.resolve() };
    }
    const place = (unused ? undefined : this.#idle.shift()) ?? (await this.#unused());
    const { embedded, truthPath } = place;
    return {
      addresses: this.#addressesAt(embedded.url),
      truthPath,
      leave: async ({ clean }) => {
        const tries = place.tries + 1;
        if (clean && !this.#closed && tries < TRIES_PER_TARGET)
          this.#idle.push({ ...place, tries });
        else await this.#stop(embedded);
      },
    };
  }

  async #unused(): Promise<EmbeddedPlace> {
    while (!this.#closed && this.#waiting.length <= this.#ahead) this.#waiting.push(this.#start());
    const place = await this.#waiting.shift();
    if (place === undefined) throw new Error('no target was started');
    return place;
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
    const starting = this.#starts(async () => {
      const embedded = await startEmbeddedTarget({
        faults,
        variants,
        pace: pace ?? PACE,
        seed,
        failWord: this.#target.failWord,
        truthPath,
      });
      this.#open.add(embedded);
      return { embedded, truthPath, tries: 0 };
    });
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
  /** Those it has served. */
  readonly tries: number;
}
