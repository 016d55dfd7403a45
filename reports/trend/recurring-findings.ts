import type { JudgedTrial } from '../judged-trial.ts';
import type { Night } from './trend.ts';

const FINDINGS_MAX = 500;

/** A build that was examined: what a change is looked for against. */
export interface Build {
  readonly date: string;
  readonly commit: string | null;
  readonly build: string | null;
}

/** A violation over time: findings of one rule at one place of one trial, whoever it hit. */
export interface RecurringFinding {
  readonly rule: string;
  readonly scenario: string;
  readonly transport: string;
  readonly surface: string;
  readonly event: string | null;
  /** Of the first night. */
  readonly message: string;
  readonly firstNight: string;
  readonly lastNight: string;
  /** Nights in which it was seen. */
  readonly nights: number;
  /** The last night before the first in which this trial passed; null if it never did. */
  readonly lastGood: Build | null;
  /** False once this trial has passed after the last night: not seen again, which proves no repair. */
  readonly open: boolean;
}

/** The violations of all nights, those that are open first, then the newest. */
export function recurringFindings(
  nights: readonly Night[],
  trialsByDate: ReadonlyMap<string, readonly JudgedTrial[]>,
): RecurringFinding[] {
  const found = new Map<string, Omit<RecurringFinding, 'lastGood' | 'open'>>();
  for (const { date } of nights)
    for (const finding of violationsOf(trialsByDate.get(date) ?? [])) {
      const key = keyOf(finding);
      const known = found.get(key);
      if (known === undefined)
        found.set(key, { ...finding, firstNight: date, lastNight: date, nights: 1 });
      else if (known.lastNight !== date)
        found.set(key, { ...known, lastNight: date, nights: known.nights + 1 });
    }
  return [...found.values()]
    .map((finding) => ({
      ...finding,
      lastGood: lastGood(nights, finding),
      open: !nights.some((night) => night.date > finding.lastNight && passedIn(night, finding)),
    }))
    .toSorted((a, b) => Number(b.open) - Number(a.open) || (a.firstNight < b.firstNight ? 1 : -1))
    .slice(0, FINDINGS_MAX);
}

/** What happened, without who was hit: users differ from night to night. */
export type Violation = Pick<
  RecurringFinding,
  'rule' | 'scenario' | 'transport' | 'surface' | 'event' | 'message'
>;

/** The violations of some trials, each kind once. */
export function violationsOf(trials: readonly JudgedTrial[]): Violation[] {
  const kinds = new Map<string, Violation>();
  for (const { verdict } of trials) {
    const { scenario, transport } = verdict.trial;
    for (const { rule, severity, surface, event, message } of verdict.findings) {
      if (severity !== 'violation') continue;
      const violation = { rule, scenario, transport, surface, event, message };
      const key = keyOf(violation);
      if (!kinds.has(key)) kinds.set(key, violation);
    }
  }
  return [...kinds.values()];
}

/** Tells violations of different kinds apart. */
export function keyOf({ rule, scenario, transport, surface, event }: Violation): string {
  return JSON.stringify([rule, scenario, transport, surface, event]);
}

function lastGood(
  nights: readonly Night[],
  finding: Pick<RecurringFinding, 'firstNight' | 'scenario' | 'transport'>,
): Build | null {
  const good = nights.findLast(
    (night) => night.date < finding.firstNight && passedIn(night, finding),
  );
  return good === undefined ? null : { date: good.date, commit: good.commit, build: good.build };
}

function passedIn(
  { trials }: Night,
  { scenario, transport }: { readonly scenario: string; readonly transport: string },
): boolean {
  return trials.some(
    (trial) =>
      trial.scenario === scenario && trial.transport === transport && trial.verdict === 'pass',
  );
}
