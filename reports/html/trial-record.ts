import { HistoryUnreadable, readHistory } from '../../history/journal-reader.ts';
import { MARKER_LENGTH } from '../../history/markers.ts';
import type { Observation, OwnedIds, TrialHeader } from '../../history/observation.ts';
import type { Finding, Verdict } from '../../history/verdict.ts';

/** A phase of the script, ms on the trial's clock. */
export interface PhaseSpan {
  readonly phase: string;
  readonly from: number;
  readonly to: number;
}

/** A question that a user asked. */
interface Asked {
  readonly t: number;
  readonly run: string | undefined;
}

/** An agent event that a user received. */
export interface Received {
  readonly t: number;
  readonly event: string;
  readonly run: string | undefined;
  /** Whether another user is on record as the asker of its run. */
  readonly stray: boolean;
}

/** What one user did and received, in order. */
export interface Lane {
  readonly asked: readonly Asked[];
  readonly received: readonly Received[];
}

/** A line of the history that a finding points to, as it was recorded. */
export interface RecordedFrame {
  readonly line: number;
  readonly t: number;
  readonly user: string | null;
  readonly conn: string | null;
  /** `socket in frame tool_completed`. */
  readonly what: string;
  /** The excerpt of the witness with the recorded text on both sides of it; `…` where it was cut. */
  readonly before: string;
  readonly excerpt: string;
  readonly after: string;
}

/** What is drawn and quoted from a history. Nothing in it is a judgement: those stand in the verdict. */
export interface TrialRecord {
  readonly phases: readonly PhaseSpan[];
  /** Events that every run must show, in the order of the profile. */
  readonly events: readonly string[];
  readonly lanes: ReadonlyMap<string, Lane>;
  /** The recorded line of each witness. Several findings may share a line, and quote it elsewhere. */
  readonly frames: ReadonlyMap<Witness, RecordedFrame>;
  /** When the owner of what a finding's first witness shows asked or planted it, ms. */
  readonly origins: ReadonlyMap<Finding, number>;
  /** Texts that name a user: beginnings of markers, ids, the e-mail signed in with. */
  readonly names: ReadonlyMap<string, ReadonlySet<string>>;
}

type Witness = Finding['witness'][number];

/** Context shown around an excerpt, in characters. */
const BEFORE_CHARACTERS_MAX = 160;
const AFTER_CHARACTERS_MAX = 240;
/** Of each user; a soak has more, and no reader can tell them apart. */
const EVENTS_PER_LANE_MAX = 300;
const ASKED_PER_LANE_MAX = 60;
const NAMES_PER_USER_MAX = 200;
/** Shorter texts are found everywhere by chance. */
const NAME_CHARACTERS_MIN = 8;

/** What a report wants of a history. */
export interface Wanted {
  /** Users whose lanes are drawn. */
  readonly lanes: ReadonlySet<string>;
  /** Findings that are shown with their witnesses. */
  readonly findings: readonly Finding[];
}

/**
 * Reads from a history what a report draws and quotes, in bounded memory. Null when there is no readable
 * history: the report then does without.
 */
export function readTrialRecord(
  path: string,
  verdict: Verdict,
  wanted: Wanted,
): TrialRecord | null {
  const draft = new RecordDraft(verdict, wanted);
  try {
    readHistory(path, draft);
  } catch (error) {
    if (error instanceof HistoryUnreadable) return null;
    throw error;
  }
  return draft.record();
}

interface LaneDraft {
  readonly asked: Asked[];
  readonly received: Omit<Received, 'stray'>[];
}

class RecordDraft {
  readonly #lanes: Map<string, LaneDraft>;
  readonly #witnesses = new Map<
    number,
    { readonly finding: Finding; readonly witness: Witness }[]
  >();
  readonly #names = new Map<string, Set<string>>();
  readonly #askers = new Map<string, string>();
  /** When each marker was planted, and who asked for each run when. */
  readonly #planted = new Map<string, number>();
  readonly #asked = new Map<string, { readonly user: string; readonly t: number }>();
  readonly #frames = new Map<Witness, RecordedFrame>();
  readonly #origins = new Map<Finding, number>();
  readonly #phases: PhaseSpan[] = [];
  readonly #open = new Map<string, number>();
  readonly #durationMs: number;
  #events: readonly string[] = [];
  #shown: ReadonlySet<string> = new Set();
  readonly #prefixes = new Map<string, string>();

  constructor(verdict: Verdict, { lanes, findings }: Wanted) {
    this.#durationMs = verdict.trial.durationMs;
    this.#lanes = new Map([...lanes].map((user) => [user, { asked: [], received: [] }]));
    for (const finding of findings) {
      for (const witness of finding.witness) {
        const known = this.#witnesses.get(witness.line) ?? [];
        this.#witnesses.set(witness.line, [...known, { finding, witness }]);
      }
      if (finding.owner !== null) this.#names.set(finding.owner, new Set());
    }
  }

  header({ users, profile }: TrialHeader): void {
    const { required, failure, stopped } = profile.order;
    this.#events = required;
    this.#shown = new Set([...required, ...failure, ...stopped]);
    for (const { user, identity, markerPrefix, ids } of users) {
      this.#prefixes.set(user, markerPrefix.toLowerCase());
      this.#name(user, markerPrefix);
      this.#name(user, identity);
      this.#learn(user, ids);
    }
  }

  observation(observation: Observation): void {
    const { user, kind } = observation;
    if (kind === 'phase') this.#phase(observation);
    if (user === null) return;
    if (kind === 'identity') this.#learn(user, observation.ids);
    if (kind === 'act') this.#act(user, observation);
    if (isReceived(observation)) this.#receive(user, observation);
    for (const { finding, witness } of this.#witnesses.get(observation.line) ?? []) {
      this.#frames.set(witness, frameOf(observation, witness));
      const origin = this.#originOf(observation, finding.owner);
      if (origin !== undefined && finding.witness[0] === witness)
        this.#origins.set(finding, origin);
    }
  }

  record(): TrialRecord {
    for (const [phase, from] of this.#open)
      this.#phases.push({ phase, from, to: Math.max(from, this.#durationMs) });
    return {
      phases: this.#phases,
      events: this.#events,
      lanes: new Map([...this.#lanes].map(([user, lane]) => [user, this.#laneOf(user, lane)])),
      frames: this.#frames,
      origins: this.#origins,
      names: this.#names,
    };
  }

  /** Whose a run is may be learned after its first events. */
  #laneOf(user: string, { asked, received }: LaneDraft): Lane {
    const isStray = (run: string | undefined): boolean =>
      run !== undefined && (this.#askers.get(run) ?? user) !== user;
    return { asked, received: received.map((event) => ({ ...event, stray: isStray(event.run) })) };
  }

  #phase({ phase, mark, t }: Observation): void {
    if (phase === undefined) return;
    if (mark === 'begin') this.#open.set(phase, t);
    const from = this.#open.get(phase);
    if (mark !== 'end' || from === undefined) return;
    this.#open.delete(phase);
    this.#phases.push({ phase, from, to: t });
  }

  #receive(user: string, { t, event, run }: Observation): void {
    const lane = this.#lanes.get(user);
    if (lane === undefined || event === undefined || !this.#shown.has(event)) return;
    if (lane.received.length < EVENTS_PER_LANE_MAX) lane.received.push({ t, event, run });
  }

  #act(user: string, { act, marker, run, t }: Observation): void {
    if (marker !== undefined) this.#planted.set(marker.toLowerCase(), t);
    if (act !== 'ask') return;
    if (run !== undefined) {
      this.#asked.set(run, { user, t });
      this.#askers.set(run, user);
    }
    const lane = this.#lanes.get(user);
    if (lane !== undefined && lane.asked.length < ASKED_PER_LANE_MAX) lane.asked.push({ t, run });
  }

  #learn(user: string, ids: OwnedIds | undefined): void {
    if (ids?.run !== undefined) this.#askers.set(ids.run, user);
    for (const id of Object.values(ids ?? {})) if (typeof id === 'string') this.#name(user, id);
  }

  #name(user: string, text: string): void {
    const names = this.#names.get(user);
    if (names === undefined || text.length < NAME_CHARACTERS_MIN) return;
    if (names.size < NAMES_PER_USER_MAX) names.add(text);
  }

  /** When the owner planted what the line holds, else when the owner asked for its run. */
  #originOf({ content = '', run }: Observation, owner: string | null): number | undefined {
    const prefix = owner === null ? undefined : this.#prefixes.get(owner);
    const lower = content.toLowerCase();
    const at = prefix === undefined ? -1 : lower.indexOf(prefix);
    const planted = at === -1 ? undefined : this.#planted.get(lower.slice(at, at + MARKER_LENGTH));
    if (planted !== undefined) return planted;
    const asked = run === undefined ? undefined : this.#asked.get(run);
    return asked?.user === owner ? asked?.t : undefined;
  }
}

function frameOf(observation: Observation, { excerpt }: Witness): RecordedFrame {
  const { line, t, user, conn, surface, dir, kind, event, content = '' } = observation;
  const what = [surface, dir, kind, ...(event === undefined ? [] : [event])].join(' ');
  return { line, t, user, conn, what, ...around(content, excerpt) };
}

function isReceived({ kind, dir }: Observation): boolean {
  return kind === 'frame' && dir === 'in';
}

/** The excerpt within its content; alone when it is a description instead of a quotation. */
function around(
  content: string,
  excerpt: string,
): Pick<RecordedFrame, 'before' | 'excerpt' | 'after'> {
  const core = excerpt.replace(/^…/, '').replace(/…$/, '');
  const at = core === '' ? -1 : content.indexOf(core);
  if (at === -1) return { before: '', excerpt, after: '' };
  const from = Math.max(0, at - BEFORE_CHARACTERS_MAX);
  const end = at + core.length;
  const to = Math.min(content.length, end + AFTER_CHARACTERS_MAX);
  return {
    before: `${from > 0 ? '…' : ''}${content.slice(from, at)}`,
    excerpt: core,
    after: `${content.slice(end, to)}${to < content.length ? '…' : ''}`,
  };
}
