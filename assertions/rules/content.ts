import type { Observation } from '../../history/observation.ts';
import type { Facts, Sighting } from '../facts.ts';
import { placeIn } from '../json-place.ts';
import { OUTSIDE, type UserIndex } from '../knowledge.ts';
import type { Bench, RuleGroup } from '../rule-group.ts';

const RUN = 'isolation/foreign-run';
const IDENTITY = 'isolation/foreign-identity';
const MARKER = 'isolation/foreign-marker';
const CREDENTIAL = 'isolation/foreign-credential';

const PENDING_MAX = 20_000;
/** Replies kept to the end; beyond them sightings are judged at once, by what is known by then. */
const DEFERRED_MAX = 2_000;

/**
 * Does anything of another user appear in what a user received? (DESIGN §4.7.) The content oracle: it
 * needs no ids in the right places, so it sees what guards that compare ids let through.
 */
export function contentRules(bench: Bench): RuleGroup {
  const { knowledge, facts: finder, report, matrix } = bench;
  const pending: { observation: Observation; observer: UserIndex }[] = [];
  const deferred: Facts[] = [];
  let searched = 0;
  let identities = 0;

  const whose = (owner: UserIndex): string =>
    owner === OUTSIDE ? 'a user outside the crowd' : knowledge.nameOf(owner);

  const where = (observation: Observation, sighting: Sighting): string | null =>
    sighting.place ?? placeIn(observation, sighting.text);

  const add = (facts: Facts, sighting: Sighting, rule: string, what: string): void => {
    const { observation, observer } = facts;
    const place = where(observation, sighting);
    matrix.accuse(observer, sighting.owner, observation.n);
    report.add({
      rule,
      observer,
      owner: sighting.owner,
      observation,
      place,
      at: sighting.at,
      message: `${knowledge.nameOf(observer)} received ${what} of ${whose(sighting.owner)} in ${
        observation.event ?? observation.kind
      }${place === null ? '' : ` at ${place}`}`,
    });
  };

  const judge = (facts: Facts, sighting: Sighting, misdelivered: boolean): void => {
    switch (sighting.what) {
      case 'credential':
        add(facts, sighting, CREDENTIAL, 'a credential');
        return;
      case 'marker': {
        const place = knowledge.planted.get(sighting.text)?.place ?? sighting.parts?.place;
        add(facts, sighting, MARKER, `the ${place ?? 'cut-off'} marker`);
        if (place === 'name' && !misdelivered) add(facts, sighting, IDENTITY, 'the name');
        return;
      }
      case 'id':
        if (misdelivered) return;
        if (sighting.id.kind === 'user' || sighting.id.kind === 'email')
          add(
            facts,
            sighting,
            IDENTITY,
            sighting.id.kind === 'user' ? 'the user id' : 'the e-mail',
          );
        else add(facts, sighting, RUN, `the ${sighting.id.kind} id`);
    }
  };

  const claimsStranger = (observation: Observation, observer: UserIndex): boolean =>
    observation.owner !== undefined &&
    finder.attribute({ ...observation, run: undefined, thread: undefined }, observer).by ===
      'outside';

  const stranger = (observation: Observation, observer: UserIndex): void => {
    matrix.accuse(observer, OUTSIDE, observation.n);
    report.add({
      rule: IDENTITY,
      observer,
      owner: OUTSIDE,
      observation,
      message: `${knowledge.nameOf(observer)} received the user id of a user outside the crowd in ${
        observation.event ?? observation.kind
      }`,
    });
  };

  const shown = (facts: Facts, identity: string): void => {
    const { observation, observer } = facts;
    const attribution = finder.attribute(
      { ...observation, owner: identity, run: undefined, thread: undefined },
      observer,
    );
    const owner = attribution.by === 'crowd' ? (attribution.owners[0] ?? OUTSIDE) : OUTSIDE;
    report.add({
      rule: IDENTITY,
      observer,
      owner,
      observation,
      place: observation.source ?? null,
      event: observation.source ?? null,
      message: `the ${observation.source ?? 'target'} of ${knowledge.nameOf(observer)} shows the identity of ${whose(owner)}`,
    });
  };

  return {
    rules: [RUN, IDENTITY, MARKER, CREDENTIAL],
    observe(facts: Facts): void {
      const { observation, observer } = facts;
      if (observation.kind === 'identity') {
        identities += 1;
        if (observation.shown !== undefined) shown(facts, observation.shown);
      }
      if (!facts.received) return;
      searched += 1;
      const { attribution } = facts;
      const misdelivered =
        attribution !== undefined &&
        (attribution.by === 'outside' ||
          (attribution.by === 'crowd' && !attribution.owners.includes(observer)));
      // Who may see a thread is learned from the reply that made it, so replies wait for the end.
      const mayBeShared =
        facts.foreign.length > 0 &&
        knowledge.profile.audience === 'thread-members' &&
        observation.surface === 'http';
      if (mayBeShared && deferred.length < DEFERRED_MAX) deferred.push(facts);
      else for (const sighting of facts.foreign) judge(facts, sighting, misdelivered);
      // An own event, or no event at all, may still name a stranger in its envelope.
      if (misdelivered || observation.owner === undefined) return;
      if (claimsStranger(observation, observer) && pending.length < PENDING_MAX)
        pending.push({ observation, observer });
    },
    conclude(): void {
      for (const facts of deferred)
        for (const sighting of finder.reconsider(facts)) judge(facts, sighting, false);
      for (const { observation, observer } of pending)
        if (claimsStranger(observation, observer)) stranger(observation, observer);
    },
    examined: (rule) => (rule === IDENTITY ? searched + identities : searched),
  };
}
