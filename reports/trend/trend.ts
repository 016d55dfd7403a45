import { GATE_NAMES, type GateName } from '../../history/profile-data.ts';
import {
  CAUSES,
  worseOutcome,
  type Cause,
  type Outcome,
  type Summary,
} from '../../history/verdict.ts';
import type { JudgedTrial } from '../judged-trial.ts';
import type { Campaign } from '../report-campaign.ts';
import { decisionOf } from '../summary.ts';
import { changesBetween } from './changes.ts';
import { recurringFindings, type RecurringFinding } from './recurring-findings.ts';

/** Gates whose measured values are worth a line over time. */
export const TREND_GATES = [
  'connect',
  'first-event',
  'delivery',
  'api',
] as const satisfies GateName[];
/** Nights of a hole that are shown: neither a mistyped date nor a wrong clock makes a page of centuries. */
export const NIGHTS_MAX = 2000;
const RULE_OF_THREE = 3;
const DAY_MS = 86_400_000;

/** A campaign of a folder, with its place in time. */
export interface DatedCampaign {
  /** Name of its directory. */
  readonly dir: string;
  /** UTC day on which it started, `2026-01-31`. */
  readonly date: string;
  /** What could be read of it, or why nothing could. */
  readonly reading: { readonly campaign: Campaign } | { readonly problem: string };
}

/** The worst that a scenario came to on a transport in one night. */
export interface NightTrial {
  readonly scenario: string;
  readonly transport: string;
  readonly verdict: Outcome;
  readonly cause: Cause | null;
  readonly violations: number;
}

/** A measured service level: the worst of the night, and what it is held against. */
export interface NightGate {
  readonly name: GateName;
  readonly actual: number;
  readonly limit: number;
}

/** One night of a trend. */
export interface Night {
  readonly date: string;
  /** Directories of its campaigns; empty for a hole. */
  readonly campaigns: readonly string[];
  /** `none`: nothing ran; `unreadable`: something ran and left no summary. */
  readonly outcome: Outcome | 'none' | 'unreadable';
  readonly cause: Cause | null;
  readonly signoff: Summary['signoff'];
  readonly problems: readonly string[];
  readonly commit: string | null;
  /** What the target says it is, where it tells. */
  readonly build: string | null;
  readonly trials: readonly NightTrial[];
  readonly gates: readonly NightGate[];
  /** Of the trial with the least overlap; null without a trial of several users. */
  readonly overlap: { readonly pairsOverlapping: number; readonly pairs: number } | null;
  /** Of the trials that passed. */
  readonly opportunities: number;
  /** Of all nights since the last leak, this one included. */
  readonly opportunitiesSinceLeak: number;
  /** 95 % upper bound of the leak rate from those; null in a night with a leak, or without any. */
  readonly leakRateUpperBound95: number | null;
  /** What is not as it was in the last night that ran before, a sentence each. */
  readonly changes: readonly string[];
}

/** Many campaigns over time: what `trend.json` holds. */
export interface Trend {
  readonly schema: 1;
  readonly nights: readonly Night[];
  readonly findings: readonly RecurringFinding[];
}

/**
 * Lines campaigns up by night, oldest first; every day between the first and the last (or `until`,
 * whichever is later) is a night, whether anything ran or not. Campaigns of one night count together, the
 * worst decides: a pass after a leak does not undo it.
 */
export function trendOf(campaigns: readonly DatedCampaign[], until?: string): Trend {
  const byDate = new Map<string, DatedCampaign[]>();
  for (const campaign of campaigns.toSorted((a, b) => (a.dir < b.dir ? -1 : 1)))
    byDate.set(campaign.date, [...(byDate.get(campaign.date) ?? []), campaign]);
  const nights: Night[] = [];
  let sinceLeak = 0;
  let before: { readonly night: Night; readonly trials: readonly JudgedTrial[] } | undefined;
  for (const date of datesOf([...byDate.keys()], until)) {
    const ofNight = byDate.get(date) ?? [];
    const trials = trialsOf(ofNight);
    const night = nightOf(date, ofNight, trials);
    const leaked = night.trials.some(({ cause }) => cause === 'leak');
    sinceLeak = leaked ? 0 : sinceLeak + night.opportunities;
    const ran = night.trials.length > 0;
    const whole: Night = {
      ...night,
      opportunitiesSinceLeak: sinceLeak,
      leakRateUpperBound95: !ran || sinceLeak === 0 ? null : Math.min(1, RULE_OF_THREE / sinceLeak),
      changes: ran && before !== undefined ? changesBetween(before, { night, trials }) : [],
    };
    nights.push(whole);
    if (ran) before = { night: whole, trials };
  }
  return { schema: 1, nights, findings: recurringFindings(nights, byDateTrials(byDate)) };
}

function byDateTrials(
  byDate: ReadonlyMap<string, readonly DatedCampaign[]>,
): ReadonlyMap<string, readonly JudgedTrial[]> {
  return new Map([...byDate].map(([date, campaigns]) => [date, trialsOf(campaigns)]));
}

function trialsOf(campaigns: readonly DatedCampaign[]): readonly JudgedTrial[] {
  return campaigns.flatMap(({ reading }) => ('campaign' in reading ? reading.campaign.trials : []));
}

/** Every day from the first to the last, without the holes that are longer than {@link NIGHTS_MAX}. */
function datesOf(dates: readonly string[], until: string | undefined): string[] {
  const known = dates.toSorted();
  const last = known.at(-1);
  if (last !== undefined && until !== undefined && until > last) known.push(until);
  return known.flatMap((date, index) => {
    const end = Date.parse(date);
    const before = known[index - 1];
    const holes = before === undefined ? 0 : Math.round((end - Date.parse(before)) / DAY_MS) - 1;
    const shown = holes > NIGHTS_MAX ? 0 : holes;
    return Array.from({ length: shown + 1 }, (_, day) =>
      new Date(end - (shown - day) * DAY_MS).toISOString().slice(0, 10),
    );
  });
}

type BareNight = Omit<Night, 'changes'>;

function nightOf(
  date: string,
  campaigns: readonly DatedCampaign[],
  trials: readonly JudgedTrial[],
): BareNight {
  const summaries = campaigns.flatMap(({ reading }) =>
    'campaign' in reading ? [reading.campaign.summary] : [],
  );
  const newest = summaries.at(-1);
  const build = newest?.environment['targetBuild'];
  return {
    date,
    campaigns: campaigns.map(({ dir }) => dir),
    ...outcomeOf(campaigns, summaries),
    commit: newest?.commit ?? null,
    build: typeof build === 'string' ? build : null,
    trials: nightTrials(summaries),
    gates: worstGates(trials),
    overlap: leastOverlap(trials),
    opportunities: trials
      .filter(({ verdict }) => verdict.verdict === 'pass')
      .reduce((sum, { verdict }) => sum + verdict.evidence.opportunities, 0),
    opportunitiesSinceLeak: 0,
    leakRateUpperBound95: null,
  };
}

/** What a night came to: what nobody can read may have been worse than all that can be read. */
function outcomeOf(
  campaigns: readonly DatedCampaign[],
  summaries: readonly Summary[],
): Pick<Night, 'outcome' | 'cause' | 'signoff' | 'problems'> {
  const problems = campaigns.flatMap(({ reading }) =>
    'problem' in reading ? [reading.problem] : [],
  );
  const worst = worstOf(summaries);
  if (worst === undefined) {
    const outcome = campaigns.length === 0 ? 'none' : 'unreadable';
    return { outcome, cause: null, signoff: null, problems };
  }
  const { verdict, cause, signoff } = worst;
  if (verdict !== 'pass' || problems.length === 0)
    return { outcome: verdict, cause, signoff, problems };
  const decision = signoff === null ? null : decisionOf('inconclusive');
  return { outcome: 'inconclusive', cause: 'blind', signoff: decision, problems };
}

/** The first with the worst verdict and, among those, the worst cause: no other failure hides a leak. */
function worstOf<Judged extends { readonly verdict: Outcome; readonly cause: Cause | null }>(
  judged: readonly Judged[],
): Judged | undefined {
  const causes: readonly (Cause | null)[] = CAUSES;
  return judged.toSorted((a, b) => {
    if (a.verdict === b.verdict) return causes.indexOf(a.cause) - causes.indexOf(b.cause);
    return worseOutcome(a.verdict, b.verdict) === a.verdict ? -1 : 1;
  })[0];
}

function nightTrials(summaries: readonly Summary[]): NightTrial[] {
  const worst = new Map<string, NightTrial>();
  for (const { scenario, transport, verdict, cause, findings } of summaries.flatMap(
    ({ trials }) => trials,
  )) {
    const key = JSON.stringify([scenario, transport]);
    const known = worst.get(key);
    const trial = { scenario, transport, verdict, cause, violations: findings };
    worst.set(key, worstOf([...(known === undefined ? [] : [known]), trial]) ?? trial);
  }
  return [...worst.values()].toSorted(
    (a, b) => compare(a.scenario, b.scenario) || compare(a.transport, b.transport),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function worstGates(trials: readonly JudgedTrial[]): NightGate[] {
  const gates = trials.flatMap(({ verdict }) => verdict.gates);
  return GATE_NAMES.filter((name) => TREND_GATES.some((one) => one === name)).flatMap((name) => {
    const [worst] = gates
      .flatMap((gate) =>
        gate.name === name && gate.actual !== null
          ? [{ name, actual: gate.actual, limit: gate.limit }]
          : [],
      )
      .toSorted((a, b) => b.actual - a.actual);
    return worst === undefined ? [] : [worst];
  });
}

function leastOverlap(trials: readonly JudgedTrial[]): Night['overlap'] {
  const [least] = trials
    .map(({ verdict }) => verdict.evidence)
    .filter(({ pairs }) => pairs > 0)
    .toSorted((a, b) => a.pairsOverlapping / a.pairs - b.pairsOverlapping / b.pairs);
  return least === undefined
    ? null
    : { pairsOverlapping: least.pairsOverlapping, pairs: least.pairs };
}
