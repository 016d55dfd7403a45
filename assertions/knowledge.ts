import { createHash } from 'node:crypto';
import { AnchorIndex, dashed } from '../history/anchor-index.ts';
import {
  CAMPAIGN_PREFIX_LENGTH,
  CUT_OFF_LENGTH_MIN,
  MARKER_WORD,
  USER_PREFIX_LENGTH,
  type Place,
} from '../history/markers.ts';
import type { Observation, OwnedIds, TrialHeader } from '../history/observation.ts';
import type { ProfileData } from '../history/profile-data.ts';
import { MarkerEnds } from './marker-ends.ts';
import { Tenancy } from './tenancy.ts';

/** Index of a user in the history's first line. */
export type UserIndex = number;
/** Owner of what nobody in the crowd owns: a person outside. */
export const OUTSIDE = -1;

export type IdKind = 'user' | 'email' | 'thread' | 'run' | 'connection';

/** An id and whose it is. */
export interface OwnedId {
  readonly text: string;
  readonly kind: IdKind;
  /** In the order in which they were learned; more than one is `isolation/shared-identifier`. */
  owners: readonly UserIndex[];
  /** All who may see what belongs to it; null: its owner alone. */
  audience: ReadonlySet<UserIndex> | null;
}

/** Several ids that one text may mean: it is of all their owners, and so accuses none who owns one of them. */
class AnyOf implements OwnedId {
  readonly text: string;
  readonly kind: IdKind;
  readonly #ids: readonly OwnedId[];

  constructor(text: string, ids: readonly OwnedId[]) {
    this.text = text;
    this.kind = ids[0]?.kind ?? 'run';
    this.#ids = ids;
  }

  get owners(): readonly UserIndex[] {
    return this.#ids.flatMap(({ owners }) => owners);
  }

  get audience(): ReadonlySet<UserIndex> | null {
    const seen = this.#ids.flatMap(({ audience }) => [...(audience ?? [])]);
    return seen.length === 0 ? null : new Set(seen);
  }
}

/** A marker that was planted, with what the act line says of it. */
export interface PlantedMarker {
  readonly text: string;
  /** Whom the marker itself names, else who planted it. */
  readonly owner: UserIndex;
  readonly place: Place;
}

/** Keys of ids, and crowd indices of those who are given them although others were given them before. */
type LateOwners = ReadonlyMap<string, ReadonlySet<UserIndex>>;

/** What one reading of a history learns too late, and another has to know from its beginning. */
export interface Foretold {
  readonly lateOwners: LateOwners;
  /** Ids of several users that differ in case only: one is taken for the other until both are known. */
  readonly twins: readonly OwnedId[];
  /**
   * Ids of runs that had shown events before one of them told whose they are, and the question that was asked
   * with each.
   */
  readonly lateRuns: LateRuns;
}

/** A run that became known late. */
export interface LateRun {
  readonly asker: UserIndex;
  /** Ordinal of the question. */
  readonly question: number;
  /** Whether it is this question's beyond doubt. */
  readonly certain: boolean;
}

export type LateRuns = ReadonlyMap<string, LateRun>;

const NOTHING_FORETOLD: Foretold = { lateOwners: new Map(), twins: [], lateRuns: new Map() };

/** An id that the first line gives to a user after it gave it to another. */
interface GivenTwice {
  readonly id: OwnedId;
  readonly newcomer: UserIndex;
}

/** Where a target says who somebody is who has signed in. */
const SHOWING: ReadonlySet<string> = new Set(['whoami', 'handshake']);

/** Told when an id gets a second owner. */
export type SharedIdListener = (id: OwnedId, newcomer: UserIndex, observation: Observation) => void;

/**
 * What the history has said so far about who owns what. It grows by `identity` and `act` lines only: both
 * come from the harness, from authoritative places (DESIGN §3.3).
 */
export class Knowledge {
  readonly header: TrialHeader;
  readonly profile: ProfileData;
  readonly users: readonly string[];
  readonly ids = new AnchorIndex<OwnedId>((text, ids) => new AnyOf(text, ids));
  readonly planted = new Map<string, PlantedMarker>();
  /** Of all planted markers. */
  readonly markerEnds = new MarkerEnds();
  /** All planted markers by their beginnings; made when first asked for, which few trials do. */
  #plantedBeginnings: Map<string, string> | undefined;
  readonly campaignPrefix: string;
  readonly tenancy = new Tenancy();
  readonly #indexOf = new Map<string, UserIndex>();
  readonly #ownerOfPrefix = new Map<string, UserIndex>();
  /** Each user alone, shared by all the ids that it owns alone. */
  readonly #alone: readonly (readonly UserIndex[])[];
  /** Second owners who are known beforehand, and those that were found. */
  readonly #foretold: LateOwners;
  readonly #lateOwners = new Map<string, Set<UserIndex>>();
  readonly #registered = new Set<UserIndex>();
  /** Users who are known by a user id. */
  readonly #identified = new Set<UserIndex>();
  readonly #credentials = new Map<string, UserIndex[]>();
  readonly #connections = new Map<string, string>();
  readonly #sharedIdListeners: SharedIdListener[] = [];
  readonly givenTwice: GivenTwice[] = [];
  /** Markers that co-members of a thread may see, per marker. */
  readonly #lastTitle = new Map<UserIndex, string>();
  #sharesThreads = false;
  #hasUnsearchedUsers = false;
  readonly #published = new Map<string, Set<UserIndex>>();
  readonly #threadOfRun = new Map<string, string>();

  /** `foretold`: from an earlier reading of the same history. */
  constructor(header: TrialHeader, foretold: Foretold = NOTHING_FORETOLD) {
    this.#foretold = foretold.lateOwners;
    this.header = header;
    this.profile = header.profile;
    this.users = header.users.map((user) => user.user);
    this.#alone = header.users.map((_user, index) => [index]);
    this.campaignPrefix = header.users[0]?.markerPrefix.slice(0, CAMPAIGN_PREFIX_LENGTH) ?? '';
    for (const [index, user] of header.users.entries()) {
      this.#indexOf.set(user.user, index);
      this.#ownerOfPrefix.set(user.markerPrefix, index);
      this.#own('email', user.identity, index);
      this.#ownAll(user.ids, index);
      for (const hash of user.credentials) this.#ownCredential(hash, index);
    }
    for (const { kind, text, owners } of foretold.twins)
      this.#own(kind, text, owners[0] ?? OUTSIDE);
  }

  /** Index of a crowd name; undefined for null and for names the first line does not hold. */
  indexOf(user: string | null): UserIndex | undefined {
    return user === null ? undefined : this.#indexOf.get(user);
  }

  /** Crowd name of a user, or `outside`. */
  nameOf(user: UserIndex): string {
    return this.users[user] ?? 'outside';
  }

  /** A user in a sentence. */
  describe(user: UserIndex): string {
    return user === OUTSIDE ? 'a user outside the crowd' : this.nameOf(user);
  }

  /** What a user acts through. */
  transportOf(user: UserIndex): 'websocket' | 'browser' {
    const all = this.header.transport === 'browser' ? 'browser' : 'websocket';
    return this.header.users[user]?.transport ?? all;
  }

  /** Whether a user acts through a browser, so that pages and storages are judged too. */
  isBrowser(user: UserIndex): boolean {
    return this.transportOf(user) === 'browser';
  }

  /** The users who act through a browser. */
  get browserUsers(): readonly UserIndex[] {
    return [...this.users.keys()].filter((user) => this.isBrowser(user));
  }

  /** Owner a marker names, or {@link OUTSIDE} when the crowd has no such user. */
  ownerOfMarker(marker: string): UserIndex {
    return this.#ownerOfPrefix.get(marker.slice(0, USER_PREFIX_LENGTH)) ?? OUTSIDE;
  }

  /**
   * Owner of a whole marker that was not planted so far. Trials of one campaign number their users alike: of
   * an account that was made in this trial it is not, but of its namesake in an earlier one.
   */
  ownerOfUnplanted(marker: string): UserIndex {
    const named = this.ownerOfMarker(marker);
    return this.isNew(named) ? OUTSIDE : named;
  }

  /**
   * Whether a text that is no whole marker begins like one that was planted. One that does not was copied
   * wrongly, or read together with what follows it, perhaps in the very characters that name its user.
   */
  beginsLikePlanted(text: string): boolean {
    return this.#plantedLike(text) !== undefined;
  }

  /** What was planted that a text is, or is the beginning of: lists show no more of a title. */
  plantedAs(text: string): PlantedMarker | undefined {
    const whole = this.planted.get(text);
    if (whole !== undefined) return whole;
    const like = this.#plantedLike(text);
    return like?.startsWith(text) === true ? this.planted.get(like) : undefined;
  }

  /** A marker that was planted and begins as a text does. */
  #plantedLike(text: string): string | undefined {
    this.#plantedBeginnings ??= new Map(
      [...this.planted.keys()].map((known) => [beginningOf(known), known]),
    );
    return this.#plantedBeginnings.get(beginningOf(text));
  }

  /** Whether a user's account was made in this trial: what is older cannot be its own. */
  isNew(user: UserIndex): boolean {
    return this.#registered.has(user);
  }

  ownersOfCredential(hash: string): readonly UserIndex[] | undefined {
    return this.#credentials.get(hash);
  }

  /** Of how many ids and credentials the owners are known. */
  get ownedCount(): number {
    return this.ids.size + this.#credentials.size;
  }

  /** Whose an id is that stands for one kind of thing, also a UUID in capitals or without its dashes. */
  idOf(text: string, kind: IdKind): OwnedId | undefined {
    const known =
      this.ids.get(text) ??
      (text.length < WORD_LENGTH_MIN ? this.ids.get(shortKey(kind, text)) : undefined);
    if (known !== undefined || !UUID.test(text)) return known;
    return isUsual(text) ? undefined : this.ids.get(dashed(text));
  }

  /** The thread that an observation names, if it is somebody's. */
  threadOf({ thread }: Pick<Observation, 'thread'>): OwnedId | undefined {
    return thread === undefined ? undefined : this.idOf(thread, 'thread');
  }

  onSharedId(listener: SharedIdListener): void {
    this.#sharedIdListeners.push(listener);
  }

  /** What should have been known from the beginning; undefined if it was all, or told nothing apart. */
  get foretold(): Omit<Foretold, 'lateRuns'> | undefined {
    const twins: OwnedId[] = [];
    for (const alike of this.ids.twins())
      if (new Set(alike.flatMap(({ owners }) => owners)).size > 1) twins.push(...alike);
    const lateOwners = this.#lateOwners;
    return lateOwners.size + twins.length === 0 ? undefined : { lateOwners, twins };
  }

  /** Whether a user may see what belongs to an id. */
  maySee(id: OwnedId, user: UserIndex): boolean {
    return id.owners.includes(user) || id.audience?.has(user) === true;
  }

  /** Whether the audience rule lets a user see a marker that another planted in a shared thread, or its beginning. */
  isPublishedTo(marker: string, user: UserIndex): boolean {
    if (this.#published.get(marker)?.has(user) === true) return true;
    if (!this.#sharesThreads) return false;
    const whole = this.plantedAs(marker)?.text;
    return whole !== undefined && this.#published.get(whole)?.has(user) === true;
  }

  /** All who may see what belongs to a thread, or to a run in it; null where nobody but the owner may. */
  audienceOf({ thread, run }: Pick<Observation, 'thread' | 'run'>): ReadonlySet<UserIndex> | null {
    const of = thread ?? (run === undefined ? undefined : this.#threadOfRun.get(run));
    return of === undefined ? null : (this.idOf(of, 'thread')?.audience ?? null);
  }

  /** Lets everyone in an audience see a marker. */
  publish(marker: string, audience: ReadonlySet<UserIndex>): void {
    const known = this.#published.get(marker);
    if (known === undefined) this.#published.set(marker, new Set(audience));
    else for (const user of audience) known.add(user);
  }

  /** The surface that agent events come on. */
  get eventsOn(): 'socket' | 'sse' {
    return this.profile.eventsOn ?? 'socket';
  }

  /** Whether any thread has several members; without one nobody shares anything. */
  get sharesThreads(): boolean {
    return this.#sharesThreads;
  }

  /** Whether anybody is known by an id that no search finds. */
  get hasUnsearchedUsers(): boolean {
    return this.#hasUnsearchedUsers;
  }

  /**
   * An observation as it is to be read. A who-am-I or a handshake with a user id that nobody has gives it to
   * whom none is known of; to anybody else it shows another's.
   */
  read(observation: Observation, user: UserIndex): Observation {
    if (observation.kind !== 'identity' || !SHOWING.has(observation.source ?? ''))
      return observation;
    const { user: shown, ...ids } = observation.ids ?? {};
    const isNews = shown !== undefined && this.idOf(shown, 'user') === undefined;
    return isNews && this.#identified.has(user) ? { ...observation, ids, shown } : observation;
  }

  /** Takes in what an `identity` or `act` line says. Other lines teach nothing. */
  learn(observation: Observation, user = this.indexOf(observation.user)): void {
    if (user === undefined) return;
    const { kind, act } = observation;
    if (kind === 'identity') this.#learnIdentity(observation, user);
    else if (kind === 'act') this.#learnAct(observation, user);
    if (act === 'ask') this.#learnQuestion(observation, user);
  }

  /** Takes a run id that the target chose as its asker's. */
  adoptRun(run: string, asker: UserIndex): void {
    this.#own('run', run, asker);
  }

  /** A run that is asked for by its id is its asker's, whether an `identity` line says so too or not. */
  #learnQuestion(observation: Observation, user: UserIndex): void {
    const { run, thread } = observation;
    if (run === undefined) return;
    this.#own('run', run, user, observation);
    if (thread !== undefined && this.#sharesThreads) this.#threadOfRun.set(run, thread);
  }

  #learnAct(observation: Observation, user: UserIndex): void {
    const { act, marker, message, owner, n } = observation;
    if (marker !== undefined) this.#learnMarker(observation, marker, user);
    if (act === 'sign-in' && message === 'register') this.#registered.add(user);
    const former = act === 'take-over' ? this.#indexOf.get(message ?? '') : undefined;
    // Users without a browser leave nothing behind for each other.
    if (former !== undefined && this.isBrowser(user) && this.isBrowser(former))
      this.tenancy.takeOver(user, former, n);
    const probed = act === 'probe' ? this.#indexOf.get(owner ?? '') : undefined;
    if (probed !== undefined) this.tenancy.probe(user, probed);
  }

  /**
   * An observation that is kept to the end, with the texts that are kept anyway: every line read brings
   * its own copies of the same names and ids.
   */
  withSharedTexts(observation: Observation): Observation {
    const { n, line, t, surface, dir, kind, act, question, intended } = observation;
    const { user, conn, run, thread, marker } = observation;
    const index = this.indexOf(user);
    const kept: Observation = {
      n,
      line,
      t,
      user: index === undefined ? user : this.nameOf(index),
      conn: conn === null ? null : this.#sharedConnection(conn),
      surface,
      dir,
      kind,
      act,
      run: this.#sharedId(run),
      thread: this.#sharedId(thread),
      marker: marker === undefined ? undefined : (this.planted.get(marker)?.text ?? marker),
      question,
      intended,
    };
    // Members that a question hardly ever has cost memory even where they are absent.
    return holdsAllOf(kept, observation) ? kept : { ...observation, ...kept };
  }

  #sharedId(id: string | undefined): string | undefined {
    return id === undefined ? undefined : (this.ids.get(id)?.text ?? id);
  }

  /** Names of connections that asked a question: as many as there were connections. */
  #sharedConnection(conn: string): string {
    const known = this.#connections.get(conn);
    if (known !== undefined) return known;
    this.#connections.set(conn, conn);
    return conn;
  }

  #learnIdentity(observation: Observation, user: UserIndex): void {
    if (observation.ids !== undefined) this.#ownAll(observation.ids, user, observation);
    for (const hash of observation.credentials ?? []) this.#ownCredential(hash, user);
    const thread = observation.ids?.thread;
    if (observation.audience === undefined || thread === undefined) return;
    const id = this.idOf(thread, 'thread');
    if (id === undefined || this.profile.audience !== 'thread-members') return;
    this.#sharesThreads = true;
    id.audience = new Set(observation.audience.map((name) => this.#indexOf.get(name) ?? OUTSIDE));
    // The thread was made with the title its maker planted last; its members see that.
    const title = this.#lastTitle.get(user);
    if (title !== undefined) this.publish(title, id.audience);
  }

  #learnMarker(observation: Observation, marker: string, user: UserIndex): void {
    const place = placeOf(observation);
    const planted = this.planted.get(marker);
    if (planted?.place !== place) {
      const text = planted?.text ?? marker;
      this.#plantedBeginnings?.set(beginningOf(text), text);
      const named = this.ownerOfMarker(text);
      // One that is not made as ours are names nobody: it is of whoever planted it.
      const owner = named === OUTSIDE ? user : named;
      this.planted.set(marker, { text, owner, place });
      this.markerEnds.add(text);
    }
    if (observation.place === 'title') this.#lastTitle.set(user, marker);
    const { audience } = this.threadOf(observation) ?? {};
    if (audience != null) this.publish(marker, audience);
  }

  #ownAll(ids: OwnedIds, user: UserIndex, observation?: Observation): void {
    if (ids.user !== undefined) this.#identified.add(user);
    for (const kind of ['user', 'thread', 'run', 'connection', 'email'] as const) {
      const text = ids[kind];
      if (text !== undefined) this.#own(kind, text, user, observation);
    }
  }

  // The one place an id gets its owner; the fourth argument is what told us, for the witness.
  // oxlint-disable-next-line max-params
  #own(kind: IdKind, text: string, user: UserIndex, observation?: Observation): void {
    const known = this.idOf(text, kind);
    const key = keyOf({ kind, text });
    if (known === undefined) {
      this.#file({ text, kind, owners: this.#ownersFrom(key, user), audience: null });
      return;
    }
    if (known.audience?.has(user) === true) return;
    const isOwner = known.owners.includes(user);
    if (isOwner && !this.#isForetold(known, user)) return;
    if (!isOwner) known.owners = [...known.owners, user];
    if (observation === undefined) {
      // What was signed in with is ours to choose; ids are the target's.
      if (!isOwner && kind !== 'email') this.givenTwice.push({ id: known, newcomer: user });
      return;
    }
    const late = this.#lateOwners.get(key) ?? new Set();
    this.#lateOwners.set(key, late.add(user));
    for (const listener of this.#sharedIdListeners) listener(known, user, observation);
  }

  #file(id: OwnedId): void {
    if (!isTelling(id.text)) {
      this.ids.addUnsearched(keyOf(id), id);
      this.#hasUnsearchedUsers ||= id.kind === 'user';
    } else if (id.kind === 'email' || id.kind === 'user') this.ids.addIdentity(id.text, id);
    else this.ids.add(id.text, id);
    for (const spelling of otherSpellings(id.text)) this.ids.add(spelling, id);
    if (id.kind === 'email') this.#fileAsShown(id);
  }

  /** By what else a user is shown whose mail address it is. */
  #fileAsShown(id: OwnedId): void {
    for (const digest of digestsOf(id.text)) {
      const known = this.ids.get(digest);
      // Addresses that differ in their capitals have one.
      this.ids.add(digest, known === undefined ? id : new AnyOf(digest, [known, id]));
    }
    const name = id.text.slice(0, Math.max(0, id.text.indexOf('@')));
    // Products call so whoever has no name. That of an account which the campaign did not make may be anybody's.
    const made = this.campaignPrefix.slice(MARKER_WORD.length);
    if (made !== '' && name.includes(made)) this.ids.addIdentity(name, id);
  }

  /** The first owner, and those who will be: whose something was is decided by the whole history. */
  #ownersFrom(key: string, user: UserIndex): readonly UserIndex[] {
    const later = this.#foretold.get(key);
    const alone = this.#alone[user] ?? [user];
    return later === undefined ? alone : [user, ...[...later].filter((other) => other !== user)];
  }

  /** Whether an owner was known beforehand, and is given the id only now. */
  #isForetold(id: OwnedId, user: UserIndex): boolean {
    const key = keyOf(id);
    return (
      id.owners[0] !== user &&
      this.#foretold.get(key)?.has(user) === true &&
      this.#lateOwners.get(key)?.has(user) !== true
    );
  }

  #ownCredential(hash: string, user: UserIndex): void {
    const owners = this.#credentials.get(hash);
    if (owners === undefined) this.#credentials.set(hash, [user]);
    else if (!owners.includes(user)) owners.push(user);
  }
}

/** What a marker that was cut off must show at least. */
function beginningOf(marker: string): string {
  return marker.slice(0, CUT_OFF_LENGTH_MIN);
}

/** Whether nothing is known of the one that the other does not hold. */
function holdsAllOf(kept: Observation, observation: Observation): boolean {
  for (const key in observation) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a key of the object itself
    if (observation[key as keyof Observation] !== undefined && !(key in kept)) return false;
  }
  return true;
}

/** Shorter ids, bare numbers and bare words up to these lengths occur in ordinary text. */
const ID_LENGTH_MIN = 6;
const NUMBER_LENGTH_MIN = 10;
const WORD_LENGTH_MIN = 16;
/** The longest of them. */
const TELLING_LENGTH_MIN = Math.max(ID_LENGTH_MIN, NUMBER_LENGTH_MIN, WORD_LENGTH_MIN);

/**
 * Whether finding an id in a text says that the id was meant. `42` or `alice` would be found everywhere;
 * such ids are compared only where a frame says that it carries an id.
 */
export function isTelling(id: string): boolean {
  // Whatever it is made of; nearly all are so long, and each is asked about with every event that carries it.
  if (id.length >= TELLING_LENGTH_MIN) return true;
  if (id.length < ID_LENGTH_MIN) return false;
  if (/^[0-9]+$/.test(id)) return id.length >= NUMBER_LENGTH_MIN;
  return !/^[A-Za-z]+$/.test(id) || id.length >= WORD_LENGTH_MIN;
}

/**
 * By what an id is known. One that means something wherever it stands is given to one thing only; a short
 * one, as counters give them, may be that of a user and of a thread at once.
 */
function keyOf({ kind, text }: Pick<OwnedId, 'kind' | 'text'>): string {
  return isTelling(text) ? text : shortKey(kind, text);
}

function shortKey(kind: IdKind, text: string): string {
  return `${kind === 'email' ? 'user' : kind} ${text}`;
}

/** A UUID with its dashes or without. */
const UUID = /^[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}$/i;

const UUID_LENGTH = 36;

/** Whether a UUID is written as it usually is: with its dashes, in lower case. */
function isUsual(uuid: string): boolean {
  return uuid.length === UUID_LENGTH && uuid === uuid.toLowerCase();
}

const NO_SPELLINGS: readonly string[] = [];

/** A UUID is filed as it is usually written, for it is found without its dashes then, too. */
function otherSpellings(id: string): readonly string[] {
  return UUID.test(id) && !isUsual(id) ? [dashed(id)] : NO_SPELLINGS;
}

/** By these services of avatars know a mail address. */
function digestsOf(email: string): readonly string[] {
  const plain = email.trim().toLowerCase();
  if (!plain.includes('@')) return NO_SPELLINGS;
  return ['md5', 'sha256'].map((how) => createHash(how).update(plain).digest('hex'));
}

function placeOf(observation: Observation): Place {
  if (observation.act === 'ask') return 'question';
  switch (observation.place) {
    case 'name':
    case 'note':
    case 'title':
    case 'tool':
    case 'probe':
      return observation.place;
    default:
      return 'question';
  }
}
