import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join, posix } from 'node:path';

const CHUNK_BYTES = 1024 * 1024;

/** One artifact of a campaign, by its content. */
export interface ManifestEntry {
  /** Relative to the campaign's directory, with `/`; a folder that is one entry ends with it. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 in hex; of a folder that of what `sha256sum` prints of its files, sorted by name. */
  readonly sha256: string;
}

/** Which entries a manifest has. */
export interface ManifestScope {
  /** Paths left out, relative to the directory. */
  readonly except: ReadonlySet<string>;
  /** Folders of many small files, each of which is one entry. */
  readonly folded: readonly string[];
}

/**
 * Every file below a campaign's directory, sorted by path. Links are not followed.
 * @throws what the file system says of a file that cannot be read.
 */
export function manifestOf(directory: string, { except, folded }: ManifestScope): ManifestEntry[] {
  const entries = filesBelow(directory, '')
    .filter((path) => !except.has(path))
    .toSorted()
    .map((path) => ({ path, ...digestOf(join(directory, path)) }));
  const folders = folded.flatMap((name) => foldedEntry(name, entries));
  const isFolded = (path: string): boolean => folded.some((name) => path.startsWith(`${name}/`));
  return [...entries.filter(({ path }) => !isFolded(path)), ...folders].toSorted((a, b) =>
    a.path < b.path ? -1 : 1,
  );
}

function foldedEntry(name: string, entries: readonly ManifestEntry[]): ManifestEntry[] {
  const within = entries.filter(({ path }) => path.startsWith(`${name}/`));
  if (within.length === 0) return [];
  const lines = within.map(
    ({ path, sha256: digest }) => `${digest}  ${path.slice(name.length + 1)}\n`,
  );
  const bytes = within.reduce((sum, entry) => sum + entry.bytes, 0);
  return [{ path: `${name}/`, bytes, sha256: sha256().update(lines.join('')).digest('hex') }];
}

/** The entry of a file of this content. */
export function manifestEntry(path: string, text: string | Uint8Array): ManifestEntry {
  const content = Buffer.from(text);
  return { path, bytes: content.length, sha256: sha256().update(content).digest('hex') };
}

function filesBelow(directory: string, below: string): string[] {
  return readdirSync(join(directory, below), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(below, entry.name);
    if (entry.isDirectory()) return filesBelow(directory, path);
    return entry.isFile() ? [path] : [];
  });
}

/** In pieces: the history of a soak does not fit into memory. */
function digestOf(path: string): Pick<ManifestEntry, 'bytes' | 'sha256'> {
  const hash = sha256();
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  const file = openSync(path, 'r');
  try {
    let bytes = 0;
    for (;;) {
      const read = readSync(file, chunk);
      if (read === 0) return { bytes, sha256: hash.digest('hex') };
      hash.update(chunk.subarray(0, read));
      bytes += read;
    }
  } finally {
    closeSync(file);
  }
}

function sha256(): Hash {
  return createHash('sha256');
}
