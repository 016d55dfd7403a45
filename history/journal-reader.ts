import { closeSync, openSync, readSync } from 'node:fs';
import type { Observation, TrialEnd, TrialHeader } from './observation.ts';
import { observationFieldsSchema, trialEndSchema, trialHeaderSchema } from './schemas.ts';

const CHUNK_BYTES = 1024 * 1024;
/** A line longer than this is not a line of ours; reading on would only fill memory. */
const LINE_BYTES_MAX = 128 * 1024 * 1024;
const NEWLINE = 0x0a;

/** What was wrong with a file, beside its observations. */
export interface HistoryProblem {
  /** 1-based line, or null for the file as a whole. */
  readonly line: number | null;
  readonly message: string;
}

/** How reading ended. */
export interface HistoryReading {
  /** The last line, or undefined when the trial was interrupted. */
  readonly end: TrialEnd | undefined;
  readonly problems: readonly HistoryProblem[];
  /** Lines read, the header included. */
  readonly lines: number;
}

/** The file is no history: it cannot be read at all, or its first line is not a trial's. */
export class HistoryUnreadable extends Error {
  override readonly name = 'HistoryUnreadable';
}

/** Receives a history in order. `header` comes once, first. */
export interface HistoryReceiver {
  header(header: TrialHeader): void;
  observation(observation: Observation): void;
}

/** Reads one line as an observation; throws when it is none. */
export function parseObservation(text: string, line: number): Observation {
  // The content comes last in every line this project writes, so the fields are parsed without it and
  // the raw frame is cut out as it stands. Any other writer's order goes the slow way.
  const at = text.indexOf(',"frame":');
  if (at !== -1 && text.endsWith('}')) {
    const fields = tryFields(`${text.slice(0, at)}}`);
    if (fields !== undefined)
      return { ...fields, line, contentKind: 'frame', content: text.slice(at + 9, -1) };
  }
  return parseWhole(text, line);
}

function tryFields(head: string): Omit<Observation, 'line'> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(head);
  } catch {
    return undefined; // Not a head after all; the whole line is parsed instead, and judged there.
  }
  return isComplete(value) ? value : undefined;
}

/** Cheap check on the hot path; {@link parseWhole} validates with the schema and says what is wrong. */
function isComplete(value: unknown): value is Omit<Observation, 'line'> {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Record<string, unknown>;
  return (
    typeof fields['n'] === 'number' &&
    typeof fields['t'] === 'number' &&
    typeof fields['kind'] === 'string' &&
    typeof fields['surface'] === 'string' &&
    typeof fields['dir'] === 'string' &&
    (typeof fields['user'] === 'string' || fields['user'] === null) &&
    (fields['event'] === undefined || typeof fields['event'] === 'string') &&
    (fields['run'] === undefined || typeof fields['run'] === 'string') &&
    (fields['thread'] === undefined || typeof fields['thread'] === 'string') &&
    (fields['owner'] === undefined || typeof fields['owner'] === 'string')
  );
}

function parseWhole(text: string, line: number): Observation {
  const parsed: unknown = JSON.parse(text);
  const { frame, text: plain, base64, ...fields } = observationFieldsSchema.parse(parsed);
  if (frame !== undefined)
    return { ...fields, line, contentKind: 'frame', content: JSON.stringify(frame) };
  if (plain !== undefined) return { ...fields, line, contentKind: 'text', content: plain };
  if (base64 !== undefined) return { ...fields, line, contentKind: 'base64', content: base64 };
  return { ...fields, line };
}

/** Splits a file into lines without holding more than one chunk and one line. */
function forEachLine(path: string, receive: (text: string, whole: boolean) => boolean): void {
  const file = openSync(path, 'r');
  try {
    let rest = Buffer.alloc(0);
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const bytes = readSync(file, chunk, 0, chunk.length, null);
      if (bytes === 0) break;
      let data =
        rest.length === 0
          ? chunk.subarray(0, bytes)
          : Buffer.concat([rest, chunk.subarray(0, bytes)]);
      let from = 0;
      for (;;) {
        const to = data.indexOf(NEWLINE, from);
        if (to === -1) break;
        if (!receive(data.toString('utf8', from, to), true)) return;
        from = to + 1;
      }
      if (data.length - from > LINE_BYTES_MAX)
        throw new HistoryUnreadable(`a line of ${path} is longer than ${LINE_BYTES_MAX} bytes`);
      data = data.subarray(from);
      rest = Buffer.from(data);
    }
    if (rest.length > 0) receive(rest.toString('utf8'), false);
  } finally {
    closeSync(file);
  }
}

/**
 * Reads a history from disk, one observation at a time, in bounded memory. A cut-off last line is
 * tolerated and reported; an unreadable line in the middle is reported and passed over.
 * @throws HistoryUnreadable when the file cannot be opened or does not begin with a trial's first line.
 */
export function readHistory(path: string, receiver: HistoryReceiver): HistoryReading {
  const problems: HistoryProblem[] = [];
  let end: TrialEnd | undefined;
  let line = 0;
  let expected = 0;
  const receive = (text: string, whole: boolean): boolean => {
    line += 1;
    if (line === 1) {
      receiver.header(parseHeader(text, path));
      return true;
    }
    if (text === '' || end !== undefined) {
      problems.push({
        line,
        message: end === undefined ? 'an empty line' : 'a line after the end',
      });
      return true;
    }
    try {
      if (text.startsWith('{"kind":"end"')) {
        end = trialEndSchema.parse(JSON.parse(text));
        if (end.n !== expected) problems.push(gap(line, expected, end.n));
        return true;
      }
      const observation = parseObservation(text, line);
      if (observation.n !== expected) problems.push(gap(line, expected, observation.n));
      expected = observation.n + 1;
      receiver.observation(observation);
    } catch (error) {
      problems.push({ line, message: whole ? `not an observation: ${short(error)}` : 'cut off' });
    }
    return true;
  };
  try {
    forEachLine(path, receive);
  } catch (error) {
    if (error instanceof HistoryUnreadable) throw error;
    throw new HistoryUnreadable(`${path} cannot be read: ${short(error)}`, { cause: error });
  }
  if (line === 0) throw new HistoryUnreadable(`${path} is empty`);
  return { end, problems, lines: line };
}

function parseHeader(text: string, path: string): TrialHeader {
  try {
    return trialHeaderSchema.parse(JSON.parse(text)) as TrialHeader;
  } catch (error) {
    throw new HistoryUnreadable(`${path} does not begin with a trial: ${short(error)}`, {
      cause: error,
    });
  }
}

function gap(line: number, expected: number, found: number): HistoryProblem {
  return { line, message: `observation ${expected} expected, ${found} found: lines are missing` };
}

function short(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s+/g, ' ').slice(0, 300);
}
