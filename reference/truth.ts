import { closeSync, openSync, writeSync } from 'node:fs';
import type { Clock } from './clock.ts';

/** One deliberate deviation, as it was really sent. Emitted as one line of JSON, with `t` in Unix ms. */
interface TruthLine {
  readonly fault: string;
  /** E-mail that the person it happened to signed in with; null if it concerns no signed-in person. */
  readonly observer: string | null;
  /**
   * E-mail of the person whose data was seen, or whose act had this effect; `outside` for an invented
   * person, null if nobody's.
   */
  readonly owner: string | null;
  readonly run: string | null;
  readonly event: string | null;
  readonly how: string;
}

/** The ground-truth log of a target. */
export interface Truth {
  readonly write: (line: TruthLine) => void;
  readonly close: () => void;
}

/**
 * Opens the ground-truth log, or one that keeps nothing if there is no file. Each line is written
 * synchronously, so a killed target loses none that it had sent.
 */
export function openTruth(file: string | null, clock: Clock): Truth {
  if (file === null) return { write: () => undefined, close: () => undefined };
  let descriptor: number | null = openSync(file, 'a', 0o600);
  return {
    write: ({ fault, observer, owner, run, event, how }) => {
      if (descriptor === null) return;
      // Named one by one, so that every line has its fields in the same order.
      const line = { t: clock.now(), fault, observer, owner, run, event, how };
      writeSync(descriptor, `${JSON.stringify(line)}\n`);
    },
    close: () => {
      if (descriptor !== null) closeSync(descriptor);
      descriptor = null;
    },
  };
}
