/**
 * The one place that reads a clock. Every `t` of a history is milliseconds on this monotonic clock of
 * the writing process; `startedAt` in the first line ties it to wall time (DESIGN §4.4).
 */
export interface Clock {
  /** Milliseconds since the clock was made, monotonic, sub-millisecond resolution. */
  now(): number;
  /** Wall time of `now() === 0`, in Unix milliseconds. */
  readonly startedAtUnixMs: number;
}

/** A clock that starts at 0 now. */
export function startClock(): Clock {
  const origin = performance.now();
  return {
    now: () => performance.now() - origin,
    startedAtUnixMs: performance.timeOrigin + origin,
  };
}

/** Wall time in Unix milliseconds, on the same base as {@link Clock.startedAtUnixMs}. */
export function wallUnixMs(): number {
  return performance.timeOrigin + performance.now();
}
