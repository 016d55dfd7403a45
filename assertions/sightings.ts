import type { AnchorText } from '../history/anchor-index.ts';
import { parseMarker, type MarkerParts } from '../history/markers.ts';
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
  | (SightingBase & {
      readonly what: 'marker';
      /** Undefined for a marker that is cut off or damaged. */
      readonly parts: MarkerParts | undefined;
    })
  | (SightingBase & { readonly what: 'id'; readonly id: OwnedId })
  | (SightingBase & { readonly what: 'credential' });

/** Long runs of letters with digits among them, of one text, by where they stand: few are ever looked at. */
export interface Tokens {
  readonly text: string;
  /** Beginning, end and {@link hashOfToken} of each in turn. */
  readonly runs: readonly number[];
}

/** Tells tokens of one text from each other; undefined for a bare word or number, which is no token. */
function hashOfToken(units: Uint16Array, start: number, end: number): number | undefined {
  let hash = 0;
  let any = 0;
  let all = LETTER;
  for (let i = start; i < end; i += 1) {
    const code = units[i] ?? 0;
    any |= code;
    all &= code;
    hash = (Math.imul(hash, 31) + code) | 0;
  }
  return (any & LETTER) !== 0 && all === 0 ? hash : undefined;
}

/** Set in the codes of ASCII letters, and not in those of digits. */
const LETTER = 64;

/** Reads the marker only when asked: whose it is says its beginning. */
class MarkerSighting implements SightingBase {
  readonly what = 'marker';
  readonly owner: UserIndex;
  readonly text: string;
  readonly place: string | null;
  readonly at: number;

  constructor({ owner, text, place, at }: SightingBase) {
    this.owner = owner;
    this.text = text;
    this.place = place;
    this.at = at;
  }

  get parts(): MarkerParts | undefined {
    return parseMarker(this.text);
  }
}

export const NO_TOKENS: Tokens = { text: '', runs: [] };

/** Collects what a scan finds, each thing once. Lists are short, so looking through them is cheapest. */
export class SightingCollector implements ScanSink<OwnedId> {
  readonly #knowledge: Knowledge;
  readonly #scanner: ContentScanner<OwnedId>;
  readonly sightings: Sighting[] = [];
  readonly #collectsTokens: boolean;
  #tokenText = '';
  #tokenRuns: number[] | undefined;
  #place: string | null = null;

  constructor(knowledge: Knowledge, scanner: ContentScanner<OwnedId>, collectsTokens = false) {
    this.#knowledge = knowledge;
    this.#scanner = scanner;
    this.#collectsTokens = collectsTokens;
  }

  /** Tokens of the content; collected only when asked for. */
  get tokens(): Tokens {
    return this.#tokenRuns === undefined
      ? NO_TOKENS
      : { text: this.#tokenText, runs: this.#tokenRuns };
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

  marker({ text, at }: MarkerHit): void {
    const planted = this.#knowledge.planted.get(text);
    const owner = planted?.owner ?? this.#ownerOfUnplanted(text);
    if (owner === undefined) return;
    // The text that was planted, not a part of this frame, which would be kept with it.
    const known = planted?.text ?? text;
    if (this.#has('marker', known)) return;
    this.sightings.push(new MarkerSighting({ owner, text: known, place: this.#place, at }));
  }

  /** Undefined where it is no marker: it does not begin like one that was planted, and is not whole either. */
  #ownerOfUnplanted(text: string): UserIndex | undefined {
    if (this.#knowledge.beginsLikePlanted(text)) return this.#knowledge.ownerOfMarker(text);
    return parseMarker(text) === undefined ? undefined : this.#knowledge.ownerOfUnplanted(text);
  }

  id(_spelling: string, id: OwnedId, at: number): void {
    const { text } = id;
    if (this.#has('id', text)) return;
    const owner = id.owners[0] ?? OUTSIDE;
    this.sightings.push({ what: 'id', owner, text, id, place: this.#place, at });
  }

  longRun({ text, units }: AnchorText, start: number, end: number): void {
    if (!this.#collectsTokens || this.#place !== null) return;
    const hash = hashOfToken(units, start, end);
    if (hash === undefined) return;
    // Only the content has no place of its own, so there is one text.
    this.#tokenText = text;
    this.#tokenRuns ??= [];
    this.#tokenRuns.push(start, end, hash);
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
