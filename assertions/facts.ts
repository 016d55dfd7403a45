import { REDACTED_PATTERN } from '../history/redaction.ts';
import type { MarkerParts } from '../history/markers.ts';
import type { Observation } from '../history/observation.ts';
import { ContentScanner, type ScanSink } from './content-scanner.ts';
import { OUTSIDE, type Knowledge, type OwnedId, type UserIndex } from './knowledge.ts';

/** Something found in what a user received that is somebody's. */
export type Sighting =
  | {
      readonly what: 'marker';
      readonly owner: UserIndex;
      readonly text: string;
      readonly parts: MarkerParts | undefined;
      readonly place: string | null;
      readonly at: number;
    }
  | {
      readonly what: 'id';
      readonly owner: UserIndex;
      readonly text: string;
      readonly id: OwnedId;
      readonly place: string | null;
      readonly at: number;
    }
  | {
      readonly what: 'credential';
      readonly owner: UserIndex;
      readonly text: string;
      readonly place: string | null;
      readonly at: number;
    };

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
  readonly tokens: readonly string[];
}

const NOTHING: readonly never[] = [];
/** Characters of a stream's end that are searched again together with its next piece. */
const STREAM_TAIL = 256;
const STREAMS_MAX = 50_000;

/**
 * Turns observations into facts: searches what was received (and sent) for markers, ids and credentials,
 * joins streamed pieces, attributes agent events, and takes out what is legitimate (DESIGN §3.2–3.3).
 */
export class FactFinder {
  readonly #knowledge: Knowledge;
  readonly #scanner: ContentScanner<OwnedId>;
  readonly #agentEvents: ReadonlySet<string>;
  readonly #chunkEvents: ReadonlySet<string>;
  /** What each user sent that is somebody else's: an echo of it is no leak. */
  readonly #sentForeign = new Map<UserIndex, Set<string>>();
  readonly #streams = new Map<string, { tail: string; reported: Set<string> }>();

  constructor(knowledge: Knowledge) {
    this.#knowledge = knowledge;
    this.#scanner = new ContentScanner(knowledge.campaignPrefix, knowledge.ids);
    const { order } = knowledge.profile;
    this.#chunkEvents = new Set(order.chunk);
    this.#agentEvents = new Set([
      ...order.required,
      ...order.chunk,
      ...order.failure,
      ...order.stopped,
      ...order.pairs.flatMap((pair) => [pair.opens, pair.closes]),
    ]);
  }

  /** Facts of one observation; undefined when it concerns no user of the crowd. */
  find(observation: Observation): Facts | undefined {
    const knowledge = this.#knowledge;
    knowledge.learn(observation);
    const observer = knowledge.indexOf(observation.user);
    if (observer === undefined) return undefined;
    const received = observation.dir === 'in';
    const search = received || observation.dir === 'out';
    const tokens: string[] = [];
    const sightings = search ? this.#search(observation, received ? tokens : undefined) : NOTHING;
    if (observation.dir === 'out') this.#remember(observer, sightings);
    const agent =
      received && observation.event !== undefined && this.#agentEvents.has(observation.event);
    const attribution = agent ? this.attribute(observation, observer) : undefined;
    this.#publish(observation, attribution, sightings);
    const foreign = received ? this.#accusing(observation, observer, sightings) : NOTHING;
    return { observation, observer, received, sightings, foreign, attribution, tokens };
  }

  /** The accusing sightings of an earlier observation, by what is known now. */
  reconsider({ observation, observer }: Facts): readonly Sighting[] {
    return this.#accusing(observation, observer, this.#search(observation, undefined));
  }

  /** Everything found in one text, own and foreign. */
  searchText(text: string): readonly Sighting[] {
    const found = new Map<string, Sighting>();
    this.#scanInto(found, text, { place: null, tokens: undefined });
    return [...found.values()];
  }

  /** Whether an event type belongs to runs. */
  isAgentEvent(event: string | undefined): boolean {
    return event !== undefined && this.#agentEvents.has(event);
  }

  /** A frame's owner is the owner of its run, else of its thread, else of its user id (DESIGN §4.7). */
  attribute(observation: Observation, observer: UserIndex): Attribution {
    const { run, thread, owner } = observation;
    const knowledge = this.#knowledge;
    if (run === undefined && thread === undefined && owner === undefined) return { by: 'nothing' };
    for (const text of [run, thread, owner]) {
      if (text === undefined) continue;
      const id = knowledge.ids.get(text) ?? this.#shownPrefix(text, observer);
      if (id !== undefined) return { by: 'crowd', owners: id.owners, id };
    }
    return owner === undefined ? { by: 'unknown' } : { by: 'outside' };
  }

  /** Some targets show only the beginning of a user id, as `e2e-b0c1...`. */
  #shownPrefix(text: string, observer: UserIndex): OwnedId | undefined {
    if (!text.endsWith('...') || text.length < 7) return undefined;
    const beginning = text.slice(0, -3);
    let found: OwnedId | undefined;
    for (const [full, id] of this.#knowledge.ids.entries()) {
      if (id.kind !== 'user' || !full.startsWith(beginning)) continue;
      if (id.owners.includes(observer)) return id;
      found ??= id;
    }
    return found;
  }

  #search(observation: Observation, tokens: string[] | undefined): readonly Sighting[] {
    const { content, headers, url, message } = observation;
    if (
      content === undefined &&
      headers === undefined &&
      url === undefined &&
      message === undefined
    )
      return NOTHING;
    const found = new Map<string, Sighting>();
    if (content !== undefined) {
      const text =
        observation.contentKind === 'base64'
          ? Buffer.from(content, 'base64').toString('latin1')
          : content;
      this.#scanInto(found, text, { place: observation.place ?? null, tokens });
      this.#scanStream(found, observation, text);
    }
    for (const [name, value] of Object.entries(headers ?? {}))
      this.#scanInto(found, value, { place: `header ${name}`, tokens: undefined });
    if (url !== undefined) this.#scanInto(found, url, { place: 'url', tokens: undefined });
    if (message !== undefined)
      this.#scanInto(found, message, { place: 'message', tokens: undefined });
    return found.size === 0 ? NOTHING : [...found.values()];
  }

  #scanInto(
    found: Map<string, Sighting>,
    text: string,
    where: { place: string | null; tokens: string[] | undefined },
  ): void {
    const knowledge = this.#knowledge;
    const { place, tokens } = where;
    const sink: ScanSink<OwnedId> = {
      marker: (hit) => {
        const key = `m${hit.text}`;
        if (found.has(key)) return;
        const owner = knowledge.ownerOfMarker(hit.text);
        found.set(key, {
          what: 'marker',
          owner,
          text: hit.text,
          parts: hit.parts,
          place,
          at: hit.at,
        });
      },
      id: (idText, id, at) => {
        const key = `i${idText}`;
        if (!found.has(key))
          found.set(key, {
            what: 'id',
            owner: id.owners[0] ?? OUTSIDE,
            text: idText,
            id,
            place,
            at,
          });
      },
      longRun: (whole, start, end) => {
        if (tokens !== undefined) tokens.push(whole.slice(start, end));
      },
    };
    this.#scanner.scan(text, sink);
    if (!text.includes('[redacted:')) return;
    for (const match of text.matchAll(REDACTED_PATTERN)) {
      const owners = knowledge.ownersOfCredential(match[1] ?? '');
      if (owners === undefined) continue;
      const owner = owners[0] ?? OUTSIDE;
      found.set(`c${match[0]}`, {
        what: 'credential',
        owner,
        text: match[0],
        place,
        at: match.index,
      });
    }
  }

  /** Searches a streamed piece together with the end of what came before it on the same stream. */
  #scanStream(found: Map<string, Sighting>, observation: Observation, content: string): void {
    if (observation.event === undefined || !this.#chunkEvents.has(observation.event)) return;
    const piece = chunkText(this.#knowledge, content);
    if (piece === undefined) return;
    const key = `${observation.conn ?? ''} ${observation.run ?? observation.thread ?? ''}`;
    if (this.#streams.size >= STREAMS_MAX) this.#streams.clear();
    const stream = this.#streams.get(key) ?? { tail: '', reported: new Set<string>() };
    const joined = stream.tail + piece;
    const inStream = new Map<string, Sighting>();
    this.#scanInto(inStream, joined, { place: 'streamed answer', tokens: undefined });
    for (const [name, sighting] of inStream) {
      // A marker that ends where the piece ends may go on in the next one: it is not cut off yet.
      const open =
        sighting.what === 'marker' &&
        sighting.parts === undefined &&
        endsWith(joined, sighting.text);
      if (open || stream.reported.has(name)) continue;
      stream.reported.add(name);
      if (!found.has(name)) found.set(name, sighting);
    }
    stream.tail = joined.slice(-STREAM_TAIL);
    this.#streams.set(key, stream);
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
    if (sighting.what === 'credential') {
      const owners = this.#knowledge.ownersOfCredential(sighting.text.slice(10, 26));
      return owners?.includes(observer) === true;
    }
    return sighting.owner === observer;
  }

  /** What is said in a thread with several members may be seen by all of them from then on. */
  #publish(
    observation: Observation,
    attribution: Attribution | undefined,
    sightings: readonly Sighting[],
  ): void {
    const audience = this.#audienceOf(observation, attribution);
    if (audience === undefined) return;
    for (const sighting of sightings)
      if (sighting.what === 'marker' && audience.has(sighting.owner))
        this.#knowledge.publish(sighting.text, audience);
  }

  #audienceOf(
    observation: Observation,
    attribution: Attribution | undefined,
  ): ReadonlySet<UserIndex> | undefined {
    const thread =
      observation.thread === undefined ? undefined : this.#knowledge.ids.get(observation.thread);
    if (thread?.audience) return thread.audience;
    if (attribution?.by === 'crowd' && attribution.id.audience) return attribution.id.audience;
    return undefined;
  }

  #accusing(
    observation: Observation,
    observer: UserIndex,
    sightings: readonly Sighting[],
  ): readonly Sighting[] {
    if (sightings.length === 0) return NOTHING;
    let foreign = sightings.filter((sighting) => !this.#isOwn(sighting, observer));
    if (foreign.length === 0) return NOTHING;
    const sent = this.#sentForeign.get(observer);
    if (sent !== undefined) foreign = foreign.filter((sighting) => !sent.has(sighting.text));
    foreign = foreign.filter((sighting) => !this.#isWithinAudience(sighting, observer, sightings));
    return foreign.length > 0 ? this.#notPublic(observation, foreign) : NOTHING;
  }

  #isWithinAudience(sighting: Sighting, observer: UserIndex, all: readonly Sighting[]): boolean {
    if (sighting.what === 'credential') return false;
    if (sighting.what === 'marker' && this.#knowledge.isPublishedTo(sighting.text, observer))
      return true;
    // Members of a shared thread are named beside it: their ids, names and runs belong to its frames.
    return all.some(
      (other) =>
        other.what === 'id' &&
        other.id.audience?.has(observer) === true &&
        other.id.audience.has(sighting.owner) &&
        (sighting.what === 'id' ? sighting.id.kind !== 'thread' : sighting.parts?.place === 'name'),
    );
  }

  /** Takes out what stands only in fields that the profile declares public for this event. */
  #notPublic(observation: Observation, foreign: readonly Sighting[]): readonly Sighting[] {
    const fields =
      observation.event === undefined
        ? undefined
        : this.#knowledge.profile.publicEvents[observation.event];
    if (fields === undefined || observation.content === undefined) return foreign;
    const rest = withoutFields(observation.content, fields);
    if (rest === undefined) return foreign;
    const found = new Map<string, Sighting>();
    this.#scanInto(found, rest, { place: null, tokens: undefined });
    const texts = new Set([...found.values()].map((sighting) => sighting.text));
    return foreign.filter((sighting) => texts.has(sighting.text));
  }
}

/** Whether a text ends with the end of a marker, whatever its case. */
function endsWith(text: string, marker: string): boolean {
  return text.slice(-4).toLowerCase() === marker.slice(-4);
}

/** The frame without the given dotted fields; undefined when it is no JSON object. */
function withoutFields(content: string, fields: readonly string[]): string | undefined {
  const frame = parseObject(content);
  if (frame === undefined) return undefined;
  for (const field of fields) {
    const path = field.split('.');
    const last = path.pop() ?? '';
    let at: unknown = frame;
    for (const key of path) at = isRecord(at) ? at[key] : undefined;
    if (isRecord(at)) delete at[last];
  }
  return JSON.stringify(frame);
}

/** The value of the first of `names` found in one of the profile's containers. */
function fieldText(
  knowledge: Knowledge,
  content: string,
  names: readonly string[],
): string | undefined {
  const frame = parseObject(content);
  if (frame === undefined) return undefined;
  for (const container of knowledge.profile.answer.containers) {
    let at: unknown = frame;
    for (const key of container) at = isRecord(at) ? at[key] : undefined;
    if (!isRecord(at)) continue;
    for (const name of names) {
      const value = at[name];
      if (typeof value === 'string') return value;
      if (isRecord(value)) return JSON.stringify(value);
    }
  }
  return undefined;
}

/** The text of an answer in a frame, where the profile says it stands. */
export function answerText(knowledge: Knowledge, content: string): string | undefined {
  return fieldText(knowledge, content, knowledge.profile.answer.answer);
}

/** The text of a streamed piece in a frame. */
export function chunkText(knowledge: Knowledge, content: string): string | undefined {
  return fieldText(knowledge, content, knowledge.profile.answer.chunk);
}

function parseObject(content: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(content);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined; // Not JSON: it has no fields.
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
