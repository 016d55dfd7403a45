import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../history/message-of.ts';
import { jsonText } from './json-text.ts';

const FILE_MODE = 0o600;

/** The file system did not take a file: no room, no permission, something else of that name. */
export class ArtifactNotWritten extends Error {
  override readonly name = 'ArtifactNotWritten';

  constructor(path: string, cause: unknown) {
    super(`"${path}" could not be written: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Writes a whole artifact, readable by its owner alone. A reader sees the old file or the new one,
 * never a part of it: the content goes to a temporary file beside it, which then takes its name.
 * @throws ArtifactNotWritten if it cannot be; nothing is left behind then.
 */
export function writeArtifact(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, content, { mode: FILE_MODE, flush: true, flag: 'wx' });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new ArtifactNotWritten(path, error);
  }
}

/** {@link writeArtifact} for a JSON document: two spaces of indentation, a line break at the end. */
export function writeJsonArtifact(path: string, value: unknown): void {
  writeArtifact(path, jsonText(value));
}
