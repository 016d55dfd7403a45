import type { JournalWriter } from '../history/journal-writer.ts';

/** A message that has come in and was stamped. */
export interface Arrival {
  /** Bytes it holds on to. */
  readonly size: number;
  /** Writes it down. */
  record(): void;
  /** Tells its receiver, after {@link record}. */
  tell(): void;
}

/** So many are dealt with together: enough to share what they need, few enough to be in the caches still. */
const MESSAGES_MAX = 64;
/** Long messages do not wait for others; so much memory a turn of the loop may hold at most. */
const BYTES_MAX = 256 * 1024;

/**
 * The messages of all connections of a trial between being read and the end of that turn of the event
 * loop. Reading, recording and reacting each need code and memory of their own: one connection at a time,
 * each finds nothing of it in the processor's caches, which costs a third of all there is to do. What is
 * written down stays in the order in which it came, also among all other lines: the journal lets what
 * waits here go first.
 */
export class Inbox {
  readonly #journal: JournalWriter;
  #arrived: Arrival[] = [];
  #recorded: Arrival[] = [];
  #size = 0;
  #due = false;
  readonly #record = (): void => this.#recordAll();
  readonly #deliver = (): void => {
    this.#due = false;
    this.deliver();
  };

  constructor(journal: JournalWriter) {
    this.#journal = journal;
  }

  /** Takes a message in, to be recorded and told at the end of this turn, or before any later line. */
  take(arrival: Arrival): void {
    this.#size += arrival.size;
    const count = this.#arrived.push(arrival);
    if (count === 1) this.#journal.letFirst(this.#record);
    if (count >= MESSAGES_MAX || this.#size >= BYTES_MAX) this.deliver();
    else this.#deliverSoon();
  }

  /** Records and tells all that has come in. */
  deliver(): void {
    this.#recordAll();
    const recorded = this.#recorded;
    if (recorded.length === 0) return;
    this.#recorded = [];
    for (const arrival of recorded) arrival.tell();
  }

  #recordAll(): void {
    const arrived = this.#arrived;
    if (arrived.length === 0) return;
    this.#arrived = [];
    this.#size = 0;
    this.#journal.letFirst(undefined);
    let begun = 0;
    try {
      for (const arrival of arrived) {
        begun += 1;
        arrival.record();
        this.#recorded.push(arrival);
      }
    } finally {
      // Whoever made this happen hears what went wrong; the messages behind it are evidence all the same.
      if (begun < arrived.length) this.#putBack(arrived.slice(begun));
    }
  }

  #putBack(arrived: readonly Arrival[]): void {
    this.#arrived = [...arrived, ...this.#arrived];
    this.#journal.letFirst(this.#record);
    this.#deliverSoon();
  }

  #deliverSoon(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(this.#deliver);
  }
}
