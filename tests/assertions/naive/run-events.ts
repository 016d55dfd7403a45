import { remembered } from './remembered.ts';
import type { Line, NaiveTrial, Run } from './trial.ts';

/** What the asker of a run received of it, and where that ends. */
export class RunEvents {
  readonly #trial: NaiveTrial;

  constructor(trial: NaiveTrial) {
    this.#trial = trial;
  }

  /** Agent events that the asker of a run received of it. */
  readonly receivedOf = remembered((run: Run): readonly Line[] =>
    this.#trial.lines.filter((line) => this.#belongsTo(line, run)),
  );

  /** The same, repetitions in one record left out. */
  readonly eventsOf = remembered((run: Run): readonly Line[] =>
    this.receivedOf(run).filter((line) => !this.isRepeated(line, run)),
  );

  #belongsTo(line: Line, { id, asker, ask }: Run): boolean {
    return (
      line.dir === 'in' &&
      line.n > ask.n &&
      line.surface === 'socket' &&
      line.user === asker &&
      this.#trial.isAgentEvent(line.event) &&
      (line.run ?? this.#latestRun(line)) === id
    );
  }

  /** An event without a run id belongs to its receiver's latest question. */
  #latestRun({ n, user, thread, owner }: Line): string | undefined {
    const owners = this.#trial.ownersOf(thread ?? owner);
    if (owners.length > 0 && !owners.includes(user ?? '')) return undefined;
    return this.#trial.runs.findLast(({ asker, ask }) => asker === user && ask.n < n)?.id;
  }

  /** Where an event was shown: a connection that resumes a run shows it anew from there on. */
  recordOf({ conn, n }: Line, { id }: Run): string {
    const resumed = this.#trial.lines.filter(
      (line) => line.act === 'resume' && line.run === id && line.conn === conn && line.n < n,
    );
    return `${conn} ${resumed.length}`;
  }

  /** The same event came before in the same record. */
  isRepeated(line: Line, run: Run): boolean {
    const record = this.recordOf(line, run);
    return this.receivedOf(run).some(
      (earlier) =>
        earlier.n < line.n &&
        line.id !== undefined &&
        earlier.id === line.id &&
        this.recordOf(earlier, run) === record,
    );
  }

  isEnd(line: Line, outermost: string | undefined): boolean {
    const { last, failure, stopped } = this.#trial.order;
    const ends = [last, ...failure, ...stopped];
    return ends.includes(line.event ?? '') && (line.agent ?? outermost) === outermost;
  }

  /** Its asker stopped it, and it ended. Silence is no answer, unless the target knows no other. */
  isExcused(run: Run): boolean {
    const events = this.eventsOf(run);
    const ended = events.some((line) => this.isEnd(line, events[0]?.agent));
    return this.isCutShort(run) && (ended || this.#trial.order.stopped.length === 0);
  }

  /** Its asker stopped it before it had come to an end. */
  isCutShort(run: Run): boolean {
    const events = this.eventsOf(run);
    const ended = events.some(
      (line) => line.n < run.cancelledAt && this.isEnd(line, events[0]?.agent),
    );
    return run.cancelledAt < Infinity && !ended;
  }

  /** Events that a run owes its asker: a sub-agent's start and completion are not the run's. */
  owedEvents(events: readonly Line[]): ReadonlySet<string | undefined> {
    const { first, last } = this.#trial.order;
    const outermost = events[0]?.agent;
    const owed = events.filter(
      ({ event, agent }) =>
        (event !== first && event !== last) || (agent ?? outermost) === outermost,
    );
    return new Set(owed.map(({ event }) => event));
  }

  /** The last event that is no repetition of what another tab showed. */
  lastOf(events: readonly Line[]): Line | undefined {
    return events.findLast(
      ({ n, id, event }) =>
        !events.some((e) => e.n < n && id !== undefined && e.id === id) ||
        !events.some((e) => e.n < n && e.event === event),
    );
  }
}
