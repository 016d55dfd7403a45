import { appendFileSync, copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome, Verdict } from '../../history/verdict.ts';
import type { Candidate } from './random-scripts.ts';
import { describeStep } from './script.ts';
import type { TryRecord } from './try.ts';

/** What the tries of an exploration come to together. */
export interface EvidenceTotals {
  /** Scripts tried until the end or the first violation; those tried to shrink it not counted. */
  readonly tries: number;
  readonly verdicts: Readonly<Record<Outcome, number>>;
  /** Sums over all of these tries (DESIGN §3.10). */
  readonly observations: number;
  readonly opportunities: number;
  readonly runPairsOverlapping: number;
}

const RANKS: Readonly<Record<Outcome, number>> = { pass: 0, inconclusive: 1, fail: 2 };
const NO_OVERLAP = 'evidence/no-overlap';
const HISTORY = 'history.ndjson';
const TRUTH = 'truth.ndjson';

/** Keeps count of all tries and the record of the one that stands for them. */
export class Evidence {
  readonly #dir: string;
  readonly #sums = { tries: 0, observations: 0, opportunities: 0, runPairsOverlapping: 0 };
  readonly #verdicts: Record<Outcome, number> = { pass: 0, inconclusive: 0, fail: 0 };
  #kept: TryRecord | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  get totals(): EvidenceTotals {
    return { ...this.#sums, verdicts: { ...this.#verdicts } };
  }

  add(candidate: Candidate, record: TryRecord): void {
    const { verdict, reasons, evidence } = record.verdict;
    const { observations, opportunities, runPairsOverlapping } = evidence;
    this.#sums.tries += 1;
    this.#sums.observations += observations;
    this.#sums.opportunities += opportunities;
    this.#sums.runPairsOverlapping += runPairsOverlapping;
    this.#verdicts[verdict] += 1;
    const line = {
      path: candidate.path,
      users: candidate.script.users,
      late: candidate.script.late,
      steps: candidate.script.steps.map((step) => describeStep(step)),
      verdict,
      reasons,
      observations,
      opportunities,
      runPairsOverlapping,
    };
    appendFileSync(join(this.#dir, 'tries.ndjson'), `${JSON.stringify(line)}\n`, { mode: 0o600 });
    this.#keepWorse(record);
  }

  /** Puts another record of the same finding in the place of the one that is kept. */
  replace(record: TryRecord): void {
    this.#publish(record);
    this.#kept = record;
  }

  /** Everything has been tried: only now does a pass stand for all of it. */
  finish(): void {
    if (this.#kept !== undefined) this.#publish(this.#kept);
    rmSync(join(this.#dir, 'tries'), { recursive: true, force: true });
  }

  #keepWorse(record: TryRecord): void {
    const before = this.#kept;
    if (before !== undefined && !isWorse(record, before)) {
      rmSync(record.dir, { recursive: true, force: true });
      return;
    }
    this.#kept = record;
    // Whoever is stopped from here on leaves this behind, and it is no pass.
    if (record.verdict.verdict !== 'pass') this.#publish(record);
    if (before !== undefined) rmSync(before.dir, { recursive: true, force: true });
  }

  #publish({ historyPath, truthPath }: TryRecord): void {
    putInPlace(historyPath, join(this.#dir, HISTORY));
    if (truthPath !== null && existsSync(truthPath)) putInPlace(truthPath, join(this.#dir, TRUTH));
  }
}

/** Worse, or as good with more runs at once: the one that says most. */
function isWorse({ verdict }: TryRecord, { verdict: than }: TryRecord): boolean {
  const rank = rankOf(verdict) - rankOf(than);
  if (rank !== 0) return rank > 0;
  return (
    verdict.verdict === 'pass' &&
    verdict.evidence.runPairsOverlapping > than.evidence.runPairsOverlapping
  );
}

/** A script in which, by chance, no two runs overlapped says nothing, and takes nothing from those that do. */
function rankOf({ verdict, rules }: Verdict): number {
  const open = rules.filter(({ outcome }) => outcome === 'inconclusive');
  const isOnlyThat = open.length > 0 && open.every(({ rule }) => rule === NO_OVERLAP);
  const saysNothing = verdict === 'inconclusive' && isOnlyThat;
  return saysNothing ? RANKS.pass - 1 : RANKS[verdict];
}

/** A reader sees the old file or the new one. */
function putInPlace(from: string, to: string): void {
  const temporary = `${to}.tmp`;
  copyFileSync(from, temporary);
  renameSync(temporary, to);
}
