import { hasMembers } from '../history/json-object.ts';
import type { StreamReader } from './page-followed-stream.ts';

/** One block of a stream of events, or one line of a stream of lines. */
export interface StreamedBlock {
  /** Everything the stream said, as one line of JSON: `{"event":"done","id":"7","data":{…}}`. */
  readonly text: string;
  /** Whether it is an event, and not a comment, an id or a time to wait alone. */
  readonly isEvent: boolean;
}

/** How a stream is divided: server-sent events end with a blank line, JSON lines with each line. */
export type StreamFormat = 'events' | 'lines';

/** A text that comes in pieces, handed on event by event. */
export class EventStream implements StreamReader {
  readonly #format: StreamFormat;
  readonly #tell: (block: StreamedBlock, at: number) => void;
  readonly #decoder = new TextDecoder();
  /** Pieces that came before the answer with what had come before them. */
  #early: { readonly data: string; readonly at: number }[] | undefined = [];
  #rest = '';
  /** The last piece ended with a carriage return, whose line feed may follow. */
  #endsWithReturn = false;
  #lastAt = 0;

  constructor(format: StreamFormat, tell: (block: StreamedBlock, at: number) => void) {
    this.#format = format;
    this.#tell = tell;
  }

  /** What had come before anybody asked, base64. */
  begin(data: string, at: number): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    this.#take(data, at);
    for (const piece of early) this.#take(piece.data, piece.at);
  }

  push(data: string, at: number): void {
    if (this.#early === undefined) this.#take(data, at);
    else this.#early.push({ data, at });
  }

  say(text: string, at: number): void {
    this.#early = undefined;
    this.#take(Buffer.from(text).toString('base64'), at);
  }

  /**
   * What came without its end is handed on as well: a page may have read it. It is an event only where its data is
   * whole, which JSON can tell: what was cut off must not count as an event without ids.
   */
  end(): void {
    this.#block(this.#rest, this.#lastAt, true);
    this.#rest = '';
  }

  #take(data: string, at: number): void {
    this.#lastAt = at;
    const text = this.#decoder.decode(Buffer.from(data, 'base64'), { stream: true });
    if (text === '') return;
    const isRestOfEnd = this.#endsWithReturn && text.startsWith('\n');
    this.#endsWithReturn = text.endsWith('\r');
    this.#rest += (isRestOfEnd ? text.slice(1) : text).replaceAll(/\r\n?/g, '\n');
    const blocks = this.#rest.split(this.#format === 'events' ? '\n\n' : '\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) this.#block(block, at);
  }

  #block(block: string, at: number, mayBeCut = false): void {
    if (block.trim() === '') return;
    const { text, isEvent, value } = this.#format === 'events' ? eventOf(block) : lineOf(block);
    const isCut = mayBeCut && (value === undefined || value.startsWith('"'));
    this.#tell({ text, isEvent: isEvent && !isCut }, at);
  }
}

/** What an event source tells of one event. */
export interface SourceMessage {
  readonly eventName: string;
  readonly eventId: string;
  readonly data: string;
}

/** An event of an event source, as its stream said it. */
export function messageText(message: SourceMessage): string {
  const { eventName: event, eventId: id, data } = message;
  const lines = data.split('\n').map((line) => `data: ${line}\n`);
  return `event: ${event}\n${id === '' ? '' : `id: ${id}\n`}${lines.join('')}\n`;
}

/** A block and its data, as JSON. */
interface ReadBlock extends StreamedBlock {
  readonly value: string | undefined;
}

/** The bytes that a stream takes to say an event, as most do. */
export function messageBytes(message: SourceMessage): number {
  return Buffer.byteLength(messageText(message).replace('event: message\n', ''));
}

/** Fields of which the last one counts. */
const SINGLE: ReadonlySet<string> = new Set(['event', 'id', 'retry']);

/** The fields of one event (WHATWG HTML §9.2.6); what a page ignores of them is kept as a comment. */
function eventOf(block: string): ReadBlock {
  const single = new Map<string, string>();
  const comments: string[] = [];
  const data: string[] = [];
  for (const line of block.split('\n').filter((one) => one !== '')) {
    const [name = '', value = ''] = line.split(/: ?(.*)/s, 2);
    const before = single.get(name);
    if (before !== undefined) comments.push(`${name}: ${before}`);
    if (name === 'data') data.push(value);
    else if (SINGLE.has(name)) single.set(name, value);
    else comments.push(name === '' ? value : line);
  }
  const members = [...single].map(([name, said]) => `"${name}":${JSON.stringify(said)}`);
  if (comments.length > 0) members.push(`"comment":${JSON.stringify(comments.join('\n'))}`);
  const value = data.length === 0 ? undefined : valueOf(data.join('\n'));
  if (value !== undefined) members.push(`"data":${value}`);
  return {
    text: `{${members.join(',')}}`,
    isEvent: value !== undefined || single.has('event'),
    value,
  };
}

function lineOf(line: string): ReadBlock {
  const value = valueOf(line);
  return { text: `{"data":${value}}`, isEvent: true, value };
}

/**
 * A JSON object or list as it came, on one line; everything else as text: pieces of an answer may look like
 * numbers.
 */
function valueOf(data: string): string {
  try {
    // Line ends within JSON stand between its values only.
    if (hasMembers(JSON.parse(data))) return data.replaceAll('\n', ' ');
  } catch {
    // A text.
  }
  return JSON.stringify(data);
}
