import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export const HISTORY_FILE = 'history.ndjson';
const TRUTH_FILE = 'truth.ndjson';
const HISTORY_ENDING = '.ndjson';
/** Campaigns keep histories three levels deep; a directory of campaigns one more. */
const DEPTH_MAX = 6;

/**
 * The histories that a path leads to: the file itself, or every `history.ndjson` below the directory, or
 * (where there is none) its `*.ndjson` files but the target's own ground truth. Links inside a directory
 * are not followed, so `latest` does not count a campaign twice.
 * @throws what the file system says when the path cannot be read.
 */
export function findHistories(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const named = below(path, DEPTH_MAX);
  if (named.length > 0) return named;
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(HISTORY_ENDING))
    .filter((entry) => entry.name !== TRUTH_FILE)
    .map((entry) => join(path, entry.name))
    .toSorted();
}

function below(directory: string, depth: number): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(directory, entry.name);
      if (entry.isFile()) return entry.name === HISTORY_FILE ? [path] : [];
      return entry.isDirectory() && depth > 0 && entry.name !== 'node_modules'
        ? below(path, depth - 1)
        : [];
    });
}
