import type { Observation, OwnedIds, TrialHeader } from '../../../history/observation.ts';
import { payloadText } from './texts.ts';
import { remembered } from './remembered.ts';

/** A line of the history. */
export type Line = Observation;

/** A question, and the run that answers it. */
export interface Run {
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

/** A whole history, and what can be asked of any of its lines: whose it is, and what it says. */
export class NaiveTrial {
  readonly violations = new Set<string>();
  readonly runs: readonly Run[];
  readonly header: TrialHeader;
  readonly lines: readonly Line[];
  readonly users: readonly string[];
  readonly belongings: readonly Belongings[];

  constructor(header: TrialHeader, lines: readonly Line[]) {
    this.header = header;
    this.lines = lines;
    this.users = header.users.map(({ user }) => user);
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
    this.belongings = this.#collectBelongings();
  }

  // oxlint-disable-next-line max-params -- the parts of a finding
  violated(rule: string, observer: string, owner: string | null, event: string | undefined): void {
    this.violations.add([rule, observer, owner ?? '', event ?? ''].join('|'));
  }

  /** A text without case and separators. */
  readonly flattened = remembered((text: string) =>
    text.toLowerCase().replaceAll(/[^a-z0-9]/g, ''),
  );

  /** The letters and digits of a text that stand together, in lower case. */
  readonly #words = remembered((text: string) => text.toLowerCase().match(/[a-z0-9]+/g) ?? []);

  /** A marker counts from the characters on that tell whose it is and which, or as the end of a word. */
  holds(text: string, marker: string): boolean {
    return (
      this.flattened(text).includes(marker.slice(0, 20)) ||
      this.#words(text).some((word) => word.endsWith(marker.slice(-12)))
    );
  }

  get order() {
    return this.header.profile.order;
  }

  isAgentEvent(event: string | undefined): boolean {
    const { required, chunk, failure, stopped, pairs } = this.order;
    const names = [...required, ...chunk, ...failure, ...stopped];
    for (const { opens, closes } of pairs) names.push(opens, closes);
    return event !== undefined && names.includes(event);
  }

  /** Crowd names of those who were given an id, first come first. */
  readonly ownersOf = remembered((id: string | undefined): readonly string[] => {
    const owners: string[] = [];
    if (id === undefined) return owners;
    for (const { user, ids, identity } of this.header.users)
      if (Object.values(ids).includes(id) || identity === id) owners.push(user);
    for (const line of this.lines)
      if (line.user !== null && Object.values(this.givenBy(line)).includes(id))
        if (!owners.includes(line.user)) owners.push(line.user);
    return owners;
  });

  /** What a line says is its user's: by an identity, or a question that names its run. */
  givenBy(line: Line): OwnedIds {
    const { kind, act, ids = {}, run } = line;
    if (this.#showsAnother(line))
      return Object.fromEntries(Object.entries(ids).filter(([of]) => of !== 'user'));
    if (kind === 'identity') return ids;
    return act === 'ask' && run !== undefined ? { run } : {};
  }

  /** Whose identity a line shows, where it gives its user none. */
  shownBy(line: Line): string | undefined {
    return this.#showsAnother(line) ? line.ids?.user : line.shown;
  }

  /** A who-am-I or handshake with a user id that nobody has so far, of a user who has another. */
  readonly #showsAnother = remembered(({ n, user, source = '', ids = {} }: Line): boolean => {
    if (ids.user === undefined || !['whoami', 'handshake'].includes(source)) return false;
    const given = [
      ...this.header.users.map((one) => ({ to: one.user, id: one.ids.user })),
      ...this.header.users.map((one) => ({ to: '', id: one.identity })),
      ...this.lines
        .filter((earlier) => earlier.n < n)
        .map((earlier) => ({ to: earlier.user, id: this.givenBy(earlier).user })),
    ].filter(({ id }) => id !== undefined);
    return given.some(({ to }) => to === user) && given.every(({ id }) => id !== ids.user);
  });

  readonly audienceOf = remembered((thread: string | undefined): readonly string[] => {
    const line = this.lines.find(
      ({ kind, ids, audience }) =>
        kind === 'identity' && audience !== undefined && ids?.thread === thread,
    );
    return thread === undefined ? [] : (line?.audience ?? []);
  });

  threadOf({ thread, run }: Line): string | undefined {
    return thread ?? this.runs.find(({ id }) => id === run)?.ask.thread;
  }

  /** A frame's owner is the owner of its run, else of its thread, else of its user id. */
  ownersOfFrame({ run, thread, owner }: Line): readonly string[] {
    for (const id of [run, thread, owner]) {
      const owners = this.ownersOf(id);
      if (owners.length > 0) return owners;
    }
    return [];
  }

  /** Its type claims ids, and it carries none: nobody knows whose it is. */
  isUnattributable({ event = '', run, thread, owner }: Line): boolean {
    const claimed = this.header.profile.claims.ids[event] ?? [];
    return (run ?? thread ?? owner) === undefined && claimed.length > 0;
  }

  isInAudience(line: Line, user: string): boolean {
    return this.audienceOf(this.threadOf(line)).includes(user);
  }

  /** Everything of each user that could be recognised somewhere else. */
  #collectBelongings(): Belongings[] {
    return this.users.map((name) => {
      const own = this.lines.filter(({ user }) => user === name);
      const identity = this.header.users.find(({ user }) => user === name)?.identity ?? '';
      const ids = own.flatMap((line) =>
        Object.entries(this.givenBy(line)).map(([kind, id]) => ({
          id,
          kind: kind === 'user' ? 'foreign-identity' : 'foreign-run',
        })),
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

  /** All pieces of one stream so far, and those of the piece's agent among them, each read as one text. */
  streamsUpTo(line: Line): string[] {
    if (!this.order.chunk.includes(line.event ?? '')) return [];
    const pieces = this.lines.filter(
      ({ n, user, conn, run, event }) =>
        n <= line.n &&
        user === line.user &&
        conn === line.conn &&
        run === line.run &&
        this.order.chunk.includes(event ?? ''),
    );
    const own = pieces.filter(({ agent }) => agent === line.agent);
    return [this.#joined(pieces), this.#joined(own)];
  }

  streamsBefore(line: Line): string[] {
    return this.streamsUpTo(line).map((joined) =>
      joined.slice(0, joined.length - this.#joined([line]).length),
    );
  }

  /** What pieces say as they came, and what each agent among them says. */
  streamed(pieces: readonly Line[]): string {
    const agents = new Set(pieces.map(({ agent }) => agent));
    const byAgent = [...agents].map((name) => pieces.filter(({ agent }) => agent === name));
    return [pieces, ...byAgent].map((those) => this.#joined(those)).join('\n');
  }

  #joined(pieces: readonly Line[]): string {
    return pieces
      .map((piece) => payloadText(piece, this.header.profile.answer.chunk) ?? '')
      .join('');
  }

  #closer({ by, dir }: Line): 'us' | 'them' {
    return by ?? (dir === 'in' ? 'them' : 'us');
  }

  closedByTarget(user: string): Line[] {
    return this.lines.filter(
      (line) =>
        line.kind === 'close' &&
        line.user === user &&
        this.#closer(line) === 'them' &&
        !(line.by === undefined && line.code === 1000) &&
        !this.lines.some(
          (o) =>
            o.n < line.n &&
            o.kind === 'close' &&
            o.conn === line.conn &&
            (o.conn !== null || o.user === user) &&
            this.#closer(o) === 'us',
        ),
    );
  }
}
