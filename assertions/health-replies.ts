import type { FactFinder, Facts, Sighting } from './facts.ts';

/** Replies kept to the end; a trial asks for health twice. */
const KEPT_MAX = 1_000;

/**
 * What health endpoints reply. They are asked in the name of a user who has not signed in for it: what they
 * show of that very user they would show to whoever asks.
 */
export class HealthReplies {
  readonly #finder: FactFinder;
  readonly #accuse: (facts: Facts, sighting: Sighting) => void;
  readonly #kept: Facts[] = [];

  constructor(finder: FactFinder, accuse: (facts: Facts, sighting: Sighting) => void) {
    this.#finder = finder;
    this.#accuse = accuse;
  }

  received(facts: Facts): void {
    if (facts.observation.purpose === 'health' && this.#kept.length < KEPT_MAX)
      this.#kept.push(facts);
  }

  /** The first replies come before anybody's ids are known, so that all of them are searched at the end. */
  conclude(): void {
    for (const facts of this.#kept)
      for (const sighting of this.#finder.ownIn(facts)) this.#accuse(facts, sighting);
  }
}
