import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { toMicroseconds, type Recorder } from './recorder.ts';
import { every } from './waiting.ts';

/** Sampling interval of the delay histogram; subtracted from every sample. */
const RESOLUTION_MS = 1;
const REPORT_EVERY_MS = 5_000;
/** A single standstill longer than this gets a line of its own. */
const STALL_MS_MIN = 250;
const PULSE_MS = 50;
const NANOSECONDS_PER_MS = 1e6;

const HARNESS = { user: null, conn: null, surface: 'harness', dir: 'act' } as const;

/**
 * Watches the harness's own event loop for as long as a trial lasts, so that its slowness is never taken
 * for the target's (DESIGN §3.11). Writes a `stall` line for each standstill over 250 ms, and every 5 s
 * and at the end a `delay` line with the distribution so far, in milliseconds beyond what was due.
 */
export class LoopDelay {
  readonly #recorder: Recorder;
  readonly #histogram: IntervalHistogram;
  readonly #stops: (() => void)[];
  #pulseAt: number;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#histogram.enable();
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
    this.#histogram.disable();
  }

  #pulse(): void {
    const now = this.#recorder.clock.now();
    const delay = now - this.#pulseAt - PULSE_MS;
    this.#pulseAt = now;
    if (delay > STALL_MS_MIN)
      this.#recorder.journal.append({ ...HARNESS, kind: 'stall', delay: toMicroseconds(delay) });
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

/** Beyond the sampling interval itself, which every sample contains. */
function ms(nanoseconds: number): number {
  return Math.max(0, toMicroseconds(nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS));
}
