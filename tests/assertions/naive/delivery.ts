import type { Line } from './trial.ts';
import { RuleGroup } from './rule-group.ts';

/** Errors, and what failed for some users; what failed for all of them accuses nobody. */
export class Delivery extends RuleGroup {
  /** Whether every user failed at one step: an outage, not a violation. */
  judge(): boolean {
    for (const line of this.trial.lines)
      if (line.user !== null && line.dir === 'in' && line.kind === 'frame')
        this.#frame(line, line.user);
    let hasOutage = false;
    const failures = this.#failures();
    for (const { rule, user, step } of failures) {
      const alike = failures.filter((other) => other.rule === rule && other.step === step);
      if (new Set(alike.map((other) => other.user)).size < this.trial.users.length)
        this.trial.violated(`delivery/${rule}`, user, null, step);
      else hasOutage = true;
    }
    return hasOutage;
  }

  #frame(line: Line, user: string): void {
    const { event = '' } = line;
    const ofRun = this.trial.order.failure.includes(event);
    const run = this.trial.runs.find(({ id }) => id === line.run);
    const exempt = run !== undefined && line.n > run.cancelledAt;
    const owners = this.trial.ownersOfFrame(line);
    const mine = owners.length === 0 || owners.includes(user);
    if (!ofRun && ((exempt && run.asker === user) || this.#refusesLateStop(line))) return;
    if (ofRun ? mine && !exempt : this.trial.header.profile.errors.includes(event))
      this.trial.violated('delivery/error-event', user, null, event);
  }

  #failures(): { rule: string; user: string; step: string }[] {
    const failures: { rule: string; user: string; step: string }[] = [];
    for (const { kind, user, reason, step = 'a step' } of this.trial.lines) {
      if (user === null || kind !== 'failure' || reason === 'unexpected-close') continue;
      const connecting = /sign.?in|connect|handshake|open.?chat|who.?am.?i/i.test(step);
      const failed = connecting ? 'connect-failed' : 'error-event';
      failures.push({ rule: reason === 'timeout' ? 'timeout' : failed, user, step });
    }
    for (const user of this.trial.users)
      if (this.trial.closedByTarget(user).length > 0)
        failures.push({ rule: 'unexpected-close', user, step: 'connection' });
    return failures;
  }

  /** The first error without a run after the stop of one that had ended by itself, if nothing of a later one came. */
  #refusesLateStop(line: Line): boolean {
    const { errors } = this.trial.header.profile;
    const said = (o: Line): boolean => o.user === line.user && o.dir === 'in' && o.n < line.n;
    const late = this.trial.runs.findLast(
      (run) => run.asker === line.user && this.events.eventsOf(run).some(said),
    );
    if (line.run !== undefined || late === undefined || late.cancelledAt > line.n) return false;
    const events = this.events.eventsOf(late).filter(said);
    const ends = events.filter((event) => this.events.isEnd(event, events[0]?.agent));
    const first = !this.trial.lines.some(
      (o) =>
        said(o) && o.n > late.cancelledAt && o.run === undefined && errors.includes(o.event ?? ''),
    );
    const stopped = ends.some(({ event }) => this.trial.order.stopped.includes(event ?? ''));
    return ends.length > 0 && !stopped && first;
  }
}
