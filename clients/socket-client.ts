import type { IncomingMessage } from 'node:http';
import { WebSocket, type RawData } from 'ws';
import type { AskedFields } from '../history/journal-writer.ts';
import { messageOf } from '../history/message-of.ts';
import type { ObservationFields } from '../history/observation.ts';
import { framed } from '../targets/framing.ts';
import { leadingTo } from '../targets/redirect.ts';
import type { AskFrame, Handshake, Question, SocketRequest } from '../targets/target.ts';
import { ClockSamples } from './clock-samples.ts';
import { isPlainLine, lineOf } from './frame-line.ts';
import type { Beating } from './heartbeats.ts';
import { CAMPAIGN_HEADER, retryAfterMs, USER_AGENT } from './http.ts';
import { contentOf, type Observer } from './recorder.ts';
import { recordClose, recordControl, recordOpen, recordUpgradeAnswer } from './socket-lines.ts';
import { Opening, type OpeningConnection } from './socket-opening.ts';
import { SocketReceiver } from './socket-receiver.ts';
import type { SocketOwner, SocketSettings } from './socket-settings.ts';
import { networkReason, StepFailure } from './step-failure.ts';
import { readRefusal } from './upgrade-refusal.ts';

const CLOSE_NORMAL = 1000;

/** A socket that knows whose it is. */
class OwnedSocket extends WebSocket {
  client: SocketClient | undefined;
  receiver: SocketReceiver | undefined;
  /** Another one has taken its place: how it ends is of no interest. */
  isReplaced = false;
}

/**
 * One WebSocket connection of one user, from its opening to its end. Listens before it connects; what comes
 * in is read by its receiver.
 */
export class SocketClient implements Beating, OpeningConnection {
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
    receiverOf(this).receive(data, isBinary);
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
    clientOf(this).#upgraded(response);
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
  readonly #samples = new ClockSamples();
  readonly #receiver: SocketReceiver;
  #socket: WebSocket | undefined;
  #ask: ((question: Question) => AskFrame) | undefined;
  #hasOpened = false;
  #closedByUs = false;

  /** @param conn Name of the connection, `u03#1`. */
  constructor(settings: SocketSettings, owner: SocketOwner, observer: Observer) {
    this.#settings = settings;
    this.#owner = owner;
    this.#observer = observer;
    const parts = { settings, owner, observer, samples: this.#samples };
    this.#receiver = new SocketReceiver(parts, this);
  }

  /** Name of the connection, `u03#1`. */
  get conn(): string | null {
    return this.#observer.conn;
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  get hasOpened(): boolean {
    return this.#hasOpened;
  }

  /**
   * Opens the connection and goes through the target's handshake. 429 is obeyed as in HTTP, within the limit
   * of a handshake.
   * @param intended when the connection was due, on the trial's clock; its latency counts from here.
   * @throws StepFailure (step `connect` or `handshake`), after recording it.
   */
  connect(request: SocketRequest, handshake: Handshake, intended: number): Promise<void> {
    const { recorder } = this.#settings;
    for (const secret of request.secrets ?? []) recorder.vault.claim(secret);
    const [settings, owner, observer] = [this.#settings, this.#owner, this.#observer];
    return new Promise((resolve, reject) => {
      const parts = { settings, owner, observer, request, handshake, resolve, reject };
      this.#receiver.opening = new Opening(parts, this);
      this.start(request, intended);
    });
  }

  /** One attempt to open it. */
  start(request: SocketRequest, intended: number): void {
    const { recorder, bytesMax, agent } = this.#settings;
    recordOpen(this.#settings, this.#observer, { request, intended });
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
      socket.receiver = this.#receiver;
      this.#socket = socket;
      SocketClient.#listen(socket);
    } catch (error) {
      this.#fail(new StepFailure(messageOf(error), { reason: 'error', step: 'connect' }));
    }
  }

  settled(): void {
    this.#receiver.opening = undefined;
  }

  ready(handshake: Handshake): void {
    this.#ask = handshake.ask?.bind(handshake);
    this.#settings.heartbeats.add(this);
    this.#samples.begin();
    this.samplePing();
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
    this.#settings.recorder.asked(this.#receiver.origin, asked);
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
    const unixMs = this.#samples.next(recorder.clock);
    if (unixMs !== undefined) this.send(wire.ping(unixMs));
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
    const clean = vault.redact(text, 'out');
    if (clean === text && isPlainLine(text)) {
      journal.appendSent(this.#receiver.origin, { event, thread, run, text, bytes });
      return;
    }
    const { user, conn } = this.#observer;
    journal.append(
      { user, conn, surface: 'socket', dir: 'out', kind: 'frame', event, thread, run },
      contentOf(clean, true),
    );
  }

  #open(): void {
    this.#hasOpened = true;
    this.#receiver.opening?.opened();
  }

  /** Whoever is being opened is told that it will not be. */
  #fail(failure: StepFailure): void {
    this.#receiver.opening?.fail(failure);
  }

  #upgraded(response: IncomingMessage): void {
    recordUpgradeAnswer(this.#settings, this.#observer, { response });
  }

  #refused(response: IncomingMessage): void {
    readRefusal(response, (body) => {
      recordUpgradeAnswer(this.#settings, this.#observer, { response, body });
      const status = response.statusCode ?? 0;
      if (status === 429 && this.#tryAgainAfter(retryAfterMs(response.headers['retry-after'])))
        return;
      const redirect = leadingTo(status, response.headers.location);
      this.#fail(
        new StepFailure(`the upgrade was answered with status ${status}${redirect}`, {
          reason: `status ${status}`,
          step: 'connect',
        }),
      );
      this.terminate();
    });
  }

  /** False where it is not to be tried again. */
  #tryAgainAfter(ms: number): boolean {
    const { opening } = this.#receiver;
    const socket = this.#socket;
    if (opening?.mayRetry() !== true || !(socket instanceof OwnedSocket)) return false;
    socket.isReplaced = true;
    socket.terminate();
    opening.retryAfter(ms);
    return true;
  }

  /** A socket that is still to be made tells of no end. */
  #stopRetrying(): void {
    const isWaiting = this.#socket !== undefined && isReplaced(this.#socket);
    if (isWaiting)
      this.#fail(new StepFailure('closed while connecting', { reason: 'reset', step: 'connect' }));
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
    this.#receiver.count(undefined, at);
  }

  #control(payload: Buffer): void {
    recordControl(this.#settings, this.#observer, payload);
  }

  #close(code: number, reason: Buffer): void {
    this.#settings.recorder.inbox.deliver();
    this.#settings.heartbeats.remove(this);
    if (!this.#hasOpened) {
      this.#fail(new StepFailure('closed while connecting', { reason: 'reset', step: 'connect' }));
      return;
    }
    const by = this.#closedByUs ? 'us' : 'them';
    recordClose(this.#settings, this.#observer, { code, reason, by });
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
  if (socket instanceof OwnedSocket && socket.client !== undefined) return socket.client;
  throw new TypeError('a socket that belongs to no client');
}

function receiverOf(socket: WebSocket): SocketReceiver {
  // Called for every message; `assert` would gather its arguments first.
  if (socket instanceof OwnedSocket && socket.receiver !== undefined) return socket.receiver;
  throw new TypeError('a socket that belongs to no client');
}
