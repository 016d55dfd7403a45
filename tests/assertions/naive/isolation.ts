import { holdsId, isJson, textsOf, valuesIn, withoutWhole } from './texts.ts';
import type { Line } from './trial.ts';
import { RuleGroup } from './rule-group.ts';

/** What somebody received of another: events, ids, markers and credentials. */
export class Isolation extends RuleGroup {
  judge(): void {
    for (const line of this.trial.lines) {
      if (line.purpose === 'health' && line.dir === 'in') this.#health(line);
      this.#identity(line);
      if (line.dir !== 'in' || line.user === null) continue;
      if (this.trial.isAgentEvent(line.event)) this.#agentEvent(line, line.user);
      this.#content(line, line.user);
      this.#streamed(line, line.user);
    }
  }

  #identity(line: Line): void {
    const { user, source, n } = line;
    const shown = this.trial.shownBy(line);
    const ids = this.trial.givenBy(line);
    if (user === null) return;
    const [owner = 'outside'] = this.trial.ownersOf(shown);
    if (shown !== undefined && owner !== user)
      this.trial.violated('isolation/foreign-identity', user, owner, source);
    for (const id of Object.values(ids)) {
      const [first] = this.trial.ownersOf(id);
      const before = this.trial.lines.some(
        (earlier) =>
          earlier.n < n &&
          earlier.user === user &&
          Object.values(this.trial.givenBy(earlier)).includes(id),
      );
      if (first !== undefined && first !== user && !before)
        if (!this.trial.audienceOf(id).includes(user))
          this.trial.violated('isolation/shared-identifier', user, first, source);
    }
  }

  // oxlint-disable-next-line complexity -- the rule's text from top to bottom
  #agentEvent(line: Line, observer: string): void {
    const { event = '', run, thread, owner } = line;
    if (this.trial.isUnattributable(line))
      this.trial.violated('isolation/unattributable-event', observer, null, event);
    if (run === undefined && thread === undefined && owner === undefined) return;
    const owners = this.trial.ownersOfFrame(line);
    const [first] = owners;
    if (first === undefined && owner !== undefined)
      this.trial.violated('isolation/misdelivered-event', observer, 'outside', event);
    else if (first === undefined || (owners.includes(observer) && !this.#wasAsked(run)))
      this.trial.violated('isolation/unsolicited-run', observer, null, event);
    else if (!owners.includes(observer) && !this.trial.isInAudience(line, observer))
      this.trial.violated('isolation/misdelivered-event', observer, first, event);
  }

  #wasAsked(run: string | undefined): boolean {
    return run === undefined || this.trial.ownersOf(run).length > 0;
  }

  /** An agent event owned by another: what it says of its owner is said by misdelivered-event. */
  #isAnothers(line: Line, observer: string): boolean {
    if (!this.trial.isAgentEvent(line.event)) return false;
    const owners = this.trial.ownersOfFrame(line);
    return owners.length > 0 ? !owners.includes(observer) : line.owner !== undefined;
  }

  /** Nobody signs in to ask for health: what its reader owns is not the reader's to receive there. */
  #health(line: Line): void {
    for (const text of textsOf(line))
      for (const { name, ids, markers, hashes } of this.trial.belongings) {
        if (name !== line.user) continue;
        for (const { id, kind } of ids)
          if (this.#holdsNow(text, id))
            this.trial.violated(`isolation/${kind}`, '', name, line.event);
        for (const { marker, place } of markers)
          if (this.trial.holds(text, marker)) {
            this.trial.violated('isolation/foreign-marker', '', name, line.event);
            if (place === 'name')
              this.trial.violated('isolation/foreign-identity', '', name, line.event);
          }
        for (const hash of hashes)
          if (text.includes(`[redacted:${hash}]`))
            this.trial.violated('isolation/foreign-credential', '', name, line.event);
      }
  }

  // oxlint-disable-next-line complexity -- the rule's text from top to bottom
  #content(line: Line, observer: string): void {
    const anothers = this.#isAnothers(line, observer);
    for (const text of textsOf(line)) {
      for (const { name, ids, markers, hashes } of this.trial.belongings) {
        if (name === observer) continue;
        for (const { id, kind } of ids)
          if (
            !anothers &&
            this.#holdsNow(text, id) &&
            !this.#mayHold(line, { observer, name, text: id })
          )
            this.trial.violated(`isolation/${kind}`, observer, name, line.event);
        for (const { marker, place } of markers)
          if (
            this.trial.holds(text, marker) &&
            !this.#mayHold(line, { observer, name, text: marker })
          ) {
            this.trial.violated('isolation/foreign-marker', observer, name, line.event);
            if (place === 'name' && !anothers)
              this.trial.violated('isolation/foreign-identity', observer, name, line.event);
          }
        for (const hash of hashes)
          if (text.includes(`[redacted:${hash}]`))
            this.trial.violated('isolation/foreign-credential', observer, name, line.event);
      }
    }
    // An own event, or no event at all, may still name another, or a stranger, in its envelope.
    if (!anothers) this.#claims(line, observer);
    if (!anothers) this.#named(line, observer);
    if (!anothers && line.owner !== undefined && this.trial.ownersOf(line.owner).length === 0)
      this.trial.violated('isolation/foreign-identity', observer, 'outside', line.event);
  }

  /** Whom and what a frame names where the profile says that it names somebody or something. */
  // oxlint-disable-next-line complexity -- the rule's text from top to bottom
  #named(line: Line, observer: string): void {
    const { user = [], thread = [], run = [], nobody = [] } = this.trial.header.profile.named ?? {};
    if (!['socket', 'sse', 'http'].includes(line.surface) || !isJson(line.content)) return;
    for (const { names, text } of valuesIn(JSON.parse(line.content ?? '{}'))) {
      const stands = (members: readonly string[]): boolean =>
        members.some((member) => names.includes(member));
      const owners = this.trial.ownersOf(text);
      if (text === '' || nobody.includes(text) || owners.includes(observer)) continue;
      const isUser = stands(user);
      if (!isUser && !stands(thread) && !stands(run)) continue;
      const [name = isUser ? 'outside' : undefined] = owners;
      if (name === undefined || this.#mayHold(line, { observer, name, text })) continue;
      const rule = `isolation/foreign-${isUser ? 'identity' : 'run'}`;
      this.trial.violated(rule, observer, name, line.event);
    }
  }

  #claims(line: Line, observer: string): void {
    for (const text of [line.owner, line.thread, line.run]) {
      const owners = this.trial.ownersOf(text);
      const [name] = owners;
      if (text === undefined || name === undefined || owners.includes(observer)) continue;
      const kind = this.trial.belongings
        .flatMap(({ ids }) => ids)
        .find(({ id }) => id === text)?.kind;
      if (!this.#mayHold(line, { observer, name, text }))
        this.trial.violated(`isolation/${kind}`, observer, name, line.event);
    }
  }

  #streamed(line: Line, observer: string): void {
    const before = this.trial.streamsBefore(line);
    const holdsNow = (marker: string): boolean =>
      this.trial.streamsUpTo(line).some((joined) => this.trial.holds(joined, marker)) &&
      !before.some((joined) => this.trial.holds(joined, marker));
    for (const { name, markers } of this.trial.belongings)
      for (const { marker } of markers)
        if (name !== observer && holdsNow(marker))
          if (!this.#mayHold(line, { observer, name, text: marker }))
            this.trial.violated('isolation/foreign-marker', observer, name, line.event);
  }

  /** An identity that is but a part of a longer one is not meant where that one stands. */
  #holdsNow(text: string, id: string): boolean {
    const identities = this.trial.belongings.flatMap(({ ids }) =>
      ids.filter(({ kind }) => kind === 'foreign-identity').map((one) => one.id.toLowerCase()),
    );
    const lower = id.toLowerCase();
    if (!identities.includes(lower)) return holdsId(text, id);
    const longer = identities.filter((one) => one !== lower && holdsId(one, lower));
    return holdsId(
      longer.reduce((rest, one) => withoutWhole(rest, one), text.toLowerCase()),
      lower,
    );
  }

  /**
   * What the observer owns itself, what it sent first, and what members of a thread see of each other in
   * the frames and replies of that thread.
   */
  #mayHold(line: Line, what: { observer: string; name: string; text: string }): boolean {
    const { observer, name, text } = what;
    const owners = this.trial.ownersOf(text);
    if (owners.includes(observer) || this.trial.audienceOf(text).includes(observer)) return true;
    const sent = this.trial.lines.some(
      (earlier) =>
        earlier.n < line.n &&
        earlier.user === observer &&
        earlier.dir === 'out' &&
        textsOf(earlier).some((said) => said.includes(text)),
    );
    // Another thread of a member is its own.
    if (this.trial.lines.some(({ ids }) => ids?.thread === text)) return sent;
    return (
      sent || this.#membersIn(line).some((all) => all.includes(observer) && all.includes(name))
    );
  }

  /** Members of the threads whose frame or reply a line is. */
  #membersIn(line: Line): (readonly string[])[] {
    const named = this.trial.lines.filter(
      ({ kind, audience, ids }) =>
        kind === 'identity' &&
        audience !== undefined &&
        (ids?.thread === this.trial.threadOf(line) ||
          textsOf(line).some((text) => holdsId(text, ids?.thread ?? ''))),
    );
    return named.map(({ audience = [] }) => audience);
  }
}
