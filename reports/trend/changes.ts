import type { JudgedTrial } from '../judged-trial.ts';
import { keyOf, violationsOf } from './recurring-findings.ts';
import type { Night, NightTrial } from './trend.ts';

const CHANGES_MAX = 50;

/** A night that ran, with its trials. */
export interface RanNight {
  readonly night: Omit<Night, 'changes'>;
  readonly trials: readonly JudgedTrial[];
}

/** What is not as it was, a sentence each: what was examined first, then outcomes, then findings. */
export function changesBetween(before: RanNight, now: RanNight): string[] {
  return [
    ...differing('build', before.night.build, now.night.build),
    ...differing('commit', before.night.commit, now.night.commit),
    ...outcomeChanges(before.night.trials, now.night.trials),
    ...findingChanges(before.trials, now.trials),
  ].slice(0, CHANGES_MAX);
}

function differing(what: string, before: string | null, now: string | null): string[] {
  return before === now ? [] : [`${what} ${before ?? 'unknown'} → ${now ?? 'unknown'}`];
}

function outcomeChanges(before: readonly NightTrial[], now: readonly NightTrial[]): string[] {
  const outcomes = new Map(before.map((trial) => [nameOf(trial), outcomeOf(trial)]));
  const names = new Set(now.map(nameOf));
  return [
    ...now.flatMap((trial) => {
      const was = outcomes.get(nameOf(trial)) ?? 'not run';
      const is = outcomeOf(trial);
      return was === is ? [] : [`${nameOf(trial)}: ${was} → ${is}`];
    }),
    ...before
      .filter((trial) => !names.has(nameOf(trial)))
      .map((trial) => `${nameOf(trial)}: ${outcomeOf(trial)} → not run`),
  ];
}

function findingChanges(before: readonly JudgedTrial[], now: readonly JudgedTrial[]): string[] {
  const old = new Map(violationsOf(before).map((one) => [keyOf(one), one]));
  const present = new Map(violationsOf(now).map((one) => [keyOf(one), one]));
  const added = [...present].filter(([key]) => !old.has(key));
  const gone = [...old].filter(([key]) => !present.has(key));
  return [
    ...added.map(([, one]) => `new: ${one.rule} in ${nameOf(one)}: ${one.message}`),
    ...gone.map(([, one]) => `not seen again: ${one.rule} in ${nameOf(one)}`),
  ];
}

function nameOf({ scenario, transport }: { scenario: string; transport: string }): string {
  return `${scenario} on ${transport}`;
}

function outcomeOf({ verdict, cause }: NightTrial): string {
  return cause === null ? verdict : `${verdict} (${cause})`;
}
