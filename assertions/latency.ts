import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Percentiles } from '../history/verdict.ts';

/** Longest latency told apart: an hour, in microseconds. */
const MICROSECONDS_MAX = 3_600_000_000;

/** A distribution of milliseconds in bounded memory (Node's own HDR histogram, three digits). */
export class Latencies {
  #histogram: RecordableHistogram | undefined;
  #max = 0;

  /** How many values were recorded. */
  get count(): number {
    return this.#histogram?.count ?? 0;
  }

  /** Negative values come from clock offsets smaller than their error; they count as zero. */
  record(ms: number): void {
    this.#histogram ??= createHistogram({ highest: MICROSECONDS_MAX, figures: 3 });
    const microseconds = Math.round(Math.max(0, ms) * 1000);
    this.#max = Math.max(this.#max, Math.min(microseconds, MICROSECONDS_MAX));
    this.#histogram.record(Math.min(Math.max(1, microseconds), MICROSECONDS_MAX));
  }

  /** Percentiles in ms, or null when nothing was recorded. */
  percentiles(): Percentiles | null {
    const histogram = this.#histogram;
    if (histogram === undefined || histogram.count === 0) return null;
    // A bucket's upper edge may lie above the largest value; no percentile can.
    const at = (percentile: number): number =>
      Math.min(histogram.percentile(percentile), this.#max) / 1000;
    return { p50: at(50), p95: at(95), p99: at(99), max: this.#max / 1000 };
  }
}
