import type { Observation } from '../../history/observation.ts';
import { ClaimedIds } from '../claimed-ids.ts';
import { EarlyContent } from '../early-content.ts';
import type { Facts, Sighting } from '../facts.ts';
import { HealthReplies } from '../health-replies.ts';
import { placeIn } from '../json-place.ts';
import { OUTSIDE, type IdKind, type UserIndex } from '../knowledge.ts';
import type { Bench, RuleGroup } from '../rule-group.ts';
import { STREAMED } from '../stream-search.ts';
import { reportResidue, reportSentOn } from './residue.ts';

const RUN = 'isolation/foreign-run';
const IDENTITY = 'isolation/foreign-identity';
const MARKER = 'isolation/foreign-marker';
const CREDENTIAL = 'isolation/foreign-credential';

const PENDING_MAX = 20_000;
/** Replies kept to the end; beyond them sightings are judged at once, by what is known by then. */
const DEFERRED_MAX = 2_000;

/** What no id goes on with. */
const APART = /[\s"'<>(){}[\],;=]/;

/** Which rule an id of another breaks, and what to call it. */
const ID_RULES: Readonly<Record<IdKind, readonly [rule: string, what: string]>> = {
  user: [IDENTITY, 'the user id'],
  email: [IDENTITY, 'the e-mail'],
  thread: [RUN, 'the thread id'],
  run: [RUN, 'the run id'],
  connection: [RUN, 'the connection id'],
};

/** Something received; by nobody in particular where it came without a sign-in. */
interface Received {
  readonly observation: Observation;
  readonly observer: UserIndex | null;
}

/**
 * Does anything of another user appear in what a user received? (DESIGN §4.7.) The content oracle: it
 * needs no ids in the right places, so it sees what guards that compare ids let through.
 */
export class ContentRules implements RuleGroup {
  readonly rules = [RUN, IDENTITY, MARKER, CREDENTIAL];
  readonly #bench: Bench;
  readonly #strangers: { observation: Observation; observer: UserIndex }[] = [];
  /** Identities shown that nobody in the crowd was known by so far. */
  readonly #shown: { observation: Observation; observer: UserIndex }[] = [];
  readonly #deferred: Facts[] = [];
  /** Names that may turn out to be parts of longer ones, which nobody was known by so far. */
  readonly #doubtful: { facts: Facts; sighting: Sighting; misdelivered: boolean }[] = [];
  readonly #early: EarlyContent;
  readonly #claimed: ClaimedIds;
  readonly #health: HealthReplies;
  #searched = 0;
  #identities = 0;

  constructor(bench: Bench) {
    this.#bench = bench;
    this.#early = new EarlyContent(bench.knowledge, bench.facts, (facts, sighting) => {
      this.#judge(facts, sighting, this.#turnedOutMisdelivered(facts));
    });
    this.#claimed = new ClaimedIds(bench, (facts, sighting) => {
      this.#judge(facts, sighting, this.#turnedOutMisdelivered(facts));
    });
    this.#health = new HealthReplies(bench.facts, (facts, sighting) => {
      this.#name({ observation: facts.observation, observer: null }, sighting, false);
    });
  }

  examined(rule: string): number {
    return rule === IDENTITY ? this.#searched + this.#identities : this.#searched;
  }

  observe(facts: Facts): void {
    const { observation, observer } = facts;
    if (observation.kind === 'identity') this.#identity(facts);
    this.#early.observe(facts);
    if (observation.dir === 'out') {
      this.#claimed.sent(facts);
      reportSentOn(this.#bench, facts);
    }
    if (!facts.received) return;
    this.#searched += 1;
    this.#health.received(facts);
    const misdelivered = isMisdelivered(facts.attribution, observer);
    if (facts.foreign.length > 0) this.#foreign(facts, misdelivered);
    // An own event, or no event at all, may still name another, or a stranger, in its envelope.
    if (misdelivered) return;
    this.#claimed.received(facts);
    if (observation.owner === undefined) return;
    if (!this.#claimsStranger(observation, observer)) return;
    if (this.#strangers.length < PENDING_MAX) this.#strangers.push({ observation, observer });
    else this.#stranger(observation, observer);
  }

  conclude(): void {
    for (const facts of this.#bench.facts.unfinished())
      this.#foreign(facts, isMisdelivered(facts.attribution, facts.observer));
    for (const facts of this.#deferred)
      for (const sighting of this.#bench.facts.reconsider(facts))
        if (!isDoubtful(facts.observation, sighting) || this.#isStillFound(facts, sighting))
          this.#judge(facts, sighting, false);
    for (const { facts, sighting, misdelivered } of this.#doubtful)
      if (this.#isStillFound(facts, sighting)) this.#judge(facts, sighting, misdelivered);
    this.#early.conclude();
    this.#claimed.conclude();
    this.#health.conclude();
    for (const { observation, observer } of this.#shown) this.#showsOther(observation, observer);
    for (const { observation, observer } of this.#strangers)
      if (this.#claimsStranger(observation, observer)) this.#stranger(observation, observer);
  }

  #turnedOutMisdelivered({ attribution, observation, observer }: Facts): boolean {
    if (attribution === undefined) return false;
    return isMisdelivered(this.#bench.facts.attribute(observation, observer), observer);
  }

  #foreign(facts: Facts, misdelivered: boolean): void {
    // Who may see a thread is learned from the reply that made it, so replies and pages wait for the end.
    const { surface } = facts.observation;
    const mayBeShared =
      this.#bench.knowledge.profile.audience === 'thread-members' &&
      surface !== 'socket' &&
      surface !== 'sse';
    if (mayBeShared && this.#deferred.length < DEFERRED_MAX) this.#deferred.push(facts);
    else
      for (const sighting of facts.foreign)
        if (isDoubtful(facts.observation, sighting) && this.#doubtful.length < DEFERRED_MAX)
          this.#doubtful.push({ facts, sighting, misdelivered });
        else this.#judge(facts, sighting, misdelivered);
  }

  #isStillFound(facts: Facts, { text }: Sighting): boolean {
    const found = this.#bench.facts.recognised({ ...facts, sightings: [] });
    return found.some((sighting) => sighting.text === text);
  }

  #judge(facts: Facts, sighting: Sighting, misdelivered: boolean): void {
    if (!reportResidue(this.#bench, facts, sighting)) this.#name(facts, sighting, misdelivered);
  }

  /** Reports what was found under the rules that it breaks. */
  #name(facts: Received, sighting: Sighting, misdelivered: boolean): void {
    switch (sighting.what) {
      case 'credential':
        this.#add(facts, sighting, [CREDENTIAL, 'a credential']);
        return;
      case 'marker': {
        const planted = this.#bench.knowledge.planted.get(sighting.text);
        const place = planted?.place ?? sighting.parts?.place;
        this.#add(facts, sighting, [MARKER, `the ${place ?? 'cut-off'} marker`]);
        if (place === 'name' && !misdelivered) this.#add(facts, sighting, [IDENTITY, 'the name']);
        return;
      }
      case 'id':
        // The ids of a misdelivered event are what misdelivered-event says already.
        if (!misdelivered) this.#add(facts, sighting, ID_RULES[sighting.id.kind]);
    }
  }

  #add(
    { observation, observer }: Received,
    sighting: Sighting,
    [rule, what]: readonly [string, string],
  ): void {
    const { knowledge, matrix, report } = this.#bench;
    const { owner, at } = sighting;
    const place = sighting.place ?? placeIn(observation, sighting.text);
    if (observer !== null) matrix.accuse(observer, owner, observation.n);
    const who = observer === null ? 'whoever asks for health' : knowledge.nameOf(observer);
    const within = observation.event ?? observation.kind;
    report.add({
      rule,
      observer,
      owner,
      observation,
      place,
      at,
      message: `${who} received ${what} of ${knowledge.describe(owner)} in ${within}${
        place === null ? '' : ` at ${place}`
      }`,
    });
  }

  #identity(facts: Facts): void {
    this.#identities += 1;
    const { observation, observer } = facts;
    if (observation.shown === undefined) return;
    // Another's identity it is in any case; whose, may be learned from a sign-in that is still under way.
    const isKnown = this.#ownerOfShown(observation, observer) !== OUTSIDE;
    if (isKnown || this.#shown.length >= PENDING_MAX) this.#showsOther(observation, observer);
    else this.#shown.push({ observation, observer });
  }

  #ownerOfShown({ shown }: Observation, observer: UserIndex): UserIndex {
    const attribution = this.#bench.facts.attribute({ owner: shown }, observer);
    return attribution.by === 'crowd' ? (attribution.owners[0] ?? OUTSIDE) : OUTSIDE;
  }

  #showsOther(observation: Observation, observer: UserIndex): void {
    const { knowledge, matrix, report } = this.#bench;
    const owner = this.#ownerOfShown(observation, observer);
    // It was shown before the sign-in that gave it was over.
    if (owner === observer) return;
    const source = observation.source ?? 'target';
    matrix.accuse(observer, owner, observation.n);
    report.add({
      rule: IDENTITY,
      observer,
      owner,
      observation,
      place: source,
      event: source,
      message: `the ${source} of ${knowledge.nameOf(observer)} shows the identity of ${knowledge.describe(owner)}`,
    });
  }

  #claimsStranger({ owner }: Observation, observer: UserIndex): boolean {
    return this.#bench.facts.attribute({ owner }, observer).by === 'outside';
  }

  #stranger(observation: Observation, observer: UserIndex): void {
    const { knowledge, matrix, report } = this.#bench;
    matrix.accuse(observer, OUTSIDE, observation.n);
    report.add({
      rule: IDENTITY,
      observer,
      owner: OUTSIDE,
      observation,
      message: `${knowledge.nameOf(observer)} received the user id of ${knowledge.describe(OUTSIDE)} in ${
        observation.event ?? observation.kind
      }`,
    });
  }
}

/**
 * Whether an id stands there only in another case, which may be another's id, or a name only beside what may
 * belong to a longer one: the reply to a sign-in names its user before anybody is known by that name.
 */
function isDoubtful(
  { content, contentKind, headers, url, message, reason }: Observation,
  sighting: Sighting,
): boolean {
  if (sighting.what !== 'id' || sighting.place === STREAMED || contentKind === 'base64')
    return false;
  const { kind, text } = sighting.id;
  const lower = text.toLowerCase();
  const said = [content, ...Object.values(headers ?? {}), url, message, reason].filter(
    (one) => one?.toLowerCase().includes(lower) === true,
  );
  if (said.length > 0 && !said.some((one) => one?.includes(text) === true)) return true;
  if (kind !== 'user' && kind !== 'email') return false;
  return !said.some((one) => one !== undefined && standsApart(one.toLowerCase(), lower));
}

function standsApart(text: string, name: string): boolean {
  const isApart = (at: number): boolean =>
    at < 0 || at >= text.length || APART.test(text.charAt(at));
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + name.length))
    if (isApart(at - 1) && isApart(at + name.length)) return true;
  return false;
}

function isMisdelivered(attribution: Facts['attribution'], observer: UserIndex): boolean {
  if (attribution === undefined) return false;
  if (attribution.by === 'crowd') return !attribution.owners.includes(observer);
  return attribution.by === 'outside';
}
