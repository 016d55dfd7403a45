import type { Observation, TrialHeader } from '../../history/observation.ts';
import type { Outcome } from '../../history/verdict.ts';

/**
 * A second judge, written from the texts of the rules (DESIGN 3.3 to 3.8 and 4.7, `history/rules.ts`) and
 * from nothing in `assertions/`. It holds the whole history in memory and looks at it again and again:
 * slow, and simple enough to be believed. Where both judges agree, neither is likely to be wrong.
 *
 * It covers isolation, order, delivery, the evidence rules that decide a verdict, and the gates that count
 * events; not page rules, timing gates and notes.
 */
export interface NaiveVerdict {
  readonly verdict: Outcome;
  /** `rule|observer|owner|event` of every violation. */
  readonly violations: ReadonlySet<string>;
}

type Line = Observation;

interface Run {
  readonly id: string;
  readonly asker: string;
  readonly ask: Line;
  readonly cancelledAt: number;
}

/** What of a user could be recognised elsewhere. */
interface Belongings {
  readonly name: string;
  readonly ids: readonly { readonly id: string; readonly kind: string }[];
  readonly markers: readonly { readonly marker: string; readonly place: string }[];
  readonly hashes: readonly string[];
}

export function judgeNaively(
  header: TrialHeader,
  lines: readonly Line[],
  complete = true,
): NaiveVerdict {
  const trial = new NaiveTrial(header, lines, complete);
  trial.isolation();
  trial.answers();
  for (const run of trial.runs) {
    trial.order(run);
    trial.interference(run);
    if (complete) trial.presence(run);
  }
  trial.malformed();
  trial.delivery();
  trial.gates();
  const open = trial.violations.size === 0 && !trial.hasEvidence();
  return {
    verdict: trial.violations.size > 0 ? 'fail' : open ? 'inconclusive' : 'pass',
    violations: trial.violations,
  };
}

class NaiveTrial {
  readonly violations = new Set<string>();
  readonly runs: readonly Run[];
  readonly #header: TrialHeader;
  readonly #lines: readonly Line[];
  readonly #complete: boolean;
  readonly #users: readonly string[];
  readonly #belongings: readonly Belongings[];
  /** Whether every user failed at one step: an outage, not a violation. */
  #outage = false;

  constructor(header: TrialHeader, lines: readonly Line[], complete: boolean) {
    this.#header = header;
    this.#lines = lines;
    this.#complete = complete;
    this.#users = header.users.map(({ user }) => user);
    this.runs = lines
      .filter(({ kind, act }) => kind === 'act' && act === 'ask')
      .map((ask) => ({
        id: ask.run ?? '',
        asker: ask.user ?? '',
        ask,
        cancelledAt:
          lines.find(({ act, run }) => (act === 'stop' || act === 'cancel') && run === ask.run)
            ?.n ?? Infinity,
      }));
    this.#belongings = this.#collectBelongings();
  }

  // oxlint-disable-next-line max-params -- the parts of a finding
  #violated(rule: string, observer: string, owner: string | null, event: string | undefined): void {
    this.violations.add([rule, observer, owner ?? '', event ?? ''].join('|'));
  }

  /** A text without case and separators. */
  readonly #flattened = remembered((text: string) =>
    text.toLowerCase().replaceAll(/[^a-z0-9]/g, ''),
  );

  /** The letters and digits of a text that stand together, in lower case. */
  readonly #words = remembered((text: string) => text.toLowerCase().match(/[a-z0-9]+/g) ?? []);

  /** A marker counts from the characters on that tell whose it is and which, or as the end of a word. */
  #holds(text: string, marker: string): boolean {
    return (
      this.#flattened(text).includes(marker.slice(0, 20)) ||
      this.#words(text).some((word) => word.endsWith(marker.slice(-12)))
    );
  }

  /** An identity that is but a part of a longer one is not meant where that one stands. */
  #holdsNow(text: string, id: string): boolean {
    const identities = this.#belongings.flatMap(({ ids }) =>
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

  // --- Who owns what ---

  get #order() {
    return this.#header.profile.order;
  }

  #isAgentEvent(event: string | undefined): boolean {
    const { required, chunk, failure, stopped, pairs } = this.#order;
    const names = [...required, ...chunk, ...failure, ...stopped];
    for (const { opens, closes } of pairs) names.push(opens, closes);
    return event !== undefined && names.includes(event);
  }

  /** Crowd names of those who were given an id, first come first. */
  readonly #ownersOf = remembered((id: string | undefined): readonly string[] => {
    const owners: string[] = [];
    if (id === undefined) return owners;
    for (const { user, ids, identity } of this.#header.users)
      if (Object.values(ids).includes(id) || identity === id) owners.push(user);
    for (const { kind, user, ids } of this.#lines)
      if (kind === 'identity' && user !== null && Object.values(ids ?? {}).includes(id))
        if (!owners.includes(user)) owners.push(user);
    return owners;
  });

  readonly #audienceOf = remembered((thread: string | undefined): readonly string[] => {
    const line = this.#lines.find(
      ({ kind, ids, audience }) =>
        kind === 'identity' && audience !== undefined && ids?.thread === thread,
    );
    return thread === undefined ? [] : (line?.audience ?? []);
  });

  #threadOf({ thread, run }: Line): string | undefined {
    return thread ?? this.runs.find(({ id }) => id === run)?.ask.thread;
  }

  /** A frame's owner is the owner of its run, else of its thread, else of its user id. */
  #ownersOfFrame({ run, thread, owner }: Line): readonly string[] {
    for (const id of [run, thread, owner]) {
      const owners = this.#ownersOf(id);
      if (owners.length > 0) return owners;
    }
    return [];
  }

  // --- Isolation ---

  isolation(): void {
    for (const line of this.#lines) {
      if (line.kind === 'identity') this.#identity(line);
      if (line.dir !== 'in' || line.user === null) continue;
      if (this.#isAgentEvent(line.event)) this.#agentEvent(line, line.user);
      this.#content(line, line.user);
      this.#streamed(line, line.user);
    }
  }

  // oxlint-disable-next-line complexity -- the rule's text from top to bottom
  #agentEvent(line: Line, observer: string): void {
    const { event = '', run, thread, owner } = line;
    if (this.#isUnattributable(line))
      this.#violated('isolation/unattributable-event', observer, null, event);
    if (run === undefined && thread === undefined && owner === undefined) return;
    const owners = this.#ownersOfFrame(line);
    const [first] = owners;
    if (first === undefined && owner !== undefined)
      this.#violated('isolation/misdelivered-event', observer, 'outside', event);
    else if (first === undefined || (owners.includes(observer) && !this.#wasAsked(run)))
      this.#violated('isolation/unsolicited-run', observer, null, event);
    else if (!owners.includes(observer) && !this.#isInAudience(line, observer))
      this.#violated('isolation/misdelivered-event', observer, first, event);
  }

  /** Its type claims ids, and it carries none: nobody knows whose it is. */
  #isUnattributable({ event = '', run, thread, owner }: Line): boolean {
    const claimed = this.#header.profile.claims.ids[event] ?? [];
    return (run ?? thread ?? owner) === undefined && claimed.length > 0;
  }

  #wasAsked(run: string | undefined): boolean {
    return run === undefined || this.#ownersOf(run).length > 0;
  }

  #isInAudience(line: Line, user: string): boolean {
    return this.#audienceOf(this.#threadOf(line)).includes(user);
  }

  /** An agent event owned by another: what it says of its owner is said by misdelivered-event. */
  #isAnothers(line: Line, observer: string): boolean {
    if (!this.#isAgentEvent(line.event)) return false;
    const owners = this.#ownersOfFrame(line);
    return owners.length > 0 ? !owners.includes(observer) : line.owner !== undefined;
  }

  // oxlint-disable-next-line complexity -- the rule's text from top to bottom
  #content(line: Line, observer: string): void {
    const anothers = this.#isAnothers(line, observer);
    for (const text of textsOf(line)) {
      for (const { name, ids, markers, hashes } of this.#belongings) {
        if (name === observer) continue;
        for (const { id, kind } of ids)
          if (
            !anothers &&
            this.#holdsNow(text, id) &&
            !this.#mayHold(line, { observer, name, text: id })
          )
            this.#violated(`isolation/${kind}`, observer, name, line.event);
        for (const { marker, place } of markers)
          if (this.#holds(text, marker) && !this.#mayHold(line, { observer, name, text: marker })) {
            this.#violated('isolation/foreign-marker', observer, name, line.event);
            if (place === 'name' && !anothers)
              this.#violated('isolation/foreign-identity', observer, name, line.event);
          }
        for (const hash of hashes)
          if (text.includes(`[redacted:${hash}]`))
            this.#violated('isolation/foreign-credential', observer, name, line.event);
      }
    }
    // An own event, or no event at all, may still name another, or a stranger, in its envelope.
    if (!anothers) this.#claims(line, observer);
    if (!anothers && line.owner !== undefined && this.#ownersOf(line.owner).length === 0)
      this.#violated('isolation/foreign-identity', observer, 'outside', line.event);
  }

  #claims(line: Line, observer: string): void {
    for (const text of [line.owner, line.thread, line.run]) {
      const owners = this.#ownersOf(text);
      const [name] = owners;
      if (text === undefined || name === undefined || owners.includes(observer)) continue;
      const kind = this.#belongings.flatMap(({ ids }) => ids).find(({ id }) => id === text)?.kind;
      if (!this.#mayHold(line, { observer, name, text }))
        this.#violated(`isolation/${kind}`, observer, name, line.event);
    }
  }

  /** Everything of each user that could be recognised somewhere else. */
  #collectBelongings(): Belongings[] {
    return this.#users.map((name) => {
      const own = this.#lines.filter(({ user }) => user === name);
      const identity = this.#header.users.find(({ user }) => user === name)?.identity ?? '';
      const ids = own.flatMap((line) =>
        line.kind === 'identity'
          ? Object.entries(line.ids ?? {}).map(([kind, id]) => ({
              id,
              kind: kind === 'user' ? 'foreign-identity' : 'foreign-run',
            }))
          : [],
      );
      return {
        name,
        ids: [...ids, { id: identity, kind: 'foreign-identity' }],
        markers: own.flatMap(({ kind, marker, place = 'question' }) =>
          kind === 'act' && marker !== undefined ? [{ marker, place }] : [],
        ),
        hashes: own.flatMap(({ kind, credentials = [] }) =>
          kind === 'identity' ? credentials : [],
        ),
      };
    });
  }

  /**
   * What the observer owns itself, what it sent first, and what members of a thread see of each other in
   * the frames and replies of that thread.
   */
  #mayHold(line: Line, what: { observer: string; name: string; text: string }): boolean {
    const { observer, name, text } = what;
    const owners = this.#ownersOf(text);
    if (owners.includes(observer) || this.#audienceOf(text).includes(observer)) return true;
    const sent = this.#lines.some(
      (earlier) =>
        earlier.n < line.n &&
        earlier.user === observer &&
        earlier.dir === 'out' &&
        textsOf(earlier).some((said) => said.includes(text)),
    );
    // Another thread of a member is its own.
    if (this.#lines.some(({ ids }) => ids?.thread === text)) return sent;
    return (
      sent || this.#membersIn(line).some((all) => all.includes(observer) && all.includes(name))
    );
  }

  /** Members of the threads whose frame or reply a line is. */
  #membersIn(line: Line): (readonly string[])[] {
    const named = this.#lines.filter(
      ({ kind, audience, ids }) =>
        kind === 'identity' &&
        audience !== undefined &&
        (ids?.thread === this.#threadOf(line) ||
          textsOf(line).some((text) => holdsId(text, ids?.thread ?? ''))),
    );
    return named.map(({ audience = [] }) => audience);
  }

  /** All pieces of one stream so far, read as one text. */
  #streamUpTo(line: Line): string {
    if (!this.#order.chunk.includes(line.event ?? '')) return '';
    return this.#lines
      .filter(
        ({ n, user, conn, run, event }) =>
          n <= line.n &&
          user === line.user &&
          conn === line.conn &&
          run === line.run &&
          this.#order.chunk.includes(event ?? ''),
      )
      .map((piece) => payloadText(piece, this.#header.profile.answer.chunk) ?? '')
      .join('');
  }

  #streamBefore(line: Line): string {
    const joined = this.#streamUpTo(line);
    if (joined === '') return joined;
    const own = payloadText(line, this.#header.profile.answer.chunk) ?? '';
    return joined.slice(0, joined.length - own.length);
  }

  #streamed(line: Line, observer: string): void {
    const joined = this.#streamUpTo(line);
    const before = this.#streamBefore(line);
    for (const { name, markers } of this.#belongings)
      for (const { marker } of markers)
        if (name !== observer && this.#holds(joined, marker) && !this.#holds(before, marker))
          if (!this.#mayHold(line, { observer, name, text: marker }))
            this.#violated('isolation/foreign-marker', observer, name, line.event);
  }

  #identity(line: Line): void {
    const { user, ids = {}, shown, source, n } = line;
    if (user === null) return;
    const [owner = 'outside'] = this.#ownersOf(shown);
    if (shown !== undefined && owner !== user)
      this.#violated('isolation/foreign-identity', user, owner, source);
    for (const id of Object.values(ids)) {
      const [first] = this.#ownersOf(id);
      const before = this.#lines.some(
        (earlier) =>
          earlier.n < n &&
          earlier.kind === 'identity' &&
          earlier.user === user &&
          Object.values(earlier.ids ?? {}).includes(id),
      );
      if (first !== undefined && first !== user && !before)
        if (!this.#audienceOf(id).includes(user))
          this.#violated('isolation/shared-identifier', user, first, source);
    }
  }

  /** The target says that a run was stopped, its asker did nothing, and another stopped one meanwhile. */
  interference(run: Run): void {
    for (const line of this.#receivedOf(run)) {
      if (!this.#order.stopped.includes(line.event ?? '')) continue;
      const meanwhile = this.#lines.filter(
        ({ act, n }) => (act === 'stop' || act === 'cancel') && n > run.ask.n && n < line.n,
      );
      if (run.cancelledAt < Infinity || meanwhile.some(({ user }) => user === run.asker)) continue;
      const named = meanwhile.filter((stop) => stop.run === run.id);
      const suspects = new Set((named.length > 0 ? named : meanwhile).map(({ user }) => user));
      const [only = null] = suspects;
      if (suspects.size > 0)
        this.#violated(
          'isolation/interference',
          run.asker,
          suspects.size === 1 ? only : null,
          line.event,
        );
    }
  }

  // --- Answers ---

  answers(): void {
    const { answer, chunk } = this.#header.profile.answer;
    for (const run of this.runs) {
      const events = this.#receivedOf(run);
      const outermost = events[0]?.agent;
      const joined = events
        .filter(({ event }) => this.#order.chunk.includes(event ?? ''))
        .map((piece) => ({ piece, text: payloadText(piece, chunk) ?? '' }));
      for (const end of events) {
        if (end.event !== this.#order.last || end.agent !== outermost) continue;
        const texts = [payloadText(end, answer) ?? ''];
        for (const conn of new Set(joined.map(({ piece }) => piece.conn)))
          texts.push(
            joined
              .filter(({ piece }) => piece.conn === conn && piece.n < end.n)
              .map(({ text }) => text)
              .join(''),
          );
        for (const text of texts) this.#answer(run, text);
      }
    }
  }

  /** Lacks my own current marker and holds another's, or a stale one of mine. */
  #answer({ asker, ask }: Run, text: string): void {
    const all = this.#belongings;
    const mine = all.find(({ name }) => name === asker)?.markers ?? [];
    const current = mine.filter(({ marker, place }) =>
      ask.marker === undefined ? place === 'note' : marker === ask.marker,
    );
    if (current.some(({ marker }) => this.#holds(text, marker))) return;
    // Members of a thread may be answered with what was said in it, if they asked there.
    const members = this.#audienceOf(ask.thread);
    const another = all.find(
      ({ name, markers }) =>
        name !== asker &&
        !(members.includes(asker) && members.includes(name)) &&
        markers.some(({ marker }) => this.#holds(text, marker)),
    );
    const stale =
      ask.marker !== undefined &&
      mine.some(({ marker, place }) => place === 'question' && this.#holds(text, marker));
    const owner = another?.name ?? (stale ? asker : undefined);
    if (owner !== undefined)
      this.#violated('isolation/wrong-answer', asker, owner, this.#order.last);
  }

  // --- Order ---

  /** Agent events that the asker of a run received of it. */
  readonly #receivedOf = remembered((run: Run): readonly Line[] =>
    this.#lines.filter((line) => this.#belongsTo(line, run)),
  );

  /** The same, repetitions in one record left out. */
  readonly #eventsOf = remembered((run: Run): readonly Line[] =>
    this.#receivedOf(run).filter((line) => !this.#isRepeated(line, run)),
  );

  #belongsTo(line: Line, { id, asker, ask }: Run): boolean {
    return (
      line.dir === 'in' &&
      line.n > ask.n &&
      line.surface === 'socket' &&
      line.user === asker &&
      this.#isAgentEvent(line.event) &&
      (line.run ?? this.#latestRun(line)) === id
    );
  }

  /** An event without a run id belongs to its receiver's latest question. */
  #latestRun({ n, user, thread, owner }: Line): string | undefined {
    const owners = this.#ownersOf(thread ?? owner);
    if (owners.length > 0 && !owners.includes(user ?? '')) return undefined;
    return this.runs.findLast(({ asker, ask }) => asker === user && ask.n < n)?.id;
  }

  /** Where an event was shown: a connection that resumes a run shows it anew from there on. */
  #recordOf({ conn, n }: Line, { id }: Run): string {
    const resumed = this.#lines.filter(
      (line) => line.act === 'resume' && line.run === id && line.conn === conn && line.n < n,
    );
    return `${conn} ${resumed.length}`;
  }

  /** The same event came before in the same record. */
  #isRepeated(line: Line, run: Run): boolean {
    const record = this.#recordOf(line, run);
    return this.#receivedOf(run).some(
      (earlier) =>
        earlier.n < line.n &&
        line.id !== undefined &&
        earlier.id === line.id &&
        this.#recordOf(earlier, run) === record,
    );
  }

  order(run: Run): void {
    for (const line of this.#receivedOf(run))
      if (this.#isRepeated(line, run)) this.#broken('order/duplicate-event', run, line);
    const events = this.#eventsOf(run);
    for (const line of events) this.#wrongRun(run, line);
    for (const record of new Set(events.map((line) => this.#recordOf(line, run))))
      this.#orderOn(
        run,
        events.filter((line) => this.#recordOf(line, run) === record),
        events[0]?.agent,
      );
    this.#ends(run, events);
  }

  /** What still comes after its asker stopped it is exempt. */
  // oxlint-disable-next-line max-params -- the parts of a finding
  #broken(rule: string, run: Run, line: Line, at: Line = line): void {
    if (at.n < run.cancelledAt) this.#violated(rule, run.asker, null, line.event);
  }

  #isEnd(line: Line, outermost: string | undefined): boolean {
    const { last, failure, stopped } = this.#order;
    const ends = [last, ...failure, ...stopped];
    return ends.includes(line.event ?? '') && (line.agent ?? outermost) === outermost;
  }

  // oxlint-disable-next-line complexity -- the rule's text from top to bottom
  #orderOn(run: Run, events: readonly Line[], outermost: string | undefined): void {
    const { first, last, pairs } = this.#order;
    for (const [at, line] of events.entries()) {
      const before = events.slice(0, at);
      if (before.some((b) => this.#isEnd(b, outermost)) && !this.#isEnd(line, outermost))
        if (!this.#isUnattributable(line)) this.#broken('order/after-completion', run, line);
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
        if (opens && !opened && early !== undefined)
          this.#broken('order/out-of-order', run, early, line);
      }
      if (this.#isToolAgain(run, line, { before, outermost }))
        this.#broken('order/duplicate-event', run, line);
      for (const { opens, closes } of pairs) {
        if (line.event !== opens || line.tool === undefined) continue;
        const early = before.find(({ event, tool }) => event === closes && tool === line.tool);
        const opened = before.some(({ event, tool }) => event === opens && tool === line.tool);
        if (early !== undefined && !opened) this.#broken('order/out-of-order', run, early, line);
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
    const { first, pairs } = this.#order;
    const pair = pairs.find(({ opens, closes }) => [opens, closes].includes(line.event ?? ''));
    const isAlike = ({ event, tool }: Line): boolean => event === line.event && tool === line.tool;
    if (pair === undefined || line.tool === undefined || !before.some(isAlike)) return false;
    if (this.#header.profile.claims.toolCallIds === true) return true;
    if (line.event === pair.opens) return false;
    const whole = before.some(({ event, agent }) => event === first && agent === outermost);
    const shown = whole ? before : this.#eventsOf(run).filter(({ n }) => n < line.n);
    const starts = shown.filter(({ event, tool }) => event === pair.opens && tool === line.tool);
    return before.filter(isAlike).length + 1 > starts.length;
  }

  /** Over all connections: a run ends once. */
  #ends(run: Run, events: readonly Line[]): void {
    const ends = events.filter((line) => this.#isEnd(line, events[0]?.agent));
    for (const [at, end] of ends.entries())
      if (ends.slice(0, at).some(({ id }) => id !== end.id))
        this.#broken('order/double-completion', run, end);
  }

  #wrongRun(run: Run, line: Line): void {
    if (line.run === undefined) return;
    if (this.#isOfOtherThread(run, line)) this.#broken('order/wrong-run', run, line);
    if (run.ask.marker === undefined) return;
    const [content, joined, before] = [
      line.content ?? '',
      this.#streamUpTo(line),
      this.#streamBefore(line),
    ].map((text) => this.#flattened(text));
    // A piece holds what it completes; what was whole before it was held by an earlier piece.
    const isHeld = (marker: string): boolean =>
      content?.includes(marker) === true ||
      (joined?.includes(marker) === true && before?.includes(marker) === false);
    const held = this.runs.filter(
      ({ asker, ask }) => asker === run.asker && ask.marker !== undefined && isHeld(ask.marker),
    );
    if (held.length > 0 && !held.includes(run)) this.#broken('order/wrong-run', run, line);
  }

  /** It carries the thread of another question of its asker; both threads are the asker's, and its alone. */
  #isOfOtherThread({ asker, ask }: Run, { thread, n }: Line): boolean {
    const isMine = (id: string | undefined): boolean =>
      this.#ownersOf(id).includes(asker) && this.#audienceOf(id).length === 0;
    return (
      thread !== ask.thread &&
      isMine(thread) &&
      isMine(ask.thread) &&
      this.runs.some((r) => r.asker === asker && r.ask.thread === thread && r.ask.n < n)
    );
  }

  /** Its asker stopped it, and it ended. Silence is no answer, unless the target knows no other. */
  #isExcused(run: Run): boolean {
    const events = this.#eventsOf(run);
    const ended = events.some((line) => this.#isEnd(line, events[0]?.agent));
    return run.cancelledAt < Infinity && (ended || this.#order.stopped.length === 0);
  }

  /** Events that a run owes its asker: a sub-agent's start and completion are not the run's. */
  #owedEvents(events: readonly Line[]): ReadonlySet<string | undefined> {
    const { first, last } = this.#order;
    const outermost = events[0]?.agent;
    const owed = events.filter(
      ({ event, agent }) =>
        (event !== first && event !== last) || (agent ?? outermost) === outermost,
    );
    return new Set(owed.map(({ event }) => event));
  }

  /** What never came, of runs that went to their end in a complete history. */
  // oxlint-disable-next-line complexity -- the rule's text from top to bottom
  presence(run: Run): void {
    if (this.#isExcused(run)) return;
    const events = this.#eventsOf(run);
    const outermost = events[0]?.agent;
    const { last, pairs, required, failure } = this.#order;
    const completed = events.some((e) => e.event === last && this.#isEnd(e, outermost));
    const came = this.#owedEvents(events);
    // A run that failed openly, or whose user was cut off or waited in vain, is reported as that.
    const failed =
      !came.has(last) &&
      events.some((l) => failure.includes(l.event ?? '') && this.#isEnd(l, outermost));
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
        if (line.tool === undefined || run.cancelledAt < Infinity) continue;
        if (line.event === closes && !partner(opens))
          this.#violated('order/orphan-event', run.asker, null, line.event);
        if (line.event === opens && !partner(closes) && completed)
          this.#violated('order/unclosed-tool', run.asker, null, line.event);
      }
    if (isTold) return;
    for (const event of missing)
      this.#violated(
        renamed.some(({ canonical }) => canonical === event)
          ? 'order/drift'
          : 'order/missing-event',
        run.asker,
        null,
        event,
      );
    const silent = events.length > 0 && !events.some((line) => this.#isEnd(line, outermost));
    if (silent && missing.some((event) => event !== last) && renamed.length === 0)
      this.#violated('order/stalled-run', run.asker, null, this.#lastOf(events)?.event);
  }

  /** The last event that is no repetition of what another tab showed. */
  #lastOf(events: readonly Line[]): Line | undefined {
    return events.findLast(
      ({ n, id, event }) =>
        !events.some((e) => e.n < n && id !== undefined && e.id === id) ||
        !events.some((e) => e.n < n && e.event === event),
    );
  }

  /** Required events that came to the asker under another known name, and of which tool they speak. */
  #renamed({ id, asker }: Run): { canonical: string; tool: string | undefined }[] {
    return this.#lines.flatMap((line) => {
      const canonical = this.#order.aliases[line.event ?? ''];
      const named =
        line.run === undefined ? textsOf(line).some((text) => holdsId(text, id)) : line.run === id;
      const mine = line.dir === 'in' && line.user === asker && named;
      return mine && canonical !== undefined ? [{ canonical, tool: line.tool }] : [];
    });
  }

  #closedByTarget(user: string): Line[] {
    return this.#lines.filter(
      (line) =>
        line.kind === 'close' &&
        line.user === user &&
        line.by === 'them' &&
        !this.#lines.some((o) => o.n < line.n && o.conn === line.conn && o.by === 'us'),
    );
  }

  /** The target closed the asking connection before the run had ended. */
  #isCutOff(run: Run, events: readonly Line[]): boolean {
    return this.#closedByTarget(run.asker).some((close) => {
      const before = events.filter(({ n }) => n < close.n);
      const asked = run.ask.n < close.n;
      const here = before.length === 0 || before.some(({ conn }) => conn === close.conn);
      return asked && here && !before.some((line) => this.#isEnd(line, events[0]?.agent));
    });
  }

  #hasTimedOut(run: Run): boolean {
    return this.#lines.some(
      ({ kind, user, reason, n }) =>
        kind === 'failure' &&
        user === run.asker &&
        reason === 'timeout' &&
        this.runs.findLast(({ asker, ask }) => asker === user && ask.n < n) === run,
    );
  }

  malformed(): void {
    for (const { dir, kind, user, surface, contentKind, content, event } of this.#lines) {
      if (dir !== 'in' || kind !== 'frame' || surface !== 'socket' || user === null) continue;
      if (contentKind === 'base64' || (contentKind === 'text' && !isJson(content)))
        this.#violated('order/malformed-event', user, null, event);
    }
  }

  // --- Delivery ---

  // oxlint-disable-next-line complexity -- the rule's text from top to bottom
  delivery(): void {
    const failures: { rule: string; user: string; step: string }[] = [];
    for (const line of this.#lines) {
      const { kind, user, reason, step = 'a step', event = '', dir } = line;
      if (user === null) continue;
      if (kind === 'failure' && reason !== 'unexpected-close') {
        const connecting = /sign.?in|connect|handshake|open.?chat|who.?am.?i/i.test(step);
        const failed = connecting ? 'connect-failed' : 'error-event';
        failures.push({ rule: reason === 'timeout' ? 'timeout' : failed, user, step });
      }
      if (dir !== 'in' || kind !== 'frame') continue;
      const ofRun = this.#order.failure.includes(event);
      const run = this.runs.find(({ id }) => id === line.run);
      const exempt = run !== undefined && line.n > run.cancelledAt;
      const owners = this.#ownersOfFrame(line);
      const mine = owners.length === 0 || owners.includes(user);
      if (!ofRun && ((exempt && run.asker === user) || this.#refusesLateStop(line))) continue;
      if (ofRun ? mine && !exempt : this.#header.profile.errors.includes(event))
        this.#violated('delivery/error-event', user, null, event);
    }
    for (const user of this.#users)
      if (this.#closedByTarget(user).length > 0)
        failures.push({ rule: 'unexpected-close', user, step: 'connection' });
    for (const { rule, user, step } of failures) {
      const alike = failures.filter((other) => other.rule === rule && other.step === step);
      if (new Set(alike.map((other) => other.user)).size < this.#users.length)
        this.#violated(`delivery/${rule}`, user, null, step);
      else this.#outage = true;
    }
  }

  /** The first error without a run after the stop of one that had ended by itself, if nothing of a later one came. */
  #refusesLateStop(line: Line): boolean {
    const { errors } = this.#header.profile;
    const said = (o: Line): boolean => o.user === line.user && o.dir === 'in' && o.n < line.n;
    const late = this.runs.findLast(
      (run) => run.asker === line.user && this.#eventsOf(run).some(said),
    );
    if (line.run !== undefined || late === undefined || late.cancelledAt > line.n) return false;
    const events = this.#eventsOf(late).filter(said);
    const ends = events.filter((event) => this.#isEnd(event, events[0]?.agent));
    const first = !this.#lines.some(
      (o) =>
        said(o) && o.n > late.cancelledAt && o.run === undefined && errors.includes(o.event ?? ''),
    );
    const stopped = ends.some(({ event }) => this.#order.stopped.includes(event ?? ''));
    return ends.length > 0 && !stopped && first;
  }

  // --- Gates and evidence ---

  /** Gates that count events; one that an outage or a cut-off record explains accuses nobody. */
  gates(): void {
    const agentEvents = this.#lines.filter(
      (line) => line.dir === 'in' && line.kind === 'frame' && this.#isAgentEvent(line.event),
    );
    const astray = agentEvents.filter((line) => {
      const owners = this.#ownersOfFrame(line);
      const none = (line.run ?? line.thread ?? line.owner) === undefined;
      if (none) return (this.#header.profile.claims.ids[line.event ?? ''] ?? []).length > 0;
      if (owners.length === 0) return true;
      return !owners.includes(line.user ?? '') && !this.#isInAudience(line, line.user ?? '');
    });
    if (astray.length > 0) this.violations.add('gate/routing|||');
    if (this.#outage || !this.#complete) return;
    const { required, last } = this.#order;
    const counted = this.runs.filter((run) => !this.#isExcused(run));
    const whole = counted.every((run) => {
      const came = this.#owedEvents(this.#eventsOf(run));
      return required.every((event) => came.has(event));
    });
    if (!whole) this.violations.add('gate/delivery-rate|||');
    const ended = counted.every((run) => {
      const events = this.#eventsOf(run);
      return events.find((line) => this.#isEnd(line, events[0]?.agent))?.event === last;
    });
    if (!ended) this.violations.add('gate/error-rate|||');
  }

  /** Whether a history without violations proves anything. */
  hasEvidence(): boolean {
    const heard = this.#users.every((user) =>
      this.#lines.some((l) => l.user === user && l.dir === 'in' && this.#isAgentEvent(l.event)),
    );
    return (
      this.#complete &&
      !this.#outage &&
      heard &&
      this.#overlap() &&
      this.runs.every((r) => this.#echoed(r))
    );
  }

  #overlap(): boolean {
    const intervals = this.runs.flatMap((run) => {
      const end = this.#lastOf(this.#eventsOf(run))?.t;
      return end === undefined ? [] : [{ user: run.asker, from: run.ask.t, to: end }];
    });
    const pairs = new Set<string>();
    for (const a of intervals)
      for (const b of intervals)
        if (a.user < b.user && Math.min(a.to, b.to) - Math.max(a.from, b.from) >= 1)
          pairs.add(`${a.user} ${b.user}`);
    const possible = (this.#users.length * (this.#users.length - 1)) / 2;
    return possible > 0 && pairs.size >= this.#header.profile.limits.overlapFloor * possible;
  }

  /** Each user's own marker came back where the profile says it must. */
  #echoed(run: Run): boolean {
    const events = this.#eventsOf(run);
    if (run.cancelledAt < Infinity || !events.some((l) => this.#isEnd(l, events[0]?.agent)))
      return true;
    const { echo } = this.#header.profile.claims;
    const note = this.#lines.find(
      ({ user, act, place }) => user === run.asker && act === 'plant' && place === 'note',
    )?.marker;
    return Object.entries(echo).every(([name, places]) => {
      const of = events.filter(({ event = '' }) => event === name);
      const pieces = events.filter(({ event = '' }) => this.#order.chunk.includes(event));
      const streamed = pieces
        .map((p) => payloadText(p, this.#header.profile.answer.chunk))
        .join('');
      const texts = of.map(({ content = '' }) => content);
      if (name === this.#order.last) texts.push(streamed);
      return (
        of.length === 0 ||
        places.every((place) => {
          const marker = place === 'note' ? note : run.ask.marker;
          return marker === undefined || texts.some((text) => this.#holds(text, marker));
        })
      );
    });
  }
}

/** Looking at the same thing again and again is slow enough to be done once. */
function remembered<A, R>(look: (at: A) => R): (at: A) => R {
  const known = new Map<A, R>();
  return (at) => {
    const before = known.get(at);
    if (before !== undefined) return before;
    const fresh = look(at);
    known.set(at, fresh);
    return fresh;
  };
}

/** Everything an observation says. */
function textsOf({ content, headers = {}, url, message }: Line): string[] {
  const said = [content, ...Object.values(headers), url, message];
  return said.filter((text) => text !== undefined).flatMap((text) => [text, ...decoded(text)]);
}

/** What is in base64 in a text, however it is aligned. */
function decoded(text: string): string[] {
  return [...text.matchAll(/[A-Za-z0-9+/]{20,}/g)].map(([run]) =>
    Buffer.from(run, 'base64').toString('latin1'),
  );
}

function holdsId(text: string, id: string): boolean {
  const [whole, wanted] = [text.toLowerCase(), id.toLowerCase()];
  for (let at = whole.indexOf(wanted); at !== -1; at = whole.indexOf(wanted, at + 1))
    if (
      !/[a-z0-9]/.test(whole.charAt(at - 1)) &&
      !/[a-z0-9]/.test(whole.charAt(at + wanted.length))
    )
      return true;
  return false;
}

/** A text without an id, where it is no part of a longer word. */
function withoutWhole(text: string, id: string): string {
  return text
    .split(id)
    .reduce((before, after) =>
      /[a-z0-9]$/.test(before) || /^[a-z0-9]/.test(after)
        ? before + id + after
        : `${before}\n${after}`,
    );
}

function payloadText({ content = '{}' }: Line, names: readonly string[]): string | undefined {
  const frame: unknown = JSON.parse(content);
  const payload = Object(Object(frame).payload);
  const values = names.map((name): unknown => payload[name]);
  return values.find((value) => typeof value === 'string');
}

function isJson(content = ''): boolean {
  try {
    JSON.parse(content);
    return true;
  } catch {
    return false;
  }
}
