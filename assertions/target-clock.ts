/** Less than this is not told from the resolution of timestamps. */
const JUMP_MS_MIN = 20;
/** Deliveries that wait for a sample; where no more samples come, they are taken as they are. */
const WAITING_MAX = 64;

/** What a ping and its pong say: how long they took, and how far the target's clock was ahead halfway. */
export interface ClockSample {
  readonly rtt: number;
  readonly offset: number;
}

/**
 * The target's clock as one user's pings show it. A sample is right to half of its round trip. Where two
 * exclude each other the clock was put ahead or back in between, and how late things came meanwhile
 * cannot be known: it is not measured, for a clock that jumps is no delay.
 */
export class TargetClock {
  readonly #record: (ms: number) => void;
  #best: ClockSample | undefined;
  #waiting: number[] = [];

  /** @param record told of each delivery that was measured by a clock that did not jump. */
  constructor(record: (ms: number) => void) {
    this.#record = record;
  }

  /** How far the target's clock is ahead, milliseconds; undefined before the first sample. */
  get offset(): number | undefined {
    return this.#best?.offset;
  }

  sample(sample: ClockSample): void {
    const best = this.#best;
    if (best !== undefined && excludes(best, sample)) {
      this.#waiting = [];
      this.#best = sample;
      return;
    }
    this.settle();
    // The offset of the quickest round trip is the most exact.
    if (best === undefined || sample.rtt < best.rtt) this.#best = sample;
  }

  delivered(ms: number): void {
    if (this.#waiting.length === WAITING_MAX) this.settle();
    this.#waiting.push(ms);
  }

  /** No further sample is awaited. */
  settle(): void {
    for (const ms of this.#waiting) this.#record(ms);
    this.#waiting = [];
  }
}

function excludes(one: ClockSample, other: ClockSample): boolean {
  return Math.abs(one.offset - other.offset) > (one.rtt + other.rtt) / 2 + JUMP_MS_MIN;
}
