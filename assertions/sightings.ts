import type { MarkerParts } from '../history/markers.ts';
import { REDACTED_PATTERN } from '../history/redaction.ts';
import type { ContentScanner, MarkerHit, ScanSink } from './content-scanner.ts';
import { OUTSIDE, type Knowledge, type OwnedId, type UserIndex } from './knowledge.ts';

interface SightingBase {
  readonly owner: UserIndex;
  /** A marker in lower case without separators, an id as it is known, or `[redacted:…]`. */
  readonly text: string;
  /** Where, when it is not in the content itself (`header x-last-user`, `streamed answer`). */
  readonly place: string | null;
  /** Position in the scanned text; −1 inside a decoded view. */
  readonly at: number;
}

/** Something found in what a user received that is somebody's. */
export type Sighting =
  | (SightingBase & { readonly what: 'marker'; readonly parts: MarkerParts | undefined })
  | (SightingBase & { readonly what: 'id'; readonly id: OwnedId })
  | (SightingBase & { readonly what: 'credential' });

/** Collects what a scan finds, each thing once. Lists are short, so looking through them is cheapest. */
export class SightingCollector implements ScanSink<OwnedId> {
  readonly #knowledge: Knowledge;
  readonly #scanner: ContentScanner<OwnedId>;
  readonly sightings: Sighting[] = [];
  /** Long runs of letters and digits of the content; collected only when asked for. */
  readonly tokens: string[] = [];
  readonly #collectsTokens: boolean;
  #place: string | null = null;

  constructor(knowledge: Knowledge, scanner: ContentScanner<OwnedId>, collectsTokens = false) {
    this.#knowledge = knowledge;
    this.#scanner = scanner;
    this.#collectsTokens = collectsTokens;
  }

  /** Searches one text; what it finds is said to be at `place`. */
  search(text: string, place: string | null): void {
    this.#place = place;
    this.#scanner.scan(text, this);
    if (text.includes('[redacted:')) this.#credentials(text);
  }

  add(sighting: Sighting): void {
    if (!this.#has(sighting.what, sighting.text)) this.sightings.push(sighting);
  }

  marker(hit: MarkerHit): void {
    const { text, parts, at } = hit;
    if (parts === undefined && !this.#knowledge.beginsLikePlanted(text)) return;
    if (this.#has('marker', text)) return;
    const owner = this.#knowledge.ownerOfMarker(text);
    this.sightings.push({ what: 'marker', owner, text, parts, place: this.#place, at });
  }

  id(text: string, id: OwnedId, at: number): void {
    if (this.#has('id', text)) return;
    const owner = id.owners[0] ?? OUTSIDE;
    this.sightings.push({ what: 'id', owner, text, id, place: this.#place, at });
  }

  longRun(text: string, start: number, end: number): void {
    if (this.#collectsTokens && this.#place === null) this.tokens.push(text.slice(start, end));
  }

  #credentials(text: string): void {
    for (const match of text.matchAll(REDACTED_PATTERN)) {
      const owner = this.#knowledge.ownersOfCredential(match[1] ?? '')?.[0];
      if (owner !== undefined)
        this.add({
          what: 'credential',
          owner,
          text: match[0],
          place: this.#place,
          at: match.index,
        });
    }
  }

  #has(what: Sighting['what'], text: string): boolean {
    for (const known of this.sightings) if (known.what === what && known.text === text) return true;
    return false;
  }
}
