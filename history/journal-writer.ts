import { closeSync, fsyncSync, mkdirSync, openSync, write, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from './clock.ts';
import {
  GrowingNumber,
  inOnePiece,
  NameMembers,
  numberMember,
  quoted,
  textMember,
} from './line-text.ts';
import { newDraft, type Draft } from './observation-draft.ts';
import type {
  ContentKind,
  DecodedFields,
  Observation,
  ObservationFields,
  TrialEnd,
  TrialHeader,
} from './observation.ts';

/** Lines are collected up to about this many bytes before they are written in one piece. */
const CHUNK_BYTES = 256 * 1024;
/** Bytes a UTF-16 unit takes in UTF-8 at most. */
const BYTES_PER_UNIT_MAX = 3;
/** What is collected is written at the latest after this, so that a killed process loses little. */
const FLUSH_EVERY_MS = 200;
/** Unwritten bytes above which readers of sockets must pause, and below which they go on. */
const PRESSURE_HIGH = 64 * 1024 * 1024;
const PRESSURE_LOW = 8 * 1024 * 1024;
/** Unwritten bytes at which observations are given up (and counted): the disk stands still. */
const PRESSURE_MAX = 512 * 1024 * 1024;

const LINE_END = '}\n';
const OWN_RUN = ',"surface":"harness","dir":"act","kind":"identity","source":"ask","ids":';
const ASKED = ',"surface":"harness","dir":"act","kind":"act","act":"ask"';
const CLOSING_BRACE = 0x7d;
const NEWLINE = 0x0a;

/** What was received or sent, redacted, with how to write it. */
export interface Content {
  readonly kind: ContentKind;
  readonly text: string;
  /** Bytes left out because the content was longer than the limit. */
  readonly cut?: number | undefined;
}

/**
 * A connection's part of every line about what it received, asked and sent; see
 * {@link JournalWriter.appendFrame}. The events of one run share their ids, and those of a tool call its
 * id, so these are quoted once.
 */
export class FrameOrigin {
  readonly user: string;
  readonly conn: string;
  /** The members that say who observed, as they stand in a line. */
  readonly source: string;
  /** The same and those that every received frame has. */
  readonly head: string;
  #owner: string | undefined;
  #thread: string | undefined;
  #run: string | undefined;
  #idMembers = '';
  #tool: string | undefined;
  #toolMember = '';

  constructor(user: string, conn: string) {
    this.user = user;
    this.conn = conn;
    this.source = inOnePiece([',"user":', quoted(user), ',"conn":', quoted(conn)]);
    this.head = inOnePiece([this.source, ',"surface":"socket","dir":"in","kind":"frame"']);
  }

  /** The members `owner`, `thread` and `run`. */
  idMembers({ owner, thread, run }: DecodedFields): string {
    if (run !== this.#run || owner !== this.#owner || thread !== this.#thread) {
      this.#owner = owner;
      this.#thread = thread;
      this.#run = run;
      this.#idMembers = inOnePiece([
        textMember('owner', owner),
        textMember('thread', thread),
        textMember('run', run),
      ]);
    }
    return this.#idMembers;
  }

  toolMember(tool: string | undefined): string {
    if (tool !== this.#tool) {
      this.#tool = tool;
      this.#toolMember = tool === undefined ? '' : inOnePiece([',"tool":', quoted(tool)]);
    }
    return this.#toolMember;
  }
}

/** A received frame that is one line of JSON and holds nothing to redact. */
export interface ReceivedFrame {
  readonly origin: FrameOrigin;
  readonly decoded: DecodedFields;
  /** The frame as text, and the same as the bytes it came in. */
  readonly text: string;
  readonly bytes: Buffer;
}

/** A frame on its way out: one line of JSON that holds nothing to redact, as the bytes that are sent. */
export interface SentFrame extends Pick<DecodedFields, 'event' | 'thread' | 'run'> {
  readonly text: string;
  readonly bytes: Buffer;
}

/** A question that is being asked. */
export interface AskedFields extends Pick<ObservationFields, 'marker' | 'run' | 'thread'> {
  /** Ordinal from 1. */
  readonly question: number;
  /** When it was due, milliseconds on the journal's clock. */
  readonly intended: number;
}

/** The fields that come first, in the order DESIGN §4.4 gives. Comparing names beats asking a set. */
function isLeading(key: string): boolean {
  return key === 'user' || key === 'conn' || key === 'surface' || key === 'dir' || key === 'kind';
}

function member(key: string, value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `,"${key}":${quoted(value)}`;
    case 'number':
      return Number.isFinite(value) ? `,"${key}":${value}` : '';
    case 'boolean':
      return `,"${key}":${value}`;
    default:
      return value === null || value === undefined ? '' : `,"${key}":${JSON.stringify(value)}`;
  }
}

/** The content last, a frame spliced in as it came. */
function contentMember({ kind, text, cut }: Content): string {
  const left = cut === undefined ? '' : `,"cut":${cut}`;
  return kind === 'frame' ? `${left},"frame":${text}` : `${left},"${kind}":${JSON.stringify(text)}`;
}

/** Rounds to a microsecond: finer digits are noise and cost space. */
function toMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

export interface JournalOptions {
  readonly path: string;
  readonly header: TrialHeader;
  readonly clock: Clock;
  /** Called with true when sources should pause, with false when they may go on. */
  readonly onPressure?: (high: boolean) => void;
}

/**
 * The append-only journal of one trial (DESIGN §4.4). Lines are assembled once, as text, with the raw
 * frame spliced in as it came; they leave in large chunks. The header is on disk before `openJournal`
 * returns, and whatever is on disk is a valid (interrupted) history at any moment.
 */
export class JournalWriter {
  readonly clock: Clock;
  readonly path: string;
  readonly #file: number;
  readonly #onPressure: ((high: boolean) => void) | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #listeners: ((observation: Observation) => void)[] = [];
  /** Lines are encoded into one buffer as they come: cheaper than joining texts first. */
  #chunk: Buffer = Buffer.allocUnsafe(2 * CHUNK_BYTES);
  /** A chunk that was written and can be filled again. */
  #spare: Buffer | undefined;
  readonly #users = new NameMembers('user');
  readonly #conns = new NameMembers('conn');
  readonly #events = new NameMembers('event');
  readonly #agents = new NameMembers('agent');
  readonly #times = new GrowingNumber();
  readonly #numbers = new GrowingNumber();
  readonly #sentTimes = new GrowingNumber();
  #collected = 0;
  #inFlight = 0;
  #writing: Promise<void> = Promise.resolve();
  #next = 0;
  #lost = 0;
  #pressed = false;
  #ended = false;
  #failure: Error | undefined;

  constructor(options: JournalOptions) {
    this.clock = options.clock;
    this.path = options.path;
    this.#onPressure = options.onPressure;
    mkdirSync(dirname(options.path), { recursive: true });
    this.#file = openSync(options.path, 'wx', 0o600);
    writeSync(this.#file, `${JSON.stringify(options.header)}\n`);
    this.#timer = setInterval(() => this.#send(), FLUSH_EVERY_MS);
    this.#timer.unref();
  }

  /** Observations given up because the disk could not follow. */
  get lost(): number {
    return this.#lost;
  }

  /** Observations written so far. */
  get count(): number {
    return this.#next;
  }

  /** Calls the listener with every observation from now on, in order; for judging while recording. */
  listen(listener: (observation: Observation) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Appends one observation. `at` is the moment of the observation on the journal's clock when it was
   * taken earlier than this call.
   */
  append(fields: ObservationFields, content?: Content, at: number = this.clock.now()): void {
    if (!this.#accepts()) return;
    const t = toMicroseconds(at);
    const n = this.#next;
    this.#next += 1;
    const user = fields.user === null ? ',"user":null' : this.#users.of(fields.user);
    const conn = fields.conn === null ? ',"conn":null' : this.#conns.of(fields.conn);
    let line = `{"n":${this.#numbers.text(n)},"t":${this.#times.microseconds(at)}${user}${conn},"surface":"${fields.surface}","dir":"${fields.dir}","kind":"${fields.kind}"`;
    for (const key in fields) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a key of the object itself
      const value = fields[key as keyof ObservationFields];
      if (value === undefined || isLeading(key)) continue;
      line += member(key, value);
    }
    if (content !== undefined) line += contentMember(content);
    this.#push(`${line}}\n`);
    if (this.#listeners.length > 0) this.#tell(fields, content, { n, t });
  }

  /**
   * Appends a received frame: the same line as {@link append} writes, by the shortest way. Its bytes are
   * copied as they came and never made into text again.
   */
  appendFrame(frame: ReceivedFrame, at: number): void {
    if (!this.#accepts()) return;
    const { origin, decoded, bytes } = frame;
    const t = toMicroseconds(at);
    const n = this.#next;
    this.#next += 1;
    const head = `{"n":${this.#numbers.text(n)},"t":${this.#times.microseconds(at)}${origin.head}${this.#events.of(
      decoded.event,
    )}${origin.idMembers(decoded)}${origin.toolMember(decoded.tool)}${this.#agents.of(
      decoded.agent,
    )}${textMember('id', decoded.id)}${numberMember('sequence', decoded.sequence)}${this.#sentAt(
      decoded.sentAt,
    )},"frame":`;
    this.#pushFrame(head, bytes);
    if (this.#listeners.length > 0) this.#tellFrame(frame, n, t);
  }

  /** Appends a frame that is being sent: the same line as {@link append} writes, by the shortest way. */
  appendSent(origin: FrameOrigin, frame: SentFrame, at: number = this.clock.now()): void {
    if (!this.#accepts()) return;
    const { event, thread, run, text, bytes } = frame;
    const n = this.#next;
    this.#next += 1;
    const members = `,"surface":"socket","dir":"out","kind":"frame"${this.#events.of(event)}`;
    const ids = textMember('thread', thread) + textMember('run', run);
    this.#pushFrame(`${this.#begin(origin, n, at)}${members}${ids},"frame":`, bytes);
    if (this.#listeners.length === 0) return;
    const { user, conn } = origin;
    this.#tell(
      { user, conn, surface: 'socket', dir: 'out', kind: 'frame', event, thread, run },
      { kind: 'frame', text },
      { n, t: toMicroseconds(at) },
    );
  }

  /**
   * Appends what is known of a question before it leaves: its run, where the asker chose it, as the
   * asker's own, and the act itself. The same lines as {@link append} writes, at one moment.
   */
  appendAsk(origin: FrameOrigin, asked: AskedFields, at: number = this.clock.now()): void {
    const { question, intended } = asked;
    const isOwnRun = asked.run !== undefined;
    if (!this.#accepts(isOwnRun ? 2 : 1)) return;
    const n = this.#next;
    this.#next += isOwnRun ? 2 : 1;
    const marker = textMember('marker', asked.marker);
    const run = textMember('run', asked.run);
    const thread = textMember('thread', asked.thread);
    const begin = this.#begin(origin, n, at);
    const own = isOwnRun ? `${begin}${OWN_RUN}{${run.slice(1)}}}\n` : '';
    const begun = isOwnRun ? this.#begin(origin, n + 1, at) : begin;
    const act = `${marker}${numberMember('question', question)}${run}${thread}${numberMember('intended', intended)}`;
    this.#push(`${own}${begun}${ASKED}${act}}\n`);
    if (this.#listeners.length > 0) this.#tellAsked(origin, asked, { n, t: toMicroseconds(at) });
  }

  /** Waits until everything appended so far is in the file. */
  async flush(): Promise<void> {
    this.#send();
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Writes the last line and closes the file. Nothing can be appended afterwards. */
  async end(reason: TrialEnd['reason']): Promise<void> {
    if (this.#ended) return;
    if (this.#lost > 0)
      this.append({
        user: null,
        conn: null,
        surface: 'harness',
        dir: 'act',
        kind: 'lost',
        count: this.#lost,
      });
    this.#ended = true;
    clearInterval(this.#timer);
    const end: TrialEnd = {
      kind: 'end',
      n: this.#next,
      t: toMicroseconds(this.clock.now()),
      reason,
    };
    this.#push(`${JSON.stringify(end)}\n`);
    this.#send();
    await this.#writing;
    fsyncSync(this.#file);
    closeSync(this.#file);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #tell(
    fields: ObservationFields,
    content: Content | undefined,
    { n, t }: { n: number; t: number },
  ): void {
    const observation: Draft = Object.assign(newDraft(), fields);
    observation.n = n;
    observation.t = t;
    observation.line = n + 2;
    observation.content = content?.text;
    observation.contentKind = content?.kind;
    observation.cut = content?.cut;
    for (const listener of this.#listeners) listener(observation);
  }

  #tellAsked(origin: FrameOrigin, asked: AskedFields, { n, t }: { n: number; t: number }): void {
    const { user, conn } = origin;
    const { question, run, thread, marker, intended } = asked;
    const act = { user, conn, surface: 'harness', dir: 'act', kind: 'act', act: 'ask' } as const;
    const isOwnRun = run !== undefined;
    if (isOwnRun)
      this.#tell(
        {
          user,
          conn,
          surface: 'harness',
          dir: 'act',
          kind: 'identity',
          source: 'ask',
          ids: { run },
        },
        undefined,
        { n, t },
      );
    this.#tell({ ...act, marker, question, run, thread, intended }, undefined, {
      n: isOwnRun ? n + 1 : n,
      t,
    });
  }

  #tellFrame({ origin, decoded, text }: ReceivedFrame, n: number, t: number): void {
    const { event, owner, thread, run, tool, agent, id, sequence, sentAt } = decoded;
    const observation = newDraft();
    observation.n = n;
    observation.line = n + 2;
    observation.t = t;
    observation.user = origin.user;
    observation.conn = origin.conn;
    observation.surface = 'socket';
    observation.dir = 'in';
    observation.kind = 'frame';
    observation.event = event;
    observation.owner = owner;
    observation.thread = thread;
    observation.run = run;
    observation.tool = tool;
    observation.agent = agent;
    observation.id = id;
    observation.sequence = sequence;
    observation.sentAt = sentAt;
    observation.contentKind = 'frame';
    observation.content = text;
    for (const listener of this.#listeners) listener(observation);
  }

  /** How a line of a connection begins. */
  #begin(origin: FrameOrigin, n: number, at: number): string {
    return `{"n":${this.#numbers.text(n)},"t":${this.#times.microseconds(at)}${origin.source}`;
  }

  /** False when nothing more can be taken; what is refused is counted. */
  #accepts(lines: number = 1): boolean {
    if (this.#ended) return false;
    if (this.#collected + this.#inFlight <= PRESSURE_MAX && this.#failure === undefined)
      return true;
    this.#lost += lines;
    return false;
  }

  #sentAt(sentAt: number | undefined): string {
    return sentAt === undefined || !Number.isFinite(sentAt)
      ? ''
      : `,"sentAt":${this.#sentTimes.text(sentAt)}`;
  }

  #pushFrame(head: string, bytes: Buffer): void {
    const most = head.length * BYTES_PER_UNIT_MAX + bytes.length + LINE_END.length;
    if (most > this.#chunk.length - this.#collected) this.#send();
    if (most > this.#chunk.length) {
      this.#enqueue(Buffer.concat([Buffer.from(head), bytes, Buffer.from(LINE_END)]));
      return;
    }
    const chunk = this.#chunk;
    let at = this.#collected;
    at += chunk.write(head, at);
    // The same as `copy`, which makes a view of the bytes first.
    chunk.set(bytes, at);
    at += bytes.length;
    chunk[at] = CLOSING_BRACE;
    chunk[at + 1] = NEWLINE;
    this.#collected = at + 2;
    if (this.#collected >= CHUNK_BYTES) this.#send();
  }

  #push(line: string): void {
    const most = line.length * BYTES_PER_UNIT_MAX;
    if (most > this.#chunk.length - this.#collected) this.#send();
    if (most > this.#chunk.length) {
      this.#enqueue(Buffer.from(line));
      return;
    }
    this.#collected += this.#chunk.write(line, this.#collected);
    if (this.#collected >= CHUNK_BYTES) this.#send();
  }

  /** A full chunk is handed over as it is, and lines go on in another; little is copied out instead. */
  #send(): void {
    if (this.#collected === 0) return;
    const chunk = this.#chunk;
    const bytes = chunk.subarray(0, this.#collected);
    const isFull = this.#collected >= CHUNK_BYTES;
    this.#collected = 0;
    if (!isFull) {
      this.#enqueue(Buffer.from(bytes));
      return;
    }
    this.#chunk = this.#spare ?? Buffer.allocUnsafe(2 * CHUNK_BYTES);
    this.#spare = undefined;
    this.#enqueue(bytes, chunk);
  }

  /** `chunk` is what the bytes are a part of, where it can be filled again once they are written. */
  #enqueue(bytes: Buffer, chunk?: Buffer): void {
    this.#inFlight += bytes.length;
    this.#press();
    this.#writing = this.#writing
      .then(() => this.#writeAll(bytes))
      .catch((error: unknown) => {
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
      })
      .then(() => {
        this.#inFlight -= bytes.length;
        if (chunk !== undefined) this.#spare = chunk;
        this.#press();
      });
  }

  #press(): void {
    const waiting = this.#collected + this.#inFlight;
    if (!this.#pressed && waiting > PRESSURE_HIGH) this.#pressed = true;
    else if (this.#pressed && waiting < PRESSURE_LOW) this.#pressed = false;
    else return;
    this.#onPressure?.(this.#pressed);
  }

  async #writeAll(chunk: Buffer): Promise<void> {
    let from = 0;
    while (from < chunk.length)
      from += await new Promise<number>((resolve, reject) => {
        write(this.#file, chunk, from, chunk.length - from, null, (error, written) => {
          if (error) reject(error);
          else resolve(written);
        });
      });
  }
}
