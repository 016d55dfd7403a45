import { RuleGroup } from './rule-group.ts';

/** Gates that count events. */
export class Gates extends RuleGroup {
  /** @param isWhole no outage and no cut-off record explains what is missing. */
  judge({ isWhole }: { readonly isWhole: boolean }): void {
    const agentEvents = this.trial.lines.filter(
      (line) => line.dir === 'in' && line.kind === 'frame' && this.trial.isAgentEvent(line.event),
    );
    const astray = agentEvents.filter((line) => {
      const owners = this.trial.ownersOfFrame(line);
      const none = (line.run ?? line.thread ?? line.owner) === undefined;
      if (none) return (this.trial.header.profile.claims.ids[line.event ?? ''] ?? []).length > 0;
      if (owners.length === 0) return true;
      return !owners.includes(line.user ?? '') && !this.trial.isInAudience(line, line.user ?? '');
    });
    if (astray.length > 0) this.trial.violations.add('gate/routing|||');
    if (!isWhole) return;
    const { required, last } = this.trial.order;
    const counted = this.trial.runs.filter((run) => !this.events.isExcused(run));
    const whole = counted.every((run) => {
      const came = this.events.owedEvents(this.events.eventsOf(run));
      return required.every((event) => came.has(event));
    });
    if (!whole) this.trial.violations.add('gate/delivery-rate|||');
    const ended = counted.every((run) => {
      const events = this.events.eventsOf(run);
      return events.find((line) => this.events.isEnd(line, events[0]?.agent))?.event === last;
    });
    if (!ended) this.trial.violations.add('gate/error-rate|||');
  }
}
