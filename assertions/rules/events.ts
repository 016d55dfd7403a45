import type { Observation } from '../../history/observation.ts';
import type { Attribution, Facts } from '../facts.ts';
import { OUTSIDE, type UserIndex } from '../knowledge.ts';
import type { Bench, RuleGroup } from '../rule-group.ts';

const MISDELIVERED = 'isolation/misdelivered-event';
const UNSOLICITED = 'isolation/unsolicited-run';
const UNATTRIBUTABLE = 'isolation/unattributable-event';

/** Events whose owner is not known yet, kept until the end; far more than any honest trial has. */
const PENDING_MAX = 20_000;
/** A leak that reaches this share of the others is a broadcast. */
const BROADCAST_SHARE = 0.6;
/** Observers remembered per owner: enough to tell a broadcast from a misroute. */
const OBSERVERS_MAX = 2_000;

interface Received {
  readonly observation: Observation;
  readonly observer: UserIndex;
}

/**
 * Whose is each agent event that arrives? (DESIGN §4.7.) The envelope oracle: it looks at ids only and
 * knows nothing of content. Attribution may come late, so what nobody owns yet waits for the end.
 */
export class EventRules implements RuleGroup {
  readonly rules = [MISDELIVERED, UNSOLICITED, UNATTRIBUTABLE];
  readonly receivedOnly = true;
  readonly #bench: Bench;
  readonly #pending: Received[] = [];
  readonly #observersOf = new Map<UserIndex, Set<UserIndex>>();
  #examined = 0;
  #attributable = 0;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  /** Events that carry no id, and are not promised to, cannot be told apart by whose they are. */
  get notApplicable(): readonly string[] {
    const isNever = this.#examined > 0 && this.#attributable === 0 && !this.#claimsIds();
    return isNever ? [MISDELIVERED, UNSOLICITED] : [];
  }

  examined(rule: string): number {
    return rule === UNATTRIBUTABLE ? this.#examined : this.#attributable;
  }

  observe({ observation, observer, attribution }: Facts): void {
    if (attribution === undefined) return;
    this.#examined += 1;
    if (attribution.by !== 'nothing') this.#attributable += 1;
    const received = { observation, observer };
    if (this.#judge(received, attribution)) return;
    if (this.#pending.length < PENDING_MAX) this.#pending.push(received);
    else this.#judgeForGood(received);
  }

  conclude(): void {
    for (const received of this.#pending) this.#judgeForGood(received);
    const others = this.#bench.knowledge.users.length - 1;
    const enough = Math.min(OBSERVERS_MAX, Math.ceil(others * BROADCAST_SHARE));
    for (const entry of this.#bench.report.entries) {
      const { rule, owner } = entry.draft;
      if (rule !== MISDELIVERED || owner === null) continue;
      const reached = this.#observersOf.get(owner)?.size ?? 0;
      entry.mechanism = reached > 1 && reached >= enough ? 'broadcast' : 'misroute';
    }
  }

  #claimsIds(): boolean {
    return Object.values(this.#bench.knowledge.profile.claims.ids).some((ids) => ids.length > 0);
  }

  /** Judges by what is known now; false when somebody may still turn out to own the event. */
  #judge(received: Received, attribution: Attribution): boolean {
    if (attribution.by === 'nothing') {
      this.#unattributable(received);
      return true;
    }
    if (attribution.by !== 'crowd') return false;
    const { observation, observer } = received;
    if (attribution.owners.includes(observer))
      return observation.run === undefined || this.#isKnown(observation.run);
    if (!this.#mayReceive(received)) this.#misdelivered(received, attribution.owners[0] ?? OUTSIDE);
    return true;
  }

  #judgeForGood(received: Received): void {
    const attribution = this.#bench.facts.attribute(received.observation, received.observer);
    if (this.#judge(received, attribution)) return;
    if (attribution.by === 'outside') this.#misdelivered(received, OUTSIDE);
    else this.#unsolicited(received);
  }

  #isKnown(run: string): boolean {
    return this.#bench.knowledge.idOf(run, 'run') !== undefined;
  }

  #mayReceive({ observation, observer }: Received): boolean {
    const { knowledge, ledger } = this.#bench;
    if (!knowledge.sharesThreads) return false;
    const thread = observation.thread ?? ledger.byId(observation.run, observer)?.thread;
    return knowledge.threadOf({ thread })?.audience?.has(observer) === true;
  }

  #misdelivered({ observation, observer }: Received, owner: UserIndex): void {
    const { knowledge, matrix, report } = this.#bench;
    const seen = this.#observersOf.get(owner) ?? new Set<UserIndex>();
    if (seen.size < OBSERVERS_MAX) seen.add(observer);
    this.#observersOf.set(owner, seen);
    matrix.accuse(observer, owner, observation.n);
    report.add({
      rule: MISDELIVERED,
      observer,
      owner,
      observation,
      message: `${knowledge.nameOf(observer)} received ${observation.event ?? 'an event'} of ${knowledge.describe(owner)} on its ${observation.surface}`,
    });
  }

  #unsolicited({ observation, observer }: Received): void {
    const { knowledge, report } = this.#bench;
    report.add({
      rule: UNSOLICITED,
      observer,
      owner: null,
      observation,
      message: `${knowledge.nameOf(observer)} received ${observation.event ?? 'an event'} of a run that nobody in the crowd asked for`,
    });
  }

  #unattributable({ observation, observer }: Received): void {
    const { knowledge, report } = this.#bench;
    const claimed = knowledge.profile.claims.ids[observation.event ?? ''] ?? [];
    const claims = claimed.length === 0 ? '' : ` (the target claims ${claimed.join(', ')})`;
    report.add({
      rule: UNATTRIBUTABLE,
      ...(claimed.length === 0 ? { severity: 'note' as const } : {}),
      observer,
      owner: null,
      observation,
      message: `${knowledge.nameOf(observer)} received ${observation.event ?? 'an event'} without any id${claims}`,
    });
  }
}
