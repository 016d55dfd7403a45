import { createHistogram } from 'node:perf_hooks';
import { toMicroseconds, type Recorder } from './recorder.ts';
import { every } from './waiting.ts';

const REPORT_EVERY_MS = 5_000;
/** A single standstill longer than this gets a line of its own. */
const STALL_MS_MIN = 250;
/** How often the loop is felt. */
const PULSE_MS = 10;
const NANOSECONDS_PER_MS = 1e6;

const HARNESS = { user: null, conn: null, surface: 'harness', dir: 'act' } as const;

/**
 * Watches the harness's own event loop for as long as a trial lasts, so that its slowness is never taken
 * for the target's (DESIGN §3.11). Writes a `stall` line for each standstill over 250 ms, and every 5 s
 * and at the end a `delay` line with the distribution so far: how long what came in at any moment had to
 * wait, in milliseconds.
 */
export class LoopDelay {
  readonly #recorder: Recorder;
  readonly #histogram = createHistogram();
  readonly #stops: (() => void)[];
  #pulseAt: number;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
    this.#pulseAt = recorder.clock.now();
    this.#stops = [
      every(PULSE_MS, () => this.#pulse()),
      every(REPORT_EVERY_MS, () => this.#report()),
    ];
  }

  /** Writes the last distribution and stops watching. */
  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#pulse();
    this.#report();
  }

  #pulse(): void {
    const now = this.#recorder.clock.now();
    const delay = now - this.#pulseAt - PULSE_MS;
    this.#pulseAt = now;
    this.#feel(delay);
    if (delay > STALL_MS_MIN)
      this.#recorder.journal.append({ ...HARNESS, kind: 'stall', delay: toMicroseconds(delay) });
  }

  /**
   * One standstill holds up all that comes while it lasts, and whoever is late by it is so by a part of it.
   * Counted once, ten of 100 ms would be a tenth of a percent of a minute's pulses and more than a percent of
   * its time ("coordinated omission": Tene, HdrHistogram, `recordValueWithExpectedInterval`).
   */
  #feel(delay: number): void {
    let late = Math.max(0, delay);
    do {
      this.#histogram.record(Math.max(1, Math.round(late * NANOSECONDS_PER_MS)));
      late -= PULSE_MS;
    } while (late > 0);
  }

  #report(): void {
    const histogram = this.#histogram;
    if (histogram.count === 0) return;
    this.#recorder.journal.append({
      ...HARNESS,
      kind: 'delay',
      p50: ms(histogram.percentile(50)),
      p95: ms(histogram.percentile(95)),
      p99: ms(histogram.percentile(99)),
      max: ms(histogram.max),
    });
  }
}

function ms(nanoseconds: number): number {
  return toMicroseconds(nanoseconds / NANOSECONDS_PER_MS);
}
