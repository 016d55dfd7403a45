import type { HistoryReceiver } from '../history/journal-reader.ts';
import type { Observation, TrialHeader } from '../history/observation.ts';
import type { ProfileData } from '../history/profile-data.ts';

/** Larger histories are calibrated on the first users whose observations fit into this. */
export const SAMPLE_OBSERVATIONS_MAX = 4_000;
/** Fewer users cannot leak to each other; more are not needed to prove that a leak is seen. */
export const SAMPLE_USERS_MIN = 2;
/** Where even so few saw more, each is followed this far, to the end of a run. */
const OBSERVATIONS_PER_USER_MAX = SAMPLE_OBSERVATIONS_MAX / SAMPLE_USERS_MIN;
/** Of a run longer than that the whole is taken, up to this: a part of a run proves nothing. */
const OBSERVATIONS_OF_FIRST_RUN_MAX = 4 * OBSERVATIONS_PER_USER_MAX;

/** A history in memory, small enough to be changed and judged again many times. */
export interface Sample {
  readonly header: TrialHeader;
  readonly observations: readonly Observation[];
}

/**
 * Takes the sample while a history is read for another purpose, in memory that does not grow with the
 * history: the first users whose observations fit, at least two, and what concerns the crowd as a whole.
 * Of users who were at it all day long only the first questions are taken.
 */
export class SampleCollector implements HistoryReceiver {
  #header: TrialHeader | undefined;
  /** The users still chosen, in the order of the first line. */
  readonly #parts = new Map<string, UserPart>();
  #observationCount = 0;
  readonly #crowd: Observation[] = [];

  header(header: TrialHeader): void {
    this.#header = header;
    for (const { user } of header.users) this.#parts.set(user, new UserPart(header.profile.order));
  }

  observation(observation: Observation): void {
    const { user } = observation;
    if (user === null) {
      if (this.#crowd.length < SAMPLE_OBSERVATIONS_MAX) this.#crowd.push(observation);
      return;
    }
    const part = this.#parts.get(user);
    if (part === undefined) return;
    part.take(observation);
    this.#observationCount += 1;
    if (this.#isTooLarge && this.#parts.size > SAMPLE_USERS_MIN) this.#dropLast();
  }

  /** The sample of everything read so far. */
  sample(): Sample {
    if (this.#header === undefined) throw new Error('a history without a header was read');
    const users = this.#header.users.filter(({ user }) => this.#parts.has(user));
    const parts = [...this.#parts.values()].map((part) =>
      this.#isTooLarge ? part.beginning() : part.all,
    );
    const observations = [...this.#crowd, ...parts.flat()].toSorted((a, b) => a.line - b.line);
    return { header: { ...this.#header, users }, observations };
  }

  get #isTooLarge(): boolean {
    return this.#observationCount > SAMPLE_OBSERVATIONS_MAX;
  }

  #dropLast(): void {
    while (this.#isTooLarge && this.#parts.size > SAMPLE_USERS_MIN) {
      const [name, part] = [...this.#parts].at(-1) ?? [];
      if (name === undefined || part === undefined) return;
      this.#parts.delete(name);
      this.#observationCount -= part.observationCount;
    }
  }
}

/** What one user saw and did. */
class UserPart {
  readonly #terminal: ReadonlySet<string>;
  readonly #observations: Observation[] = [];
  /** Runs asked for and not ended so far, each with the agent that spoke first. */
  readonly #openRuns = new Map<string, string | undefined>();
  #asked = 0;
  /** Observations before the latest question at which no run was open. */
  #whole = 0;
  #isFull = false;
  /** Of these the first are kept. */
  observationCount = 0;

  constructor({ last, failure, stopped }: ProfileData['order']) {
    this.#terminal = new Set([last, ...failure, ...stopped]);
  }

  /** Everything; whole only as long as the sample is not too large. */
  get all(): readonly Observation[] {
    return this.#observations;
  }

  /** All before a question at which every run before it had ended, as far as allowed. */
  beginning(): readonly Observation[] {
    if (this.observationCount <= OBSERVATIONS_PER_USER_MAX) return this.#observations;
    const end = this.#whole === 0 ? OBSERVATIONS_OF_FIRST_RUN_MAX : this.#whole;
    return this.#observations.slice(0, end);
  }

  take(observation: Observation): void {
    this.observationCount += 1;
    if (this.#isFull) return;
    if (observation.act === 'ask') this.#ask(observation);
    else if (observation.dir === 'in') this.#receive(observation);
    this.#observations.push(observation);
    const enough = this.#whole > 0 ? SAMPLE_OBSERVATIONS_MAX : OBSERVATIONS_OF_FIRST_RUN_MAX;
    this.#isFull = this.#observations.length >= enough;
  }

  #ask({ run }: Observation): void {
    const before = this.#observations.length;
    const isBoundary = this.#asked > 0 && this.#openRuns.size === 0;
    if (isBoundary && (before <= OBSERVATIONS_PER_USER_MAX || this.#whole === 0))
      this.#whole = before;
    this.#asked += 1;
    this.#openRuns.set(run ?? '', undefined);
  }

  #receive({ run = '', event, agent }: Observation): void {
    if (event === undefined) return;
    // Where questions name no run, whatever ends ends the latest.
    const name = this.#openRuns.has(run) ? run : '';
    if (!this.#openRuns.has(name)) return;
    const outermost = this.#openRuns.get(name) ?? agent;
    // Sub-agents complete inside the run.
    if (this.#terminal.has(event) && agent === outermost) this.#openRuns.delete(name);
    else this.#openRuns.set(name, outermost);
  }
}
