import { randomBytes } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Mistakes } from './usage-error.ts';

/** Directory below the working directory that campaigns go to unless told otherwise. */
export const ARTIFACTS = 'artifacts';
const DIRECTORY_MODE = 0o700;

/** Notes what keeps a directory from receiving artifacts: they never mix with older ones. */
export function checkOutDirectory(given: string, mistakes: Mistakes): void {
  const path = resolve(given);
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory())
    mistakes.add('BAD_VALUE', `"--out" must be a directory, got the file "${given}".`);
  else if (readdirSync(path).length > 0)
    mistakes.add(
      'OUT_NOT_EMPTY',
      `"--out" must be an empty or absent directory, but "${given}" has something in it. Remove it or pass another.`,
    );
}

/** The directory's name, or the first of `name-2`, `name-3` … that does not exist yet. */
export function freshDirectory(path: string): string {
  let candidate = path;
  for (let number = 2; existsSync(candidate); number += 1) candidate = `${path}-${number}`;
  return candidate;
}

/** Makes the directory of a campaign; below `artifacts/`, `artifacts/latest` points to it from now on. */
export function createOutDirectory(path: string): void {
  mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
  const parent = dirname(path);
  if (parent === resolve(ARTIFACTS)) pointLatest(parent, basename(path));
}

function pointLatest(parent: string, name: string): void {
  const latest = join(parent, 'latest');
  const isLink = lstatSync(latest, { throwIfNoEntry: false })?.isSymbolicLink() ?? true;
  if (!isLink) return; // Something of the caller's own has that name, and stays.
  const temporary = `${latest}.${randomBytes(6).toString('hex')}`;
  try {
    symlinkSync(name, temporary, 'dir');
    renameSync(temporary, latest);
  } catch {
    // A file system without symbolic links loses a convenience, not a campaign.
    rmSync(temporary, { force: true });
  }
}
