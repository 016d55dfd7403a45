import type { Observation } from '../history/observation.ts';
import type { UserIndex } from './knowledge.ts';

/**
 * Who had a browser profile before whom. Users may follow each other in one profile, as people do at a
 * shared computer; what a former one left there is residue (DESIGN §4.7).
 */
export class Tenancy {
  /** Per user, the former users of the profile it acts in, and the observation since which it does. */
  readonly #formerOf = new Map<UserIndex, Map<UserIndex, number>>();
  /** Whom a user asked for on purpose: what it named itself is no residue when it is shown again. */
  readonly #probed = new Map<UserIndex, Set<UserIndex>>();

  /** Whether nobody followed anybody. */
  get isEmpty(): boolean {
    return this.#formerOf.size === 0;
  }

  /** From observation `since` on the user acts in the profile of another, and of those before it. */
  takeOver(user: UserIndex, predecessor: UserIndex, since: number): void {
    const former = this.#formerOf.get(user) ?? new Map<UserIndex, number>();
    this.#formerOf.set(user, former);
    for (const other of [predecessor, ...this.formerOf(predecessor)])
      if (other !== user && !former.has(other)) former.set(other, since);
  }

  /** Remembers that a user asks for another's things on purpose. */
  probe(user: UserIndex, owner: UserIndex): void {
    const probed = this.#probed.get(user);
    if (probed === undefined) this.#probed.set(user, new Set([owner]));
    else probed.add(owner);
  }

  /** The former users of the profile that a user acts in. */
  formerOf(user: UserIndex): readonly UserIndex[] {
    return [...(this.#formerOf.get(user)?.keys() ?? [])];
  }

  /**
   * Whether what was observed came from the profile and its owner had the profile before. What is
   * delivered live (socket frames, server-sent events) is not kept by a profile.
   */
  isResidue({ surface, n }: Observation, observer: UserIndex, owner: UserIndex): boolean {
    if (surface === 'socket' || surface === 'sse' || surface === 'harness') return false;
    const since = this.#formerOf.get(observer)?.get(owner);
    return since !== undefined && n > since;
  }

  /**
   * Whether the profile kept it although the observer has sent it too: a page sends what it finds in its
   * storage, a browser the cookies it has. A reply may be an echo, and so may what was probed for.
   */
  isKept(observation: Observation, observer: UserIndex, owner: UserIndex): boolean {
    return (
      observation.surface !== 'http' &&
      this.#probed.get(observer)?.has(owner) !== true &&
      this.isResidue(observation, observer, owner)
    );
  }

  /**
   * Whether a page sent what it holds of a former user of its profile: its present user knows nothing of it, and
   * the target takes it for that user's own from then on.
   */
  isSentOn({ surface, dir, n }: Observation, observer: UserIndex, owner: UserIndex): boolean {
    if (dir !== 'out' || surface === 'harness') return false;
    if (this.#probed.get(observer)?.has(owner) === true) return false;
    const since = this.#formerOf.get(observer)?.get(owner);
    return since !== undefined && n > since;
  }
}
