import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeJsonArtifact } from './write-artifact.ts';

/** Name of the file, in a trial's directory, that says why the scenario does not apply to the target. */
const FILE = 'not-applicable.json';

const notApplicableSchema = z.strictObject({
  scenario: z.string(),
  transport: z.enum(['websocket', 'browser', 'mixed']),
  reason: z.string(),
});
/** A scenario that could not do what it is about, on one transport, and why. */
export type NotApplicableTrial = z.infer<typeof notApplicableSchema>;

/** Writes into a trial's directory that its scenario neither passes nor fails. */
export function writeNotApplicable(dir: string, trial: NotApplicableTrial): void {
  writeJsonArtifact(join(dir, FILE), trial);
}

/**
 * What {@link writeNotApplicable} wrote; undefined for a trial that applies. One that holds something else
 * excuses nothing either.
 */
export function readNotApplicable(dir: string): NotApplicableTrial | undefined {
  let text: string;
  try {
    text = readFileSync(join(dir, FILE), 'utf8');
  } catch {
    return undefined; // The usual case: the scenario applies.
  }
  try {
    return notApplicableSchema.parse(JSON.parse(text));
  } catch {
    return undefined; // Damaged: the trial is judged as any other.
  }
}
