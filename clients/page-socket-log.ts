import { isUtf8 } from 'node:buffer';
import { FrameOrigin, type Content } from '../history/journal-writer.ts';
import { textsIn } from '../targets/framing.ts';
import type {
  DecodedFrame,
  Handshake,
  HandshakeStep,
  PageWire,
  SocketWire,
} from '../targets/target.ts';
import type { PageOwner } from './browser-parts.ts';
import { isPlainLine, lineOf } from './frame-line.ts';
import { recordFurther } from './further-events.ts';
import { isOutsiders, recordMasked } from './outsiders.ts';
import type { DevToolsChannel } from './page-channel.ts';
import type { StreamedBlock } from './page-event-stream.ts';
import type { PagePen } from './page-pen.ts';
import type { Headers, SocketFrame } from './page-protocol.ts';
import type { SecondWitness } from './page-second-witness.ts';
import { SocketCloses, type CloseSeen } from './page-socket-closes.ts';
import type { QuietWindow } from './quiet-window.ts';
import { bytesContentOf, contentOf, toMicroseconds, type Observer } from './recorder.ts';

const BINARY = 2;
/** No status code came with the close (RFC 6455 §7.4.1), or nobody could see which. */
const CLOSE_WITHOUT_CODE = 1005;
const CLOSE_ABNORMAL = 1006;
const CLOSE_NORMAL = 1000;
/** An echo of a ping that took longer says nothing about the target's clock. */
const PING_MS_MAX = 10_000;
/** Kinds of targets whose sockets Playwright sees, too. */
const WITNESSED: ReadonlySet<string> = new Set(['page', 'iframe', 'worker']);

/** What reading the sockets of a page needs to know. */
export interface SocketLogSettings {
  readonly wire: Pick<SocketWire, 'decode' | 'decodeAll' | 'framing'>;
  /** A fresh handshake for a connection that the owner's page opens; undefined: not known yet. */
  readonly handshake?: ((owner: PageOwner) => Handshake | undefined) | undefined;
  /** What a frame that the page sent asks; see {@link PageWire.asked}. */
  readonly asked?: PageWire['asked'] | undefined;
  /** Whether agent events come in streams and not on sockets: then `wire` is of those. */
  readonly streams?: boolean | undefined;
  readonly quiet: QuietWindow;
  readonly silentEvents: ReadonlySet<string>;
  /** Longest frame that is kept whole, bytes. */
  readonly bytesMax: number;
}

/** One socket of a page, or one stream of events. */
interface PageSocket {
  readonly url: string;
  readonly surface: 'socket' | 'sse';
  /** Of a stream: it is the reply to the request that asked. */
  isReply: boolean;
  readonly createdAt: number;
  /** Who receives on it. */
  observer: Observer;
  /** Who opened it, under the name that it has in the record of its beginning and end. */
  opener: Observer;
  origin: FrameOrigin | undefined;
  handshake: Handshake | undefined;
  /** After this moment frames are no part of the handshake any more. */
  handshakeUntil: number;
  hasOpened: boolean;
  isRecorded: boolean;
  eventRun: string | undefined;
  eventAt: number;
}

/** How a connection ended, as its line says it. */
interface CloseFacts {
  readonly code: number;
  readonly reason: string | undefined;
  readonly by: 'us' | 'them';
  readonly at: number;
}

/** Where a stream of events comes from. */
export interface StreamFacts {
  readonly url: string;
  /** When it began to come. */
  readonly at: number;
  readonly isEventSource: boolean;
  /** It is the reply to the request that asked. */
  readonly isReply: boolean;
}

/** How a stream ended. */
export interface StreamEnding {
  readonly at: number;
  /** It broke off. */
  readonly error?: string | undefined;
  /** The page wanted no more of it, or was left. */
  readonly byPage: boolean;
}

/** Takes in one stream of events. */
export interface PageStream {
  take(block: StreamedBlock, at: number): void;
  end(ending: StreamEnding): void;
}

/** Records the sockets of all pages and workers of one browser profile as a raw user records its own. */
export class PageSocketLog {
  readonly #settings: SocketLogSettings;
  readonly #pen: PagePen;
  readonly #closes = new SocketCloses();
  readonly #witness: SecondWitness;
  readonly #streams = new Map<DevToolsChannel, Set<PageStream>>();
  readonly #open = new Set<PageSocket>();
  #isStopped = false;

  constructor(settings: SocketLogSettings, pen: PagePen, witness: SecondWitness) {
    this.#settings = settings;
    this.#pen = pen;
    this.#witness = witness;
  }

  /** Listens to the sockets of one target. */
  attach(channel: DevToolsChannel): void {
    const sockets = new Map<string, PageSocket>();
    channel.on('Network.webSocketCreated', ({ requestId, url }) => {
      sockets.set(requestId, this.#made(url));
      if (WITNESSED.has(channel.target.type)) this.#witness.sawSocket(url);
    });
    channel.on('Network.webSocketWillSendHandshakeRequest', (event) => {
      this.#pen.tie(event.timestamp, event.wallTime);
      const socket = this.#socketOf(sockets, event.requestId, channel);
      this.#recordOpen(socket, this.#pen.at(event.timestamp), event.request.headers);
    });
    channel.on(
      'Network.webSocketHandshakeResponseReceived',
      ({ requestId, timestamp, response }) => {
        const socket = this.#socketOf(sockets, requestId, channel);
        socket.hasOpened = response.status === 101;
        this.#recordResponse(socket, response, this.#pen.at(timestamp));
      },
    );
    channel.on('Network.webSocketFrameReceived', (event) => {
      let socket = sockets.get(event.requestId);
      if (socket === undefined) {
        socket = this.#socketOf(sockets, event.requestId, channel);
        this.#pen.blind(
          'socket',
          `a socket of a ${channel.target.type} was open before it was seen`,
        );
      }
      this.#received(socket, event);
    });
    channel.on('Network.webSocketFrameSent', (event) => {
      this.#sent(this.#socketOf(sockets, event.requestId, channel), event);
    });
    channel.on('Network.webSocketFrameError', ({ requestId, timestamp, errorMessage }) => {
      const socket = this.#socketOf(sockets, requestId, channel);
      this.#failed(socket, errorMessage, this.#pen.at(timestamp));
    });
    channel.on('Network.webSocketClosed', ({ requestId, timestamp }) => {
      const socket = sockets.get(requestId);
      sockets.delete(requestId);
      if (socket !== undefined) this.#closed(channel, socket, this.#pen.at(timestamp));
    });
    channel.on('Network.webTransportConnectionEstablished', () => {
      this.#pen.blind('socket', 'a WebTransport session was open, whose data no browser tells of');
    });
    // The browser does not always tell of the end of what a page took with it.
    channel.on('Page.frameNavigated', ({ frame }) => {
      if (frame.parentId === undefined) this.#left(channel, sockets);
    });
    channel.onEnd(() => {
      this.#left(channel, sockets);
      this.#closes.end(channel);
    });
  }

  /** What a request with a body asks, if it asks something. It counts as a frame that the page sent. */
  requested(frame: unknown, text: string, at: number): ReturnType<PageWire['asked']> {
    const asked = this.#settings.asked?.(frame);
    this.#pen.owner?.sent(frame, text, at);
    return asked;
  }

  /** A stream of events is read as a socket that only receives, where agent events come in streams. */
  stream(channel: DevToolsChannel, about: StreamFacts): PageStream {
    if (this.#settings.streams !== true) return this.#unreadStream(about);
    const { url, at, isReply } = about;
    const socket: PageSocket = { ...this.#made(url), surface: 'sse', isReply, hasOpened: true };
    this.#recordOpen(socket, at, {});
    let isOpen = true;
    const stream: PageStream = {
      take: (block, came) => {
        if (block.isEvent) this.#text(socket, block.text, came);
        else this.#record(socket, { decoded: undefined, text: block.text, at: came });
      },
      end: (ending) => {
        this.#open.delete(socket);
        if (isOpen) this.#streamEnded(socket, ending, about);
        isOpen = false;
        this.#streams.get(channel)?.delete(stream);
      },
    };
    const streams = this.#streams.get(channel) ?? new Set();
    this.#streams.set(channel, streams.add(stream));
    return stream;
  }

  /** The page tells how one of its sockets ended. */
  closedInPage(channel: DevToolsChannel, seen: CloseSeen): void {
    this.#closes.toldByPage(channel, seen);
  }

  /**
   * The profile has passed to somebody else. A page that stays open may keep its sockets: what comes on them from
   * now on, or is sent, is of whoever sits there now. Their ends are told of whoever opened them.
   */
  passed(): void {
    for (const socket of this.#open) {
      const conn = this.#pen.nextConn();
      socket.observer = this.#pen.observer(conn);
      socket.origin = undefined;
      socket.handshake = undefined;
      socket.isReply = false;
      this.#pen.owner?.opened(conn);
    }
  }

  /** From now on a close is our own doing. */
  stop(): void {
    this.#isStopped = true;
    this.#closes.stop();
  }

  #made(url: string): PageSocket {
    return {
      url,
      surface: 'socket',
      isReply: false,
      createdAt: this.#pen.recorder.clock.now(),
      observer: this.#pen.observer(),
      opener: this.#pen.observer(),
      origin: undefined,
      handshake: undefined,
      handshakeUntil: Number.POSITIVE_INFINITY,
      hasOpened: false,
      isRecorded: false,
      eventRun: undefined,
      eventAt: 0,
    };
  }

  /** The socket of an event; one that nobody saw being made is made known here. */
  #socketOf(
    sockets: Map<string, PageSocket>,
    requestId: string,
    channel: DevToolsChannel,
  ): PageSocket {
    const known = sockets.get(requestId);
    if (known !== undefined) return known;
    const socket = this.#made(channel.target.url.replace(/^http/, 'ws'));
    sockets.set(requestId, socket);
    this.#recordOpen(socket, socket.createdAt, {});
    return socket;
  }

  #recordOpen(socket: PageSocket, at: number, headers: Headers): void {
    if (socket.isRecorded) return;
    socket.isRecorded = true;
    const conn = this.#pen.nextConn();
    socket.observer = this.#pen.observer(conn);
    socket.opener = socket.observer;
    this.#open.add(socket);
    const { owner, recorder } = this.#pen;
    if (owner !== undefined) this.#greet(socket, owner);
    // Between being made and the upgrade lies the connect, which counts.
    const intended = toMicroseconds(Math.min(socket.createdAt, at));
    const protocol = headers['Sec-WebSocket-Protocol'] ?? headers['sec-websocket-protocol'];
    recorder.journal.append(
      {
        ...socket.observer,
        surface: socket.surface,
        dir: 'act',
        kind: 'open',
        intended,
        url: recorder.vault.redact(socket.url),
        headers: recorder.vault.redactHeaders(
          protocol === undefined ? {} : { 'sec-websocket-protocol': protocol },
        ),
      },
      undefined,
      intended,
    );
    owner?.opened(conn);
  }

  /** The page shakes hands by itself; what is followed here is what the target shows meanwhile. */
  #greet(socket: PageSocket, owner: PageOwner): void {
    try {
      socket.handshake = this.#settings.handshake?.(owner);
      const step = socket.handshake?.opened?.();
      if (step?.state === 'ready') socket.handshake = undefined;
    } catch (error) {
      this.#pen.recorder.defect(socket.observer, 'handshake', error);
    }
  }

  #recordResponse(
    socket: PageSocket,
    { status, headers }: { readonly status: number; readonly headers: Headers },
    at: number,
  ): void {
    const { journal, vault } = this.#pen.recorder;
    const kept: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) {
      const lower = name.toLowerCase();
      if (lower !== 'sec-websocket-accept') kept[lower] = value;
    }
    journal.append(
      {
        ...socket.observer,
        surface: 'http',
        dir: 'in',
        kind: 'response',
        method: 'GET',
        status,
        headers: vault.redactHeaders(kept),
      },
      undefined,
      at,
    );
  }

  #received(socket: PageSocket, { timestamp, response }: SocketFrame): void {
    const at = this.#pen.at(timestamp);
    if (!socket.hasOpened) socket.hasOpened = true;
    const message = textOf(response);
    if (message === undefined) {
      this.#recordBytes(socket, response.payloadData, { dir: 'in', at });
      this.#count(socket, undefined, at);
      return;
    }
    for (const text of textsIn(message, this.#settings.wire.framing)) this.#text(socket, text, at);
  }

  #text(socket: PageSocket, text: string, at: number): void {
    if (text.length > this.#settings.bytesMax) {
      this.#recordCut(socket, text, at);
      return;
    }
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      // Not JSON: the judge calls it malformed, here it is only written down.
      this.#record(socket, { decoded: undefined, text, at });
      this.#count(socket, undefined, at);
      return;
    }
    this.#frame(socket, frame, { text, at });
  }

  /** The hot path: decode once, record, tell. */
  #frame(socket: PageSocket, frame: unknown, { text, at }: { text: string; at: number }): void {
    const [decoded, ...further] = this.#decodedAll(socket, frame);
    const step = this.#shakeHands(socket, frame, { decoded, at });
    const { owner, recorder } = this.#pen;
    if (socket.isReply) owner?.replied(decoded);
    const { observer, surface } = socket;
    const receiver = { observer, surface, own: owner?.userId ?? '' };
    const isTheirs = (event: DecodedFrame): boolean => isOutsiders(recorder, event, receiver.own);
    if (isTheirs(decoded) || further.some(isTheirs))
      recordMasked(recorder, receiver, { frame, decoded, at });
    else this.#recordFrame(socket, { decoded, text, at });
    if (step?.secrets !== undefined) recorder.given(socket.observer, step.secrets, at);
    this.#heard(socket, decoded, { text, at });
    for (const extra of further) {
      recordFurther(recorder, receiver, { decoded: extra, at });
      this.#heard(socket, extra, { text, at });
    }
  }

  #decodedAll(
    socket: PageSocket,
    frame: unknown,
  ): readonly [DecodedFrame, ...(readonly DecodedFrame[])] {
    const { wire } = this.#settings;
    try {
      if (wire.decodeAll === undefined) return [wire.decode(frame)];
      const [first = { role: 'other' }, ...rest] = wire.decodeAll(frame);
      return [first, ...rest];
    } catch (error) {
      this.#pen.recorder.defect(socket.observer, 'decode', error);
      return [{ role: 'other' }];
    }
  }

  #heard(
    socket: PageSocket,
    decoded: DecodedFrame,
    { text, at }: { readonly text: string; readonly at: number },
  ): void {
    if (decoded.role === 'pong') this.#pong(socket, decoded, at);
    this.#count(socket, decoded, at);
    this.#pen.owner?.received(decoded, text, at, socket.isReply);
  }

  /** Silence ends with everything but pings, pongs and heartbeats. */
  #count(socket: PageSocket, decoded: DecodedFrame | undefined, at: number): void {
    const { quiet, silentEvents } = this.#settings;
    if (decoded !== undefined) {
      if (decoded.role === 'pong' || decoded.role === 'heartbeat') return;
      if (decoded.event !== undefined && silentEvents.has(decoded.event)) return;
      if (decoded.role === 'agent') {
        if (decoded.run !== undefined && decoded.run === socket.eventRun)
          quiet.gap(at - socket.eventAt);
        socket.eventRun = decoded.run;
        socket.eventAt = at;
      }
    }
    quiet.event(at);
  }

  #recordFrame(
    socket: PageSocket,
    { decoded, text, at }: { decoded: DecodedFrame; text: string; at: number },
  ): void {
    const { recorder } = this.#pen;
    const clean = recorder.redactFrame(text, decoded.event);
    // What was decoded may hold a credential only if the text did.
    if (clean !== text)
      this.#record(socket, { decoded: this.#decodedAgain(clean), text: clean, at });
    else if (socket.surface === 'socket' && isPlainLine(text)) {
      const { user, conn } = socket.observer;
      socket.origin ??= new FrameOrigin(user ?? '', conn ?? '');
      recorder.journal.appendFrame(
        { origin: socket.origin, decoded, text, bytes: Buffer.from(text) },
        at,
      );
    } else this.#record(socket, { decoded, text, at });
  }

  #decodedAgain(text: string): DecodedFrame | undefined {
    try {
      return this.#settings.wire.decode(JSON.parse(text));
    } catch {
      return undefined; // Redaction broke the JSON; the text itself is kept.
    }
  }

  /** `text` is redacted already, or held nothing to redact, where it was decoded. */
  #record(
    socket: PageSocket,
    { decoded, text, at }: { decoded: DecodedFrame | undefined; text: string; at: number },
  ): void {
    const { vault } = this.#pen.recorder;
    // What streamed is of one line however it came.
    const content =
      decoded === undefined
        ? contentOf(vault.redact(text), socket.surface === 'sse')
        : contentOf(text, true);
    this.#append(socket, decoded, { content, at });
  }

  #append(
    { observer, surface }: PageSocket,
    decoded: DecodedFrame | undefined,
    { content, at }: { readonly content: Content | undefined; readonly at: number },
  ): void {
    this.#pen.recorder.journal.append(lineOf(observer, decoded, surface), content, at);
  }

  #recordCut(socket: PageSocket, text: string, at: number): void {
    const { vault } = this.#pen.recorder;
    const kept = text.slice(0, this.#settings.bytesMax);
    const cut = Buffer.byteLength(text) - Buffer.byteLength(kept);
    const content = { kind: 'text', text: vault.redact(kept), cut } as const;
    this.#append(socket, undefined, { content, at });
    this.#settings.quiet.event(at);
  }

  #recordBytes(
    { observer }: PageSocket,
    base64: string,
    { dir, at }: { readonly dir: 'in' | 'out'; readonly at: number },
  ): void {
    const { journal, vault } = this.#pen.recorder;
    const bytes = vault.redactBytes(Buffer.from(base64, 'base64'));
    journal.append({ ...lineOf(observer, undefined), dir }, bytesContentOf(bytes), at);
  }

  /** A page's own ping that came back: its clock is ours, so it samples the target's as ours do. */
  #pong({ observer }: PageSocket, { echoedAt, sentAt }: DecodedFrame, at: number): void {
    const { journal, clock } = this.#pen.recorder;
    if (echoedAt === undefined || sentAt === undefined) return;
    const rtt = toMicroseconds(clock.startedAtUnixMs + at - echoedAt);
    if (rtt < 0 || rtt > PING_MS_MAX) return;
    const offset = toMicroseconds(sentAt - (echoedAt + rtt / 2));
    journal.append(
      { ...observer, surface: 'socket', dir: 'act', kind: 'ping', rtt, offset },
      undefined,
      at,
    );
  }

  /** Own ids that a handshake shows are written down before the frame that shows them. */
  #shakeHands(
    socket: PageSocket,
    frame: unknown,
    { decoded, at }: { readonly decoded: DecodedFrame; readonly at: number },
  ): HandshakeStep | undefined {
    if (socket.handshake === undefined) return undefined;
    if (at > socket.handshakeUntil) {
      socket.handshake = undefined;
      return undefined;
    }
    try {
      const step = socket.handshake.receive(frame, decoded);
      const { ids, shown, state, settleMs = 0 } = step;
      if (ids !== undefined || shown !== undefined)
        this.#pen.recorder.identity(socket.observer, { source: 'handshake', ids, shown }, at);
      socket.handshakeUntil = state === 'ready' ? at + settleMs : Number.POSITIVE_INFINITY;
      return step;
    } catch (error) {
      this.#pen.recorder.defect(socket.observer, 'handshake', error);
      return undefined;
    }
  }

  #sent(socket: PageSocket, { timestamp, response }: SocketFrame): void {
    const at = this.#pen.at(timestamp);
    const message = textOf(response);
    if (message === undefined) this.#recordBytes(socket, response.payloadData, { dir: 'out', at });
    else
      for (const text of textsIn(message, this.#settings.wire.framing))
        this.#textSent(socket, text, at);
  }

  #textSent(socket: PageSocket, text: string, at: number): void {
    const frame = jsonOf(text);
    const asked = frame === undefined ? undefined : this.#settings.asked?.(frame);
    const { journal, vault } = this.#pen.recorder;
    const fields = { ...lineOf(socket.observer, asked), dir: 'out' } as const;
    journal.append(fields, contentOf(vault.redact(text), frame !== undefined), at);
    this.#pen.owner?.sent(frame, text, at);
  }

  #failed(socket: PageSocket, message: string, at: number): void {
    const { recorder } = this.#pen;
    if (socket.hasOpened) {
      const reason = recorder.short(message);
      recorder.journal.append(
        { ...lineOf(socket.observer, undefined), reason, cut: 0 },
        undefined,
        at,
      );
      this.#count(socket, undefined, at);
      return;
    }
    this.#recordOpen(socket, at, {});
    // The page gave up its own attempt: nobody failed.
    if (message.includes('closed before the connection is established')) return;
    recorder.failure(socket.observer, { step: 'connect', ...connectFailure(message) });
  }

  #closed(channel: DevToolsChannel, socket: PageSocket, at: number): void {
    this.#recordOpen(socket, at, {});
    this.#open.delete(socket);
    if (!socket.hasOpened) return;
    const close = this.#closes.take(channel, socket.url);
    // A worker cannot be asked; and who is stopped need not know.
    if (close !== undefined || this.#isStopped || channel.target.type.endsWith('worker')) {
      this.#recordClose(socket, close, at);
      return;
    }
    this.#closes.await(channel, socket.url, (told) => this.#recordClose(socket, told, at));
  }

  /**
   * A page that is left takes its sockets with it and cannot tell of their end: without the page's word
   * the close is its own. In a worker only the target's side is known to end a socket for sure.
   */
  #recordClose(socket: PageSocket, close: CloseSeen | undefined, at: number): void {
    const isOurs = this.#isStopped || close === undefined || close.byPage;
    const by = isOurs ? 'us' : 'them';
    const code = close?.code ?? CLOSE_WITHOUT_CODE;
    this.#appendClose(socket, { code, reason: close?.reason, by, at });
    this.#pen.owner?.closed(code, by);
  }

  #appendClose({ opener, surface }: PageSocket, { code, reason = '', by, at }: CloseFacts): void {
    const { journal, vault } = this.#pen.recorder;
    const said = vault.redact(reason);
    journal.append(
      {
        ...opener,
        surface,
        dir: by === 'us' ? 'act' : 'in',
        kind: 'close',
        code,
        reason: said === '' ? undefined : said,
        by,
      },
      undefined,
      at,
    );
  }

  /** A stream may be any other's: it is recorded, and nothing is made of it. */
  #unreadStream({ url }: StreamFacts): PageStream {
    const { recorder } = this.#pen;
    return {
      take: ({ text, isEvent }, at) => {
        const fields = lineOf(this.#pen.observer(), undefined, 'sse');
        const content = contentOf(recorder.vault.redact(text), true);
        recorder.journal.append({ ...fields, url: recorder.vault.redact(url) }, content, at);
        if (isEvent) this.#settings.quiet.event(at);
      },
      end: () => undefined,
    };
  }

  /** An event source opens its stream again by itself: whether anything is missing then, its events tell. */
  #streamEnded(
    socket: PageSocket,
    { at, error, byPage }: StreamEnding,
    { isEventSource }: StreamFacts,
  ): void {
    const by = byPage || this.#isStopped ? 'us' : 'them';
    const isBroken = error !== undefined && !isEventSource;
    this.#appendClose(socket, {
      code: isBroken ? CLOSE_ABNORMAL : CLOSE_NORMAL,
      reason: by === 'us' ? undefined : error,
      by,
      at,
    });
    const { owner } = this.#pen;
    if (by === 'us' || isEventSource) owner?.closed(CLOSE_NORMAL, 'us');
    else owner?.ended();
  }

  /** The document or the whole target is gone, and with it what it held open. */
  #left(channel: DevToolsChannel, sockets: Map<string, PageSocket>): void {
    const at = this.#pen.recorder.clock.now();
    for (const stream of this.#streams.get(channel) ?? []) stream.end({ at, byPage: true });
    for (const socket of sockets.values()) {
      this.#open.delete(socket);
      if (!socket.hasOpened) continue;
      const { url } = socket;
      const leaving = { url, code: CLOSE_ABNORMAL, reason: '', byPage: true };
      this.#recordClose(socket, this.#closes.take(channel, url) ?? leaving, at);
    }
    sockets.clear();
  }
}

/** A frame's text; undefined when it is bytes that are none. */
function textOf({ opcode, payloadData }: SocketFrame['response']): string | undefined {
  if (opcode !== BINARY) return payloadData;
  const bytes = Buffer.from(payloadData, 'base64');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // Pages send other things than JSON too.
  }
}

/** The browser's words for a connect that failed, as the classes that judging compares. */
function connectFailure(message: string): {
  readonly reason: string;
  readonly message: string;
  readonly unreachable?: boolean;
} {
  const status = /response code: (\d{3})/.exec(message)?.[1];
  if (status !== undefined) return { reason: `status ${status}`, message };
  if (/REFUSED|NAME_NOT_RESOLVED|UNREACHABLE/.test(message))
    return { reason: 'refused', message, unreachable: true };
  if (message.includes('TIMED_OUT')) return { reason: 'timeout', message };
  return { reason: /RESET|CLOSED|EMPTY/.test(message) ? 'reset' : 'error', message };
}
