import { closeSync, openSync, readSync } from 'node:fs';
import { z } from 'zod';

const CHUNK_BYTES = 1024 * 1024;
const NEEDLE = '"kind":"phase"';
const PHASES_MAX = 1000;
const LINE_BREAK = 0x0a;
const markSchema = z.object({
  surface: z.literal('harness'),
  kind: z.literal('phase'),
  phase: z.string(),
  mark: z.enum(['begin', 'end']),
  t: z.number(),
});

/** A step that the whole crowd took together. */
export interface Phase {
  readonly name: string;
  /** Milliseconds since the trial started. */
  readonly from: number;
  readonly to: number;
}

/**
 * The phases of a recorded trial, in the order of their beginning; none where the history cannot be
 * read. A phase without an end was cut off and is left out. Only their lines are parsed.
 */
export function phasesIn(historyPath: string): Phase[] {
  const began = new Map<string, number>();
  const phases: Phase[] = [];
  for (const line of phaseLines(historyPath)) {
    const mark = markIn(line);
    if (mark?.mark === 'begin') began.set(mark.phase, mark.t);
    const from = mark === undefined ? undefined : began.get(mark.phase);
    if (mark?.mark !== 'end' || from === undefined) continue;
    began.delete(mark.phase);
    phases.push({ name: mark.phase, from, to: mark.t });
    if (phases.length === PHASES_MAX) break;
  }
  return phases.toSorted((a, b) => a.from - b.from);
}

function markIn(line: string): z.infer<typeof markSchema> | undefined {
  try {
    return markSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined; // A line that was cut off is no phase.
  }
}

function* phaseLines(path: string): Generator<string> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return; // The history lies elsewhere, or is gone: reports do without its phases.
  }
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      const read = readSync(file, chunk);
      if (read === 0) return;
      const data = Buffer.concat([rest, chunk.subarray(0, read)]);
      const end = data.lastIndexOf(LINE_BREAK);
      yield* linesWith(data.subarray(0, end + 1));
      rest = Buffer.from(data.subarray(end + 1));
    }
  } finally {
    closeSync(file);
  }
}

function* linesWith(data: Buffer): Generator<string> {
  for (let at = data.indexOf(NEEDLE); at !== -1;) {
    const from = data.lastIndexOf(LINE_BREAK, at) + 1;
    const to = data.indexOf(LINE_BREAK, at);
    if (to === -1) return;
    yield data.toString('utf8', from, to);
    at = data.indexOf(NEEDLE, to);
  }
}
