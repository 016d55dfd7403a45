import { isJson } from './texts.ts';
import type { Line, Run } from './trial.ts';
import { RuleGroup } from './rule-group.ts';

/** In which order the events of a run came, on each connection and over all of them. */
export class Order extends RuleGroup {
  judge(): void {
    for (const run of this.trial.runs) this.#run(run);
    this.#malformed();
  }

  #run(run: Run): void {
    for (const line of this.events.receivedOf(run))
      if (this.events.isRepeated(line, run)) this.#broken('order/duplicate-event', run, line);
    const events = this.events.eventsOf(run);
    for (const line of events) this.#wrongRun(run, line);
    for (const record of new Set(events.map((line) => this.events.recordOf(line, run))))
      this.#orderOn(
        run,
        events.filter((line) => this.events.recordOf(line, run) === record),
        events[0]?.agent,
      );
    this.#ends(run, events);
  }

  /** What still comes after its asker stopped it is exempt. */
  #broken(rule: string, run: Run, line: Line): void {
    if (line.n < run.cancelledAt) this.trial.violated(rule, run.asker, null, line.event);
  }

  // oxlint-disable-next-line complexity -- the rule's text from top to bottom
  #orderOn(run: Run, events: readonly Line[], outermost: string | undefined): void {
    const { first, last, pairs } = this.trial.order;
    for (const [at, line] of events.entries()) {
      const before = events.slice(0, at);
      if (
        before.some((b) => this.events.isEnd(b, outermost)) &&
        !this.events.isEnd(line, outermost)
      )
        if (!this.trial.isUnattributable(line)) this.#broken('order/after-completion', run, line);
      if (before.some((b) => (b.sequence ?? -1) >= (line.sequence ?? Infinity)))
        this.#broken('order/sequence-regression', run, line);
      if (line.event === first) {
        const sameAgent = before.filter(({ agent }) => agent === line.agent);
        const started = sameAgent.findLastIndex(({ event }) => event === first);
        if (started > sameAgent.findLastIndex(({ event }) => event === last))
          this.#broken('order/duplicate-event', run, line);
        const [early] = before;
        const opens = line.agent === outermost;
        const opened = before.some(({ event, agent }) => event === first && agent === outermost);
        if (opens && !opened && early !== undefined) this.#broken('order/out-of-order', run, early);
      }
      if (this.#isToolAgain(run, line, { before, outermost }))
        this.#broken('order/duplicate-event', run, line);
      for (const { opens, closes } of pairs) {
        if (line.event !== opens || line.tool === undefined) continue;
        const early = before.find(({ event, tool }) => event === closes && tool === line.tool);
        const opened = before.some(({ event, tool }) => event === opens && tool === line.tool);
        if (early !== undefined && !opened) this.#broken('order/out-of-order', run, early);
      }
    }
  }

  /**
   * A call starts once and completes once. A tool that is known by its name completes no more often than it
   * started: in this record if that began with the run, else anywhere so far.
   */
  #isToolAgain(
    run: Run,
    line: Line,
    { before, outermost }: { before: readonly Line[]; outermost: string | undefined },
  ): boolean {
    const { first, pairs } = this.trial.order;
    const pair = pairs.find(({ opens, closes }) => [opens, closes].includes(line.event ?? ''));
    const isAlike = ({ event, tool }: Line): boolean => event === line.event && tool === line.tool;
    if (pair === undefined || line.tool === undefined || !before.some(isAlike)) return false;
    if (this.trial.header.profile.claims.toolCallIds === true) return true;
    if (line.event === pair.opens) return false;
    const whole = before.some(({ event, agent }) => event === first && agent === outermost);
    const shown = whole ? before : this.events.eventsOf(run).filter(({ n }) => n < line.n);
    const starts = shown.filter(({ event, tool }) => event === pair.opens && tool === line.tool);
    return before.filter(isAlike).length + 1 > starts.length;
  }

  /** Over all connections: a run ends once. */
  #ends(run: Run, events: readonly Line[]): void {
    const ends = events.filter((line) => this.events.isEnd(line, events[0]?.agent));
    for (const [at, end] of ends.entries())
      if (ends.slice(0, at).some(({ id }) => id !== end.id))
        this.#broken('order/double-completion', run, end);
  }

  #wrongRun(run: Run, line: Line): void {
    if (line.run === undefined) return;
    if (this.#isOfOtherThread(run, line)) this.#broken('order/wrong-run', run, line);
    if (run.ask.marker === undefined) return;
    const holds = (marker: string, text = ''): boolean =>
      this.trial.flattened(text).includes(marker);
    const before = this.trial.streamsBefore(line);
    // A piece holds what it completes; what was whole before it was held by an earlier piece.
    const isHeld = (marker: string): boolean =>
      holds(marker, line.content) ||
      (this.trial.streamsUpTo(line).some((text) => holds(marker, text)) &&
        !before.some((text) => holds(marker, text)));
    const held = this.trial.runs.filter(
      ({ asker, ask }) => asker === run.asker && ask.marker !== undefined && isHeld(ask.marker),
    );
    if (held.length > 0 && !held.includes(run)) this.#broken('order/wrong-run', run, line);
  }

  /** It carries the thread of another question of its asker; both threads are the asker's, and its alone. */
  #isOfOtherThread({ asker, ask }: Run, { thread, n }: Line): boolean {
    const isMine = (id: string | undefined): boolean =>
      this.trial.ownersOf(id).includes(asker) && this.trial.audienceOf(id).length === 0;
    return (
      thread !== ask.thread &&
      isMine(thread) &&
      isMine(ask.thread) &&
      this.trial.runs.some((r) => r.asker === asker && r.ask.thread === thread && r.ask.n < n)
    );
  }

  #malformed(): void {
    for (const { dir, kind, user, surface, contentKind, content, event } of this.trial.lines) {
      if (dir !== 'in' || kind !== 'frame' || surface !== 'socket' || user === null) continue;
      if (contentKind === 'base64' || (contentKind === 'text' && !isJson(content)))
        this.trial.violated('order/malformed-event', user, null, event);
    }
  }
}
