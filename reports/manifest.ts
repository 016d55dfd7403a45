import { createHash, type Hash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join, posix } from 'node:path';

const CHUNK_BYTES = 1024 * 1024;

/** One artifact of a campaign, by its content. */
export interface ManifestEntry {
  /** Relative to the campaign's directory, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 in hex. */
  readonly sha256: string;
}

/**
 * Every file below a campaign's directory but `except` (paths relative to it), sorted by path. Links are
 * not followed.
 * @throws what the file system says of a file that cannot be read.
 */
export function manifestOf(directory: string, except: ReadonlySet<string>): ManifestEntry[] {
  return filesBelow(directory, '')
    .filter((path) => !except.has(path))
    .toSorted()
    .map((path) => ({ path, ...digestOf(join(directory, path)) }));
}

/** The entry of a file that is about to be written with this text. */
export function manifestEntry(path: string, text: string): ManifestEntry {
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
