import { setImmediate } from 'node:timers/promises';
import {
  readHistory,
  readHistoryInSlices,
  type HistoryProblem,
  type HistoryReading,
  type HistoryReceiver,
} from '../history/journal-reader.ts';
import { messageOf } from '../history/message-of.ts';
import type { Observation, TrialEnd, TrialHeader } from '../history/observation.ts';
import { isProfileDefect } from '../history/profile-defect.ts';
import { RULES } from '../history/rules.ts';
import {
  CAUSES,
  worseOutcome,
  type Cause,
  type Finding,
  type Outcome,
  type Verdict,
} from '../history/verdict.ts';
import { Disturbances } from './disturbances.ts';
import { FactFinder, type Facts } from './facts.ts';
import { Knowledge, type Foretold } from './knowledge.ts';
import { IsolationMatrix } from './matrix.ts';
import { Report, type Entry } from './report.ts';
import type { Bench, Ending, RuleGroup } from './rule-group.ts';
import { RunLedger } from './run-ledger.ts';
import { AccessRules } from './rules/access.ts';
import { AnswerRules } from './rules/answers.ts';
import { ContentRules } from './rules/content.ts';
import { DeliveryRules } from './rules/delivery.ts';
import { EventRules } from './rules/events.ts';
import { EvidenceRules } from './rules/evidence.ts';
import { judgeGates } from './rules/gates.ts';
import { identifierRules, tokenRule } from './rules/identifiers.ts';
import { InterferenceRule } from './rules/interference.ts';
import { orderRules } from './rules/order.ts';
import { PageRules } from './rules/pages.ts';
import { residueRule } from './rules/residue.ts';
import { SurfaceRules } from './rules/surfaces.ts';
import { Tally } from './tally.ts';

/** Sentences in a verdict's `reasons`. */
const REASONS_MAX = 10;
/** Observations that could not be examined and are listed; a profile may stumble over every one. */
const UNEXAMINED_MAX = 100;
/** Added by the calibration, not by a rule group. */
const CALIBRATION_RULE = 'evidence/detector-missed';

interface Seat {
  readonly group: RuleGroup;
  /** What a rule of the group threw; the group then judges no further and is inconclusive. */
  failure: string | undefined;
}

/**
 * Judges one history: an incremental fold over its observations, the same while a trial runs, right after
 * it, and from an archived file. Sees the history and nothing live.
 */
export class Judge {
  readonly #header: TrialHeader;
  readonly #knowledge: Knowledge;
  readonly #finder: FactFinder;
  readonly #ledger: RunLedger;
  readonly #report: Report;
  readonly #tally: Tally;
  readonly #disturbances: Disturbances;
  readonly #access: AccessRules;
  readonly #seats: readonly Seat[];
  /** Those of them that look at more than what users received. */
  readonly #seatsOfDeeds: readonly Seat[];
  readonly #unexamined: HistoryProblem[] = [];
  readonly #bench: Bench;

  /** `foretold`: of the same history, by an earlier judge's {@link foretold}. */
  constructor(header: TrialHeader, foretold?: Foretold) {
    this.#header = header;
    this.#knowledge = new Knowledge(header, foretold);
    this.#finder = new FactFinder(this.#knowledge);
    this.#ledger = new RunLedger(this.#knowledge, foretold?.lateRuns);
    this.#report = new Report(this.#knowledge);
    this.#disturbances = new Disturbances(this.#knowledge);
    this.#tally = new Tally(this.#knowledge, this.#ledger, this.#finder);
    this.#bench = {
      knowledge: this.#knowledge,
      facts: this.#finder,
      ledger: this.#ledger,
      disturbances: this.#disturbances,
      report: this.#report,
      matrix: new IsolationMatrix(header.users.length),
    };
    const bench = this.#bench;
    this.#access = new AccessRules(bench, this.#tally);
    this.#seats = [
      identifierRules(bench),
      new EventRules(bench),
      new ContentRules(bench),
      residueRule(bench),
      // The order rules keep the ledger's record of each run; what reads that record comes after them.
      orderRules(bench),
      new AnswerRules(bench),
      tokenRule(bench),
      new DeliveryRules(bench),
      new PageRules(bench),
      new SurfaceRules(bench, this.#tally),
      this.#access,
      new InterferenceRule(bench, this.#tally),
      new EvidenceRules(bench, this.#tally),
    ].map((group) => ({ group, failure: undefined }));
    this.#seatsOfDeeds = this.#seats.filter(({ group }) => group.receivedOnly !== true);
  }

  /**
   * Who was given an id that had been another's, or one that differs from it in case only, and whose the runs
   * are that showed this late. What they received before was judged as the other's, or as nobody's; so who has
   * the history judges it again and foretells this.
   */
  get foretold(): Foretold | undefined {
    const { lateRuns } = this.#ledger;
    const { foretold } = this.#knowledge;
    if (foretold === undefined && lateRuns.size === 0) return undefined;
    return { lateOwners: new Map(), twins: [], ...foretold, lateRuns };
  }

  /** Whether a violation was found so far. It stays one, whatever comes. */
  get violated(): boolean {
    return this.#report.violated;
  }

  /** Violations found so far. */
  get violations(): readonly Finding[] {
    if (!this.#report.violated) return [];
    return this.#report.conclude().findings.filter((finding) => finding.severity === 'violation');
  }

  observe(observation: Observation): void {
    const facts = this.#factsOf(observation);
    if (facts === undefined) {
      this.#tally.observeCrowd(observation);
      for (const seat of this.#seats)
        this.#guard(seat, () => seat.group.observeCrowd?.(observation));
      return;
    }
    this.#takeNote(facts);
    this.#disturbances.observe(facts);
    this.#tally.observe(facts);
    const seats = facts.received ? this.#seats : this.#seatsOfDeeds;
    for (const seat of seats) {
      if (seat.failure !== undefined) continue;
      try {
        seat.group.observe?.(facts);
      } catch (error) {
        seat.failure = messageOf(error);
      }
    }
  }

  /** What is known by the time that the rules look at an observation. */
  #takeNote(facts: Facts): void {
    const { kind, url, line, message = '' } = facts.observation;
    if (kind === 'act') this.#ledger.act(facts);
    else if (kind === 'identity') this.#ledger.learned(facts);
    if (kind === 'screenshot' && url !== undefined) this.#report.pictured(facts.observer, url);
    // A gap in the evidence, and no fault of the target.
    if (isProfileDefect(facts.observation)) this.#leaveUnexamined({ line, message });
  }

  /** The first of them say it all. */
  #leaveUnexamined(problem: HistoryProblem): void {
    if (this.#unexamined.length < UNEXAMINED_MAX) this.#unexamined.push(problem);
  }

  /** What cannot be examined has been recorded, but not searched: a gap in the evidence. */
  #factsOf(observation: Observation): Facts | undefined {
    try {
      return this.#finder.find(observation);
    } catch (error) {
      this.#leaveUnexamined({
        line: observation.line,
        message: `this observation could not be examined: ${messageOf(error)}`,
      });
      return undefined;
    }
  }

  /** The verdict over everything observed. Call once. */
  conclude(how: {
    /** The last line, or undefined when there was none. */
    readonly end: TrialEnd | undefined;
    readonly problems?: readonly HistoryProblem[];
    /** Judge a history that is still being written as if it ended here. */
    readonly assumeEnd?: boolean;
  }): Verdict {
    const problems = [...(how.problems ?? []), ...this.#unexamined];
    const ending: Ending = {
      complete: (how.end?.reason === 'done' && problems.length === 0) || how.assumeEnd === true,
      end: how.end,
      problems,
    };
    this.#disturbances.excuseRuns(this.#ledger);
    for (const seat of this.#seats) this.#guard(seat, () => seat.group.conclude?.(ending));
    const gaps = problems.flatMap(({ line }) => line ?? []);
    if (gaps.length > 0) this.#report.doubtAfter(Math.min(...gaps));
    const metrics = this.#tally.metrics();
    const gates = judgeGates(this.#bench, {
      tally: this.#tally,
      metrics,
      complete: ending.complete,
    });
    const entries = [...this.#report.entries];
    const { findings, omitted } = this.#report.conclude();
    const rules = this.#ruleResults(entries, gates);
    const { verdict, cause, reasons } = decide(entries, findings, rules);
    return {
      schema: 1,
      verdict,
      cause,
      reasons,
      trial: {
        scenario: this.#header.scenario,
        transport: this.#header.transport,
        target: this.#header.target,
        url: this.#header.url,
        seed: this.#header.seed,
        users: this.#header.users.length,
        startedAt: this.#header.startedAt,
        durationMs: how.end?.t ?? this.#tally.lastAt,
        reproduce: this.#header.reproduce,
      },
      rules,
      findings,
      findingsOmitted: omitted,
      users: this.#tally.users(),
      matrix: { users: [...this.#knowledge.users], cells: this.#bench.matrix.cells() },
      metrics,
      gates,
      access: this.#access.table(),
      evidence: this.#evidence(entries),
    };
  }

  #guard(seat: Seat, work: () => void): void {
    if (seat.failure !== undefined) return;
    try {
      work();
    } catch (error) {
      // A rule that throws has judged nothing: inconclusive, never a pass (DESIGN §3.5).
      seat.failure = messageOf(error);
    }
  }

  #evidence(entries: readonly Entry[]): Verdict['evidence'] {
    const users = this.#knowledge.users.length;
    const overlap = this.#tally.overlap();
    const { opportunities } = this.#tally;
    const leaked = entries.some(
      (entry) => entry.severity === 'violation' && entry.cause === 'leak',
    );
    // Rule of three: after n opportunities without a leak, its rate is below 3/n with 95 % confidence.
    const bound = (chances: number): number | null =>
      leaked || chances === 0 ? null : Math.min(1, 3 / chances);
    return {
      observations: this.#tally.observations,
      bytes: this.#tally.bytes,
      pairsOverlapping: overlap.pairs,
      pairs: (users * Math.max(0, users - 1)) / 2,
      runPairsOverlapping: overlap.runPairs,
      opportunities,
      leakRateUpperBound95: bound(opportunities),
      leakRateUpperBound95PerRunPair: bound(overlap.runPairs),
      calibration: null,
    };
  }

  #ruleResults(entries: readonly Entry[], gates: Verdict['gates']): Verdict['rules'] {
    const worst = new Map<string, Outcome>();
    for (const { draft, severity } of entries) {
      if (severity === 'note') continue;
      const outcome = severity === 'violation' ? 'fail' : 'inconclusive';
      worst.set(draft.rule, worseOutcome(worst.get(draft.rule) ?? 'pass', outcome));
    }
    const seatOf = new Map<string, Seat>();
    for (const seat of this.#seats) for (const rule of seat.group.rules) seatOf.set(rule, seat);
    return RULES.map(({ name }) => {
      const gate = gates.find((result) => `gate/${result.name}` === name);
      if (gate !== undefined)
        return { rule: name, outcome: gate.outcome, examined: gate.actual === null ? 0 : 1 };
      const seat = seatOf.get(name);
      if (seat === undefined || seat.group.notApplicable?.includes(name) === true)
        return { rule: name, outcome: 'not-applicable' as const, examined: 0 };
      const examined = seat.group.examined(name);
      const found = worst.get(name) ?? 'pass';
      const blind = seat.failure !== undefined || examined === 0;
      return { rule: name, outcome: blind ? worseOutcome(found, 'inconclusive') : found, examined };
    });
  }
}

/** The worst outcome wins; the reasons are the findings of that severity, in one sentence each. */
function decide(
  entries: readonly Entry[],
  findings: readonly Finding[],
  rules: Verdict['rules'],
): { verdict: Outcome; cause: Cause | null; reasons: string[] } {
  const blind = rules.filter(({ outcome }) => outcome === 'inconclusive');
  let verdict: Outcome = blind.length > 0 ? 'inconclusive' : 'pass';
  for (const { severity } of entries)
    if (severity !== 'note')
      verdict = worseOutcome(verdict, severity === 'violation' ? 'fail' : 'inconclusive');
  if (verdict === 'pass') return { verdict, cause: null, reasons: [] };
  const severity = verdict === 'fail' ? 'violation' : 'inconclusive';
  const decisive = entries.filter((entry) => entry.severity === severity);
  const causes = new Set(decisive.map((entry) => entry.cause));
  const reasons = findings
    .filter((finding) => finding.severity === severity)
    .map((finding) => `${finding.rule}: ${finding.message}`);
  if (verdict === 'inconclusive')
    reasons.push(...blind.flatMap((rule) => blindness(rule, entries)));
  return {
    verdict,
    cause: CAUSES.find((cause) => causes.has(cause)) ?? 'blind',
    reasons: reasons.slice(0, REASONS_MAX),
  };
}

/** Why a rule without a finding of its own is open. */
function blindness(
  { rule, examined }: Verdict['rules'][number],
  entries: readonly Entry[],
): string[] {
  if (entries.some((entry) => entry.draft.rule === rule)) return [];
  return [
    `${rule}: it ${examined === 0 ? 'applies but had nothing to examine' : 'could not be judged'}`,
  ];
}

/** Observations that wait to be judged together: one alone finds nothing it needs in the caches. */
const LIVE_BATCH = 256;

/** Judges while recording: give it each observation as it is written. What it tells is up to date. */
export class LiveJudge {
  readonly #judge: Judge;
  readonly #waiting: Observation[] = [];

  constructor(header: TrialHeader) {
    this.#judge = new Judge(header);
  }

  get violated(): boolean {
    this.#judgeWaiting();
    return this.#judge.violated;
  }

  get violations(): readonly Finding[] {
    this.#judgeWaiting();
    return this.#judge.violations;
  }

  observe(observation: Observation): void {
    if (this.#waiting.push(observation) >= LIVE_BATCH) this.#judgeWaiting();
  }

  #judgeWaiting(): void {
    for (const observation of this.#waiting) this.#judge.observe(observation);
    this.#waiting.length = 0;
  }
}

export interface JudgeOptions {
  /** Prove on a would-be pass that the detector is live (DESIGN §3.7). */
  readonly calibrate?: boolean;
  /** Judge a history that is still being written as if it ended here. */
  readonly assumeEnd?: boolean;
}

/** Judges a recorded history from disk, without calibration. @throws HistoryUnreadable */
export function judgeOnce(
  path: string,
  options: Pick<JudgeOptions, 'assumeEnd'> & { readonly alsoTell?: HistoryReceiver } = {},
): Verdict {
  const receiver = new JudgingReceiver({ alsoTell: options.alsoTell });
  const reading = readHistory(path, receiver);
  const { foretold } = receiver;
  if (foretold === undefined) return receiver.conclude(reading, options);
  const again = new JudgingReceiver({ foretold });
  return again.conclude(readHistory(path, again), options);
}

/**
 * Judges the record of a trial that is still going on, as if it ended here, in slices: the users' sockets
 * go on being read meanwhile. @throws HistoryUnreadable
 */
export async function judgeSoFar(path: string): Promise<Verdict> {
  const options = { assumeEnd: true };
  const receiver = new JudgingReceiver();
  const reading = await readHistoryInSlices(path, receiver, () => setImmediate());
  const { foretold } = receiver;
  if (foretold === undefined) return receiver.conclude(reading, options);
  const again = new JudgingReceiver({ foretold });
  return again.conclude(await readHistoryInSlices(path, again, () => setImmediate()), options);
}

class JudgingReceiver implements HistoryReceiver {
  #judge: Judge | undefined;
  readonly #alsoTell: HistoryReceiver | undefined;
  readonly #foretold: Foretold | undefined;

  /** `alsoTell` receives the same history, so that it is read once; `foretold` as {@link Judge} has it. */
  constructor(how: { alsoTell?: HistoryReceiver | undefined; foretold?: Foretold } = {}) {
    this.#alsoTell = how.alsoTell;
    this.#foretold = how.foretold;
  }

  get foretold(): Foretold | undefined {
    return this.#judge?.foretold;
  }

  header(header: TrialHeader): void {
    this.#alsoTell?.header(header);
    this.#judge = new Judge(header, this.#foretold);
  }

  observation(observation: Observation): void {
    this.#alsoTell?.observation(observation);
    this.#judge?.observe(observation);
  }

  conclude(
    reading: HistoryReading,
    { assumeEnd = false }: Pick<JudgeOptions, 'assumeEnd'>,
  ): Verdict {
    if (this.#judge === undefined) throw new Error('a history without a header was read');
    return this.#judge.conclude({ end: reading.end, problems: reading.problems, assumeEnd });
  }
}

export { CALIBRATION_RULE };
