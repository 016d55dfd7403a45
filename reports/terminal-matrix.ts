import type { Verdict } from '../history/verdict.ts';
import { showUntrustedUpTo } from './untrusted.ts';

/** Crowds larger than this have their matrix in report.html. */
const USERS_MAX = 20;
const NAME_CHARACTERS_MAX = 7;
const COUNT_MAX = 999;
/** Owner of what belongs to a person outside of the crowd. */
const OUTSIDE = -1;

/**
 * Who saw whose, as plain lines: a row for each observer who saw something foreign, a column for each
 * owner. None when nobody did, and none for a crowd that does not fit into a terminal.
 */
export function matrixLines({ matrix }: Verdict): string[] {
  const { users, cells } = matrix;
  if (cells.length === 0 || users.length > USERS_MAX) return [];
  const name = (index: number): string =>
    index === OUTSIDE ? 'outside' : showUntrustedUpTo(users[index] ?? '?', NAME_CHARACTERS_MAX);
  const owners = sortedIndices(cells.map(([, owner]) => owner));
  const observers = sortedIndices(cells.map(([observer]) => observer));
  const counts = new Map(cells.map(([observer, owner, count]) => [`${observer} ${owner}`, count]));
  const rows = observers.map((observer) => [
    name(observer),
    ...owners.map((owner) =>
      observer === owner ? ' ' : countText(counts.get(`${observer} ${owner}`)),
    ),
  ]);
  const table = [['saw of', ...owners.map(name)], ...rows];
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => Array.from(row[column] ?? '').length)),
  );
  return table.map((row) => {
    const texts = row.map((text, column) =>
      column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
    );
    return `  ${texts.join('  ')}`.trimEnd();
  });
}

function sortedIndices(indices: readonly number[]): number[] {
  // Whoever is outside comes last.
  return [...new Set(indices)].toSorted((a, b) => Number(a < 0) - Number(b < 0) || a - b);
}

function countText(count: number | undefined): string {
  if (count === undefined) return '·';
  return count > COUNT_MAX ? `>${COUNT_MAX}` : String(count);
}
