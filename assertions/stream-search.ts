import type { Observation } from '../history/observation.ts';
import { chunkText } from './answer-text.ts';
import type { ContentScanner } from './content-scanner.ts';
import type { Knowledge, OwnedId } from './knowledge.ts';
import { SightingCollector, type Sighting } from './sightings.ts';

/** Characters of a stream's end that are searched again together with its next piece. */
const TAIL_CHARACTERS = 256;
/** Streams followed at once; beyond them the record starts afresh. */
const STREAMS_MAX = 50_000;

interface Stream {
  tail: string;
  readonly reported: Set<string>;
}

/** Joins streamed pieces, so that what is spread over several of them is found (DESIGN §3.2). */
export class StreamSearch {
  readonly #knowledge: Knowledge;
  readonly #scanner: ContentScanner<OwnedId>;
  readonly #chunkEvents: ReadonlySet<string>;
  readonly #streams = new Map<string, Stream>();

  constructor(knowledge: Knowledge, scanner: ContentScanner<OwnedId>) {
    this.#knowledge = knowledge;
    this.#scanner = scanner;
    this.#chunkEvents = new Set(knowledge.profile.order.chunk);
  }

  /** What a piece completes together with what came before it on its stream; each thing once. */
  search(observation: Observation, content: string): readonly Sighting[] {
    if (observation.event === undefined || !this.#chunkEvents.has(observation.event)) return [];
    const piece = chunkText(this.#knowledge, content);
    if (piece === undefined) return [];
    const stream = this.#streamOf(observation);
    const joined = stream.tail + piece;
    stream.tail = joined.slice(-TAIL_CHARACTERS);
    const collector = new SightingCollector(this.#knowledge, this.#scanner);
    collector.search(joined, 'streamed answer');
    const fresh = collector.sightings.filter(
      (sighting) => !goesOn(sighting, joined) && !stream.reported.has(sighting.text),
    );
    for (const sighting of fresh) stream.reported.add(sighting.text);
    return fresh;
  }

  #streamOf({ conn, run, thread }: Observation): Stream {
    const key = `${conn ?? ''} ${run ?? thread ?? ''}`;
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    if (this.#streams.size >= STREAMS_MAX) this.#streams.clear();
    const fresh: Stream = { tail: '', reported: new Set() };
    this.#streams.set(key, fresh);
    return fresh;
  }
}

/** A marker that ends where the piece ends may go on in the next one: it is not cut off yet. */
function goesOn(sighting: Sighting, joined: string): boolean {
  return (
    sighting.what === 'marker' &&
    sighting.parts === undefined &&
    joined.slice(-4).toLowerCase() === sighting.text.slice(-4)
  );
}
