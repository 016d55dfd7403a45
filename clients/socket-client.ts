import { isUtf8 } from 'node:buffer';
import type { Agent, IncomingMessage } from 'node:http';
import { WebSocket, type RawData } from 'ws';
import { FrameOrigin, type AskedFields } from '../history/journal-writer.ts';
import { messageOf } from '../history/message-of.ts';
import type { ObservationFields, OwnedIds } from '../history/observation.ts';
import { framed, textsIn } from '../targets/framing.ts';
import type {
  AskFrame,
  DecodedFrame,
  Handshake,
  HandshakeStep,
  Question,
  SocketRequest,
  SocketWire,
} from '../targets/target.ts';
import type { Beating, Heartbeats } from './heartbeats.ts';
import type { Arrival } from './inbox.ts';
import { ATTEMPTS_MAX, CAMPAIGN_HEADER, retryAfterMs, upgradeHeaders, USER_AGENT } from './http.ts';
import { isPlainLine, lineOf } from './frame-line.ts';
import { isOutsiders, recordMasked } from './outsiders.ts';
import type { QuietWindow } from './quiet-window.ts';
import {
  CONTENT_CHARACTERS_MAX,
  contentOf,
  toMicroseconds,
  type Observer,
  type Recorder,
} from './recorder.ts';
import { networkReason, StepFailure } from './step-failure.ts';
import { after } from './waiting.ts';

/** Clock samples taken as soon as a connection is ready. */
const SAMPLES_AT_START = 2;
/** After so long without its pong a ping is given up. */
const ANSWER_MS_MAX = 5_000;
/** Bytes of an upgrade's refusal that are read. */
const REFUSAL_BYTES_MAX = 64 * 1024;
const CLOSE_NORMAL = 1000;

/** What the connections of all users of a trial have in common. */
export interface SocketSettings {
  readonly recorder: Recorder;
  readonly wire: SocketWire;
  readonly heartbeats: Heartbeats;
  readonly quiet: QuietWindow;
  /** Event names that do not count for silence. */
  readonly silentEvents: ReadonlySet<string>;
  /** Longest message accepted, bytes. */
  readonly bytesMax: number;
  /** Limit from the first attempt to the end of the target's own handshake, milliseconds. */
  readonly handshakeMsMax: number;
  /** For gateways; sent with every upgrade and never recorded. */
  readonly headers: Readonly<Record<string, string>>;
  /** A proxy's agent, where there is one. */
  readonly agent: Agent | undefined;
  /** Set for a connection that must be refused: then a refusal is an answer, and no failure. */
  readonly purpose?: 'refusal-probe' | undefined;
}

/** Whose connection it is, told of everything that comes in after it was recorded. */
export interface SocketOwner {
  /** The id the target knows this user by. */
  readonly userId: string;
  received(decoded: DecodedFrame, text: string, at: number): void;
  /** The target's handshake showed ids of this user's own. */
  introduced(ids: OwnedIds): void;
  /** The connection is gone. Not called for one that never opened. */
  closed(code: number, by: 'us' | 'them'): void;
}

/** A socket that knows whose it is. */
class OwnedSocket extends WebSocket {
  client: SocketClient | undefined;
  /** Another one has taken its place: how it ends is of no interest. */
  isReplaced = false;
}

/** Lives while a connection is being opened, and is dropped once a question may be asked. */
interface Opening {
  readonly handshake: Handshake;
  readonly resolve: () => void;
  readonly reject: (failure: StepFailure) => void;
  readonly cancelLimit: () => void;
  cancelSettle: (() => void) | undefined;
  readonly request: SocketRequest;
  /** How often it was tried so far. */
  attempts: number;
  cancelRetry: (() => void) | undefined;
  /** What came meanwhile, for whoever has to find out why it was not enough. */
  messages: number;
  hasHeardError: boolean;
  hasBeenReady: boolean;
}

/** A message on its way from the socket to its owner. */
class Message implements Arrival {
  readonly #client: SocketClient;
  readonly bytes: Buffer;
  readonly isBinary: boolean;
  /** When it was read, on the trial's clock. */
  readonly at: number;
  text = '';
  /** Undefined for what is no JSON. */
  decoded: DecodedFrame | undefined;
  further: readonly DecodedFrame[] | undefined;
  opening: Opening | undefined;
  step: HandshakeStep | undefined;
  /** What the target wants back for it at once. */
  reply: unknown;

  constructor(
    client: SocketClient,
    { bytes, isBinary, at }: Pick<Message, 'bytes' | 'isBinary' | 'at'>,
  ) {
    this.#client = client;
    this.bytes = bytes;
    this.isBinary = isBinary;
    this.at = at;
  }

  get size(): number {
    return this.bytes.length;
  }

  record(): void {
    this.#client.record(this);
  }

  tell(): void {
    this.#client.tell(this);
  }
}

/**
 * One WebSocket connection of one user. Listens before it connects, stamps every frame with the moment
 * it was read, and records frame, ids and clock samples before anybody else hears of them.
 */
export class SocketClient implements Beating {
  // All connections share these listeners, and none is ever removed: closures of their own for each of
  // ten thousand connections, and tables that grow and shrink, would take more room than all the rest.
  static readonly #listen = (socket: OwnedSocket): void => {
    // The emitter calls them with the socket as `this`, which is how they find their client.
    /* eslint-disable typescript/unbound-method */
    socket.on('message', SocketClient.#onMessage);
    socket.on('error', SocketClient.#onError);
    socket.on('close', SocketClient.#onClose);
    socket.on('ping', SocketClient.#onControl);
    socket.on('pong', SocketClient.#onControl);
    socket.on('open', SocketClient.#onOpen);
    socket.on('upgrade', SocketClient.#onUpgrade);
    socket.on('unexpected-response', SocketClient.#onRefusal);
    /* eslint-enable typescript/unbound-method */
  };
  static readonly #onMessage = function (this: WebSocket, data: RawData, isBinary: boolean): void {
    clientOf(this).#message(data, isBinary);
  };
  static readonly #onError = function (this: WebSocket, error: Error): void {
    if (!isReplaced(this)) clientOf(this).#error(error);
  };
  static readonly #onClose = function (this: WebSocket, code: number, reason: Buffer): void {
    if (!isReplaced(this)) clientOf(this).#close(code, reason);
  };
  static readonly #onControl = function (this: WebSocket, payload: Buffer): void {
    if (payload.length > 0) clientOf(this).#control(payload);
  };
  static readonly #onOpen = function (this: WebSocket): void {
    clientOf(this).#open();
  };
  static readonly #onUpgrade = function (this: WebSocket, response: IncomingMessage): void {
    clientOf(this).#recordResponse(response, undefined);
  };
  static readonly #onRefusal = function (
    this: WebSocket,
    _request: unknown,
    response: IncomingMessage,
  ): void {
    clientOf(this).#refused(response);
  };

  readonly #settings: SocketSettings;
  readonly #owner: SocketOwner;
  readonly #observer: Observer;
  #socket: WebSocket | undefined;
  #opening: Opening | undefined;
  #ask: ((question: Question) => AskFrame) | undefined;
  #hasOpened = false;
  #closedByUs = false;
  /** The clock sample under way: when its ping left, and the Unix ms it carried. */
  #pingAt = 0;
  #pingUnixMs = 0;
  #samplesLeft = 0;
  #eventAt = 0;
  #eventRun: string | undefined;
  /** Made with the first frame: a connection that stays silent needs none. */
  #frameOrigin: FrameOrigin | undefined;

  /** @param conn Name of the connection, `u03#1`. */
  constructor(settings: SocketSettings, owner: SocketOwner, observer: Observer) {
    this.#settings = settings;
    this.#owner = owner;
    this.#observer = observer;
  }

  /** Name of the connection, `u03#1`. */
  get conn(): string | null {
    return this.#observer.conn;
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /**
   * Opens the connection and goes through the target's handshake. 429 is obeyed as in HTTP, within the limit
   * of a handshake.
   * @param intended when the connection was due, on the trial's clock; its latency counts from here.
   * @throws StepFailure (step `connect` or `handshake`), after recording it.
   */
  connect(request: SocketRequest, handshake: Handshake, intended: number): Promise<void> {
    const { recorder, handshakeMsMax } = this.#settings;
    for (const secret of request.secrets ?? []) recorder.vault.claim(secret);
    return new Promise((resolve, reject) => {
      this.#opening = {
        handshake,
        resolve,
        reject,
        cancelLimit: after(handshakeMsMax, () => this.#tooLate()),
        cancelSettle: undefined,
        request,
        attempts: 1,
        cancelRetry: undefined,
        messages: 0,
        hasHeardError: false,
        hasBeenReady: false,
      };
      this.#start(request, intended);
    });
  }

  #start(request: SocketRequest, intended: number): void {
    const { recorder, bytesMax, agent } = this.#settings;
    this.#recordOpen(request, intended);
    try {
      const socket = new OwnedSocket(request.url, [...request.protocols], {
        perMessageDeflate: false,
        maxPayload: bytesMax,
        headers: {
          ...this.#settings.headers,
          'user-agent': USER_AGENT,
          [CAMPAIGN_HEADER]: recorder.campaignPrefix,
          ...request.headers,
        },
        ...(agent === undefined ? {} : { agent }),
      });
      socket.client = this;
      this.#socket = socket;
      SocketClient.#listen(socket);
    } catch (error) {
      this.#fail(new StepFailure(messageOf(error), { reason: 'error', step: 'connect' }));
    }
  }

  /** The frame that asks on this connection. */
  askFrame(question: Question): AskFrame {
    return this.#ask?.(question) ?? this.#settings.wire.ask(question);
  }

  /**
   * Records a frame and sends it.
   * @throws StepFailure when the connection is not open.
   */
  send(frame: unknown, fields: Pick<ObservationFields, 'run' | 'thread' | 'event'> = {}): void {
    const socket = this.#openSocket();
    const text = JSON.stringify(frame);
    // The journal copies the very bytes that are sent; and what is handed over as bytes leaves in one
    // piece, a text in two.
    const bytes = Buffer.from(text);
    this.#recordSent(text, bytes, fields);
    const { framing } = this.#settings.wire;
    const isPlain = framing === undefined || framing === 'json';
    socket.send(isPlain ? bytes : Buffer.from(framed(frame, framing)), { binary: false });
  }

  /**
   * Records that a question is about to be sent on this connection.
   * @throws StepFailure when the connection is not open: nobody owes an answer to what never left.
   */
  asking(asked: AskedFields): void {
    this.#openSocket();
    this.#settings.recorder.asked(this.#origin(), asked);
  }

  /** Stops reading until {@link resume}: the journal cannot follow. */
  pause(): void {
    if (this.isOpen) this.#socket?.pause();
  }

  resume(): void {
    if (this.#socket?.isPaused === true) this.#socket.resume();
  }

  /** Closes from our side; the `close` line follows when the target agrees. */
  close(code: number = CLOSE_NORMAL, reason = ''): void {
    this.#closedByUs = true;
    this.#socket?.close(code, reason);
    this.#stopRetrying();
  }

  /** Cuts the connection without a closing handshake. */
  terminate(): void {
    this.#closedByUs = true;
    this.#socket?.terminate();
    this.#stopRetrying();
  }

  samplePing(): void {
    const { wire, recorder } = this.#settings;
    if (wire.ping === undefined || !this.isOpen) return;
    const at = recorder.clock.now();
    // Where a pong does not say which ping it answers, there is but one at a time.
    if (this.#pingAt !== 0 && at - this.#pingAt < ANSWER_MS_MAX) return;
    const unixMs = Math.round(recorder.clock.startedAtUnixMs + at);
    this.#pingAt = at;
    this.#pingUnixMs = unixMs;
    this.send(wire.ping(unixMs));
  }

  protocolPing(): void {
    if (this.isOpen) this.#socket?.ping();
  }

  /** @throws StepFailure when nothing can be sent. */
  #openSocket(): WebSocket {
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN) return socket;
    throw new StepFailure('the connection is not open', { reason: 'unexpected-close' });
  }

  #recordSent(
    text: string,
    bytes: Buffer,
    { event, thread, run }: Pick<ObservationFields, 'run' | 'thread' | 'event'>,
  ): void {
    const { journal, vault } = this.#settings.recorder;
    const clean = vault.redact(text);
    if (clean === text && isPlainLine(text)) {
      journal.appendSent(this.#origin(), { event, thread, run, text, bytes });
      return;
    }
    const { user, conn } = this.#observer;
    journal.append(
      { user, conn, surface: 'socket', dir: 'out', kind: 'frame', event, thread, run },
      contentOf(clean, true),
    );
  }

  #recordOpen(request: SocketRequest, intended: number): void {
    const { journal, vault } = this.#settings.recorder;
    const headers: Record<string, string> = { ...request.headers };
    if (request.protocols.length > 0)
      headers['sec-websocket-protocol'] = request.protocols.join(', ');
    journal.append({
      ...this.#observer,
      surface: 'socket',
      dir: 'act',
      kind: 'open',
      intended: toMicroseconds(intended),
      purpose: this.#settings.purpose,
      url: vault.redact(request.url),
      headers: vault.redactHeaders(headers),
    });
  }

  #open(): void {
    this.#hasOpened = true;
    const opening = this.#opening;
    if (opening === undefined) return;
    try {
      const step = opening.handshake.opened?.();
      if (step !== undefined) this.#step(step, opening);
    } catch (error) {
      const message = this.#settings.recorder.defect(this.#observer, 'handshake', error);
      this.#fail(new StepFailure(message, { reason: 'error', step: 'handshake' }));
      this.terminate();
    }
  }

  #message(data: RawData, isBinary: boolean): void {
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
    if (this.#opening !== undefined) inbox.deliver();
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
    if (reply !== undefined && this.isOpen) this.send(reply);
    if (decoded === undefined) {
      this.#count(undefined, at);
      return;
    }
    this.#heard(decoded, text, at);
    if (further !== undefined) for (const extra of further) this.#heard(extra, text, at);
    if (opening === undefined) return;
    if (decoded.role === 'error') this.#turnedAway(opening);
    if (step !== undefined) this.#step(step, opening);
  }

  /** An error before one is let in may be a refusal, and is one to somebody who must be refused. */
  #turnedAway(opening: Opening): void {
    opening.hasHeardError = true;
    if (this.#settings.purpose !== 'refusal-probe') return;
    const details = { reason: 'refused', step: 'handshake' };
    this.#fail(new StepFailure('the target answered the handshake with an error', details));
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
    const opening = this.#opening;
    if (opening !== undefined) {
      opening.messages += 1;
      message.opening = opening;
      message.step = this.#shakeHands(opening, { frame, decoded, at });
    }
    if (isOutsiders(recorder, decoded, this.#owner.userId))
      recordMasked(recorder, { observer: this.#observer }, { frame, decoded, at });
    else this.#recordFrame(decoded, message);
    const { secrets } = message.step ?? {};
    if (secrets !== undefined) recorder.given(this.#observer, secrets, at);
    if (decoded.role === 'pong') this.#recordSample(decoded, at);
    if (message.further !== undefined)
      for (const extra of message.further) this.#recordExtra(extra, at);
  }

  /** A further event of a frame that held several: a line without content. */
  #recordExtra(decoded: DecodedFrame, at: number): void {
    this.#settings.recorder.journal.append(lineOf(this.#observer, decoded), undefined, at);
    if (decoded.role === 'pong') this.#recordSample(decoded, at);
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
    if (decoded.role === 'pong') this.#sampleAgain();
    this.#count(decoded, at);
    this.#owner.received(decoded, text, at);
  }

  /** Silence ends with everything but pings, pongs and heartbeats. */
  #count(decoded: DecodedFrame | undefined, at: number): void {
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
      recorder.journal.appendFrame({ origin: this.#origin(), decoded, text, bytes }, at);
    else this.#record(decoded, text, at);
  }

  #origin(): FrameOrigin {
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
    const base64 = bytes.toString('base64');
    const kept = base64.slice(0, CONTENT_CHARACTERS_MAX);
    const cut = bytes.length - Buffer.byteLength(kept, 'base64');
    this.#settings.recorder.journal.append(
      lineOf(this.#observer, undefined),
      { kind: 'base64', text: kept, cut: cut > 0 ? cut : undefined },
      at,
    );
  }

  /** A pong that answers our ping is a sample of the target's clock. */
  #recordSample(decoded: DecodedFrame, at: number): void {
    if (this.#pingAt === 0) return;
    if (decoded.echoedAt !== undefined && Math.abs(decoded.echoedAt - this.#pingUnixMs) >= 1)
      return;
    const { journal, clock } = this.#settings.recorder;
    const rtt = toMicroseconds(at - this.#pingAt);
    const midpoint = clock.startedAtUnixMs + this.#pingAt + rtt / 2;
    const offset =
      decoded.sentAt === undefined ? undefined : toMicroseconds(decoded.sentAt - midpoint);
    this.#pingAt = 0;
    journal.append(
      { ...this.#observer, surface: 'socket', dir: 'act', kind: 'ping', rtt, offset },
      undefined,
      at,
    );
  }

  #sampleAgain(): void {
    if (this.#samplesLeft === 0 || this.#pingAt !== 0) return;
    this.#samplesLeft -= 1;
    this.samplePing();
  }

  /** Own ids that a handshake shows are written down before the frame that shows them. */
  #shakeHands(
    opening: Opening,
    { frame, decoded, at }: { frame: unknown; decoded: DecodedFrame; at: number },
  ): HandshakeStep | undefined {
    const { recorder } = this.#settings;
    try {
      const step = opening.handshake.receive(frame, decoded);
      const { ids, shown } = step;
      if (ids !== undefined || shown !== undefined)
        recorder.identity(this.#observer, { source: 'handshake', ids, shown }, at);
      if (ids !== undefined) this.#owner.introduced(ids);
      return step;
    } catch (error) {
      recorder.defect(this.#observer, 'handshake', error);
      return undefined;
    }
  }

  #step(step: HandshakeStep, opening: Opening): void {
    if (this.#opening !== opening) return;
    for (const frame of step.send ?? []) if (this.isOpen) this.send(frame);
    if (step.state === 'waiting') {
      opening.cancelSettle?.();
      opening.cancelSettle = undefined;
      return;
    }
    opening.hasBeenReady = true;
    if ((step.settleMs ?? 0) === 0) this.#ready(opening);
    else opening.cancelSettle ??= after(step.settleMs ?? 0, () => this.#ready(opening));
  }

  #ready(opening: Opening): void {
    if (!this.#endOpening(opening)) return;
    const { heartbeats } = this.#settings;
    const ask = opening.handshake.ask?.bind(opening.handshake);
    this.#ask = ask;
    heartbeats.add(this);
    this.#samplesLeft = SAMPLES_AT_START - 1;
    this.samplePing();
    opening.resolve();
  }

  #endOpening(opening: Opening): boolean {
    if (this.#opening !== opening) return false;
    this.#opening = undefined;
    opening.cancelLimit();
    opening.cancelSettle?.();
    opening.cancelRetry?.();
    return true;
  }

  /** Ends an opening that will not succeed; whatever the socket still does is expected from here. */
  #fail(failure: StepFailure): void {
    const opening = this.#opening;
    if (opening === undefined || !this.#endOpening(opening)) return;
    const { reason, message, unreachable } = failure;
    const step = failure.step ?? 'connect';
    if (this.#settings.purpose === undefined)
      this.#settings.recorder.failure(this.#observer, { step, reason, message, unreachable });
    failure.recorded = true;
    opening.reject(failure);
  }

  #tooLate(): void {
    const step = this.#hasOpened ? 'handshake' : 'connect';
    const { handshakeMsMax } = this.#settings;
    const why = this.#opening === undefined ? '' : whyNotReady(this.#opening, step);
    this.#fail(
      new StepFailure(`not ready within ${handshakeMsMax} ms${why}`, { reason: 'timeout', step }),
    );
    if (step === 'connect') this.terminate();
  }

  #refused(response: IncomingMessage): void {
    const chunks: Buffer[] = [];
    let length = 0;
    let over = false;
    const finish = (): void => {
      if (over) return;
      over = true;
      this.#recordResponse(response, Buffer.concat(chunks).toString('utf8'));
      const status = response.statusCode ?? 0;
      if (status === 429 && this.#tryAgainAfter(retryAfterMs(response.headers['retry-after'])))
        return;
      this.#fail(
        new StepFailure(`the upgrade was answered with status ${status}`, {
          reason: `status ${status}`,
          step: 'connect',
        }),
      );
      this.terminate();
    };
    response.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= REFUSAL_BYTES_MAX) chunks.push(chunk);
      else finish();
    });
    response.once('end', finish);
    response.once('error', finish);
    response.once('close', finish);
  }

  /** False where it is not to be tried again: who must be refused has been. */
  #tryAgainAfter(ms: number): boolean {
    const opening = this.#opening;
    const socket = this.#socket;
    if (opening === undefined || !(socket instanceof OwnedSocket)) return false;
    if (opening.attempts === ATTEMPTS_MAX || this.#settings.purpose !== undefined) return false;
    opening.attempts += 1;
    socket.isReplaced = true;
    socket.terminate();
    opening.cancelRetry = after(ms, () =>
      this.#start(opening.request, this.#settings.recorder.clock.now()),
    );
    return true;
  }

  /** A socket that is still to be made tells of no end. */
  #stopRetrying(): void {
    const isWaiting = this.#socket !== undefined && isReplaced(this.#socket);
    if (isWaiting)
      this.#fail(new StepFailure('closed while connecting', { reason: 'reset', step: 'connect' }));
  }

  /** The target's answer to the upgrade: its headers can hold another user's data like any other. */
  #recordResponse(response: IncomingMessage, body: string | undefined): void {
    const { journal, vault } = this.#settings.recorder;
    journal.append(
      {
        ...this.#observer,
        surface: 'http',
        dir: 'in',
        kind: 'response',
        method: 'GET',
        status: response.statusCode,
        purpose: this.#settings.purpose,
        headers: vault.redactHeaders(upgradeHeaders(response)),
      },
      body === undefined || body === '' ? undefined : contentOf(vault.redact(body), isJson(body)),
    );
  }

  #error(error: Error): void {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    if (!this.#hasOpened) {
      const late = error.message.includes('timed out');
      const network = networkReason(error);
      this.#fail(
        new StepFailure(messageOf(error), {
          ...network,
          reason: late ? 'timeout' : network.reason,
          step: 'connect',
        }),
      );
      return;
    }
    if (!code.startsWith('WS_ERR_')) return;
    // A message that could not be read as one: the line says so, and the connection closes.
    this.#closedByUs = true;
    const at = this.#settings.recorder.clock.now();
    this.#settings.recorder.journal.append(
      { ...lineOf(this.#observer, undefined), reason: code, cut: 0 },
      undefined,
      at,
    );
    this.#count(undefined, at);
  }

  /** A ping or pong is no message, but what it carries has been received all the same. */
  #control(payload: Buffer): void {
    const { journal, vault } = this.#settings.recorder;
    journal.append(
      { ...this.#observer, surface: 'socket', dir: 'in', kind: 'ping' },
      contentOf(vault.redact(payload.toString('utf8')), false),
    );
  }

  #close(code: number, reasonBytes: Buffer): void {
    this.#settings.recorder.inbox.deliver();
    this.#settings.heartbeats.remove(this);
    if (!this.#hasOpened) {
      this.#fail(new StepFailure('closed while connecting', { reason: 'reset', step: 'connect' }));
      return;
    }
    const by = this.#closedByUs ? 'us' : 'them';
    const { journal, vault } = this.#settings.recorder;
    const reason = vault.redact(reasonBytes.toString('utf8'));
    journal.append({
      ...this.#observer,
      surface: 'socket',
      dir: by === 'us' ? 'act' : 'in',
      kind: 'close',
      code,
      reason: reason === '' ? undefined : reason,
      by,
      purpose: this.#settings.purpose,
    });
    this.#fail(
      new StepFailure(`closed with ${code} before the handshake was over`, {
        reason: 'unexpected-close',
        step: 'handshake',
      }),
    );
    this.#owner.closed(code, by);
  }
}

function isReplaced(socket: WebSocket): boolean {
  return socket instanceof OwnedSocket && socket.isReplaced;
}

function clientOf(socket: WebSocket): SocketClient {
  // Called for every message; `assert` would gather its arguments first.
  if (socket instanceof OwnedSocket && socket.client !== undefined) return socket.client;
  throw new TypeError('a socket that belongs to no client');
}

/** What is behind a handshake that was never over: the target's silence, its refusal, or the profile. */
function whyNotReady(opening: Opening, step: 'connect' | 'handshake'): string {
  const { attempts, messages, hasHeardError, hasBeenReady } = opening;
  if (step === 'connect') return attempts > 1 ? ': the upgrade was answered with status 429' : '';
  if (messages === 0) return ': no message came that could be read';
  if (hasHeardError) return ': the target answered with an error';
  return hasBeenReady
    ? ": the profile's handshake was ready, and went back to waiting with a message after that"
    : `: the profile's handshake went on waiting after ${messages} message${messages === 1 ? '' : 's'}`;
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

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // An error page, or nothing.
  }
}
