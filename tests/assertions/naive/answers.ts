import { payloadText } from './texts.ts';
import type { Run } from './trial.ts';
import { RuleGroup } from './rule-group.ts';

/** Answers that are another's, or of another question. */
export class Answers extends RuleGroup {
  judge(): void {
    const { answer } = this.trial.header.profile.answer;
    for (const run of this.trial.runs) {
      const events = this.events.receivedOf(run);
      const outermost = events[0]?.agent;
      const pieces = events.filter(({ event }) => this.trial.order.chunk.includes(event ?? ''));
      for (const end of events) {
        if (end.event !== this.trial.order.last || end.agent !== outermost) continue;
        const texts = [payloadText(end, answer) ?? ''];
        for (const conn of new Set(pieces.map((piece) => piece.conn)))
          texts.push(
            this.trial.streamed(pieces.filter((piece) => piece.conn === conn && piece.n < end.n)),
          );
        for (const text of texts) this.#answer(run, text);
      }
    }
  }

  /** Lacks my own current marker and holds another's, or a stale one of mine. */
  #answer({ asker, ask }: Run, text: string): void {
    const all = this.trial.belongings;
    const mine = all.find(({ name }) => name === asker)?.markers ?? [];
    const current = mine.filter(({ marker, place }) =>
      ask.marker === undefined ? place === 'note' : marker === ask.marker,
    );
    if (current.some(({ marker }) => this.trial.holds(text, marker))) return;
    // Members of a thread may be answered with what was said in it, if they asked there.
    const members = this.trial.audienceOf(ask.thread);
    const another = all.find(
      ({ name, markers }) =>
        name !== asker &&
        !(members.includes(asker) && members.includes(name)) &&
        markers.some(({ marker }) => this.trial.holds(text, marker)),
    );
    const stale =
      ask.marker !== undefined &&
      mine.some(({ marker, place }) => place === 'question' && this.trial.holds(text, marker));
    const owner = another?.name ?? (stale ? asker : undefined);
    if (owner !== undefined)
      this.trial.violated('isolation/wrong-answer', asker, owner, this.trial.order.last);
  }
}
