import type { Clock } from '../history/clock.ts';
import type { DecodedFrame } from '../targets/target.ts';
import { toMicroseconds } from './recorder.ts';

/** Clock samples taken as soon as a connection is ready. */
const SAMPLES_AT_START = 2;
/** After so long without its pong a ping is given up. */
const ANSWER_MS_MAX = 5_000;

/** How far the target's clock is from ours, by one ping and its pong. */
interface ClockSample {
  readonly rtt: number;
  /** Undefined where the pong does not say when it was sent. */
  readonly offset: number | undefined;
}

/** The samples of the target's clock on one connection: one ping at a time, and the pong that answers it. */
export class ClockSamples {
  /** The clock sample under way: when its ping left, and the Unix ms it carried. */
  #pingAt = 0;
  #pingUnixMs = 0;
  #left = 0;

  /** What the next ping carries, Unix ms; undefined while the pong of another is awaited. */
  next(clock: Clock): number | undefined {
    const at = clock.now();
    // Where a pong does not say which ping it answers, there is but one at a time.
    if (this.#pingAt !== 0 && at - this.#pingAt < ANSWER_MS_MAX) return undefined;
    const unixMs = Math.round(clock.startedAtUnixMs + at);
    this.#pingAt = at;
    this.#pingUnixMs = unixMs;
    return unixMs;
  }

  /** What a pong says; undefined for one that does not answer our ping. */
  answered({ echoedAt, sentAt }: DecodedFrame, at: number, clock: Clock): ClockSample | undefined {
    if (this.#pingAt === 0) return undefined;
    if (echoedAt !== undefined && Math.abs(echoedAt - this.#pingUnixMs) >= 1) return undefined;
    const rtt = toMicroseconds(at - this.#pingAt);
    const midpoint = clock.startedAtUnixMs + this.#pingAt + rtt / 2;
    this.#pingAt = 0;
    return { rtt, offset: sentAt === undefined ? undefined : toMicroseconds(sentAt - midpoint) };
  }

  /** The first of those at the start of a connection is taken now. */
  begin(): void {
    this.#left = SAMPLES_AT_START - 1;
  }

  /** Whether the next of those at the start is to be taken now; if so, it is. */
  takeNext(): boolean {
    if (this.#left === 0 || this.#pingAt !== 0) return false;
    this.#left -= 1;
    return true;
  }
}
