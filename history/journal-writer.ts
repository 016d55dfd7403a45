import { closeSync, fsyncSync, mkdirSync, openSync, write, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from './clock.ts';
import {
  inOnePiece,
  lastingBytes,
  LinePen,
  NameMembers,
  NUMBER_BYTES_MAX,
  quoted,
  roomOfRaw,
  roomOfText,
} from './line-pen.ts';
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
/** What is collected is written at the latest after this, so that a killed process loses little. */
const FLUSH_EVERY_MS = 200;
/** Unwritten bytes above which readers of sockets must pause, and below which they go on. */
const PRESSURE_HIGH = 64 * 1024 * 1024;
const PRESSURE_LOW = 8 * 1024 * 1024;
/** Unwritten bytes at which observations are given up (and counted): the disk stands still. */
const PRESSURE_MAX = 512 * 1024 * 1024;

const LINE_END = lastingBytes('}\n');
const NUMBER = lastingBytes('{"n":');
const TIME = lastingBytes(',"t":');
const SENT = lastingBytes(',"surface":"socket","dir":"out","kind":"frame"');
const ASKED = lastingBytes(',"surface":"harness","dir":"act","kind":"act","act":"ask"');
const OWN_RUN = lastingBytes(
  ',"surface":"harness","dir":"act","kind":"identity","source":"ask","ids":{"run":',
);
const THREAD = lastingBytes(',"thread":');
const RUN = lastingBytes(',"run":');
const ID = lastingBytes(',"id":');
const SEQUENCE = lastingBytes(',"sequence":');
const SENT_AT = lastingBytes(',"sentAt":');
const MARKER = lastingBytes(',"marker":');
const QUESTION = lastingBytes(',"question":');
const INTENDED = lastingBytes(',"intended":');
const FRAME = lastingBytes(',"frame":');
const CLOSING_BRACE = lastingBytes('}');

/** What the fixed members of one line, their numbers included, take at most. */
const FIXED_BYTES_MAX = 512;
/** How a line begins: its number and its time. */
const BEGIN_BYTES_MAX = NUMBER.length + TIME.length + 2 * NUMBER_BYTES_MAX;

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
 * id, so these are put together once.
 */
export class FrameOrigin {
  readonly user: string;
  readonly conn: string;
  /** The members that say who observed, as they stand in a line. */
  readonly source: string;
  /** The same and those that every received frame has. */
  readonly received: Uint8Array;
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
    this.received = lastingBytes(`${this.source},"surface":"socket","dir":"in","kind":"frame"`);
  }

  /** The members `owner`, `thread` and `run`. */
  idMembers({ owner, thread, run }: DecodedFields): string {
    if (run !== this.#run || owner !== this.#owner || thread !== this.#thread) {
      this.#owner = owner;
      this.#thread = thread;
      this.#run = run;
      this.#idMembers = inOnePiece([
        member('owner', owner),
        member('thread', thread),
        member('run', run),
      ]);
    }
    return this.#idMembers;
  }

  toolMember(tool: string | undefined): string {
    if (tool !== this.#tool) {
      this.#tool = tool;
      this.#toolMember = inOnePiece([member('tool', tool)]);
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

function nameMember(key: 'user' | 'conn', value: string | null): string {
  return value === null ? `,"${key}":null` : `,"${key}":${quoted(value)}`;
}

/** The content last, a frame spliced in as it came. */
function contentMember({ kind, text, cut }: Content): string {
  const left = cut === undefined ? '' : `,"cut":${cut}`;
  return kind === 'frame' ? `${left},"frame":${text}` : `${left},"${kind}":${JSON.stringify(text)}`;
}

/** Room for the texts of decoded fields. */
function roomOfFields(fields: DecodedFields): number {
  return (
    roomOfText(fields.event) +
    roomOfText(fields.owner) +
    roomOfText(fields.thread) +
    roomOfText(fields.run) +
    roomOfText(fields.tool) +
    roomOfText(fields.agent) +
    roomOfText(fields.id)
  );
}

/** A connection's line as listeners are told of it: an act of the harness, until more is said. */
function draftOf(origin: FrameOrigin, n: number, at: number): Draft {
  const observation = newDraft();
  observation.n = n;
  observation.line = n + 2;
  observation.t = toMicroseconds(at);
  observation.user = origin.user;
  observation.conn = origin.conn;
  return observation;
}

/** How a line begins. */
function begin(pen: LinePen, n: number, at: number): void {
  pen.put(NUMBER);
  pen.value(n);
  pen.put(TIME);
  pen.microseconds(at);
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
  readonly header: TrialHeader;
  readonly #file: number;
  readonly #onPressure: ((high: boolean) => void) | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #listeners: ((observation: Observation) => void)[] = [];
  /** Writes lines into one buffer as they come: cheaper than joining texts first. */
  readonly #pen = new LinePen(Buffer.allocUnsafe(2 * CHUNK_BYTES));
  readonly #events = new NameMembers('event');
  readonly #agents = new NameMembers('agent');
  /** A chunk that was written and can be filled again. */
  #spare: Buffer | undefined;
  #inFlight = 0;
  #writing: Promise<void> = Promise.resolve();
  #next = 0;
  #lost = 0;
  #pressed = false;
  #ended = false;
  #first: (() => void) | undefined;
  #failure: Error | undefined;

  constructor(options: JournalOptions) {
    this.clock = options.clock;
    this.path = options.path;
    this.header = options.header;
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
   * Has lines about what happened before now written first: `earlier` is called, once, before the next
   * line, flush or end, and appends them. Undefined: nothing waits any more.
   */
  letFirst(earlier: (() => void) | undefined): void {
    this.#first = earlier;
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
    let rest = `${nameMember('user', fields.user)}${nameMember('conn', fields.conn)},"surface":"${fields.surface}","dir":"${fields.dir}","kind":"${fields.kind}"`;
    for (const key in fields) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a key of the object itself
      const value = fields[key as keyof ObservationFields];
      if (value === undefined || isLeading(key)) continue;
      rest += member(key, value);
    }
    if (content !== undefined) rest += contentMember(content);
    const pen = this.#penFor(BEGIN_BYTES_MAX + roomOfRaw(rest) + LINE_END.length);
    begin(pen, n, at);
    pen.raw(rest);
    pen.put(LINE_END);
    this.#written(pen);
    if (this.#listeners.length > 0) this.#tell(fields, content, { n, t });
  }

  /**
   * Appends a received frame: the same line as {@link append} writes, by the shortest way. Its bytes are
   * copied as they came and never made into text again.
   */
  appendFrame(frame: ReceivedFrame, at: number): void {
    if (!this.#accepts()) return;
    const { origin, decoded, bytes } = frame;
    const n = this.#next;
    this.#next += 1;
    const room = FIXED_BYTES_MAX + roomOfRaw(origin.source) + roomOfFields(decoded) + bytes.length;
    const pen = this.#penFor(room);
    begin(pen, n, at);
    pen.put(origin.received);
    pen.put(this.#events.of(decoded.event));
    pen.raw(origin.idMembers(decoded));
    if (decoded.tool !== undefined) pen.raw(origin.toolMember(decoded.tool));
    pen.put(this.#agents.of(decoded.agent));
    pen.text(ID, decoded.id);
    pen.number(SEQUENCE, decoded.sequence);
    pen.number(SENT_AT, decoded.sentAt);
    pen.put(FRAME);
    pen.put(bytes);
    pen.put(LINE_END);
    this.#written(pen);
    if (this.#listeners.length > 0) this.#tellFrame(frame, n, at);
  }

  /** Appends a frame that is being sent: the same line as {@link append} writes, by the shortest way. */
  appendSent(origin: FrameOrigin, frame: SentFrame, at: number = this.clock.now()): void {
    if (!this.#accepts()) return;
    const { event, thread, run, text, bytes } = frame;
    const n = this.#next;
    this.#next += 1;
    const room = FIXED_BYTES_MAX + roomOfRaw(origin.source) + roomOfFields(frame) + bytes.length;
    const pen = this.#penFor(room);
    begin(pen, n, at);
    pen.raw(origin.source);
    pen.put(SENT);
    pen.put(this.#events.of(event));
    pen.text(THREAD, thread);
    pen.text(RUN, run);
    pen.put(FRAME);
    pen.put(bytes);
    pen.put(LINE_END);
    this.#written(pen);
    if (this.#listeners.length === 0) return;
    const observation = draftOf(origin, n, at);
    observation.surface = 'socket';
    observation.dir = 'out';
    observation.kind = 'frame';
    observation.event = event;
    observation.thread = thread;
    observation.run = run;
    observation.contentKind = 'frame';
    observation.content = text;
    this.#hand(observation);
  }

  /**
   * Appends what is known of a question before it leaves: its run, where the asker chose it, as the
   * asker's own, and the act itself. The same lines as {@link append} writes, at one moment.
   */
  appendAsk(origin: FrameOrigin, asked: AskedFields, at: number = this.clock.now()): void {
    const { question, intended, marker, thread, run } = asked;
    if (!this.#accepts(run === undefined ? 1 : 2)) return;
    const n = this.#next;
    const line = FIXED_BYTES_MAX + roomOfRaw(origin.source) + roomOfText(run);
    const pen = this.#penFor(2 * line + roomOfText(marker) + roomOfText(thread));
    if (run !== undefined) {
      begin(pen, this.#next, at);
      pen.raw(origin.source);
      pen.put(OWN_RUN);
      pen.quoted(run);
      pen.put(CLOSING_BRACE);
      pen.put(LINE_END);
      this.#next += 1;
    }
    begin(pen, this.#next, at);
    pen.raw(origin.source);
    this.#next += 1;
    pen.put(ASKED);
    pen.text(MARKER, marker);
    pen.number(QUESTION, question);
    pen.text(RUN, run);
    pen.text(THREAD, thread);
    pen.number(INTENDED, intended);
    pen.put(LINE_END);
    this.#written(pen);
    if (this.#listeners.length > 0) this.#tellAsked(origin, asked, { n, at });
  }

  /** Waits until everything appended so far is in the file. */
  async flush(): Promise<void> {
    this.#writeFirst();
    this.#send();
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Writes the last line and closes the file. Nothing can be appended afterwards. */
  async end(reason: TrialEnd['reason']): Promise<void> {
    if (this.#ended) return;
    this.#writeFirst();
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
    const line = `${JSON.stringify(end)}\n`;
    const pen = this.#penFor(roomOfRaw(line));
    pen.raw(line);
    this.#written(pen);
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
    this.#hand(observation);
  }

  #tellAsked(origin: FrameOrigin, asked: AskedFields, { n, at }: { n: number; at: number }): void {
    const { question, run, thread, marker, intended } = asked;
    if (run !== undefined) {
      const own = draftOf(origin, n, at);
      own.kind = 'identity';
      own.source = 'ask';
      own.ids = { run };
      this.#hand(own);
    }
    const act = draftOf(origin, run === undefined ? n : n + 1, at);
    act.act = 'ask';
    act.marker = marker;
    act.question = question;
    act.run = run;
    act.thread = thread;
    act.intended = intended;
    this.#hand(act);
  }

  #tellFrame({ origin, decoded, text }: ReceivedFrame, n: number, at: number): void {
    const { event, owner, thread, run, tool, agent, id, sequence, sentAt } = decoded;
    const observation = draftOf(origin, n, at);
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
    this.#hand(observation);
  }

  #hand(observation: Observation): void {
    for (const listener of this.#listeners) listener(observation);
  }

  #writeFirst(): void {
    const earlier = this.#first;
    this.#first = undefined;
    earlier?.();
  }

  /** False when nothing more can be taken; what is refused is counted. */
  #accepts(lines: number = 1): boolean {
    if (this.#first !== undefined) this.#writeFirst();
    if (this.#ended) return false;
    if (this.#pen.at + this.#inFlight <= PRESSURE_MAX && this.#failure === undefined) return true;
    this.#lost += lines;
    return false;
  }

  /** A pen with room for so many bytes: into the chunk, or for what is longer than a chunk by itself. */
  #penFor(room: number): LinePen {
    const pen = this.#pen;
    if (room <= pen.bytes.length - pen.at) return pen;
    this.#send();
    return room <= pen.bytes.length ? pen : new LinePen(Buffer.allocUnsafe(room));
  }

  #written(pen: LinePen): void {
    if (pen !== this.#pen) this.#enqueue(pen.bytes.subarray(0, pen.at));
    else if (pen.at >= CHUNK_BYTES) this.#send();
  }

  /** A full chunk is handed over as it is, and lines go on in another; little is copied out instead. */
  #send(): void {
    const pen = this.#pen;
    if (pen.at === 0) return;
    const chunk = pen.bytes;
    const bytes = chunk.subarray(0, pen.at);
    const isFull = pen.at >= CHUNK_BYTES;
    pen.at = 0;
    if (!isFull) {
      this.#enqueue(Buffer.from(bytes));
      return;
    }
    pen.bytes = this.#spare ?? Buffer.allocUnsafe(2 * CHUNK_BYTES);
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
    const waiting = this.#pen.at + this.#inFlight;
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
