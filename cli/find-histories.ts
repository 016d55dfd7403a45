import { existsSync, readdirSync, realpathSync, statSync, type Dirent } from 'node:fs';
import { basename, join } from 'node:path';
import { TRIALS_DIRECTORY } from './out-directory.ts';

export const HISTORY_FILE = 'history.ndjson';
const TRUTH_FILE = 'truth.ndjson';
const HISTORY_ENDING = '.ndjson';
/** Campaigns keep histories three levels deep, and people keep campaigns in folders of folders. */
const DEPTH_MAX = 32;

/** What a path leads to. */
export interface HistoriesFound {
  readonly histories: readonly string[];
  /** What is no history although one should be there, a sentence each: it must not be passed over. */
  readonly gaps: readonly string[];
}

/**
 * The histories that a path leads to: the file itself, or every `history.ndjson` below the directory, or
 * (where there is none) its `*.ndjson` files but the target's own ground truth. Links are followed to
 * histories, campaigns and trials alone, and whatever is reached twice counts once, so `latest` does not
 * count a campaign twice.
 * @throws what the file system says when the path cannot be read.
 */
export function findHistories(path: string): HistoriesFound {
  if (!statSync(path).isDirectory()) return { histories: [path], gaps: [] };
  const search = new Search();
  search.walk(path, DEPTH_MAX);
  if (search.histories.size > 0 || search.gaps.length > 0)
    return { histories: [...search.histories.values()], gaps: search.gaps };
  const others = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(HISTORY_ENDING))
    .filter((entry) => entry.name !== TRUTH_FILE)
    .map((entry) => join(path, entry.name))
    .toSorted();
  return { histories: others, gaps: [] };
}

class Search {
  /** By where they really lie. */
  readonly histories = new Map<string, string>();
  readonly gaps: string[] = [];
  readonly #walked = new Set<string>();

  walk(directory: string, depth: number): void {
    const real = realpathSync(directory);
    if (this.#walked.has(real)) return;
    this.#walked.add(real);
    if (depth === 0) {
      this.gaps.push(`"${directory}" lies too deep to be looked into`);
      return;
    }
    const entries = entriesOf(directory);
    for (const entry of entries) {
      const path = join(directory, entry.name);
      if (entry.name === HISTORY_FILE) this.#take(path);
      else if (isWalked(entry, path)) this.walk(path, depth - 1);
    }
    if (basename(directory) === TRIALS_DIRECTORY) this.#missTrials(directory, entries);
  }

  #take(path: string): void {
    const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
    if (!isFile) this.gaps.push(`"${path}" is no file that can be read`);
    else if (!this.histories.has(realpathSync(path))) this.histories.set(realpathSync(path), path);
  }

  /** A trial that came to no history, or lost it. What `judge --out` wrote holds no history at all. */
  #missTrials(directory: string, entries: readonly Dirent[]): void {
    const trials = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    const without = trials.filter((name) => !existsSync(join(directory, name, HISTORY_FILE)));
    if (without.length === trials.length) return;
    for (const name of without)
      this.gaps.push(`"${join(directory, name)}" must hold a ${HISTORY_FILE}, and holds none`);
  }
}

/** Links come last: what is found without them is shown where it lies. */
function entriesOf(directory: string): Dirent[] {
  return readdirSync(directory, { withFileTypes: true }).toSorted(
    (a, b) => Number(a.isSymbolicLink()) - Number(b.isSymbolicLink()) || (a.name < b.name ? -1 : 1),
  );
}

/** A link may lead anywhere, so only what is known by what it holds is looked into. */
function isWalked(entry: Dirent, path: string): boolean {
  if (entry.isDirectory()) return entry.name !== 'node_modules';
  if (!entry.isSymbolicLink()) return false;
  return [HISTORY_FILE, TRIALS_DIRECTORY].some((name) => existsSync(join(path, name)));
}
