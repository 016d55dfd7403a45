import type { Observation } from '../history/observation.ts';
import type { Facts, Sighting } from './facts.ts';
import { parseObject, withoutFields } from './json-frame.ts';
import { membersOf, type Member } from './json-members.ts';
import { isTelling, OUTSIDE, type IdKind, type OwnedId, type UserIndex } from './knowledge.ts';
import { NamedMembers, type NamedMember } from './named-members.ts';
import { NAME_LENGTH_MIN, withoutName } from './outsider-mask.ts';
import type { Bench } from './rule-group.ts';

/** Claims kept until it is known whose they are. */
const PENDING_MAX = 20_000;
/** Ids remembered as sent, of each user. */
const SENT_MAX = 5_000;

/** Members of what is sent that name somebody or something, as opposed to counting it. */
const NAMES_SOMETHING = /(?:id|user|owner|thread|run|conversation|session|chat)$/i;

/** Members of a JSON text that are called so, unless their value is a plain text so long that searches find it. */
const MAY_NAME_UNSEARCHED =
  /(?:id|user|owner|thread|run|conversation|session|chat)"\s*:\s*(?!"[^"\\]{16}[^"\\]*")|\.\.\."/i;

/** A member that holds the id of a user, whatever a profile knows of it: `user_id`, `previousUserId`, `user`. */
const NAMES_USER = /user[_-]?ids?$|^user$/i;
/** What the `id` within is a user's: `{"last_user":{"id":42}}`. */
const IS_USER = /users?$/i;
/** The same of headers: `x-user-id`, `x-last-user`; but what is counted for a user is nobody's id. */
const NAMES_USER_IN_HEADER = /(?:^|-)user(?:-?id)?$/i;
const COUNTS = /(?:^|-)(?:ratelimit|limit|quota|remaining|rate|count|total|max|min|per)(?:-|$)/i;
/** What a content lacks in which no such member is. */
const MAY_NAME_USER = /user[^"]{0,8}"/i;

const FIELDS = ['owner', 'thread', 'run'] as const;
/** The kind of thing that each of them is the id of: others may have the same number. */
const KIND_OF = { owner: 'user', thread: 'thread', run: 'run' } as const;
const KINDS = ['user', 'thread', 'run', 'connection'] as const;

/** What names a member or the step of a path before an id, and the kind of that id. */
const KINDS_BY_NAME: readonly (readonly [RegExp, IdKind])[] = [
  [/(?:thread|conversation|session|chat)s?$/i, 'thread'],
  [/runs?$/i, 'run'],
  [/(?:user|owner)s?$/i, 'user'],
];

/** An id that was sent; `kind` where it is told. */
interface Named {
  readonly text: string;
  readonly kind: IdKind | undefined;
}

interface Claim {
  readonly facts: Facts;
  /** What a profile would have decoded it as: the id of what it is taken for. */
  readonly field: (typeof FIELDS)[number];
  /** That field, or where in the content a user is named. */
  readonly place: string;
  readonly text: string;
  /** The profile says that it is one: nobody has to be known by it, for a user to be named. */
  readonly isNamed?: boolean | undefined;
}

/**
 * Ids that a frame says it carries, and that no search finds: too short to mean something wherever they
 * stand (`42`), shown by their beginning only, or decoded from a content that does not show them.
 */
export class ClaimedIds {
  readonly #bench: Bench;
  readonly #accuse: (facts: Facts, sighting: Sighting) => void;
  readonly #pending = new Map<string, Claim>();
  /** What each user sent first: its echo is no leak. */
  readonly #sent = new Map<UserIndex, Set<string>>();
  readonly #members: NamedMembers;

  constructor(bench: Bench, accuse: (facts: Facts, sighting: Sighting) => void) {
    this.#bench = bench;
    this.#accuse = accuse;
    this.#members = new NamedMembers(bench.knowledge.profile.named);
  }

  /** Remembers what was sent. */
  sent({ observation, observer, sightings }: Facts): void {
    const named = [...namesIn(observation)].filter(({ text }) => isUnsearched(text));
    for (const { what, text } of sightings)
      if (what === 'id') named.push({ text, kind: undefined });
    for (const { text } of this.#members.in(observation)) named.push({ text, kind: undefined });
    for (const { text } of usersInHeaders(observation)) named.push({ text, kind: 'user' });
    const sent = this.#sent.get(observer) ?? new Set();
    for (const name of named)
      if (!this.#isOwn(name, observer) && sent.size < SENT_MAX) sent.add(keyOf(name));
    if (sent.size > 0) this.#sent.set(observer, sent);
  }

  /** Looks at the ids of something received that is its receiver's, or no event of a run. */
  received(facts: Facts): void {
    for (const field of FIELDS) {
      const text = facts.observation[field];
      if (text === undefined || (!isUnsearched(text) && this.#isSearched(facts, field, text)))
        continue;
      this.#claim({ facts, field, place: field, text });
    }
    for (const { place, text } of this.#usersNamedIn(facts))
      this.#claim({ facts, field: 'owner', place, text });
    for (const member of this.#members.in(facts.observation)) this.#named(facts, member);
  }

  /** Whether the search of the content tells of it, or there is nothing to tell. */
  #isSearched(facts: Facts, field: (typeof FIELDS)[number], text: string): boolean {
    const { sightings, observation, observer } = facts;
    if (sightings.some((sighting) => sighting.text === text)) return true;
    const { knowledge } = this.#bench;
    // In which field it stands, only the content tells.
    if (knowledge.profile.publicEvents[observation.event ?? ''] !== undefined) return true;
    const id = knowledge.idOf(text, KIND_OF[field]);
    if (id !== undefined && knowledge.maySee(id, observer)) return true;
    return observation.content?.includes(text) === true;
  }

  /** What stands where the profile says that somebody or something is named. */
  #named(facts: Facts, { field, path, text }: NamedMember): void {
    const claim = { facts, field, place: path, text, isNamed: true };
    if (isUnsearched(text) || this.#idOf(claim) === undefined) this.#claim(claim);
  }

  #claim(claim: Claim): void {
    if (!this.#isExcused(claim) && !this.#wait(claim)) this.#judge(claim);
  }

  /** Users named by ids that no search finds, beside the one whose event the profile says it is. */
  #usersNamedIn({ observation }: Facts): readonly { place: string; text: string }[] {
    const { content, owner } = observation;
    if (!this.#bench.knowledge.hasUnsearchedUsers) return [];
    const named = usersInHeaders(observation);
    if (content !== undefined && MAY_NAME_USER.test(content))
      for (const member of membersOf(parseObject(content)))
        if (namesUser(member)) named.push({ place: member.path, text: member.text });
    return named.filter(({ text }) => text !== owner && isUnsearched(text));
  }

  conclude(): void {
    for (const claim of this.#pending.values()) this.#judge(claim);
  }

  #isOwn({ text, kind }: Named, observer: UserIndex): boolean {
    const { knowledge } = this.#bench;
    return (kind === undefined ? KINDS : [kind]).some((one) => {
      const id = knowledge.idOf(text, one);
      return id !== undefined && knowledge.maySee(id, observer);
    });
  }

  /** Whether more may be learned of an id; of claims that are alike one is kept. */
  #wait(claim: Claim): boolean {
    const { facts, field, place, text } = claim;
    const { observation, observer } = facts;
    const { surface, event, kind, owner, thread, run } = observation;
    const id = this.#idOf(claim);
    if (id !== undefined) {
      // Who may see a thread is learned from the reply that made it.
      const mayBeShared =
        this.#bench.knowledge.profile.audience === 'thread-members' &&
        surface !== 'socket' &&
        surface !== 'sse';
      if (!mayBeShared || this.#bench.knowledge.maySee(id, observer)) return false;
    }
    if (this.#pending.size >= PENDING_MAX) return false;
    const key = [observer, place, text, surface, event ?? kind, owner, thread, run].join(' ');
    // Without its content, which is a piece of a much larger text.
    if (!this.#pending.has(key))
      this.#pending.set(key, {
        facts: { ...facts, observation: { ...observation, content: undefined } },
        field,
        place,
        text,
        isNamed: claim.isNamed,
      });
    return true;
  }

  #judge(claim: Claim): void {
    const { facts, place, text } = claim;
    const { observer } = facts;
    const id = this.#idOf(claim);
    if (id === undefined) {
      if (claim.isNamed === true && claim.field === 'owner') this.#stranger(claim);
      return;
    }
    if (this.#bench.knowledge.maySee(id, observer)) return;
    // It was nobody's when it came, and has been looked for again since.
    if (claim.isNamed === true && !isUnsearched(text)) return;
    if (this.#isWithinAudience(id, facts)) return;
    const owner = id.owners[0] ?? OUTSIDE;
    this.#accuse(facts, { what: 'id', owner, text, id, place, at: -1 });
  }

  /** Nobody in the crowd is known by it, also in no other spelling: it is a person's outside. */
  #stranger({ facts, text, place }: Claim): void {
    if (this.#bench.facts.searchText(text).length > 0) return;
    const id: OwnedId = { text, kind: 'user', owners: [OUTSIDE], audience: null };
    // The content, by which others are masked, is gone by now.
    const masked = { ...facts, observation: withoutStranger(facts.observation, text) };
    const at = text.length < NAME_LENGTH_MIN ? place : withoutName(place, text);
    this.#accuse(masked, { what: 'id', owner: OUTSIDE, text, id, place: at, at: -1 });
  }

  #idOf({ facts, field, text }: Claim): OwnedId | undefined {
    const attribution = this.#bench.facts.attribute({ [field]: text }, facts.observer);
    return attribution.by === 'crowd' ? attribution.id : undefined;
  }

  #isExcused(claim: Claim): boolean {
    const { facts, field, text } = claim;
    const { observation, observer } = facts;
    const { knowledge } = this.#bench;
    const id = this.#idOf(claim);
    const sent = this.#sent.get(observer);
    const owner = id?.owners[0] ?? OUTSIDE;
    const isEcho = [undefined, KIND_OF[field]].some(
      (kind) =>
        sent?.has(keyOf({ text, kind })) === true ||
        (id !== undefined && sent?.has(keyOf({ text: id.text, kind })) === true),
    );
    if (isEcho) return !knowledge.tenancy.isKept(observation, observer, owner);
    return this.#isPublic(observation, text);
  }

  /** Whether it stands only in fields that the profile declares public for this event. */
  #isPublic({ event, content }: Observation, text: string): boolean {
    const fields = this.#bench.knowledge.profile.publicEvents[event ?? ''];
    if (fields === undefined || content === undefined) return false;
    const rest = withoutFields(content, fields);
    if (rest === undefined) return false;
    for (const member of membersOf(parseObject(rest))) if (member.text === text) return false;
    return true;
  }

  /** Members of a shared thread are named beside it: their ids and runs belong to its frames. */
  #isWithinAudience(
    { kind, owners }: OwnedId,
    { observation, observer, sightings }: Facts,
  ): boolean {
    const { knowledge } = this.#bench;
    if (kind === 'thread' || !knowledge.sharesThreads) return false;
    const areMembers = (audience: ReadonlySet<UserIndex> | null): boolean =>
      audience?.has(observer) === true && owners.some((owner) => audience.has(owner));
    return (
      areMembers(knowledge.audienceOf(observation)) ||
      sightings.some((sighting) => sighting.what === 'id' && areMembers(sighting.id.audience))
    );
  }
}

/** An observation that says in no field who it is of. */
function withoutStranger(observation: Observation, name: string): Observation {
  if (name.length < NAME_LENGTH_MIN) return observation;
  const mask = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : withoutName(text, name);
  const { url, thread, run, reason } = observation;
  return {
    ...observation,
    url: mask(url),
    thread: mask(thread),
    run: mask(run),
    reason: mask(reason),
  };
}

/** Whether no search of the content finds an id that is written like this. */
function isUnsearched(text: string): boolean {
  return !isTelling(text) || text.endsWith('...');
}

function keyOf({ text, kind }: Named): string {
  return `${kind ?? 'any'} ${text}`;
}

/** Of what an id is that a member or the step of a path before it is called so. */
function kindNamed(name: string): IdKind | undefined {
  const bare = name.replace(/[-_]?ids?$/i, '');
  return KINDS_BY_NAME.find(([pattern]) => pattern.test(bare))?.[1];
}

/** What a message or a request names: members that are called like ids, and steps of its path. */
function* namesIn(observation: Observation): Generator<Named> {
  const { content, url } = observation;
  for (const field of FIELDS) {
    const text = observation[field];
    if (text !== undefined) yield { text, kind: KIND_OF[field] };
  }
  if (url !== undefined) yield* namesInUrl(url);
  if (content === undefined || !MAY_NAME_UNSEARCHED.test(content)) return;
  for (const { name, text } of membersOf(parseObject(content)))
    if (NAMES_SOMETHING.test(name)) yield { text, kind: kindNamed(name) };
}

function* namesInUrl(url: string): Generator<Named> {
  const [path = '', query = ''] = url.split('?', 2);
  let before = '';
  for (const step of path.split(/[/#]/)) {
    yield { text: decoded(step), kind: kindNamed(before) };
    before = step;
  }
  for (const [key, value] of new URLSearchParams(query))
    if (NAMES_SOMETHING.test(key)) yield { text: value, kind: kindNamed(key) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // Not an encoding: it stands for itself.
  }
}

/** What headers hold that are called after a user. */
function usersInHeaders({ headers = {} }: Observation): { place: string; text: string }[] {
  return Object.entries(headers)
    .filter(([name]) => NAMES_USER_IN_HEADER.test(name) && !COUNTS.test(name))
    .map(([name, text]) => ({ place: `header ${name}`, text }));
}

/** Whether it holds the id of a user, by its name. */
function namesUser({ name, of }: Member): boolean {
  return NAMES_USER.test(name) || (name === 'id' && IS_USER.test(of));
}
