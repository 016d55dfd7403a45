/** What a user may do in an explored script, in the words of a story. */
export const VERBS = [
  'arrive',
  'ask',
  'ask for trouble',
  'read',
  'cancel',
  'drop',
  'reconnect',
  'duplicate the tab',
  'refresh the token',
  "try the neighbour's thread",
  'sign out',
  'use the old session',
] as const;
export type Verb = (typeof VERBS)[number];

/** A moment in the run that a user has under way: when its events have shown this one. */
export interface Moment {
  /** Position in the crowd. */
  readonly user: number;
  /** Canonical event. */
  readonly event: string;
}

/** One step of a script: some users do one thing, all at once. Plain data. */
export interface Step {
  readonly verb: Verb;
  /** Positions in the crowd, ascending. */
  readonly users: readonly number[];
  /** What they wait for first. */
  readonly at?: Moment | undefined;
  /** Whose thread is tried. */
  readonly neighbour?: number | undefined;
}

/**
 * What a small crowd does one step after the other. Whoever is not late has signed in and opened the chat
 * before the first step; after the last one everybody who waits for an answer reads it.
 */
export interface Script {
  readonly users: number;
  /** So many users at the end of the crowd are not there yet when the first step begins. */
  readonly late: number;
  readonly steps: readonly Step[];
}

/** One user alone proves nothing about isolation. */
export const USERS_MIN = 2;

/** Questions that a script asks. */
export function questionsIn({ steps }: Script): number {
  const asking = steps.filter(({ verb }) => ASKING.has(verb));
  return asking.reduce((sum, { users }) => sum + users.length, 0);
}

const ASKING = new Set<Verb>(['ask', 'ask for trouble', "try the neighbour's thread"]);

/** What the target lets users do, as far as scripts depend on it. */
export interface Possibilities {
  /** Canonical events of a run, in their usual order, the last one left out. */
  readonly moments: readonly string[];
  /** Those of them from which a tool is at work: whose run it is matters most then. */
  readonly inTools: readonly string[];
  /** Whether a run goes on over a new connection: else what it shows after a drop is lost, and nobody's fault. */
  readonly resumes: boolean;
  readonly verbs: ReadonlySet<Verb>;
}

/** Where a user stands at some point of a script. */
interface Standing {
  arrived: boolean;
  connected: boolean;
  /** Has asked, and neither read the answer nor stopped the run. */
  asking: boolean;
  hasAsked: boolean;
  hasTwoTabs: boolean;
  signedOut: boolean;
  usedOldSession: boolean;
}

/**
 * The model of a crowd that a script is checked against: it lets through only what a person could do there,
 * so that whatever a legal script shows is the target's doing.
 */
export class CrowdModel {
  readonly #standings: Standing[];
  readonly #can: Possibilities;

  constructor({ users, late }: Pick<Script, 'users' | 'late'>, can: Possibilities) {
    this.#can = can;
    this.#standings = Array.from({ length: users }, (_, index) => ({
      arrived: index < users - late,
      connected: index < users - late,
      asking: false,
      hasAsked: false,
      hasTwoTabs: false,
      signedOut: false,
      usedOldSession: false,
    }));
  }

  /** The part of a step that is possible now, or undefined if nobody can do it. */
  legalPart(step: Step): Step | undefined {
    const { verb } = step;
    if (!this.#can.verbs.has(verb)) return undefined;
    const users = step.users.filter((user) => this.#may(verb, user, step.neighbour));
    if (users.length === 0) return undefined;
    const at = this.#momentOf(step, users);
    return { verb, users, ...(at && { at }), ...neighbourOf(step) };
  }

  /** Those who can do this now, ascending. */
  able(verb: Verb): readonly number[] {
    return [...this.#standings.keys()].filter((user) => this.#may(verb, user, undefined));
  }

  /** Takes in that a legal step was done. */
  done({ verb, users }: Step): void {
    for (const user of users) {
      const standing = this.#standings[user];
      if (standing !== undefined) EFFECTS[verb](standing);
    }
  }

  #may(verb: Verb, user: number, neighbour: number | undefined): boolean {
    const standing = this.#standings[user];
    if (standing === undefined) return false;
    if (neighbour !== undefined && (neighbour === user || !this.#hasArrived(neighbour)))
      return false;
    if (verb === 'drop' && standing.asking && !this.#can.resumes) return false;
    return CONDITIONS[verb](standing);
  }

  #hasArrived(user: number): boolean {
    return this.#standings[user]?.arrived === true;
  }

  /** A moment is waited for only where somebody is there to see it; one's own run is always awaited. */
  #momentOf({ verb, at }: Step, users: readonly number[]): Moment | undefined {
    const [first] = users;
    if (at === undefined || first === undefined) return undefined;
    const own = { user: first, event: at.event };
    if (verb === 'cancel') return own;
    if (verb === 'sign out') return this.#may('read', first, undefined) ? own : undefined;
    return this.#may('read', at.user, undefined) ? at : undefined;
  }
}

function neighbourOf({ neighbour }: Step): Pick<Step, 'neighbour'> {
  return neighbour === undefined ? {} : { neighbour };
}

const isThere = ({ connected, signedOut }: Standing): boolean => connected && !signedOut;
const isIdle = (standing: Standing): boolean => isThere(standing) && !standing.asking;

const CONDITIONS: Readonly<Record<Verb, (standing: Standing) => boolean>> = {
  arrive: ({ arrived }) => !arrived,
  ask: isIdle,
  'ask for trouble': isIdle,
  read: (standing) => isThere(standing) && standing.asking,
  cancel: (standing) => isThere(standing) && standing.asking,
  // A second tab would go on listening, and is another story.
  drop: (standing) => isThere(standing) && !standing.hasTwoTabs,
  reconnect: ({ arrived, connected, signedOut }) => arrived && !connected && !signedOut,
  'duplicate the tab': (standing) => isThere(standing) && !standing.hasTwoTabs,
  'refresh the token': isThere,
  "try the neighbour's thread": isIdle,
  // Who never asked has seen nothing that silence afterwards could be compared with.
  'sign out': (standing) => isThere(standing) && standing.hasAsked,
  'use the old session': ({ signedOut, usedOldSession }) => signedOut && !usedOldSession,
};

function asks(standing: Standing): void {
  standing.asking = true;
  standing.hasAsked = true;
}

function endsAsking(standing: Standing): void {
  standing.asking = false;
}

const EFFECTS: Readonly<Record<Verb, (standing: Standing) => void>> = {
  arrive: (standing) => {
    standing.arrived = true;
    standing.connected = true;
  },
  ask: asks,
  'ask for trouble': asks,
  read: endsAsking,
  cancel: endsAsking,
  drop: (standing) => {
    standing.connected = false;
  },
  reconnect: (standing) => {
    standing.connected = true;
  },
  'duplicate the tab': (standing) => {
    standing.hasTwoTabs = true;
  },
  'refresh the token': () => undefined,
  // Its control is a question in the own thread.
  "try the neighbour's thread": asks,
  'sign out': (standing) => {
    standing.signedOut = true;
    standing.asking = false;
  },
  'use the old session': (standing) => {
    standing.usedOldSession = true;
  },
};

/**
 * The legal script that is left of some steps: each is cut down to whom it is possible for at its place,
 * and left out where that is nobody.
 */
export function legalScript(
  { users, late, steps }: Script,
  can: Possibilities,
): { readonly script: Script; readonly model: CrowdModel } {
  const fewer = Math.min(late, users - USERS_MIN);
  const model = new CrowdModel({ users, late: fewer }, can);
  const legal = steps.flatMap((step) => {
    const part = model.legalPart(step);
    if (part === undefined) return [];
    model.done(part);
    return [part];
  });
  return { script: { users, late: fewer, steps: legal }, model };
}

/** One line about a step: `u01 and u03 reconnect when u00 has seen tool_executing`. */
export function describeStep({ verb, users, at, neighbour }: Step): string {
  const [first] = users;
  const who = users.map((user) => crowdName(user)).join(' and ');
  const own = at?.user === first && users.length === 1;
  const when =
    at === undefined ? '' : ` when ${own ? 'it' : crowdName(at.user)} has seen ${at.event}`;
  return `${who}: ${verb}${neighbour === undefined ? '' : ` (${crowdName(neighbour)})`}${when}`;
}

/** Name of a user of a small crowd. */
function crowdName(user: number): string {
  return `u${String(user).padStart(2, '0')}`;
}
