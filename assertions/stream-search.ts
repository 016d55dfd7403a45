import type { Observation } from '../history/observation.ts';
import { chunkText } from './answer-text.ts';
import type { ContentScanner } from './content-scanner.ts';
import type { Knowledge, OwnedId } from './knowledge.ts';
import { SightingCollector, type Sighting } from './sightings.ts';

/** Characters of a stream's end that are searched again together with its next piece. */
const TAIL_CHARACTERS = 256;
/** The same where the text looks encoded: every character of a marker may be 36 (`\u005cu0078…`). */
const ENCODED_TAIL_CHARACTERS = 2_048;
/** Signs of an encoding: escapes, invisible and compatibility characters, runs that are no words, lists. */
const LOOKS_ENCODED =
  /[\\%&\u00ad\u200b-\u200f\u2060-\u2064\u2460-\u24ff\ud835\ufeff\uff01-\uff5e]|[A-Za-z0-9+/_-]{40}|\d\s*,\s*"?\d{1,7}\b(?:\W{1,40}\d{1,7}\b){6}|["\d\]}][\s\]},]{1,20}[[{"]/;
/** Where something was found that several pieces spell together. */
export const STREAMED = 'streamed answer';
/** Streams followed at once; beyond them the record starts afresh. */
const STREAMS_MAX = 50_000;
/** Streams that were left where a marker of somebody broke off: each shows as much as any. */
const LEFT_MAX = 1_000;

interface Stream {
  tail: string;
  /** Who spoke last, and where several agents speak, the tail of each: their pieces come in between each other. */
  agent: string | undefined;
  tails: Map<string | undefined, string> | undefined;
  readonly reported: Set<string>;
  /** A marker that broke off where the last piece ended, and that piece. */
  brokenOff: BrokenOff;
}

/** What broke off at the end of a piece. */
interface BrokenOff {
  readonly observation: Observation | undefined;
  readonly sightings: readonly Sighting[];
}

/** Joins streamed pieces, so that what is spread over several of them is found (DESIGN §3.2). */
export class StreamSearch {
  readonly #knowledge: Knowledge;
  readonly #scanner: ContentScanner<OwnedId>;
  readonly #chunkEvents: ReadonlySet<string>;
  readonly #streams = new Map<string, Stream>();
  /** What broke off on streams that were left. */
  readonly #left: BrokenOff[] = [];
  #brokenOff = 0;

  constructor(knowledge: Knowledge, scanner: ContentScanner<OwnedId>) {
    this.#knowledge = knowledge;
    this.#scanner = scanner;
    this.#chunkEvents = new Set(knowledge.profile.order.chunk);
  }

  /** What a piece completes together with what came before it on its stream; each thing once. */
  search(observation: Observation, content: string): readonly Sighting[] {
    if (observation.event === undefined) return NOTHING;
    if (!this.#chunkEvents.has(observation.event)) return this.#ended(observation);
    const piece = chunkText(this.#knowledge, content);
    if (piece === undefined) return NOTHING;
    const stream = this.#streamOf(observation);
    const collector = new SightingCollector(this.#knowledge, this.#scanner);
    const said = joinedTo(stream, observation.agent, piece);
    for (const joined of said) {
      const searched = LOOKS_ENCODED.test(joined)
        ? joined
        : joined.slice(-(TAIL_CHARACTERS + piece.length));
      collector.search(searched, STREAMED);
    }
    const fresh = collector.sightings.filter((sighting) => !stream.reported.has(sighting.text));
    const isOpen = (sighting: Sighting): boolean => said.some((joined) => goesOn(sighting, joined));
    this.#breakOff(stream, { observation, sightings: fresh.filter(isOpen) });
    return this.#report(
      stream,
      fresh.filter((sighting) => !isOpen(sighting)),
    );
  }

  /** What broke off and never went on, by the piece at whose end it did. Call when all has been observed. */
  *unfinished(): Generator<{
    readonly observation: Observation;
    readonly sightings: readonly Sighting[];
  }> {
    const open = [...this.#streams.values()].map(({ brokenOff }) => brokenOff);
    for (const { observation, sightings } of [...this.#left, ...open])
      if (observation !== undefined && sightings.length > 0) yield { observation, sightings };
  }

  /**
   * A question was asked on a connection: pieces that name no run are of its answer from here on, those that name
   * its thread as well, and what an earlier answer said they may say again.
   */
  asked(question: Observation): void {
    for (const key of [unnamedOn(question), keyOf({ ...question, run: undefined })]) {
      const stream = this.#streams.get(key);
      if (stream === undefined) continue;
      this.#leave(stream);
      this.#streams.delete(key);
    }
  }

  /** What broke off at the end of a stream stays cut off when something else follows on it. */
  #ended(observation: Observation): readonly Sighting[] {
    if (this.#brokenOff === 0) return NOTHING;
    // An event that names its run may follow pieces that do not.
    const keys = new Set([keyOf(observation), unnamedOn(observation)]);
    return [...keys].flatMap((key) => this.#cutOffOn(key));
  }

  #cutOffOn(key: string): readonly Sighting[] {
    const stream = this.#streams.get(key);
    if (stream === undefined || stream.brokenOff.sightings.length === 0) return NOTHING;
    const { sightings } = stream.brokenOff;
    this.#breakOff(stream, NOTHING_BROKEN_OFF);
    return this.#report(stream, sightings);
  }

  #breakOff(stream: Stream, brokenOff: BrokenOff): void {
    this.#brokenOff += brokenOff.sightings.length - stream.brokenOff.sightings.length;
    stream.brokenOff = brokenOff.sightings.length === 0 ? NOTHING_BROKEN_OFF : brokenOff;
  }

  #leave(stream: Stream): void {
    if (stream.brokenOff.sightings.length === 0) return;
    if (this.#left.length < LEFT_MAX) this.#left.push(stream.brokenOff);
    this.#breakOff(stream, NOTHING_BROKEN_OFF);
  }

  #report(stream: Stream, sightings: readonly Sighting[]): readonly Sighting[] {
    for (const sighting of sightings) stream.reported.add(sighting.text);
    return sightings;
  }

  #streamOf(observation: Observation): Stream {
    const key = keyOf(observation);
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    if (this.#streams.size >= STREAMS_MAX) {
      for (const stream of this.#streams.values()) this.#leave(stream);
      this.#streams.clear();
    }
    const fresh: Stream = {
      tail: '',
      agent: observation.agent,
      tails: undefined,
      reported: new Set(),
      brokenOff: NOTHING_BROKEN_OFF,
    };
    this.#streams.set(key, fresh);
    return fresh;
  }
}

const NOTHING: readonly never[] = [];
const NOTHING_BROKEN_OFF: BrokenOff = { observation: undefined, sightings: NOTHING };

/** A piece with what came before it: on its stream, and where several agents speak there, of its own. */
function joinedTo(stream: Stream, agent: string | undefined, piece: string): readonly string[] {
  if (agent !== stream.agent) stream.tails ??= new Map([[stream.agent, stream.tail]]);
  stream.agent = agent;
  const joined = stream.tail + piece;
  stream.tail = joined.slice(-ENCODED_TAIL_CHARACTERS);
  if (stream.tails === undefined) return [joined];
  const own = (stream.tails.get(agent) ?? '') + piece;
  stream.tails.set(agent, own.slice(-ENCODED_TAIL_CHARACTERS));
  return [joined, own];
}

/** A run and a thread may have the same number, and several users no connection that has a name. */
function keyOf({
  user,
  conn,
  run,
  thread,
}: Pick<Observation, 'user' | 'conn' | 'run' | 'thread'>): string {
  const of = run === undefined ? `thread ${thread ?? ''}` : `run ${run}`;
  return `${conn ?? `${user ?? ''}#?`} ${of}`;
}

/** Of the pieces on a connection that name neither run nor thread. */
function unnamedOn({ user, conn }: Observation): string {
  return keyOf({ user, conn, run: undefined, thread: undefined });
}

/** A marker that ends where the piece ends may go on in the next one: it is not cut off yet. */
function goesOn(sighting: Sighting, joined: string): boolean {
  return (
    sighting.what === 'marker' &&
    sighting.parts === undefined &&
    joined.slice(-4).toLowerCase() === sighting.text.slice(-4)
  );
}
