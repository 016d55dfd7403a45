import { readFileSync } from 'node:fs';
import { join, normalize, sep } from 'node:path';
import type { z } from 'zod';
import { messageOf } from '../history/message-of.ts';
import {
  summarySchema,
  verdictSchema,
  worseOutcome,
  type Outcome,
  type Summary,
  type Verdict,
} from '../history/verdict.ts';
import { violationCount, type JudgedTrial } from './judged-trial.ts';
import { decisionOf } from './summary.ts';

/** Everything that the reports of a campaign are rendered from. */
export interface Campaign {
  readonly summary: Summary;
  readonly trials: readonly JudgedTrial[];
}

/** Why a directory cannot be reported on. */
export interface CampaignProblem {
  /** `unreadable`: a file cannot be read at all; `bad`: it does not hold what it should. */
  readonly kind: 'unreadable' | 'bad';
  /** One sentence that names the file. */
  readonly text: string;
}

export type CampaignReading =
  | { readonly campaign: Campaign }
  /** Every problem found, at least one. */
  | { readonly problems: readonly CampaignProblem[] };

/** Problems of one file told; one that is wrong throughout has hundreds. */
const PROBLEMS_PER_FILE_MAX = 3;

/**
 * Reads a campaign back from the JSON files of its directory, without judging anything again. Files
 * that contradict each other are refused: a report must not say `pass` above a verdict that failed.
 */
export function readCampaign(dir: string): CampaignReading {
  const reader = new CampaignReader(dir);
  const summary = reader.read('summary.json', summarySchema);
  if (summary === undefined) return { problems: reader.problems };
  const trials = summary.trials.flatMap((trial) => reader.trial(trial));
  reader.compare(summary, trials);
  return reader.problems.length > 0
    ? { problems: reader.problems }
    : { campaign: { summary, trials } };
}

/** Whether a summary says of a trial what its verdict does. */
function isOf(row: Summary['trials'][number], verdict: Verdict): boolean {
  const { scenario, transport } = verdict.trial;
  return (
    row.verdict === verdict.verdict &&
    row.cause === verdict.cause &&
    row.scenario === scenario &&
    row.transport === transport &&
    row.findings === violationCount(verdict)
  );
}

class CampaignReader {
  readonly problems: CampaignProblem[] = [];
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  read<Schema extends z.ZodType>(file: string, schema: Schema): z.infer<Schema> | undefined {
    const path = join(this.#dir, file);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      this.#note('unreadable', `"${path}" must be readable: ${messageOf(error)}.`);
      return undefined;
    }
    return this.#parse(path, text, schema);
  }

  #parse<Schema extends z.ZodType>(
    path: string,
    text: string,
    schema: Schema,
  ): z.infer<Schema> | undefined {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.#note('bad', `"${path}" must hold JSON, and does not.`);
      return undefined;
    }
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues.slice(0, PROBLEMS_PER_FILE_MAX))
      this.#note('bad', `"${path}": ${issue.path.join('.')}: ${issue.message}.`);
    return undefined;
  }

  /** One trial, or nothing and a problem more. */
  trial({ dir }: Summary['trials'][number]): JudgedTrial[] {
    const within = normalize(dir);
    if (within.startsWith('..') || within.startsWith(sep)) {
      this.#note('bad', `summary.json must name directories of its own, got "${dir}".`);
      return [];
    }
    const verdict = this.read(join(dir, 'verdict.json'), verdictSchema);
    if (verdict === undefined) return [];
    return [
      {
        verdict,
        dir,
        history: join(this.#dir, dir, 'history.ndjson'),
        verdictFile: join(this.#dir, dir, 'verdict.json'),
      },
    ];
  }

  compare(summary: Summary, trials: readonly JudgedTrial[]): void {
    const worst = [...summary.trials, ...trials.map(({ verdict }) => verdict)]
      .map(({ verdict }) => verdict)
      .reduce<Outcome>(worseOutcome, summary.verdict);
    if (worst !== summary.verdict)
      this.#note(
        'bad',
        `summary.json says ${summary.verdict}, but a verdict.json below it says ${worst}: they are not of one campaign. Judge the histories again with "crosstalk judge --out".`,
      );
    for (const { dir, verdict } of trials)
      if (summary.trials.some((row) => row.dir === dir && !isOf(row, verdict)))
        this.#note(
          'bad',
          `summary.json must say of "${dir}" what its verdict.json says, ${verdict.verdict}, and says something else.`,
        );
    if (summary.verdict === 'pass' && summary.trials.length === 0)
      this.#note('bad', 'summary.json says pass, but names no trial that passed.');
    if (summary.signoff !== null && summary.signoff !== decisionOf(summary.verdict))
      this.#note('bad', `summary.json says ${summary.signoff}, but also ${summary.verdict}.`);
  }

  #note(kind: CampaignProblem['kind'], text: string): void {
    this.problems.push({ kind, text });
  }
}
