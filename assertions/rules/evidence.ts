import type { Observation } from '../../history/observation.ts';
import { chunkText } from '../answer-text.ts';
import type { Facts } from '../facts.ts';
import type { Tally } from '../tally.ts';
import type { UserIndex } from '../knowledge.ts';
import type { Bench, Ending, RuleGroup } from '../rule-group.ts';
import { UnrecognisedFrames } from '../unrecognised-frames.ts';
import { silentSurfaces } from './surfaces.ts';

const NOTHING = 'evidence/nothing-observed';
const OVERLAP = 'evidence/no-overlap';
const INCOMPLETE = 'evidence/incomplete-history';
const OVERLOADED = 'evidence/harness-overloaded';
const MISSING_PART = 'evidence/missing-part';

/** Takes rounding out of `floor × pairs` before it is rounded up. */
const EPSILON = 1e-9;

/** Between two events so far apart, milliseconds, a target has had a stop in hand that was sent before both. */
const STOP_MS_MAX = 500;
/** A harness that is later than this may have had events for longer than it seems, p99 in milliseconds. */
const HARNESS_DELAY_MS_MAX = 50;

/** A run that its asker stopped. */
interface Stop {
  readonly asker: UserIndex;
  /** When the first of its required events came after that, and the latest, on the trial's clock. */
  firstAt: number | undefined;
  lastAt: number;
}

/** Is there enough evidence to say anything? (DESIGN §3.4–3.6, FAULTS "Faults of the harness itself".) */
export class EvidenceRules implements RuleGroup {
  readonly rules = [NOTHING, OVERLAP, INCOMPLETE, OVERLOADED, MISSING_PART];
  readonly notApplicable: readonly string[];
  readonly #bench: Bench;
  readonly #tally: Tally;
  /** By the run's id. */
  readonly #stops = new Map<string, Stop>();
  /** Of users who have received no agent event so far. */
  readonly #unrecognised = new Map<UserIndex, UnrecognisedFrames>();
  /** By the name of an event that is a piece of an answer: the first, as long as none had a text. */
  readonly #unreadPieces = new Map<string, Facts | 'read'>();

  constructor(bench: Bench, tally: Tally) {
    this.#bench = bench;
    this.#tally = tally;
    this.notApplicable = bench.knowledge.header.part === null ? [MISSING_PART] : [];
  }

  /** What these rules examine is the record as a whole, which is always there. */
  examined(rule: string): number {
    const users = this.#bench.knowledge.users.length;
    return Math.max(1, rule === OVERLAP || rule === NOTHING ? users : this.#tally.observations);
  }

  /** What was received and not recorded cannot be searched. */
  observe(facts: Facts): void {
    const { observation, observer, received } = facts;
    const { act, run } = observation;
    if (received && observation.kind === 'frame') this.#frame(facts);
    if (act === 'cancel' && run !== undefined)
      this.#stops.set(run, { asker: observer, firstAt: undefined, lastAt: 0 });
    else if (received && run !== undefined && this.#stops.size > 0)
      this.#wentOn(run, observation, observer);
    this.#harness(observation);
    if (!received || observation.cut === undefined || observation.cut === 0) return;
    this.#bench.report.add({
      rule: INCOMPLETE,
      observer,
      owner: null,
      observation,
      message: `${observation.cut} bytes that ${this.#bench.knowledge.nameOf(observer)} received were too many to record`,
    });
  }

  #frame(facts: Facts): void {
    const { observation, observer, attribution } = facts;
    if (attribution === undefined) this.#notRecognised(observation, observer);
    else if (this.#isPiece(observation)) this.#piece(facts);
  }

  #isPiece({ event = '' }: Observation): boolean {
    const { order, answer } = this.#bench.knowledge.profile;
    return answer.chunk.length > 0 && order.chunk.includes(event);
  }

  #piece(facts: Facts): void {
    const { observation, observer } = facts;
    const { content, cut, event = '' } = observation;
    if (content === undefined) {
      this.#notGiven(observation, observer);
      return;
    }
    const known = this.#unreadPieces.get(event);
    if (known === 'read' || cut !== undefined) return;
    if (chunkText(this.#bench.knowledge, content) !== undefined)
      this.#unreadPieces.set(event, 'read');
    else if (known === undefined) this.#unreadPieces.set(event, facts);
  }

  /** What several pieces spell is not found where they stand within one frame: each must be given by itself. */
  #notGiven(observation: Observation, observer: UserIndex): void {
    const { knowledge, report } = this.#bench;
    report.add({
      rule: INCOMPLETE,
      observer,
      owner: null,
      observation,
      message: `${knowledge.nameOf(observer)} received a piece of an answer as a further event of a frame, and the profile's decodeAll gave no part of it`,
    });
  }

  /** What several pieces spell is not found where no text is read in them: the profile says where to no avail. */
  #unread(): void {
    const { knowledge, report } = this.#bench;
    const { containers, chunk } = knowledge.profile.answer;
    for (const [event, facts] of this.#unreadPieces) {
      if (facts === 'read') continue;
      const { observation, observer } = facts;
      const message = `no ${event} holds a text where the profile says that pieces of an answer have it: answer.chunk ${JSON.stringify(chunk)} in answer.containers ${JSON.stringify(containers)}; name where it stands, or take ${event} out of order.chunk`;
      report.add({ rule: INCOMPLETE, observer, owner: null, observation, message });
    }
  }

  #notRecognised(observation: Observation, observer: UserIndex): void {
    if (this.#tally.agentEventsOf(observer) > 0) return;
    const known = this.#unrecognised.get(observer) ?? new UnrecognisedFrames();
    this.#unrecognised.set(observer, known);
    known.note(observation);
  }

  #wentOn(run: string, { event = '', t }: Observation, observer: UserIndex): void {
    const stop = this.#stops.get(run);
    const { required } = this.#bench.knowledge.profile.order;
    if (stop?.asker !== observer || !required.includes(event)) return;
    stop.firstAt ??= t;
    stop.lastAt = t;
  }

  observeCrowd(observation: Observation): void {
    const { dir, user } = observation;
    if (user !== null) this.#add(INCOMPLETE, `"${user}" is no user of the first line`, observation);
    else if (dir === 'in')
      this.#add(
        INCOMPLETE,
        'something was received, and the line does not say by whom',
        observation,
      );
    this.#harness(observation);
  }

  /** What befell the harness itself, whether the line names a user whom it befell or not. */
  #harness(observation: Observation): void {
    const { kind, count, delay = 0 } = observation;
    const { quietMsMin } = this.#bench.knowledge.profile.limits;
    if (kind === 'lost')
      this.#add(
        OVERLOADED,
        `${count ?? 'some'} observations were lost: the disk could not follow`,
        observation,
      );
    if (kind === 'stall' && delay > quietMsMin)
      this.#add(
        OVERLOADED,
        `the harness's event loop stood still for ${(delay / 1000).toFixed(1)} s, longer than the quiet window`,
        observation,
      );
  }

  conclude(ending: Ending): void {
    this.#silence();
    this.#overlap();
    this.#unread();
    if (ending.complete) this.#ignoredStops();
    const { part } = this.#bench.knowledge.header;
    if (part !== null)
      this.#add(MISSING_PART, `this is part ${part} of a trial, and its other parts are not here`);
    if (ending.end === undefined && !ending.complete)
      this.#add(INCOMPLETE, 'the history has no last line: the trial was interrupted');
    else if (ending.end !== undefined && ending.end.reason !== 'done')
      this.#add(INCOMPLETE, `the trial was cut short: ${ending.end.reason}`);
    for (const { line, message } of ending.problems)
      this.#add(INCOMPLETE, line === null ? message : `line ${line}: ${message}`);
  }

  #add(rule: string, message: string, observation: Observation | null = null): void {
    this.#bench.report.add({ rule, observer: null, owner: null, observation, message });
  }

  #silence(): void {
    const { knowledge, report } = this.#bench;
    if (knowledge.users.length === 0) this.#add(NOTHING, 'the crowd has no users');
    for (const [user, name] of knowledge.users.entries()) {
      if (this.#tally.agentEventsOf(user) > 0) continue;
      const what = this.#whatIsMissing(user);
      report.add({
        rule: NOTHING,
        observer: user,
        owner: null,
        observation: null,
        surface: knowledge.eventsOn,
        message: `${name} received ${what}`,
      });
    }
  }

  #whatIsMissing(user: UserIndex): string {
    if (this.#tally.inboundOf(user) === 0) return 'nothing at all';
    const frames = this.#unrecognised.get(user)?.describe();
    const none = frames === undefined ? 'no agent event' : `no agent event, but ${frames}`;
    if (!this.#bench.knowledge.isBrowser(user)) return none;
    const silent = silentSurfaces(this.#bench.knowledge, this.#tally, user);
    return silent.length === 0 ? none : `${none}, and nothing at all on ${silent.join(', ')}`;
  }

  /** Where nobody's stop did anything nobody was disturbed, and whom it would have hit is not known. */
  #ignoredStops(): void {
    const stops = [...this.#stops];
    const { ledger } = this.#bench;
    const wasInTime = stops.some(
      ([, { firstAt, lastAt }]) => firstAt !== undefined && lastAt - firstAt >= STOP_MS_MAX,
    );
    const isLate = (this.#tally.harnessDelay?.p99 ?? 0) > HARNESS_DELAY_MS_MAX;
    if (
      !wasInTime ||
      isLate ||
      stops.some(([run, { asker }]) => ledger.byId(run, asker)?.hasEnded !== true)
    )
      return;
    const what =
      stops.length === 1
        ? 'the run that was stopped'
        : `all ${stops.length} runs that were stopped`;
    this.#add(NOTHING, `no stop took effect: ${what} went on to the end`);
  }

  #overlap(): void {
    const { users, profile } = this.#bench.knowledge;
    const count = users.length;
    if (count < 2) {
      const crowd = count === 1 ? 'one user alone' : 'no user';
      this.#add(OVERLAP, `${crowd} proves nothing about isolation: use at least 2 users`);
      return;
    }
    const pairs = (count * (count - 1)) / 2;
    const wanted = Math.ceil(profile.limits.overlapFloor * pairs - EPSILON);
    const reached = this.#tally.overlap().pairs;
    if (reached < wanted)
      this.#add(
        OVERLAP,
        `${reached} of ${pairs} pairs of users overlapped, at least ${wanted} are needed`,
      );
  }
}
