import { ALPHABET } from '../history/markers.ts';
import { TextUnits } from '../history/text-units.ts';

/** So many characters of a marker's end name it: all but one of them are random. */
export const MARKER_END_LENGTH = 12;

/** Hashes are small integers to the engine, which keeps them without an object for each. */
const HASH_MASK = 0x3fff_ffff;

/** Value of each ASCII character of a marker, in any case, from 1 on; 0: it is in no marker. */
const VALUES = new Uint8Array(128);
for (const letters of [ALPHABET, ALPHABET.toUpperCase()])
  for (let index = 0; index < letters.length; index += 1)
    VALUES[letters.charCodeAt(index)] = index + 1;

/** The ends of planted markers, to recognise one whose beginning is missing. */
export class MarkerEnds {
  /** By the hash of their ends, or the next one that was free. */
  readonly #markers = new Map<number, string>();
  readonly #units = new TextUnits();

  add(marker: string): void {
    let hash = hashOfEnd(this.#units.of(marker), marker.length);
    if (hash === -1) return;
    while (this.#markers.has(hash)) {
      if (this.#markers.get(hash) === marker) return;
      hash = (hash + 1) & HASH_MASK;
    }
    this.#markers.set(hash, marker);
  }

  /** The marker whose end stands before a position of a text, if there is one. */
  endingAt({ text, units }: { text: string; units: Uint16Array }, end: number): string | undefined {
    let hash = hashOfEnd(units, end);
    if (hash === -1) return undefined;
    for (;;) {
      const marker = this.#markers.get(hash);
      if (marker === undefined) return undefined;
      if (marker.endsWith(text.slice(end - MARKER_END_LENGTH, end).toLowerCase())) return marker;
      hash = (hash + 1) & HASH_MASK;
    }
  }
}

/** −1 where no marker ends: one of the characters is in none, and nearly always one of the last few. */
function hashOfEnd(units: Uint16Array, end: number): number {
  let hash = 1;
  for (let i = end - 1; i >= end - MARKER_END_LENGTH; i -= 1) {
    const code = units[i] ?? 0;
    const value = code < VALUES.length ? (VALUES[code] ?? 0) : 0;
    if (value === 0) return -1;
    hash = (Math.imul(hash, 31) + value) & HASH_MASK;
  }
  return hash;
}
