import { performance } from 'node:perf_hooks';

/** The only place that reads the time or sets a timer; stopping it ends every timer of a target. */
export interface Clock {
  /** Unix milliseconds, for timestamps. */
  readonly now: () => number;
  /** Milliseconds on a clock that never jumps, for durations. */
  readonly monotonic: () => number;
  /** Runs a task once, after this many milliseconds, unless the clock is stopped before. */
  readonly after: (milliseconds: number, task: () => void) => void;
  /** Runs a task again and again until the clock is stopped. */
  readonly every: (milliseconds: number, task: () => void) => void;
  readonly stop: () => void;
}

/** Makes a running clock. */
export function createClock(): Clock {
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after: (milliseconds, task) => {
      if (stopped) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        task();
      }, milliseconds);
      timers.add(timer);
    },
    every: (milliseconds, task) => {
      if (!stopped) timers.add(setInterval(task, milliseconds));
    },
    stop: () => {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}

/** Renders Unix milliseconds the way every frame and reply shows time: ISO 8601 with milliseconds. */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
