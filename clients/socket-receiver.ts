import { isUtf8 } from 'node:buffer';
import type { RawData } from 'ws';
import { FrameOrigin } from '../history/journal-writer.ts';
import { textsIn } from '../targets/framing.ts';
import type { DecodedFrame } from '../targets/target.ts';
import type { ClockSamples } from './clock-samples.ts';
import { isPlainLine, lineOf } from './frame-line.ts';
import { recordFurther } from './further-events.ts';
import { isOutsiders, recordMasked, type Receiver } from './outsiders.ts';
import { bytesContentOf, contentOf, type Observer } from './recorder.ts';
import { Message } from './socket-message.ts';
import type { Opening } from './socket-opening.ts';
import type { SocketOwner, SocketSettings } from './socket-settings.ts';

/** The connection that frames come in on, as far as they are answered. */
interface AnsweringConnection {
  readonly isOpen: boolean;
  send(frame: unknown): void;
  samplePing(): void;
}

/** Whose frames they are, and what else the connection knows of its pings. */
interface ReceiverParts {
  readonly settings: SocketSettings;
  readonly owner: SocketOwner;
  readonly observer: Observer;
  readonly samples: ClockSamples;
}

/**
 * What comes in on one connection: stamps every frame with the moment it was read, and records frame, ids
 * and clock samples before anybody else hears of them.
 */
export class SocketReceiver {
  readonly #settings: SocketSettings;
  readonly #owner: SocketOwner;
  readonly #observer: Observer;
  readonly #samples: ClockSamples;
  readonly #connection: AnsweringConnection;
  /** There as long as the connection is being opened. */
  opening: Opening | undefined;
  #eventAt = 0;
  #eventRun: string | undefined;
  /** Made with the first frame: a connection that stays silent needs none. */
  #frameOrigin: FrameOrigin | undefined;

  constructor({ settings, owner, observer, samples }: ReceiverParts, to: AnsweringConnection) {
    this.#settings = settings;
    this.#owner = owner;
    this.#observer = observer;
    this.#samples = samples;
    this.#connection = to;
  }

  /** Stamps a message, and has it recorded and told with others of its turn. */
  receive(data: RawData, isBinary: boolean): void {
    const { recorder, wire } = this.#settings;
    const at = recorder.clock.now();
    const bytes = bytesOf(data);
    const isPlain = wire.framing === undefined || wire.framing === 'json';
    if (isPlain || (isBinary && !isUtf8(bytes))) this.#take({ bytes, isBinary, at });
    else
      for (const text of textsIn(bytes.toString('utf8'), wire.framing))
        this.#take({ bytes: Buffer.from(text), isBinary, at });
  }

  #take(message: Pick<Message, 'bytes' | 'isBinary' | 'at'>): void {
    const { inbox } = this.#settings.recorder;
    inbox.take(new Message(this, message));
    // What the target says while a connection is opened decides what its next message means.
    if (this.opening !== undefined) inbox.deliver();
  }

  /** Writes a message down; the first half of receiving it. */
  record(message: Message): void {
    const { bytes, at } = message;
    if (message.isBinary && !isUtf8(bytes)) {
      this.#recordBytes(bytes, at);
      return;
    }
    message.text = bytes.toString('utf8');
    let frame: unknown;
    try {
      frame = JSON.parse(message.text);
    } catch {
      // Not JSON: the judge calls it malformed, here it is only written down.
      this.#record(undefined, message.text, at);
      return;
    }
    this.#frame(frame, message);
  }

  /** Tells whom it concerns of a message that was recorded. */
  tell({ decoded, further, step, opening, reply, text, at }: Message): void {
    if (reply !== undefined && this.#connection.isOpen) this.#connection.send(reply);
    if (decoded === undefined) {
      this.count(undefined, at);
      return;
    }
    this.#heard(decoded, text, at);
    if (further !== undefined) for (const extra of further) this.#heard(extra, text, at);
    if (opening === undefined) return;
    if (decoded.role === 'error') opening.turnedAway();
    if (step !== undefined) opening.take(step);
  }

  /** The hot path: decode once, record. */
  #frame(frame: unknown, message: Message): void {
    const { at } = message;
    const { recorder, wire } = this.#settings;
    let decoded: DecodedFrame;
    try {
      if (wire.decodeAll === undefined) decoded = wire.decode(frame);
      else [decoded, message.further] = split(wire.decodeAll(frame));
    } catch (error) {
      decoded = this.#undecoded(error);
    }
    message.decoded = decoded;
    if (wire.reply !== undefined) message.reply = this.#replyTo(frame);
    const { opening } = this;
    if (opening !== undefined) {
      message.opening = opening;
      message.step = opening.shakeHands(frame, decoded, at);
    }
    this.#recordEvents(frame, decoded, message);
    const { secrets } = message.step ?? {};
    if (secrets !== undefined) recorder.given(this.#observer, secrets, at);
    if (decoded.role === 'pong') this.#recordSample(decoded, at);
    if (message.further !== undefined) this.#recordFurther(message.further, at);
  }

  #recordEvents(frame: unknown, decoded: DecodedFrame, message: Message): void {
    if (this.#isTheirs(decoded) || this.#isAnyTheirs(message.further))
      recordMasked(this.#settings.recorder, this.#receiver, { frame, decoded, at: message.at });
    else this.#recordFrame(decoded, message);
  }

  #isTheirs(event: DecodedFrame): boolean {
    return isOutsiders(this.#settings.recorder, event, this.#owner.userId);
  }

  #isAnyTheirs(further: readonly DecodedFrame[] | undefined): boolean {
    return further !== undefined && further.some((event) => this.#isTheirs(event));
  }

  #recordFurther(events: readonly DecodedFrame[], at: number): void {
    for (const decoded of events) {
      recordFurther(this.#settings.recorder, this.#receiver, { decoded, at });
      if (decoded.role === 'pong') this.#recordSample(decoded, at);
    }
  }

  #replyTo(frame: unknown): unknown {
    const { recorder, wire } = this.#settings;
    try {
      return wire.reply?.(frame);
    } catch (error) {
      recorder.defect(this.#observer, 'reply', error);
      return undefined;
    }
  }

  #undecoded(error: unknown): DecodedFrame {
    const { recorder } = this.#settings;
    recorder.defect(this.#observer, 'decode', error);
    return { role: 'other' };
  }

  #heard(decoded: DecodedFrame, text: string, at: number): void {
    if (decoded.role === 'pong' && this.#samples.takeNext()) this.#connection.samplePing();
    this.count(decoded, at);
    this.#owner.received(decoded, text, at);
  }

  /** Silence ends with everything but pings, pongs and heartbeats. */
  count(decoded: DecodedFrame | undefined, at: number): void {
    const { quiet, silentEvents } = this.#settings;
    if (decoded !== undefined) {
      if (decoded.role === 'pong' || decoded.role === 'heartbeat') return;
      if (decoded.event !== undefined && silentEvents.has(decoded.event)) return;
      if (decoded.role === 'agent') {
        if (decoded.run !== undefined && decoded.run === this.#eventRun)
          quiet.gap(at - this.#eventAt);
        this.#eventRun = decoded.run;
        this.#eventAt = at;
      }
    }
    quiet.event(at);
  }

  #recordFrame(decoded: DecodedFrame, { text, bytes, at }: Message): void {
    const { recorder } = this.#settings;
    const clean = recorder.redactFrame(text, decoded.event);
    // What was decoded may hold a credential only if the text did.
    if (clean !== text) this.#record(this.#decodedAgain(clean), clean, at);
    else if (isPlainLine(text))
      recorder.journal.appendFrame({ origin: this.origin, decoded, text, bytes }, at);
    else this.#record(decoded, text, at);
  }

  get #receiver(): Receiver {
    return { observer: this.#observer, own: this.#owner.userId };
  }

  get origin(): FrameOrigin {
    this.#frameOrigin ??= new FrameOrigin(this.#observer.user ?? '', this.#observer.conn ?? '');
    return this.#frameOrigin;
  }

  #decodedAgain(text: string): DecodedFrame | undefined {
    try {
      return this.#settings.wire.decode(JSON.parse(text));
    } catch {
      return undefined; // Redaction broke the JSON; the text itself is kept.
    }
  }

  /** `text` is redacted already, or held nothing to redact. */
  #record(decoded: DecodedFrame | undefined, text: string, at: number): void {
    const { journal, vault } = this.#settings.recorder;
    const content =
      decoded === undefined ? contentOf(vault.redact(text), false) : contentOf(text, true);
    journal.append(lineOf(this.#observer, decoded), content, at);
  }

  #recordBytes(bytes: Buffer, at: number): void {
    const { journal, vault } = this.#settings.recorder;
    const content = bytesContentOf(vault.redactBytes(bytes));
    journal.append(lineOf(this.#observer, undefined), content, at);
  }

  /** A pong that answers our ping is a sample of the target's clock. */
  #recordSample(decoded: DecodedFrame, at: number): void {
    const { journal, clock } = this.#settings.recorder;
    const sample = this.#samples.answered(decoded, at, clock);
    if (sample === undefined) return;
    const { rtt, offset } = sample;
    journal.append(
      { ...this.#observer, surface: 'socket', dir: 'act', kind: 'ping', rtt, offset },
      undefined,
      at,
    );
  }
}

function split(all: readonly DecodedFrame[]): [DecodedFrame, readonly DecodedFrame[] | undefined] {
  const [first, ...rest] = all;
  return [first ?? { role: 'other' }, rest.length === 0 ? undefined : rest];
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.from(data);
}
