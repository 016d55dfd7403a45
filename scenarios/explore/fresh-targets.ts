import { join } from 'node:path';
import pLimit from 'p-limit';
import { PlanInvalid, type TrialPlan } from '../../clients/plan.ts';
import { resolveAddresses } from '../../targets/addresses.ts';
import type { Addresses, Target } from '../../targets/target.ts';
import { TargetHost } from '../target-host.ts';

/** Where one try takes place. */
export interface Place {
  readonly addresses: Addresses;
  /** Ground truth of the embedded target, which exists once something was done wrong; else null. */
  readonly truthPath: string | null;
  /** Gives the place up. */
  leave(): Promise<void>;
}

/** Runs of a try take so long at this pace that others can do something meanwhile, and no longer. */
const PACE = 0.3;

/** A start is all work: more at once than there are processors only make each of them late. */
const STARTS_AT_ONCE = 2;

/**
 * Places for tries. On the embedded target each try has a target to itself that nobody has used, served by
 * a process that serves one after the other. Any other target is the same place for all.
 */
export class FreshTargets {
  readonly #plan: TrialPlan;
  readonly #target: Target;
  readonly #directory: string;
  readonly #starts = pLimit(STARTS_AT_ONCE);
  #started = 0;
  /** Processes that serve nobody right now. */
  readonly #idle: TargetHost[] = [];
  readonly #hosts = new Set<TargetHost>();

  /** `directory`: for the ground truth. */
  constructor(plan: TrialPlan, target: Target, directory: string) {
    this.#plan = plan;
    this.#target = target;
    this.#directory = directory;
  }

  /** Whether each try has a target to itself, so that several can go on at once. */
  get areSeparate(): boolean {
    return this.#target.embedded && this.#plan.url === null;
  }

  /**
   * A place; one that nobody has been at, where there can be such.
   * @throws EmbeddedTargetFailed, PlanInvalid
   */
  async take(): Promise<Place> {
    if (!this.areSeparate) {
      const addresses = this.#addressesAt(this.#plan.url ?? undefined);
      return { addresses, truthPath: null, leave: () => Promise.resolve() };
    }
    const host = this.#idle.pop() ?? this.#newHost();
    try {
      return await this.#served(host);
    } catch (error) {
      host.end();
      this.#hosts.delete(host);
      throw error;
    }
  }

  /** Ends every process, and the targets that are still there with them. */
  close(): void {
    for (const host of this.#hosts) host.end();
    this.#hosts.clear();
  }

  #newHost(): TargetHost {
    const host = new TargetHost();
    this.#hosts.add(host);
    return host;
  }

  async #served(host: TargetHost): Promise<Place> {
    const { faults, variants, pace, seed } = this.#plan;
    this.#started += 1;
    const truthPath =
      faults.length === 0 ? null : join(this.#directory, `truth-${this.#started}.ndjson`);
    const { failWord } = this.#target;
    const served = await this.#starts(() =>
      host.start({ faults, variants, pace: pace ?? PACE, seed, failWord, truthPath }),
    );
    return {
      addresses: this.#addressesAt(served.url),
      truthPath,
      leave: async () => {
        await served.stop();
        this.#idle.push(host);
      },
    };
  }

  #addressesAt(url: string | undefined): Addresses {
    const { addresses } = this.#plan;
    const resolved = resolveAddresses(this.#target, { url, addresses, env: process.env });
    if (!resolved.ok) throw new PlanInvalid(resolved.mistakes);
    return resolved.addresses;
  }
}
