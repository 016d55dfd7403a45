import { randomBytes } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { codeOf } from '../clients/step-failure.ts';
import { UsageError, type Mistakes } from './usage-error.ts';

/** Directory below the working directory that campaigns go to unless told otherwise. */
export const ARTIFACTS = 'artifacts';
const DIRECTORY_MODE = 0o700;
/** In the directory of a campaign: what its trials left. */
export const TRIALS_DIRECTORY = 'trials';

/** What the file system answers, for people; anything else is shown as it came. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'must not be written to',
  ELOOP: 'is a link that leads in a circle',
  ENAMETOOLONG: 'has a name that is too long',
  ENOENT: 'takes no files',
  ENOSPC: 'has no space left',
  ENOTDIR: 'is no directory',
  EPERM: 'must not be written to',
  EROFS: 'must not be written to',
};

/** Notes what keeps a directory from receiving artifacts: they never mix with older ones. */
export function checkOutDirectory(given: string, mistakes: Mistakes): void {
  const problem = obstacleTo(resolve(given));
  if (problem !== undefined) mistakes.add('BAD_VALUE', refusal('"--out"', given, problem));
  else if (existsSync(given) && readdirSync(given).length > 0)
    mistakes.add('OUT_NOT_EMPTY', notEmpty(given));
}

function notEmpty(given: string): string {
  return `"--out" must be an empty or absent directory, but "${given}" has something in it. Remove it or pass another.`;
}

/**
 * Notes what keeps a directory from being written to, or from being made first; `what` names it in the
 * message. Nothing is left behind, for other mistakes may stop the command.
 */
export function checkWritable(given: string, what: string, mistakes: Mistakes): void {
  const problem = obstacleTo(resolve(given));
  if (problem !== undefined) mistakes.add('BAD_VALUE', refusal(what, given, problem));
}

function refusal(what: string, given: string, problem: string): string {
  return `${what} must be a directory that is there or can be made, and takes files, got "${given}": ${problem}. Pass another.`;
}

/** Why nothing can be written to a directory, or undefined. */
function obstacleTo(path: string): string | undefined {
  const base = nearestEntry(path);
  try {
    if (!statSync(base).isDirectory()) return `"${base}" is no directory`;
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' ? `"${base}" is a link to nothing` : reasonOf(error, base);
  }
  // Whether a name is too long can be asked only where its directory is there: all are asked for in `base`.
  for (const name of [relative(base, path), ...relative(base, path).split(sep)])
    try {
      lstatSync(join(base, name), { throwIfNoEntry: false });
    } catch (error) {
      return reasonOf(error, name);
    }
  try {
    // Tried, for permissions do not tell it all: root may write to /proc and /sys as far as they say.
    rmdirSync(mkdtempSync(join(base, '.crosstalk-')));
    return undefined;
  } catch (error) {
    return reasonOf(error, base);
  }
}

/** The path, or what of it is there: a link that leads nowhere is. */
function nearestEntry(path: string): string {
  const above = dirname(path);
  return above === path || isThere(path) ? path : nearestEntry(above);
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // Whatever is wrong with it is wrong with something above it as well, or is its name.
  }
}

function reasonOf(error: unknown, path: string): string {
  const code = codeOf(error);
  if (code === undefined) throw error;
  return `"${path}" ${REASONS[code] ?? `cannot be used (${code})`}`;
}

/** The directory's name, or the first of `name-2`, `name-3` … that does not exist yet. */
export function freshDirectory(path: string): string {
  let candidate = path;
  for (let number = 2; existsSync(candidate); number += 1) candidate = `${path}-${number}`;
  return candidate;
}

/**
 * Makes the directory of a campaign and that of its trials; below `artifacts/`, `artifacts/latest` points to it from now on.
 * @throws UsageError when the file system does not let it
 */
export function createOutDirectory(path: string): void {
  try {
    makeDirectory(path);
    // Whoever makes this has the directory: of two commands that found it empty, one goes on.
    mkdirSync(join(path, TRIALS_DIRECTORY), { mode: DIRECTORY_MODE });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw new UsageError([`OUT_NOT_EMPTY: ${notEmpty(path)}`]);
    // What has changed since it was checked is no defect of the harness either.
    throw new UsageError([`BAD_VALUE: ${refusal('"--out"', path, reasonOf(error, path))}`]);
  }
  const parent = dirname(path);
  if (parent === resolve(ARTIFACTS)) pointLatest(parent, basename(path));
}

/** One level at a time: where a level cannot be made, as in /proc, Node's own way down never ends. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  const above = dirname(path);
  if (above !== path) makeDirectory(above);
  try {
    mkdirSync(path, { mode: DIRECTORY_MODE });
  } catch (error) {
    // Another command may have made it meanwhile.
    if (codeOf(error) !== 'EEXIST' || !existsSync(path)) throw error;
  }
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
