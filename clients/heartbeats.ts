import { every } from './waiting.ts';

/** What beats: a connection that is ready. */
export interface Beating {
  /** Sends an application-level ping, where the target has one. */
  samplePing(): void;
  /** Sends a protocol-level ping. */
  protocolPing(): void;
}

const TICK_MS = 250;
/** One clock sample per connection this often. */
export const SAMPLE_EVERY_MS = 10_000;

/**
 * The pings of all connections of a trial on one timer. Each tick serves the share of connections that
 * is due, in turn, so ten thousand idle connections cost neither timers nor bursts.
 */
export class Heartbeats {
  readonly #members = new Set<Beating>();
  readonly #rounds: Round[];
  readonly #stop: () => void;

  constructor(protocolEveryMs: number | null) {
    this.#rounds = [new Round(this.#members, SAMPLE_EVERY_MS, (member) => member.samplePing())];
    if (protocolEveryMs !== null)
      this.#rounds.push(
        new Round(this.#members, protocolEveryMs, (member) => member.protocolPing()),
      );
    this.#stop = every(TICK_MS, () => {
      for (const round of this.#rounds) round.tick();
    });
  }

  add(member: Beating): void {
    this.#members.add(member);
  }

  remove(member: Beating): void {
    this.#members.delete(member);
  }

  /** One clock sample of every connection now. */
  sampleAll(): void {
    for (const member of this.#members) member.samplePing();
  }

  stop(): void {
    this.#stop();
    this.#members.clear();
  }
}

/** Goes round all members once per period. */
class Round {
  readonly #members: Set<Beating>;
  readonly #periodMs: number;
  readonly #beat: (member: Beating) => void;
  #turn: Iterator<Beating>;
  #due = 0;

  constructor(members: Set<Beating>, periodMs: number, beat: (member: Beating) => void) {
    this.#members = members;
    this.#periodMs = periodMs;
    this.#beat = beat;
    this.#turn = members.values();
  }

  tick(): void {
    this.#due += (this.#members.size * TICK_MS) / this.#periodMs;
    while (this.#due >= 1) {
      this.#due -= 1;
      let next = this.#turn.next();
      if (next.done === true) {
        // The iterator of a set sees members that come and go; only its end is final.
        this.#turn = this.#members.values();
        next = this.#turn.next();
      }
      if (next.done === true) return;
      this.#beat(next.value);
    }
  }
}
