import type { Observation } from '../../history/observation.ts';
import type { Facts } from '../facts.ts';
import { OUTSIDE, type UserIndex } from '../knowledge.ts';
import type { Bench, Ending, RuleGroup } from '../rule-group.ts';

const MISDELIVERED = 'isolation/misdelivered-event';
const UNSOLICITED = 'isolation/unsolicited-run';
const UNATTRIBUTABLE = 'isolation/unattributable-event';

/** Events whose owner is not known yet, kept until the end; far more than any honest trial has. */
const PENDING_MAX = 20_000;
/** A leak that reaches this share of the others is a broadcast. */
const BROADCAST_SHARE = 0.6;
/** Observers remembered per owner: enough to tell a broadcast from a misroute. */
const OBSERVERS_MAX = 2_000;

interface Pending {
  readonly facts: Pick<Facts, 'observer'>;
  readonly observation: Observation;
}

/**
 * Whose is each agent event that arrives? (DESIGN §4.7.) The envelope oracle: it looks at ids only and
 * knows nothing of content. Attribution may come late, so what nobody owns yet waits for the end.
 */
export function eventRules(bench: Bench): RuleGroup {
  const { knowledge, facts: finder, ledger, report, matrix } = bench;
  const pending: Pending[] = [];
  const observersOf = new Map<UserIndex, Set<UserIndex>>();
  let examined = 0;

  const mayReceive = (observation: Observation, observer: UserIndex): boolean => {
    if (knowledge.profile.audience !== 'thread-members') return false;
    const thread = observation.thread ?? ledger.byId(observation.run)?.thread;
    const id = thread === undefined ? undefined : knowledge.ids.get(thread);
    return id?.audience?.has(observer) === true;
  };

  const misdelivered = (observation: Observation, observer: UserIndex, owner: UserIndex): void => {
    const seen = observersOf.get(owner) ?? new Set<UserIndex>();
    if (seen.size < OBSERVERS_MAX) seen.add(observer);
    observersOf.set(owner, seen);
    matrix.accuse(observer, owner, observation.n);
    report.add({
      rule: MISDELIVERED,
      observer,
      owner,
      observation,
      message: `${knowledge.nameOf(observer)} received ${observation.event ?? 'an event'} of ${
        owner === OUTSIDE ? 'a user outside the crowd' : knowledge.nameOf(owner)
      } on its ${observation.surface}`,
    });
  };

  const unsolicited = (observation: Observation, observer: UserIndex): void => {
    report.add({
      rule: UNSOLICITED,
      observer,
      owner: null,
      observation,
      message: `${knowledge.nameOf(observer)} received ${observation.event ?? 'an event'} of a run that nobody in the crowd asked for`,
    });
  };

  const unattributable = (observation: Observation, observer: UserIndex): void => {
    const claimed = knowledge.profile.claims.ids[observation.event ?? ''] ?? [];
    report.add({
      rule: UNATTRIBUTABLE,
      ...(claimed.length === 0 ? { severity: 'note' as const } : {}),
      observer,
      owner: null,
      observation,
      message: `${knowledge.nameOf(observer)} received ${observation.event ?? 'an event'} without any id${
        claimed.length === 0 ? '' : ` (the target claims ${claimed.join(', ')})`
      }`,
    });
  };

  /** Judges one event; false when its owner is not known yet. */
  const judge = (observation: Observation, observer: UserIndex, last: boolean): boolean => {
    const attribution = finder.attribute(observation, observer);
    switch (attribution.by) {
      case 'nothing':
        unattributable(observation, observer);
        return true;
      case 'outside':
        if (last) misdelivered(observation, observer, OUTSIDE);
        return last;
      case 'unknown':
        if (last) unsolicited(observation, observer);
        return last;
      case 'crowd': {
        if (attribution.owners.includes(observer)) {
          const { run } = observation;
          if (run === undefined || knowledge.ids.get(run) !== undefined) return true;
          if (last) unsolicited(observation, observer);
          return last;
        }
        if (mayReceive(observation, observer)) return true;
        misdelivered(observation, observer, attribution.owners[0] ?? OUTSIDE);
        return true;
      }
    }
  };

  return {
    rules: [MISDELIVERED, UNSOLICITED, UNATTRIBUTABLE],
    observe(facts: Facts): void {
      if (facts.attribution === undefined) return;
      examined += 1;
      if (judge(facts.observation, facts.observer, false)) return;
      if (pending.length < PENDING_MAX)
        pending.push({ facts: { observer: facts.observer }, observation: facts.observation });
      else judge(facts.observation, facts.observer, true);
    },
    conclude(_ending: Ending): void {
      for (const { facts, observation } of pending) judge(observation, facts.observer, true);
      const others = knowledge.users.length - 1;
      for (const entry of report.entries) {
        if (entry.draft.rule !== MISDELIVERED || entry.draft.owner === null) continue;
        const reached = observersOf.get(entry.draft.owner)?.size ?? 0;
        const broadcast =
          reached > 1 && reached >= Math.min(OBSERVERS_MAX, Math.ceil(others * BROADCAST_SHARE));
        entry.mechanism = broadcast ? 'broadcast' : 'misroute';
      }
    },
    examined: () => examined,
  };
}
