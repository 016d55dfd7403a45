import { dirname, join, relative, resolve } from 'node:path';
import { statSync } from 'node:fs';
import { keepHeapLean } from '../assertions/lean-heap.ts';
import { HistoryUnreadable } from '../history/journal-reader.ts';
import { messageOf } from '../history/message-of.ts';
import type { Summary, Verdict } from '../history/verdict.ts';
import type { JudgedTrial } from '../reports/judged-trial.ts';
import { summarise } from '../reports/summary.ts';
import { describeEnvironment } from './environment.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { findHistories, type HistoriesFound } from './find-histories.ts';
import { judgeTrial, type TrialOutcome } from './judge-trial.ts';
import { OptionReader } from './option-reader.ts';
import { checkOutDirectory, createOutDirectory } from './out-directory.ts';
import type { CommandCall } from './program.ts';
import { shellCommand } from './shell-words.ts';
import type { Mistakes } from './usage-error.ts';

/** Of a trial's directory: file systems take names of 255 bytes. */
const NAME_CHARACTERS_MAX = 200;

/** A history that was found, judged or not. */
interface Judged {
  readonly history: string;
  readonly outcome: TrialOutcome | undefined;
  /** Why it could not be judged. */
  readonly problem: string;
}

/**
 * `crosstalk judge …`: judges recorded histories again, offline. Exit code of the worst verdict, 64 if
 * there is no history, 2 if none can be read.
 */
export async function judgeCommand({
  options,
  args,
  mistakes,
  output,
}: CommandCall): Promise<number> {
  const out = new OptionReader(options, mistakes).text('out');
  if (out !== undefined) checkOutDirectory(out, mistakes);
  const { histories, gaps } = collectHistories(args, mistakes);
  mistakes.throwIfAny();

  keepHeapLean();
  const judged = histories.map((history) => judgeOne(history));
  // Loaded only now: judging a long history needs the memory, printing a verdict hardly any.
  const { printCampaign, writeCampaign } = await import('./publish.ts');
  const trials = trialsOf(judged, { base: baseOf(args), out: out ?? null });
  const problems = judged.flatMap(({ outcome, problem }) =>
    outcome === undefined ? [problem] : [],
  );
  const summaryOf = (unwritten: readonly string[]): Summary =>
    summarise({
      trials,
      shortcomings: [...problems, ...gaps, ...unwritten].map((reason) => ({
        reason,
        cause: 'blind',
      })),
      notApplicable: judged.flatMap(({ outcome }) => outcome?.notApplicable ?? []),
      ...describeEnvironment(),
      seed: seedOf(trials),
      command: shellCommand(['npx', 'crosstalk', 'judge', ...args]),
    });
  if (out !== undefined) createOutDirectory(resolve(out));
  const summary =
    out === undefined ? summaryOf([]) : writeCampaign(resolve(out), { trials, summaryOf });
  printCampaign(output, summary, { trials, out: out ?? null });
  return trials.length === 0 ? EXIT.inconclusive : exitCodeOf(summary.verdict);
}

function collectHistories(args: readonly string[], mistakes: Mistakes): HistoriesFound {
  if (args.length === 0)
    mistakes.add(
      'MISSING_ARGUMENT',
      '"judge" needs a directory or a history, got nothing. Pass for example artifacts/latest.',
    );
  const found = args.map((path): HistoriesFound => {
    try {
      const one = findHistories(path);
      if (one.histories.length === 0 && one.gaps.length === 0)
        mistakes.add(
          'NO_HISTORY',
          `"${path}" must hold a history.ndjson, but there is none in it.`,
        );
      return one;
    } catch (error) {
      mistakes.add(
        'NO_HISTORY',
        `"${path}" must be a directory or a history: ${messageOf(error)}.`,
      );
      return { histories: [], gaps: [] };
    }
  });
  const histories = found.flatMap((one) => one.histories);
  return {
    histories: [...new Map(histories.map((path) => [resolve(path), path])).values()],
    gaps: found.flatMap((one) => one.gaps),
  };
}

function judgeOne(history: string): Judged {
  try {
    return { history, outcome: judgeTrial(history), problem: '' };
  } catch (error) {
    if (!(error instanceof HistoryUnreadable)) throw error;
    return { history, outcome: undefined, problem: error.message };
  }
}

/** A single directory is the base of relative paths, as it is for the campaign that wrote it. */
function baseOf(args: readonly string[]): string {
  const [only, ...others] = args;
  return only !== undefined && others.length === 0 && statSync(only).isDirectory()
    ? resolve(only)
    : process.cwd();
}

function trialsOf(
  judged: readonly Judged[],
  { base, out }: { readonly base: string; readonly out: string | null },
): JudgedTrial[] {
  const taken = new Set<string>();
  return judged.flatMap(({ history, outcome }): JudgedTrial[] => {
    if (outcome === undefined || outcome.notApplicable !== undefined) return [];
    const { verdict } = outcome;
    if (out === null)
      return [
        { verdict, dir: relative(base, dirname(resolve(history))), history, verdictFile: null },
      ];
    const dir = join('trials', uniqueName(verdict, taken));
    return [{ verdict, dir, history, verdictFile: join(out, dir, 'verdict.json') }];
  });
}

/** Histories of several campaigns may share scenario and transport. */
function uniqueName({ trial }: Verdict, taken: Set<string>): string {
  const plain = `${trial.scenario}-${trial.transport}`
    .replaceAll(/[^\w.-]/g, '_')
    .slice(0, NAME_CHARACTERS_MAX);
  let name = plain;
  for (let number = 2; taken.has(name); number += 1) name = `${plain}-${number}`;
  taken.add(name);
  return name;
}

function seedOf(trials: readonly JudgedTrial[]): string {
  const seeds = new Set(trials.map(({ verdict }) => verdict.trial.seed));
  return [...seeds].join(',');
}
