import type { Observation } from '../history/observation.ts';
import { ContentScanner } from './content-scanner.ts';
import { withoutFields } from './json-frame.ts';
import { OUTSIDE, type IdKind, type Knowledge, type OwnedId, type UserIndex } from './knowledge.ts';
import { unpacked, UNPACKED_BYTES_MAX, uuidsIn } from '../history/packed-bytes.ts';
import { NO_TOKENS, SightingCollector, type Sighting, type Tokens } from './sightings.ts';
import { StreamSearch } from './stream-search.ts';

export type { Sighting } from './sightings.ts';

/** Whose an agent event is. */
export type Attribution =
  /** Owned by these users of the crowd (more than one only for shared ids). */
  | { readonly by: 'crowd'; readonly owners: readonly UserIndex[]; readonly id: OwnedId }
  /** It carries a user id that nobody in the crowd has, and no id that somebody has. */
  | { readonly by: 'outside' }
  /** It carries ids that nobody has yet; somebody may turn out to own them. */
  | { readonly by: 'unknown' }
  /** It carries no ids at all. */
  | { readonly by: 'nothing' };

/** One observation with everything the rules need to know about it, computed once. */
export interface Facts {
  readonly observation: Observation;
  readonly observer: UserIndex;
  /** The user received it (as opposed to sent or did it). */
  readonly received: boolean;
  /** Own and foreign sightings, each thing once. */
  readonly sightings: readonly Sighting[];
  /** The sightings that accuse: foreign, not echoed, not within an audience, not public by design. */
  readonly foreign: readonly Sighting[];
  /** Set for events of runs (of the profile's agent event types). */
  readonly attribution: Attribution | undefined;
  /** Long random-looking tokens of the content that are nobody's known id. */
  readonly tokens: Tokens;
}

const NO_IDS: Attribution = { by: 'nothing' };
const NOBODY_YET: Attribution = { by: 'unknown' };
const STRANGER: Attribution = { by: 'outside' };
const NOTHING: readonly never[] = [];
const NOT_SEARCHED = { sightings: NOTHING, tokens: NO_TOKENS };

/** Surfaces on which a frame or reply names the thread that it belongs to. */
const SAYS_ITS_THREAD: ReadonlySet<string> = new Set(['socket', 'sse', 'http']);

/** Shortest beginning of a user id by which a target may show it (`e2e-...`). */
const SHOWN_PREFIX_MIN = 4;

/**
 * Turns observations into facts: searches what was received (and sent) for markers, ids and credentials,
 * attributes agent events, and takes out what is legitimate (DESIGN §3.2–3.3).
 */
export class FactFinder {
  readonly #knowledge: Knowledge;
  readonly #scanner: ContentScanner<OwnedId>;
  readonly #streams: StreamSearch;
  readonly #agentEvents: ReadonlySet<string>;
  /** What each user sent that is somebody else's: an echo of it is no leak. */
  readonly #sentForeign = new Map<UserIndex, Set<string>>();

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
    this.#scanner = new ContentScanner(
      knowledge.campaignPrefix,
      knowledge.ids,
      knowledge.markerEnds,
    );
    this.#streams = new StreamSearch(knowledge, this.#scanner);
    const { order } = knowledge.profile;
    this.#agentEvents = new Set([
      ...order.required,
      ...order.chunk,
      ...order.failure,
      ...order.stopped,
      ...order.pairs.flatMap((pair) => [pair.opens, pair.closes]),
    ]);
  }

  /** Facts of one observation; undefined when it concerns no user of the crowd. */
  find(recorded: Observation): Facts | undefined {
    const observer = this.#knowledge.indexOf(recorded.user);
    if (observer === undefined) return undefined;
    const observation = this.#knowledge.read(recorded, observer);
    this.#knowledge.learn(observation, observer);
    if (observation.act === 'ask') this.#streams.asked(observation);
    const received = observation.dir === 'in' || isAnswerToClose(observation);
    const { sightings: all, tokens } =
      observation.dir === 'act' && !received ? NOT_SEARCHED : this.#search(observation, received);
    const sightings = this.#withoutEarlier(all, observer);
    // What a page draws is no event, however it is called.
    const isEvent = received && observation.surface !== 'dom';
    const attribution = isEvent ? this.#attributionOf(observation, observer) : undefined;
    if (this.#knowledge.sharesThreads) this.#publish(observation, attribution, sightings);
    const foreign = received ? this.#accusing(observation, observer, sightings) : NOTHING;
    if (observation.dir === 'out') this.#remember(observer, sightings);
    return { observation, observer, received, sightings, foreign, attribution, tokens };
  }

  /**
   * What still accuses of an earlier observation, now that all audiences are known. Only audiences are
   * looked at again: what the observer sent after it had seen it excuses nothing.
   */
  reconsider({ observation, observer, foreign }: Facts): readonly Sighting[] {
    const all = this.#search(observation, false).sightings;
    return foreign.filter(
      (sighting) =>
        (isHandedOut(sighting) || !this.#isOwn(sighting, observer)) &&
        !this.#isWithinAudience(sighting, { observation, observer, all }),
    );
  }

  /** Pieces of answers at whose end a marker broke off that never went on, and nothing followed that told. */
  *unfinished(): Generator<Facts> {
    for (const { observation, sightings } of this.#streams.unfinished()) {
      const observer = this.#knowledge.indexOf(observation.user);
      if (observer === undefined || observation.dir !== 'in') continue;
      const attribution = this.#attributionOf(observation, observer);
      const foreign = this.#accusing(observation, observer, sightings);
      yield {
        observation,
        observer,
        received: true,
        sightings,
        foreign,
        attribution,
        tokens: NO_TOKENS,
      };
    }
  }

  /** Ids and credentials in an earlier observation that have got an owner since, another than its observer. */
  recognised({ observation, observer, sightings }: Facts): readonly Sighting[] {
    // A streamed piece without its event, so that it does not join its stream for a second time.
    const searched =
      observation.event === undefined ? observation : { ...observation, event: undefined };
    const all = this.#search(searched, false).sightings;
    const foreign = all.filter(
      (sighting) =>
        sighting.what !== 'marker' &&
        sighting.owner !== observer &&
        (isHandedOut(sighting) || !this.#isOwn(sighting, observer)) &&
        sightings.every(({ what, text }) => what !== sighting.what || text !== sighting.text) &&
        !this.#isWithinAudience(sighting, { observation, observer, all }),
    );
    return foreign.length > 0 ? this.#notPublic(observation, foreign) : NOTHING;
  }

  /** What an observation holds of its observer's own, by all that is known now. */
  ownIn({ observation, observer }: Facts): readonly Sighting[] {
    const all = this.#search(observation, false).sightings;
    return all.filter((sighting) => this.#isOwn(sighting, observer));
  }

  /** Everything found in one text, own and foreign. */
  searchText(text: string): readonly Sighting[] {
    const collector = new SightingCollector(this.#knowledge, this.#scanner);
    collector.search(text, null);
    return collector.sightings;
  }

  /** A frame's owner is the owner of its run, else of its thread, else of its user id (DESIGN §4.7). */
  attribute(
    { run, thread, owner }: Pick<Observation, 'run' | 'thread' | 'owner'>,
    observer: UserIndex,
  ): Attribution {
    if (run === undefined && thread === undefined && owner === undefined) return NO_IDS;
    const id =
      this.#known('run', run, observer) ??
      this.#known('thread', thread, observer) ??
      this.#known('user', owner, observer);
    if (id !== undefined) return { by: 'crowd', owners: id.owners, id };
    return owner === undefined ? NOBODY_YET : STRANGER;
  }

  #attributionOf(observation: Observation, observer: UserIndex): Attribution | undefined {
    const { event } = observation;
    return event !== undefined && this.#agentEvents.has(event)
      ? this.attribute(observation, observer)
      : undefined;
  }

  #known(kind: IdKind, text: string | undefined, observer: UserIndex): OwnedId | undefined {
    if (text === undefined) return undefined;
    return this.#knowledge.idOf(text, kind) ?? this.#shownPrefix(text, observer);
  }

  /** Some targets show only the beginning of a user id, as `e2e-b0c1...`. */
  #shownPrefix(text: string, observer: UserIndex): OwnedId | undefined {
    if (!text.endsWith('...') || text.length < SHOWN_PREFIX_MIN + 3) return undefined;
    const beginning = text.slice(0, -3);
    let found: OwnedId | undefined;
    for (const [, id] of this.#knowledge.ids.entries()) {
      if (id.kind !== 'user' || !id.text.startsWith(beginning)) continue;
      if (id.owners.includes(observer)) return id;
      found ??= id;
    }
    return found;
  }

  #search(
    observation: Observation,
    collectsTokens: boolean,
  ): { sightings: readonly Sighting[]; tokens: Tokens } {
    const { content, headers, url, message, reason } = observation;
    const said = content ?? headers ?? url ?? message ?? reason;
    if (said === undefined) return NOT_SEARCHED;
    const collector = new SightingCollector(this.#knowledge, this.#scanner, collectsTokens);
    if (content !== undefined) this.#searchContent(collector, observation, content);
    if (headers !== undefined) this.#searchHeaders(collector, headers);
    if (url !== undefined) collector.search(url, 'url');
    if (message !== undefined) collector.search(message, 'message');
    if (reason !== undefined) collector.search(reason, 'reason');
    return collector;
  }

  #searchContent(collector: SightingCollector, observation: Observation, content: string): void {
    const bytes = observation.contentKind === 'base64' ? Buffer.from(content, 'base64') : undefined;
    const text = bytes?.toString('latin1') ?? content;
    const { surface, place } = observation;
    collector.search(text, place ?? null);
    if (bytes !== undefined) this.#searchBytes(collector, bytes);
    // Apps keep things under their user's id, and name what they show after it: a place is the target's word as well.
    if (place !== undefined && surface !== 'harness') collector.search(place, 'its name');
    for (const sighting of this.#streams.search(observation, text)) collector.add(sighting);
  }

  /** What bytes hold that is no text: packed texts, and ids by their bytes. */
  #searchBytes(collector: SightingCollector, bytes: Buffer): void {
    const text = unpacked(bytes, UNPACKED_BYTES_MAX);
    if (text !== undefined) collector.search(text.toString('utf8'), 'packed');
    const { ids } = this.#knowledge;
    if (!ids.holdsUuids) return;
    const known = [...uuidsIn(bytes)].filter((uuid) => ids.get(uuid) !== undefined);
    collector.search(known.join(' '), 'bytes of a UUID');
  }

  /** All at once first: there is rarely anything in headers, and then no matter in which. */
  #searchHeaders(collector: SightingCollector, headers: Readonly<Record<string, string>>): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    if (this.searchText(lines.join('\n')).length === 0) return;
    for (const [name, value] of Object.entries(headers)) {
      collector.search(value, `header ${name}`);
      collector.search(name, 'name of a header');
    }
  }

  #remember(observer: UserIndex, sightings: readonly Sighting[]): void {
    for (const sighting of sightings) {
      if (this.#isOwn(sighting, observer)) continue;
      const sent = this.#sentForeign.get(observer) ?? new Set<string>();
      sent.add(sighting.text);
      this.#sentForeign.set(observer, sent);
    }
  }

  #isOwn(sighting: Sighting, observer: UserIndex): boolean {
    if (sighting.what === 'id') return this.#knowledge.maySee(sighting.id, observer);
    if (sighting.owner === observer) return true;
    if (sighting.what === 'marker') return false;
    const hash = sighting.text.slice('[redacted:'.length, -1);
    return this.#knowledge.ownersOfCredential(hash)?.includes(observer) === true;
  }

  /** What is said in a thread with several members may be seen by all of them from then on. */
  #publish(
    observation: Observation,
    attribution: Attribution | undefined,
    sightings: readonly Sighting[],
  ): void {
    const owned = attribution?.by === 'crowd' ? attribution.id : undefined;
    const audience = this.#knowledge.audienceOf(observation) ?? owned?.audience;
    if (audience == null) return;
    for (const sighting of sightings)
      if (sighting.what === 'marker' && audience.has(sighting.owner))
        this.#knowledge.publish(sighting.text, audience);
  }

  #accusing(
    observation: Observation,
    observer: UserIndex,
    sightings: readonly Sighting[],
  ): readonly Sighting[] {
    if (sightings.every((sighting) => this.#isOwn(sighting, observer))) return NOTHING;
    const sent = this.#sentForeign.get(observer);
    const { tenancy } = this.#knowledge;
    const foreign = sightings.filter(
      (sighting) =>
        !this.#isOwn(sighting, observer) &&
        (sent?.has(sighting.text) !== true ||
          tenancy.isKept(observation, observer, sighting.owner)) &&
        !this.#isWithinAudience(sighting, { observation, observer, all: sightings }),
    );
    return foreign.length > 0 ? this.#notPublic(observation, foreign) : NOTHING;
  }

  #isWithinAudience(
    sighting: Sighting,
    at: { observation: Observation; observer: UserIndex; all: readonly Sighting[] },
  ): boolean {
    if (sighting.what === 'credential' || !this.#knowledge.sharesThreads) return false;
    const { observation, observer, all } = at;
    if (sighting.what === 'marker' && this.#knowledge.isPublishedTo(sighting.text, observer))
      return this.#isOfSharedThread(at);
    // Members of a shared thread are named beside it: their ids, names and runs belong to its frames.
    const belongs =
      sighting.what === 'id'
        ? sighting.id.kind !== 'thread'
        : (this.#knowledge.plantedAs(sighting.text) ?? sighting.parts)?.place === 'name';
    if (!belongs) return false;
    const areMembers = (audience: ReadonlySet<UserIndex> | null): boolean =>
      audience?.has(observer) === true && audience.has(sighting.owner);
    return (
      areMembers(this.#knowledge.audienceOf(observation)) ||
      all.some((other) => other.what === 'id' && areMembers(other.id.audience))
    );
  }

  /**
   * What is said in a shared thread is its members' there, not in the rest of what they receive. Page parts
   * do not say what thread they belong to: there it is taken as shown in the thread.
   */
  #isOfSharedThread(at: {
    observation: Observation;
    observer: UserIndex;
    all: readonly Sighting[];
  }): boolean {
    const { observation, observer, all } = at;
    return (
      !SAYS_ITS_THREAD.has(observation.surface) ||
      this.#knowledge.audienceOf(observation)?.has(observer) === true ||
      all.some((other) => other.what === 'id' && other.id.audience?.has(observer) === true)
    );
  }

  /**
   * Takes out markers of other campaigns where the account is older than this one: it may have planted them
   * itself, last night.
   */
  #withoutEarlier(sightings: readonly Sighting[], observer: UserIndex): readonly Sighting[] {
    if (this.#knowledge.isNew(observer)) return sightings;
    const { campaignPrefix } = this.#knowledge;
    for (const sighting of sightings)
      if (isEarlier(sighting, campaignPrefix))
        return sightings.filter((other) => !isEarlier(other, campaignPrefix));
    return sightings;
  }

  /**
   * Takes out what stands only in fields that the profile declares public for this event: others may be named
   * there, but their credentials are for nobody.
   */
  #notPublic({ event, content }: Observation, foreign: readonly Sighting[]): readonly Sighting[] {
    const fields = event === undefined ? undefined : this.#knowledge.profile.publicEvents[event];
    const rest =
      fields === undefined || content === undefined ? undefined : withoutFields(content, fields);
    if (rest === undefined) return foreign;
    const texts = new Set(this.searchText(rest).map((sighting) => sighting.text));
    return foreign.filter(({ what, text }) => what === 'credential' || texts.has(text));
  }
}

/** Whether a marker is of another campaign than this one. */
function isEarlier({ what, owner, text }: Sighting, campaignPrefix: string): boolean {
  return what === 'marker' && owner === OUTSIDE && !text.startsWith(campaignPrefix);
}

/** Whoever closes a connection is answered, and what the answer says has been received. */
function isAnswerToClose({ kind, reason }: Observation): boolean {
  return kind === 'close' && reason !== undefined;
}

/** Another's token in a reply's body is no more one's own for having been handed out. */
function isHandedOut({ what, place }: Sighting): boolean {
  return what === 'credential' && place === null;
}
