import { redacted } from '../../history/redaction.ts';
import type { Observation, Surface } from '../../history/observation.ts';
import type { Facts } from '../facts.ts';
import type { Knowledge, UserIndex } from '../knowledge.ts';
import type { Bench, RuleGroup } from '../rule-group.ts';
import type { Tally } from '../tally.ts';

const BLIND = 'evidence/blind-surface';

/** What a page cannot do without: if nothing came through here, nobody was watching. */
function busySurfaces({ eventsOn }: Knowledge): readonly Surface[] {
  // A stream is a reply: where it was seen, replies were.
  return eventsOn === 'sse' ? ['sse', 'dom'] : ['socket', 'http', 'dom'];
}

/** Surfaces that may be silent, so that silence proves nothing: something must be planted there. */
const PROVEN_SURFACES = [
  'dom',
  'storage',
  'cookie',
  'console',
] as const satisfies readonly Surface[];

/** Surfaces on which a page cannot be silent, and this user's was. */
export function silentSurfaces(
  knowledge: Knowledge,
  tally: Tally,
  user: UserIndex,
): readonly Surface[] {
  return busySurfaces(knowledge).filter((surface) => tally.bytesOf(user, surface) === 0);
}

/** Something the harness planted on a surface, to see whether its own watcher sees it. */
interface Proof {
  readonly surface: string;
  /** The planted text, and what redaction makes of it (a cookie's value is never recorded). */
  readonly forms: readonly string[];
  readonly act: Observation;
  isSeen: boolean;
}

/**
 * Could the harness see at all what a browser user saw? (DESIGN §3.5.) Events, HTTP and page must have
 * carried bytes; every other watcher must have seen what was planted for it.
 */
export class SurfaceRules implements RuleGroup {
  readonly rules = [BLIND];
  readonly #bench: Bench;
  readonly #tally: Tally;
  readonly #proofs = new Map<UserIndex, Proof[]>();

  constructor(bench: Bench, tally: Tally) {
    this.#bench = bench;
    this.#tally = tally;
  }

  get notApplicable(): readonly string[] {
    return this.#bench.knowledge.browserUsers.length === 0 ? [BLIND] : [];
  }

  examined(): number {
    return this.#bench.knowledge.browserUsers.length;
  }

  observe({ observation, observer, received }: Facts): void {
    if (!this.#bench.knowledge.isBrowser(observer)) return;
    if (received) this.#seek(observation, observer);
    else if (observation.act === 'prove') this.#planted(observation, observer);
    else if (observation.kind === 'failure') this.#failed(observation, observer);
  }

  conclude(): void {
    const { knowledge } = this.#bench;
    for (const user of knowledge.browserUsers) {
      const surfaces = silentSurfaces(knowledge, this.#tally, user);
      for (const surface of surfaces) this.#blind(user, surface, 'nothing was seen there at all');
      // A user who saw nothing at all never had a page: one reason is enough.
      if (surfaces.length < busySurfaces(knowledge).length) this.#concludeProofs(user);
    }
  }

  #planted(act: Observation, observer: UserIndex): void {
    const { place, message } = act;
    if (place === undefined || message === undefined) return;
    const proof = { surface: place, forms: [message, redacted(message)], act, isSeen: false };
    const proofs = this.#proofs.get(observer);
    if (proofs === undefined) this.#proofs.set(observer, [proof]);
    else proofs.push(proof);
  }

  /** A profile's watchers stay when its user leaves: what was planted for one, the next may see. */
  #seek(observation: Observation, observer: UserIndex): void {
    for (const proof of this.#proofsOf(observer)) {
      if (proof.isSeen || proof.surface !== observation.surface) continue;
      const { content = '', place = '' } = observation;
      proof.isSeen = proof.forms.some((form) => content.includes(form) || place.includes(form));
    }
  }

  #proofsOf(user: UserIndex): readonly Proof[] {
    const { tenancy } = this.#bench.knowledge;
    const own = this.#proofs.get(user) ?? [];
    if (tenancy.isEmpty) return own;
    return [...own, ...tenancy.formerOf(user).flatMap((former) => this.#proofs.get(former) ?? [])];
  }

  #concludeProofs(user: UserIndex): void {
    const proofs = this.#proofsOf(user);
    for (const surface of PROVEN_SURFACES)
      if (!proofs.some((proof) => proof.surface === surface))
        this.#blind(user, surface, 'its watcher never proved that it sees');
    for (const proof of this.#proofs.get(user) ?? [])
      if (!proof.isSeen)
        this.#blind(user, proof.surface, 'its watcher did not see what was planted', proof.act);
  }

  /** Whoever lost the browser saw nothing more, whatever else was going on: no fault of the target's. */
  #failed(observation: Observation, observer: UserIndex): void {
    if (observation.step === 'watch') this.#unwatched(observation, observer);
    else if (observation.reason === 'browser-lost')
      this.#blind(observer, 'dom', observation.message ?? 'the browser was lost', observation);
  }

  #unwatched(observation: Observation, observer: UserIndex): void {
    const { reason = 'a surface', message = 'no reason given' } = observation;
    this.#blind(observer, reason, `it could not be watched: ${message}`, observation);
  }

  // oxlint-disable-next-line max-params -- the fourth is the witness, where there is one
  #blind(
    user: UserIndex,
    surface: string,
    why: string,
    observation: Observation | null = null,
  ): void {
    const { knowledge, report } = this.#bench;
    report.add({
      rule: BLIND,
      observer: user,
      owner: null,
      observation,
      surface,
      event: null,
      message: `the ${surface} of ${knowledge.nameOf(user)} was not seen: ${why}`,
    });
  }
}
