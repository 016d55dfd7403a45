import type { Run } from './trial.ts';
import { RuleGroup } from './rule-group.ts';

/** Whether a history without violations proves anything. */
export class Evidence extends RuleGroup {
  isEnough(): boolean {
    const heard = this.trial.users.every((user) =>
      this.trial.lines.some(
        (l) => l.user === user && l.dir === 'in' && this.trial.isAgentEvent(l.event),
      ),
    );
    return heard && this.#overlap() && this.trial.runs.every((r) => this.#echoed(r));
  }

  #overlap(): boolean {
    const intervals = this.trial.runs.flatMap((run) => {
      const end = this.events.lastOf(this.events.eventsOf(run))?.t;
      return end === undefined ? [] : [{ user: run.asker, from: run.ask.t, to: end }];
    });
    const pairs = new Set<string>();
    for (const a of intervals)
      for (const b of intervals)
        if (a.user < b.user && Math.min(a.to, b.to) - Math.max(a.from, b.from) >= 1)
          pairs.add(`${a.user} ${b.user}`);
    const possible = (this.trial.users.length * (this.trial.users.length - 1)) / 2;
    return possible > 0 && pairs.size >= this.trial.header.profile.limits.overlapFloor * possible;
  }

  /** Each user's own marker came back where the profile says it must. */
  #echoed(run: Run): boolean {
    const events = this.events.eventsOf(run);
    if (this.events.isCutShort(run) || !events.some((l) => this.events.isEnd(l, events[0]?.agent)))
      return true;
    const { echo } = this.trial.header.profile.claims;
    const note = this.trial.lines.find(
      ({ user, act, place }) => user === run.asker && act === 'plant' && place === 'note',
    )?.marker;
    return Object.entries(echo).every(([name, places]) => {
      const of = events.filter(({ event = '' }) => event === name);
      const pieces = events.filter(({ event = '' }) => this.trial.order.chunk.includes(event));
      const texts = of.map(({ content = '' }) => content);
      if (name === this.trial.order.last) texts.push(this.trial.streamed(pieces));
      return (
        of.length === 0 ||
        places.every((place) => {
          const marker = place === 'note' ? note : run.ask.marker;
          return marker === undefined || texts.some((text) => this.trial.holds(text, marker));
        })
      );
    });
  }
}
