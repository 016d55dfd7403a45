import { closeSync, openSync, readSync } from 'node:fs';
import { z } from 'zod';
import { HeadReader } from './line-head.ts';
import { messageOf } from './message-of.ts';
import type { Draft } from './observation-draft.ts';
import type { Observation, TrialEnd, TrialHeader } from './observation.ts';
import { observationFieldsSchema, trialEndSchema, trialHeaderSchema } from './schemas.ts';

const CHUNK_BYTES = 1024 * 1024;
/** A line longer than this is not a line of ours; reading on would only fill memory. */
const LINE_BYTES_MAX = 128 * 1024 * 1024;
const NEWLINE = 0x0a;
/** What is read between two looks at the event loop: some hundred lines. */
const SLICE_BYTES = 256 * 1024;
/** Problems listed; a file of rubbish has as many as lines. */
const PROBLEMS_MAX = 100;
/** Of one line that is none of ours. */
const ISSUES_SHOWN_MAX = 3;

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

const FRAME_MEMBER = Buffer.from(',"frame":');
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const SPACE = 0x20;

/**
 * Reads one line as an observation, or as the end; throws when it is neither. `frameAt` is where the frame
 * that is its last member stands, or −1.
 */
function parseLine(of: Line, frameAt: number, line: number): Observation | TrialEnd {
  // The content comes last in every line this project writes, so the fields are parsed without it and
  // the raw frame is cut out as it stands. Any other writer's order goes the slow way.
  const { bytes, to } = of;
  const fields =
    frameAt !== -1 && bytes[to - 1] === CLOSING_BRACE ? tryFields(of, frameAt) : undefined;
  if (fields === undefined) {
    const value: unknown = JSON.parse(textOf(of));
    return isEnd(value) ? trialEndSchema.parse(value) : contentOf(value, line);
  }
  fields.line = line;
  fields.contentKind = 'frame';
  fields.content = bytes.toString('utf8', frameAt + FRAME_MEMBER.length, to - 1);
  return fields;
}

/**
 * What is called as nothing of ours is would be judged as nothing at all, and missed where it ought to be.
 * @throws Error that names it
 */
function refuseUnknown({ kind, surface, dir }: Observation): void {
  if (!KINDS.has(kind)) throw new Error(`"kind": "${kind}" is none`);
  if (!SURFACE_NAMES.has(surface)) throw new Error(`"surface": "${surface}" is none`);
  if (!DIRECTIONS.has(dir)) throw new Error(`"dir": "${dir}" is none`);
}

const KINDS: ReadonlySet<string> = new Set(observationFieldsSchema.shape.kind.options);
const SURFACE_NAMES: ReadonlySet<string> = new Set(observationFieldsSchema.shape.surface.options);
const DIRECTIONS: ReadonlySet<string> = new Set(observationFieldsSchema.shape.dir.options);

/** Whoever wrote it, and in whatever order. */
function isEnd(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'end';
}

/**
 * Whether another member follows the frame that begins at `from`. What is no JSON may be told either way; it
 * is no frame in any case.
 */
function isFollowed(bytes: Buffer, from: number, to: number): boolean {
  // An object is its line's last value if the line ends as it does, unless it ends with another object; and
  // that opens after something was closed. Few frames are so, and only they are looked through.
  if (bytes[from] === OPENING_BRACE && bytes[to - 1] === CLOSING_BRACE) {
    const lastOpening = bytes.lastIndexOf(OPENING_BRACE, to - 1);
    if (lastOpening < bytes.indexOf(CLOSING_BRACE, from)) return false;
  }
  return hasCommaOutside(bytes, from, to);
}

/** Whether a comma stands outside of the values between two places: it separates members. */
function hasCommaOutside(bytes: Buffer, from: number, to: number): boolean {
  let depth = 0;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfText(bytes, at + 1, to);
    else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) depth += 1;
    else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) depth -= 1;
    else if (byte === COMMA && depth === 0) return true;
  }
  return false;
}

/** Where the quote stands that closes a text. */
function endOfText(bytes: Buffer, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

/** The members before the frame, as an object of their own. */
function tryFields({ bytes, from }: Line, frameAt: number): Draft | undefined {
  const comma = bytes[frameAt] ?? 0;
  bytes[frameAt] = CLOSING_BRACE;
  const head = bytes.toString('utf8', from, frameAt + 1);
  bytes[frameAt] = comma;
  try {
    const value: unknown = JSON.parse(head);
    return isComplete(value) ? value : undefined;
  } catch {
    return undefined; // Not a head after all; the whole line is parsed instead, and judged there.
  }
}

/** Cheap check on the hot path; the schema says what is wrong with what fails it. */
function isComplete(value: unknown): value is Draft {
  if (typeof value !== 'object' || value === null) return false;
  // oxlint-disable-next-line no-unsafe-type-assertion -- any object may be looked at by name
  const fields = value as Unchecked;
  const { n, t, user, kind, surface, dir } = fields;
  const placed = typeof kind === 'string' && typeof surface === 'string' && typeof dir === 'string';
  const dated = typeof n === 'number' && typeof t === 'number';
  return (
    placed &&
    kind !== 'end' &&
    dated &&
    (user === null || typeof user === 'string') &&
    areTexts(fields)
  );
}

function areTexts({ event, run, thread, owner, text, base64 }: Unchecked): boolean {
  return (
    isTextOrAbsent(event) &&
    isTextOrAbsent(run) &&
    isTextOrAbsent(thread) &&
    isTextOrAbsent(owner) &&
    isTextOrAbsent(text) &&
    isTextOrAbsent(base64)
  );
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

/** Members of a line before anything is known of their types. */
type Unchecked = Partial<Record<keyof Observation | (typeof CONTENT_MEMBERS)[number], unknown>>;

/** A whole line's value as an observation: its content is whichever of the three members is there. */
function contentOf(value: unknown, line: number): Observation {
  if (isComplete(value) && !CONTENT_MEMBERS.some((name) => name in value)) {
    value.line = line;
    // Content comes from the members for it alone, whatever an unknown one is called.
    value.contentKind = undefined;
    value.content = undefined;
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

/** Lines in a buffer, one after the other; valid until the next are asked for. */
interface Lines {
  readonly bytes: Buffer;
  /** Behind the last of them. */
  readonly to: number;
  /** False for a last line without its end. */
  readonly whole: boolean;
}

/** One line of them. */
interface Line {
  readonly bytes: Buffer;
  readonly from: number;
  /** Where its end stands, which is no part of it. */
  readonly to: number;
  readonly whole: boolean;
}

function textOf({ bytes, from, to }: Line): string {
  return bytes.toString('utf8', from, to);
}

/** Reads a file by whole lines without holding more than one chunk of so many bytes and one line. */
function* linesOf(path: string, chunkBytes: number): Generator<Lines, void> {
  const file = openSync(path, 'r');
  try {
    let buffer: Buffer = Buffer.allocUnsafeSlow(chunkBytes);
    let held = 0;
    for (;;) {
      const count = readSync(file, buffer, held, buffer.length - held, null);
      if (count === 0) break;
      const bytes = buffer.subarray(0, held + count);
      const to = bytes.lastIndexOf(NEWLINE) + 1;
      if (to > 0) yield { bytes, to, whole: true };
      held = bytes.length - to;
      if (held > LINE_BYTES_MAX)
        throw new HistoryUnreadable(`a line of ${path} is longer than ${LINE_BYTES_MAX} bytes`);
      buffer = beginningWith(bytes.subarray(to), buffer);
    }
    if (held > 0) yield { bytes: buffer.subarray(0, held), to: held, whole: false };
  } finally {
    closeSync(file);
  }
}

/** The buffer with a begun line at its beginning; a larger one when the line would leave little room. */
function beginningWith(rest: Buffer, buffer: Buffer): Buffer {
  const next = rest.length * 2 > buffer.length ? Buffer.allocUnsafeSlow(buffer.length * 2) : buffer;
  rest.copy(next);
  return next;
}

/** Makes of lines what a receiver is told, and keeps count of what is wrong with them. */
class HistoryParser {
  readonly #path: string;
  readonly #receiver: HistoryReceiver;
  readonly #heads = new HeadReader();
  readonly #problems: HistoryProblem[] = [];
  #end: TrialEnd | undefined;
  #endLine = 0;
  #line = 0;
  #expected = 0;
  /** The bytes last looked through for frames, and where the next one stands; −1 if there is none. */
  #bytes: Buffer | undefined;
  #frameAt = -1;

  constructor(path: string, receiver: HistoryReceiver) {
    this.#path = path;
    this.#receiver = receiver;
  }

  take({ bytes, to: end, whole }: Lines): void {
    let from = 0;
    while (from < end) {
      const to = whole ? bytes.indexOf(NEWLINE, from) : end;
      this.#takeLine({ bytes, from, to, whole });
      from = to + 1;
    }
  }

  reading(): HistoryReading {
    if (this.#line === 0) throw new HistoryUnreadable(`${this.#path} is empty`);
    return { end: this.#end, problems: this.#problems, lines: this.#line };
  }

  #takeLine(line: Line): void {
    this.#line += 1;
    if (this.#line === 1) this.#receiver.header(parseHeader(textOf(line), this.#path));
    else if (this.#end !== undefined) this.#takeAfterEnd(line);
    else if (isBlank(line)) this.#problem('an empty line');
    else
      try {
        this.#observe(line);
      } catch (error) {
        this.#problem(line.whole ? `not an observation: ${short(error)}` : 'cut off');
      }
  }

  /** Editors and pipes leave a blank line behind; it says nothing. */
  #takeAfterEnd(line: Line): void {
    const isLeftOver = isBlank(line) && this.#line === this.#endLine + 1;
    if (!isLeftOver) this.#problem('a line after the end');
  }

  #observe(line: Line): void {
    const frameAt = this.#lastFrameOf(line);
    const read = this.#readQuickly(line, frameAt) ?? parseLine(line, frameAt, this.#line);
    if ('user' in read) refuseUnknown(read);
    this.#count(read.n);
    if ('user' in read) this.#receiver.observation(read);
    else {
      this.#end = read;
      this.#endLine = this.#line;
    }
  }

  /** Nearly every line is one that the journal wrote, with a frame or without content. */
  #readQuickly({ bytes, from, to }: Line, frameAt: number): Observation | undefined {
    if (bytes[to - 1] !== CLOSING_BRACE) return undefined;
    const draft = this.#heads.read(bytes, from, frameAt === -1 ? to - 1 : frameAt);
    if (draft === undefined || draft.kind === 'end') return undefined;
    draft.line = this.#line;
    if (frameAt === -1) return draft;
    draft.contentKind = 'frame';
    draft.content = bytes.toString('utf8', frameAt + FRAME_MEMBER.length, to - 1);
    return draft;
  }

  /** Where the frame stands, if it is the last member; −1 if another follows, or there is none. */
  #lastFrameOf(line: Line): number {
    const frameAt = this.#frameOf(line);
    if (frameAt === -1) return -1;
    const { bytes, to } = line;
    return isFollowed(bytes, frameAt + FRAME_MEMBER.length, to - 1) ? -1 : frameAt;
  }

  /** Looks for the next frame only when the last one found lies behind. */
  #frameOf({ bytes, from, to }: Line): number {
    if (this.#bytes !== bytes) {
      this.#bytes = bytes;
      this.#frameAt = bytes.indexOf(FRAME_MEMBER, from);
    } else if (this.#frameAt !== -1 && this.#frameAt < from)
      this.#frameAt = bytes.indexOf(FRAME_MEMBER, from);
    return this.#frameAt < to ? this.#frameAt : -1;
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
    for (const lines of linesOf(path, CHUNK_BYTES)) parser.take(lines);
  } catch (error) {
    throw asUnreadable(path, error);
  }
  return parser.reading();
}

/**
 * The same without holding up the event loop: after some hundred lines it waits for `pause`, again and again.
 * @throws HistoryUnreadable as {@link readHistory}.
 */
export async function readHistoryInSlices(
  path: string,
  receiver: HistoryReceiver,
  pause: () => Promise<void>,
): Promise<HistoryReading> {
  const parser = new HistoryParser(path, receiver);
  try {
    for (const lines of linesOf(path, SLICE_BYTES)) {
      parser.take(lines);
      await pause();
    }
  } catch (error) {
    throw asUnreadable(path, error);
  }
  return parser.reading();
}

function isBlank({ bytes, from, to }: Line): boolean {
  for (let at = from; at < to; at += 1) if ((bytes[at] ?? 0) > SPACE) return false;
  return true;
}

function asUnreadable(path: string, error: unknown): Error {
  if (error instanceof HistoryUnreadable) return error;
  // What a receiver throws is its own; only the file's errors have a code.
  if (!(error instanceof Error) || !('code' in error)) throw error;
  return new HistoryUnreadable(`${path} cannot be read: ${short(error)}`, { cause: error });
}

/** Some editors put it in front of a file. */
const BYTE_ORDER_MARK = /^\uFEFF/;

function parseHeader(text: string, path: string): TrialHeader {
  try {
    return trialHeaderSchema.parse(JSON.parse(text.replace(BYTE_ORDER_MARK, '')));
  } catch (error) {
    throw new HistoryUnreadable(`${path} does not begin with a trial: ${short(error)}`, {
      cause: error,
    });
  }
}

function short(error: unknown): string {
  const text = error instanceof z.ZodError ? issuesText(error) : messageOf(error);
  return text.replaceAll(/\s+/g, ' ').slice(0, 300);
}

/** What is wrong with which member, in few words. */
function issuesText({ issues }: z.ZodError): string {
  const told = issues.slice(0, ISSUES_SHOWN_MAX).map(({ path, message }) => {
    const rule = message.replace(/^Invalid [a-z]+: /, '');
    return path.length === 0 ? rule : `"${path.join('.')}": ${rule}`;
  });
  const more = issues.length - told.length;
  return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}
