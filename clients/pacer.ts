import type { Clock } from '../history/clock.ts';
import { pause } from './waiting.ts';

const MS_PER_SECOND = 1_000;

/** Lets at most so many starts through a second, evenly spaced, in the order they came. */
export class Pacer {
  readonly #clock: Clock;
  readonly #spacingMs: number;
  #nextAt = 0;

  /** @param perSecondMax null lets everything through at once. */
  constructor(clock: Clock, perSecondMax: number | null) {
    this.#clock = clock;
    this.#spacingMs = perSecondMax === null ? 0 : MS_PER_SECOND / perSecondMax;
  }

  /** Resolves when it is the caller's turn. */
  async turn(): Promise<void> {
    if (this.#spacingMs === 0) return;
    const now = this.#clock.now();
    const at = Math.max(this.#nextAt, now);
    this.#nextAt = at + this.#spacingMs;
    if (at > now) await pause(at - now);
  }
}
