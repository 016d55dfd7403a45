import { textsOf, holdsId } from './texts.ts';
import type { Line, Run } from './trial.ts';
import { RuleGroup } from './rule-group.ts';

/** What never came, of runs that went to their end in a complete history. */
export class Presence extends RuleGroup {
  judge(): void {
    for (const run of this.trial.runs) this.#run(run);
  }

  // oxlint-disable-next-line complexity -- the rule's text from top to bottom
  #run(run: Run): void {
    if (this.events.isExcused(run)) {
      this.#orphansBeforeStop(run);
      return;
    }
    const events = this.events.eventsOf(run);
    const outermost = events[0]?.agent;
    const { last, pairs, required, failure } = this.trial.order;
    const completed = events.some((e) => e.event === last && this.events.isEnd(e, outermost));
    const came = this.events.owedEvents(events);
    // A run that failed openly, or whose user was cut off or waited in vain, is reported as that.
    const failed =
      !came.has(last) &&
      events.some((l) => failure.includes(l.event ?? '') && this.events.isEnd(l, outermost));
    const isTold =
      failed || this.#isCutOff(run, events) || (events.length === 0 && this.#hasTimedOut(run));
    const missing = isTold ? [] : required.filter((event) => !came.has(event));
    const renamed = this.#renamed(run);
    for (const line of events)
      for (const { opens, closes } of pairs) {
        // The other half of a call may be what came under another name.
        const partner = (name: string): boolean =>
          events.some(({ event, tool }) => event === name && tool === line.tool) ||
          (missing.includes(name) &&
            renamed.some(({ canonical, tool }) => canonical === name && tool === line.tool));
        // What came of a run that its asker stopped answers to that; that it never ended does not.
        if (line.tool === undefined || line.n > run.cancelledAt) continue;
        if (line.event === closes && !partner(opens))
          this.trial.violated('order/orphan-event', run.asker, null, line.event);
        if (line.event === opens && !partner(closes) && completed)
          this.trial.violated('order/unclosed-tool', run.asker, null, line.event);
      }
    if (isTold) return;
    for (const event of missing)
      this.trial.violated(
        renamed.some(({ canonical }) => canonical === event)
          ? 'order/drift'
          : 'order/missing-event',
        run.asker,
        null,
        event,
      );
    const silent = events.length > 0 && !events.some((line) => this.events.isEnd(line, outermost));
    if (silent && missing.some((event) => event !== last) && renamed.length === 0)
      this.trial.violated('order/stalled-run', run.asker, null, this.events.lastOf(events)?.event);
  }

  /** What came before a stop is no answer to it. */
  #orphansBeforeStop(run: Run): void {
    const events = this.events.eventsOf(run);
    if (this.#renamed(run).length > 0) return;
    for (const { event, tool, n } of events)
      for (const { opens, closes } of this.trial.order.pairs)
        if (event === closes && tool !== undefined && n < run.cancelledAt)
          if (!events.some((other) => other.event === opens && other.tool === tool))
            this.trial.violated('order/orphan-event', run.asker, null, event);
  }

  /** Required events that came to the asker under another known name, and of which tool they speak. */
  #renamed({ id, asker }: Run): { canonical: string; tool: string | undefined }[] {
    return this.trial.lines.flatMap((line) => {
      const canonical = this.trial.order.aliases[line.event ?? ''];
      const named =
        line.run === undefined ? textsOf(line).some((text) => holdsId(text, id)) : line.run === id;
      const mine = line.dir === 'in' && line.user === asker && named;
      return mine && canonical !== undefined ? [{ canonical, tool: line.tool }] : [];
    });
  }

  /** The target closed the asking connection before the run had ended. */
  #isCutOff(run: Run, events: readonly Line[]): boolean {
    return this.trial.closedByTarget(run.asker).some((close) => {
      const before = events.filter(({ n }) => n < close.n);
      const asked = run.ask.n < close.n;
      const here = before.length === 0 || before.some(({ conn }) => conn === close.conn);
      return asked && here && !before.some((line) => this.events.isEnd(line, events[0]?.agent));
    });
  }

  #hasTimedOut(run: Run): boolean {
    return this.trial.lines.some(
      ({ kind, user, reason, n }) =>
        kind === 'failure' &&
        user === run.asker &&
        reason === 'timeout' &&
        this.trial.runs.findLast(({ asker, ask }) => asker === user && ask.n < n) === run,
    );
  }
}
