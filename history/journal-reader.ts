import { closeSync, openSync, readSync } from 'node:fs';
import type { Observation, TrialEnd, TrialHeader } from './observation.ts';
import { observationFieldsSchema, trialEndSchema, trialHeaderSchema } from './schemas.ts';

const CHUNK_BYTES = 1024 * 1024;
/** A line longer than this is not a line of ours; reading on would only fill memory. */
const LINE_BYTES_MAX = 128 * 1024 * 1024;
const NEWLINE = 0x0a;
/** Lines read between two looks at the event loop. */
const SLICE_LINES = 500;
/** Problems listed; a file of rubbish has as many as lines. */
const PROBLEMS_MAX = 100;

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
  if (at === -1) return contentOf(JSON.parse(text), line);
  const fields = text.endsWith('}') ? tryFields(`${text.slice(0, at)}}`) : undefined;
  if (fields === undefined) return contentOf(JSON.parse(text), line);
  fields.line = line;
  fields.contentKind = 'frame';
  fields.content = text.slice(at + FRAME_MEMBER.length, -1);
  return fields;
}

const FRAME_MEMBER = ',"frame":';

/** An observation while it is being read. */
type Draft = { -readonly [Key in keyof Observation]: Observation[Key] };

function tryFields(head: string): Draft | undefined {
  try {
    const value: unknown = JSON.parse(head);
    return isComplete(value) ? value : undefined;
  } catch {
    return undefined; // Not a head after all; the whole line is parsed instead, and judged there.
  }
}

const REQUIRED_TEXTS = ['kind', 'surface', 'dir'] as const;
const OPTIONAL_TEXTS = ['event', 'run', 'thread', 'owner', 'text', 'base64'] as const;

/** Cheap check on the hot path; the schema says what is wrong with what fails it. */
function isComplete(value: unknown): value is Draft {
  if (typeof value !== 'object' || value === null) return false;
  // oxlint-disable-next-line no-unsafe-type-assertion -- any object may be looked at by name
  const fields = value as Partial<Record<string, unknown>>;
  return (
    typeof fields['n'] === 'number' &&
    typeof fields['t'] === 'number' &&
    (fields['user'] === null || typeof fields['user'] === 'string') &&
    REQUIRED_TEXTS.every((name) => typeof fields[name] === 'string') &&
    OPTIONAL_TEXTS.every((name) => fields[name] === undefined || typeof fields[name] === 'string')
  );
}

/** A whole line's value as an observation: its content is whichever of the three members is there. */
function contentOf(value: unknown, line: number): Observation {
  if (isComplete(value) && !CONTENT_MEMBERS.some((name) => name in value)) {
    value.line = line;
    return value;
  }
  const parsed: WholeLine = isComplete(value) ? value : observationFieldsSchema.parse(value);
  const { frame, text, base64, ...fields } = parsed;
  if (frame !== undefined)
    return { ...fields, line, contentKind: 'frame', content: JSON.stringify(frame) };
  if (text !== undefined) return { ...fields, line, contentKind: 'text', content: text };
  if (base64 !== undefined) return { ...fields, line, contentKind: 'base64', content: base64 };
  return { ...fields, line };
}

const CONTENT_MEMBERS = ['frame', 'text', 'base64'] as const;

interface WholeLine extends Omit<Observation, 'line'> {
  readonly frame?: unknown;
  readonly text?: string | undefined;
  readonly base64?: string | undefined;
}

interface Line {
  readonly text: string;
  /** False for a last line without its end. */
  readonly whole: boolean;
}

/** Splits a file into lines without holding more than one chunk and one line. */
function* linesOf(path: string): Generator<Line, void> {
  const file = openSync(path, 'r');
  try {
    let rest: Buffer = Buffer.alloc(0);
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const bytes = readSync(file, chunk, 0, chunk.length, null);
      if (bytes === 0) break;
      const fresh = chunk.subarray(0, bytes);
      const data = rest.length === 0 ? fresh : Buffer.concat([rest, fresh]);
      let from = 0;
      for (let to = data.indexOf(NEWLINE); to !== -1; to = data.indexOf(NEWLINE, from)) {
        yield { text: data.toString('utf8', from, to), whole: true };
        from = to + 1;
      }
      if (data.length - from > LINE_BYTES_MAX)
        throw new HistoryUnreadable(`a line of ${path} is longer than ${LINE_BYTES_MAX} bytes`);
      rest = Buffer.from(data.subarray(from));
    }
    if (rest.length > 0) yield { text: rest.toString('utf8'), whole: false };
  } finally {
    closeSync(file);
  }
}

/** Makes of lines what a receiver is told, and keeps count of what is wrong with them. */
class HistoryParser {
  readonly #path: string;
  readonly #receiver: HistoryReceiver;
  readonly #problems: HistoryProblem[] = [];
  #end: TrialEnd | undefined;
  #line = 0;
  #expected = 0;

  constructor(path: string, receiver: HistoryReceiver) {
    this.#path = path;
    this.#receiver = receiver;
  }

  take({ text, whole }: Line): void {
    this.#line += 1;
    if (this.#line === 1) this.#receiver.header(parseHeader(text, this.#path));
    else if (this.#end !== undefined) this.#problem('a line after the end');
    else if (text === '') this.#problem('an empty line');
    else
      try {
        this.#observe(text);
      } catch (error) {
        this.#problem(whole ? `not an observation: ${short(error)}` : 'cut off');
      }
  }

  reading(): HistoryReading {
    if (this.#line === 0) throw new HistoryUnreadable(`${this.#path} is empty`);
    return { end: this.#end, problems: this.#problems, lines: this.#line };
  }

  #observe(text: string): void {
    if (text.startsWith('{"kind":"end"')) {
      this.#end = trialEndSchema.parse(JSON.parse(text));
      this.#count(this.#end.n);
      return;
    }
    const observation = parseObservation(text, this.#line);
    this.#count(observation.n);
    this.#receiver.observation(observation);
  }

  #count(n: number): void {
    if (n !== this.#expected)
      this.#problem(`observation ${this.#expected} expected, ${n} found: lines are missing`);
    this.#expected = n + 1;
  }

  #problem(message: string): void {
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push({ line: this.#line, message });
  }
}

/**
 * Reads a history from disk, one observation at a time, in bounded memory. A cut-off last line is
 * tolerated and reported; an unreadable line in the middle is reported and passed over.
 * @throws HistoryUnreadable when the file cannot be opened or does not begin with a trial's first line.
 */
export function readHistory(path: string, receiver: HistoryReceiver): HistoryReading {
  const parser = new HistoryParser(path, receiver);
  try {
    for (const line of linesOf(path)) parser.take(line);
  } catch (error) {
    throw asUnreadable(path, error);
  }
  return parser.reading();
}

/**
 * The same without holding up the event loop: after each slice of lines it waits for `pause`.
 * @throws HistoryUnreadable as {@link readHistory}.
 */
export async function readHistoryInSlices(
  path: string,
  receiver: HistoryReceiver,
  pause: () => Promise<void>,
): Promise<HistoryReading> {
  const parser = new HistoryParser(path, receiver);
  let lines = 0;
  try {
    for (const line of linesOf(path)) {
      parser.take(line);
      lines += 1;
      if (lines % SLICE_LINES === 0) await pause();
    }
  } catch (error) {
    throw asUnreadable(path, error);
  }
  return parser.reading();
}

function asUnreadable(path: string, error: unknown): Error {
  if (error instanceof HistoryUnreadable) return error;
  // What a receiver throws is its own; only the file's errors have a code.
  if (!(error instanceof Error) || !('code' in error)) throw error;
  return new HistoryUnreadable(`${path} cannot be read: ${short(error)}`, { cause: error });
}

function parseHeader(text: string, path: string): TrialHeader {
  try {
    return trialHeaderSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new HistoryUnreadable(`${path} does not begin with a trial: ${short(error)}`, {
      cause: error,
    });
  }
}

function short(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s+/g, ' ').slice(0, 300);
}
