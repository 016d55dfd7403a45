/** Buckets of a coarse logarithmic histogram: a quarter wider each, from 1 ms to 20 minutes. */
const BUCKETS = 64;
const BUCKET_FACTOR = 1.25;
const LOG_BUCKET_FACTOR = Math.log(BUCKET_FACTOR);
const PERCENTILE = 0.95;
/** The window is this many times the usual gap between two events of a run (DESIGN §3.6). */
const GAPS_OF_SILENCE = 3;

export interface QuietLimits {
  readonly quietMsMin: number;
  readonly quietMsMax: number;
}

/**
 * How long a crowd must hear nothing before its silence means anything (DESIGN §3.6): three times the
 * p95 gap between the events of one run on one connection, at least `quietMsMin` and at most
 * `quietMsMax`. Gaps are counted in buckets, so memory does not grow and the p95 is up to a quarter too
 * long, never too short.
 */
export class QuietWindow {
  readonly #limits: QuietLimits;
  readonly #buckets = new Uint32Array(BUCKETS);
  #gaps = 0;
  #lastAt: number | undefined;

  constructor(limits: QuietLimits) {
    this.#limits = limits;
  }

  /** When the last event that counts came, on the trial's clock; undefined before the first. */
  get lastAt(): number | undefined {
    return this.#lastAt;
  }

  /** Something other than a ping, pong or heartbeat came in. */
  event(at: number): void {
    this.#lastAt = at;
  }

  /** Two events of one run came this many milliseconds apart on one connection. */
  gap(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(ms, 1)) / LOG_BUCKET_FACTOR);
    const at = Math.min(bucket, BUCKETS - 1);
    this.#buckets[at] = (this.#buckets[at] ?? 0) + 1;
    this.#gaps += 1;
  }

  /** Milliseconds of silence that end a trial. */
  get windowMs(): number {
    const { quietMsMin, quietMsMax } = this.#limits;
    return Math.min(Math.max(quietMsMin, GAPS_OF_SILENCE * this.#p95()), quietMsMax);
  }

  #p95(): number {
    if (this.#gaps === 0) return 0;
    let left = Math.ceil(this.#gaps * PERCENTILE);
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      left -= this.#buckets[bucket] ?? 0;
      if (left <= 0) return BUCKET_FACTOR ** bucket;
    }
    return BUCKET_FACTOR ** (BUCKETS - 1);
  }
}
