import { STATUS_CODES } from 'node:http';
import type { Request } from 'playwright';
import type { Content } from '../history/journal-writer.ts';
import type { Addresses } from '../targets/target.ts';
import { learnCredentials } from './http.ts';
import type { DevToolsChannel } from './page-channel.ts';
import { EventStream } from './page-event-stream.ts';
import { FollowedStream, type StreamReader } from './page-followed-stream.ts';
import { GatheredText } from './page-gathered-text.ts';
import { LateHeaders, type AwaitsHeaders } from './page-late-headers.ts';
import type { PagePen } from './page-pen.ts';
import {
  BODY_MS_MAX,
  boundedBody,
  hasNoText,
  lowerCased,
  mayBeText,
  readBody,
  type ReplyBody,
} from './page-reply-body.ts';
import type { MissedReply, SecondWitness } from './page-second-witness.ts';
import type { PageSocketLog, PageStream } from './page-socket-log.ts';
import type { Headers, RequestSent, ResponseFacts, ResponseReceived } from './page-protocol.ts';
import { contentOf, toMicroseconds } from './recorder.ts';
import { after, within } from './waiting.ts';

/** What reading the requests of a page needs to know. */
export interface HttpLogSettings {
  /** Tells requests to the target from all others. */
  readonly addresses: Addresses;
  /** Whether agent events come in streams: then each is followed from its beginning. */
  readonly streams?: boolean | undefined;
  /** Reads what may be events of the agent, and what may ask for them. */
  readonly events: Pick<PageSocketLog, 'requested' | 'stream'>;
  /** Longest body that is kept whole, bytes; what is longer is cut. */
  readonly bodyBytesMax: number;
}

/** Bodies that the browser keeps for us at once, as so many of the longest. */
const BODIES_KEPT = 16;
/** What is said beside events: a line with a UUID or a marker is no shorter, greetings and times to wait are. */
const UNHEARD_BYTES_MIN = 40;
/** How long headers as they were on the wire may come after the end of their reply. */
const EXTRA_MS_MAX = 3_000;
const EVENT_STREAM = /^(?:text\/event-stream|application\/(?:x-)?ndjson|application\/jsonl)/;
const LINES = /json/;
/** A shadow tree that is written in the HTML; those that scripts make are watched, closed ones too. */
const CLOSED_TREE = /<template\s[^<>]{0,200}shadowrootmode=["']?closed/i;
/** Playwright's words for what a request is for, as the protocol says it. */
const MS_PER_SECOND = 1_000;
/** Requests with which a page may ask a question. */
const ASKING: ReadonlySet<string> = new Set(['Fetch', 'XHR', 'EventSource']);
const TYPES: Readonly<Record<string, string>> = {
  document: 'Document',
  fetch: 'Fetch',
  xhr: 'XHR',
};

/** One request and its reply; a redirect ends one and begins the next under the same id. */
interface Exchange extends AwaitsHeaders {
  readonly channel: DevToolsChannel;
  readonly requestId: string;
  readonly url: string;
  readonly method: string;
  readonly type: string;
  readonly purpose: 'sign-in' | 'api' | undefined;
  readonly startedAt: number;
  /** What was posted; undefined while it must be asked for. */
  readonly postData: string | undefined;
  readonly hasPostData: boolean;
  requestHeaders: Headers;
  requestWritten: boolean;
  response: ResponseFacts | undefined;
  /** When it began to come. */
  answeredAt: number;
  /** Whose profile it was when the last of the reply came: its end may be told to the next user alone. */
  user: string | null | undefined;
  awaitsExtra: boolean;
  fromCache: boolean;
  /** The page asked its question with it. */
  asks: boolean;
  /** Events that are recorded one by one, and what takes them in. */
  stream: FollowedStream | undefined;
  log: PageStream | undefined;
  /** What the page reads of a reply that is no stream of events. */
  parts: { readonly text: GatheredText; readonly stream: FollowedStream } | undefined;
}

/** What a reply's line needs of its exchange. */
type Answered = Pick<
  Exchange,
  'method' | 'url' | 'purpose' | 'type' | 'fromCache' | 'startedAt' | 'responseExtra' | 'user'
>;

/** How a reply ended. */
interface Ending {
  readonly at: number;
  readonly error?: string | undefined;
  readonly isRedirect?: boolean | undefined;
}

/** Records every request of the pages and workers of one browser profile, with replies and bodies. */
export class PageHttpLog {
  readonly #settings: HttpLogSettings;
  readonly #pen: PagePen;
  readonly #witness: SecondWitness;
  readonly #outstanding = new Set<Promise<void>>();
  readonly #open = new Set<Exchange>();
  #unread: Unread[] = [];
  #purpose: 'sign-in' | 'api' = 'sign-in';

  constructor(settings: HttpLogSettings, pen: PagePen, witness: SecondWitness) {
    this.#settings = settings;
    this.#pen = pen;
    this.#witness = witness;
  }

  /** Requests from now on are for this. */
  set purpose(purpose: 'sign-in' | 'api') {
    this.#purpose = purpose;
  }

  /** Commands that make the browser tell of requests and sockets. They may be sent at once. */
  enable(channel: DevToolsChannel): Promise<unknown>[] {
    const { streams, bodyBytesMax } = this.#settings;
    const limits = this.#limits;
    const beside = streams === true ? channel.beside('Network.enable', limits) : undefined;
    // Where bodies are kept for later, the beginning of a stream is had on another session only.
    const keepsBodies = streams !== true || beside !== undefined;
    return [
      channel.send('Network.enable', { ...limits, maxPostDataSize: bodyBytesMax }),
      // Bodies outlive the page they were for. Browsers that cannot do this forget them on leaving.
      ...(keepsBodies
        ? [channel.send('Network.configureDurableMessages', limits).catch(() => undefined)]
        : []),
      ...(beside === undefined ? [] : [beside]),
    ];
  }

  /**
   * A service worker is about to answer a page. What it makes itself is had only on a session on which nothing is
   * kept for later; such a session costs as much again, so that pages without such a worker go without.
   */
  async awaitMade(channel: DevToolsChannel): Promise<void> {
    if (this.#settings.streams === true) return; // It is there already.
    await channel.beside('Network.enable', this.#limits)?.catch(() => undefined);
  }

  get #limits(): { readonly maxTotalBufferSize: number; readonly maxResourceBufferSize: number } {
    const { bodyBytesMax } = this.#settings;
    return {
      maxTotalBufferSize: bodyBytesMax * BODIES_KEPT,
      maxResourceBufferSize: bodyBytesMax,
    };
  }

  /** Listens to the requests of one target. */
  attach(channel: DevToolsChannel): void {
    const exchanges = new Map<string, Exchange>();
    /** Pieces of a stream may come after its end. */
    const streams = new Map<string, FollowedStream>();
    /** Headers of requests that came before their request was told of. */
    const early = new Map<string, Headers>();
    const late = new LateHeaders();
    const end = (requestId: string, ending: Ending): void => {
      const exchange = exchanges.get(requestId);
      this.#ended(exchanges, requestId, ending);
      late.ended(requestId, exchange);
    };
    channel.on('Network.requestWillBeSent', (event) => {
      this.#pen.tie(event.timestamp, event.wallTime);
      const before = exchanges.get(event.requestId);
      this.#began(channel, exchanges, event);
      if (event.redirectResponse !== undefined) late.ended(event.requestId, before);
      const exchange = exchanges.get(event.requestId);
      const headers = early.get(event.requestId);
      early.delete(event.requestId);
      if (exchange === undefined) return;
      late.known(event.requestId, exchange);
      if (headers !== undefined) this.#sentWith(exchange, headers);
    });
    channel.on('Network.requestWillBeSentExtraInfo', ({ requestId, headers }) => {
      const exchange = exchanges.get(requestId);
      if (exchange === undefined || exchange.requestWritten) early.set(requestId, headers);
      else this.#sentWith(exchange, headers);
    });
    channel.on('Network.requestServedFromCache', ({ requestId }) => {
      const exchange = exchanges.get(requestId);
      if (exchange !== undefined) exchange.fromCache = true;
    });
    channel.on('Network.responseReceived', (event) => {
      const exchange = this.#exchangeOf(exchanges, channel, event);
      if (exchange === undefined) return;
      // Where nobody saw the request, the exchange is known only now.
      late.known(event.requestId, exchange);
      this.#answered(exchange, event);
      const stream = exchange.stream ?? exchange.parts?.stream;
      if (stream !== undefined) streams.set(event.requestId, stream);
    });
    channel.on('Network.responseReceivedExtraInfo', ({ requestId, headers }) => {
      late.came(requestId, headers, exchanges.get(requestId));
    });
    channel.on('Network.dataReceived', ({ requestId, timestamp, data, dataLength }) => {
      const exchange = exchanges.get(requestId);
      if (exchange !== undefined) exchange.user = this.#pen.observer().user;
      const stream = streams.get(requestId);
      if (data !== undefined) stream?.push(data, this.#pen.at(timestamp));
      else if (stream !== undefined) stream.told += dataLength;
    });
    channel.on('Network.loadingFinished', ({ requestId, timestamp }) => {
      end(requestId, { at: this.#pen.at(timestamp) });
    });
    channel.on('Network.loadingFailed', ({ requestId, timestamp, errorText, canceled }) => {
      const error = canceled === true ? 'canceled' : errorText;
      end(requestId, { at: this.#pen.at(timestamp), error });
    });
    channel.on('Network.eventSourceMessageReceived', (event) => {
      streams.get(event.requestId)?.message(event, this.#pen.at(event.timestamp));
    });
  }

  /** Waits a bounded time for bodies that are on their way. */
  async flush(ms: number): Promise<void> {
    for (const exchange of this.#open) this.#writeRequest(exchange);
    await within(Promise.all(this.#outstanding), ms, () => undefined);
  }

  /** Records the replies that another witness saw and this one did not. */
  async fill(ended: readonly Request[]): Promise<void> {
    const unread = this.#unread;
    this.#unread = [];
    for (const reply of await this.#witness.missed(ended)) {
      const at = unread.findIndex(({ exchange }) => isSame(exchange, reply));
      const [half] = at === -1 ? [] : unread.splice(at, 1);
      if (half === undefined) this.#writeMissed(reply);
      else this.#writeResponse(half.exchange, this.#bodyIn(reply), half);
    }
    // The other witness may not have heard of its end yet: it is asked twice.
    for (const half of unread)
      if (half.isAsked === true) this.#giveUp(half);
      else this.#unread.push({ ...half, isAsked: true });
  }

  #giveUp({ exchange, body, ...rest }: Unread): void {
    this.#witness.saw(exchange.method, exchange.url);
    this.#pen.blind('http', 'the text of a reply could not be read');
    this.#writeResponse(exchange, body, rest);
  }

  /**
   * Records the replies that came and whose end nobody told of: a page that is left takes the end of what it
   * was reading with it. What can be had of such a body is read, and the rest is missing from the record.
   */
  async finish(ms: number): Promise<void> {
    for (const exchange of this.#open) {
      const { response, stream, type, answeredAt: at } = exchange;
      // What streams is recorded as it comes.
      if (response === undefined || stream !== undefined || type === 'EventSource') continue;
      this.#open.delete(exchange);
      this.#keep(this.#finish(exchange, { at, error: 'its end was not told' }));
    }
    await this.flush(ms);
  }

  /** Nothing more is awaited. */
  stop(): void {
    for (const half of this.#unread.splice(0)) this.#giveUp(half);
    const at = this.#pen.recorder.clock.now();
    for (const exchange of this.#open) {
      const { stream, log, type } = exchange;
      if (stream === undefined) continue;
      if (stream.state !== 'followed') {
        if (type === 'EventSource') this.#tellUnheard(exchange);
        else
          this.#pen.blind('sse', 'a reply that streams had not ended: its beginning was not read');
      }
      stream.end();
      log?.end({ at, byPage: true });
    }
  }

  /** A reply from before a window or worker was watched. */
  #writeMissed(reply: MissedReply): void {
    const { url, method, type, status, headers } = reply;
    const kind = TYPES[type] ?? 'Other';
    const purpose = this.#purposeOf(kind, { url, method });
    const startedAt = toMicroseconds(this.#pen.atUnixMs(reply.startedAt));
    const { vault } = this.#pen.recorder;
    // The script of a worker is asked for by its page and answered to the worker.
    const asked = [...this.#open].find((exchange) => isSame(exchange, reply));
    if (asked !== undefined) this.#open.delete(asked);
    else
      this.#pen.line(
        { surface: 'http', dir: 'out', kind: 'request', method, url: vault.redact(url), purpose },
        undefined,
        startedAt,
      );
    const exchange = { method, url, purpose, type: kind, startedAt, fromCache: false };
    const told = { responseExtra: undefined, user: undefined };
    this.#writeResponse({ ...exchange, ...told }, this.#bodyIn(reply), {
      response: { url, status, headers, mimeType: headers['content-type'] ?? '' },
      ending: { at: toMicroseconds(this.#pen.atUnixMs(reply.at)) },
    });
  }

  #bodyIn({ method, status, headers, body }: MissedReply): ReplyBody {
    const mimeType = headers['content-type'] ?? '';
    if (hasNoText(method, { status, mimeType }) || body?.length === 0) return {};
    if (body !== undefined) return boundedBody(body, mimeType, this.#settings.bodyBytesMax);
    if (!mayBeText(mimeType) || (status >= 300 && status < 400)) return {};
    this.#pen.blind('http', 'the text of a reply could not be read');
    return { cut: 1, problem: 'body not read' };
  }

  #began(
    channel: DevToolsChannel,
    exchanges: Map<string, Exchange>,
    event: Omit<RequestSent, 'wallTime'>,
  ): void {
    const { requestId, request, redirectResponse, timestamp, type = 'Other' } = event;
    const at = this.#pen.at(timestamp);
    const before = exchanges.get(requestId);
    if (before !== undefined && redirectResponse !== undefined) {
      before.response = redirectResponse;
      before.awaitsExtra = event.redirectHasExtraInfo === true;
      this.#ended(exchanges, requestId, { at, isRedirect: true });
    }
    if (/^(?:data|blob|about|chrome)/.test(request.url)) return;
    const exchange: Exchange = {
      channel,
      requestId,
      url: request.url,
      method: request.method,
      type,
      purpose: this.#purposeOf(type, request),
      startedAt: at,
      postData: request.postData,
      hasPostData: request.hasPostData === true,
      requestHeaders: request.headers,
      requestWritten: false,
      response: undefined,
      answeredAt: at,
      user: undefined,
      awaitsExtra: false,
      responseExtra: undefined,
      fromCache: false,
      asks: false,
      stream: undefined,
      log: undefined,
      parts: undefined,
      writeLate: undefined,
      forget: undefined,
    };
    exchanges.set(requestId, exchange);
    this.#open.add(exchange);
  }

  /** The exchange of a reply; of a request that was sent before anybody listened, a new one. */
  #exchangeOf(
    exchanges: Map<string, Exchange>,
    channel: DevToolsChannel,
    { requestId, timestamp, type = 'Other', response }: ResponseReceived,
  ): Exchange | undefined {
    const known = exchanges.get(requestId);
    if (known !== undefined) return known;
    const request = { url: response.url, method: 'GET', headers: {} };
    this.#began(channel, exchanges, { requestId, timestamp, type, request });
    return exchanges.get(requestId);
  }

  /** Only calls of the target count as its API; documents and files are neither. */
  #purposeOf(
    type: string,
    { url, method }: { readonly url: string; readonly method: string },
  ): 'sign-in' | 'api' | undefined {
    const isCall = type === 'Fetch' || type === 'XHR';
    const isForm = type === 'Document' && method !== 'GET';
    if (!this.#isTarget(url) || (!isCall && !isForm)) return undefined;
    return isForm && this.#purpose === 'api' ? undefined : this.#purpose;
  }

  #isTarget(url: string): boolean {
    const { api, auth, page } = this.#settings.addresses;
    return [api, auth, page].some((address) => url === address || url.startsWith(`${address}/`));
  }

  #sentWith(exchange: Exchange, headers: Headers): void {
    exchange.requestHeaders = headers;
    this.#writeRequest(exchange);
  }

  #writeRequest(exchange: Exchange): void {
    if (exchange.requestWritten) return;
    exchange.requestWritten = true;
    const { postData, hasPostData, channel, requestId } = exchange;
    const isWhole = postData !== undefined || !hasPostData;
    this.#appendRequest(exchange, postData, isWhole);
    if (isWhole) return;
    // Long or assembled bodies are not part of the event.
    this.#keep(
      channel.send('Network.getRequestPostData', { requestId }, BODY_MS_MAX).then(
        (answer) => this.#appendRequest(exchange, answer.postData, true),
        () => undefined,
      ),
    );
  }

  #appendRequest(exchange: Exchange, body: string | undefined, isWhole: boolean): void {
    const { method, url, purpose, requestHeaders, startedAt } = exchange;
    const { vault } = this.#pen.recorder;
    const asked = isWhole ? this.#askedBy(exchange, body) : undefined;
    this.#pen.line(
      {
        surface: 'http',
        dir: 'out',
        kind: 'request',
        method,
        url: vault.redact(url),
        purpose,
        headers: vault.redactHeaders(lowerCased(requestHeaders)),
        thread: asked?.thread,
        run: asked?.run,
      },
      body === undefined || body === '' ? undefined : this.#posted(body),
      toMicroseconds(startedAt),
    );
  }

  /** Whether the page asks its question with a request, and what. */
  #askedBy(exchange: Exchange, body: string | undefined): ReturnType<PageSocketLog['requested']> {
    const { method, url, type, startedAt } = exchange;
    if (!ASKING.has(type) || !this.#isTarget(url)) return undefined;
    const { pathname, search } = new URL(url);
    const frame = { method, path: pathname + search, body: jsonOf(body ?? '') ?? body };
    const asked = this.#settings.events.requested(frame, JSON.stringify(frame), startedAt);
    exchange.asks = asked !== undefined;
    return asked;
  }

  /** Fields of a form are known by what stands before them, which the first one lacks. */
  #posted(body: string): Content {
    if (!/^[\w.%+-]+=/.test(body)) return this.#content(body);
    const content = this.#content(`?${body}`);
    return { ...content, text: content.text.slice(1) };
  }

  #answered(exchange: Exchange, { response, hasExtraInfo, timestamp }: ResponseReceived): void {
    this.#writeRequest(exchange);
    exchange.response = response;
    exchange.answeredAt = this.#pen.at(timestamp);
    exchange.user = this.#pen.observer().user;
    exchange.awaitsExtra = hasExtraInfo === true;
    exchange.fromCache ||= response.fromDiskCache === true || response.fromPrefetchCache === true;
    if (EVENT_STREAM.test(response.mimeType)) this.#follow(exchange, response.mimeType);
    else if (this.#settings.streams === true && mayBeReadInParts(exchange, response))
      this.#gather(exchange);
  }

  /** A reply without a foreseeable end is recorded as it comes. */
  #follow(exchange: Exchange, mimeType: string): void {
    const { channel, url, type, answeredAt: at, asks: isReply } = exchange;
    const isEventSource = type === 'EventSource';
    const log = this.#settings.events.stream(channel, { url, at, isEventSource, isReply });
    const format = LINES.test(mimeType) ? 'lines' : 'events';
    exchange.log = log;
    const reader = new EventStream(format, (block, came) => log.take(block, came));
    exchange.stream = this.#followed(exchange, reader);
  }

  /** What broke off is not kept by the browser: what a page reads in parts is gathered where that costs little. */
  #gather(exchange: Exchange): void {
    const text = new GatheredText(this.#settings.bodyBytesMax);
    exchange.parts = { text, stream: this.#followed(exchange, text) };
  }

  #followed(
    { channel, requestId, answeredAt, type }: Exchange,
    reader: StreamReader,
  ): FollowedStream {
    const stream = new FollowedStream(reader, answeredAt, type === 'EventSource');
    const follow = 'Network.streamResourceContent';
    // Only there is the network listened to on that session, too.
    const isBeside = this.#settings.streams === true;
    const asking = isBeside ? channel.beside(follow, { requestId }) : undefined;
    stream.follow(asking ?? channel.send(follow, { requestId }), asking !== undefined);
    return stream;
  }

  #ended(exchanges: Map<string, Exchange>, requestId: string, ending: Ending): void {
    const exchange = exchanges.get(requestId);
    if (exchange === undefined) return;
    if (ending.isRedirect !== true) exchanges.delete(requestId);
    this.#open.delete(exchange);
    this.#writeRequest(exchange);
    this.#keep(this.#finish(exchange, ending));
  }

  async #finish(exchange: Exchange, ending: Ending): Promise<void> {
    const { response, awaitsExtra } = exchange;
    if (response === undefined) {
      this.#writeFailed(exchange, ending);
      return;
    }
    const body = await this.#restOf(exchange, ending);
    if (body.isUnread === true) {
      this.#unread.push({ exchange, response, ending, body });
      return;
    }
    this.#witness.saw(exchange.method, exchange.url);
    if (awaitsExtra && exchange.responseExtra === undefined)
      await new Promise<void>((resolve) => {
        const cancel = after(EXTRA_MS_MAX, resolve);
        exchange.writeLate = () => {
          cancel();
          resolve();
        };
      });
    exchange.forget?.();
    this.#writeResponse(exchange, body, { response, ending });
  }

  /** No reply came: worth a line, since a page may show something else instead. */
  #writeFailed({ method, url, purpose }: Exchange, { at, error }: Ending): void {
    const { vault } = this.#pen.recorder;
    this.#pen.line(
      {
        surface: 'http',
        dir: 'act',
        kind: 'response',
        method,
        url: vault.redact(url),
        purpose,
        message: error ?? 'no reply',
      },
      undefined,
      at,
    );
  }

  /** When a request left the browser: how long it waited in there is no matter of the target. */
  #leftAt({ timing }: ResponseFacts): number | undefined {
    if (timing === undefined) return undefined;
    const { requestTime, dnsStart, connectStart, sendStart } = timing;
    const begun = [dnsStart, connectStart, sendStart].filter((ms) => ms >= 0);
    if (begun.length === 0) return undefined;
    return this.#pen.at(requestTime + Math.min(...begun) / MS_PER_SECOND);
  }

  /** From request to end of reply; a stream takes as long as what it tells of. */
  #took({ startedAt }: Answered, response: ResponseFacts, { at }: Ending): number | undefined {
    if (EVENT_STREAM.test(response.mimeType)) return undefined;
    return toMicroseconds(Math.max(0, at - (this.#leftAt(response) ?? startedAt)));
  }

  #writeResponse(
    exchange: Answered,
    body: ReplyBody,
    { response, ending }: { readonly response: ResponseFacts; readonly ending: Ending },
  ): void {
    const { recorder } = this.#pen;
    const { method, url, purpose, type, user } = exchange;
    const headers = headersOf(exchange, response);
    const { status } = response;
    const text = body.text ?? '';
    if (purpose === 'sign-in')
      learnCredentials({ status, headers, text, json: jsonOf(text) }, recorder);
    const notes = notesOf(exchange, response, [body.problem, ending.error]);
    const content = text === '' ? this.#bytesContent(body) : this.#cutContent(body);
    const at = toMicroseconds(ending.at);
    const isPage = type === 'Document' && response.mimeType.includes('html');
    this.#pen.line(
      {
        user,
        surface: 'http',
        dir: 'in',
        kind: 'response',
        method,
        url: recorder.vault.redact(url),
        status,
        headers: recorder.vault.redactHeaders(headers),
        purpose,
        took: this.#took(exchange, response, ending),
        message: notes === '' ? undefined : recorder.short(notes),
        cut: content === undefined ? body.cut : undefined,
      },
      isPage ? undefined : content,
      at,
    );
    if (isPage && content !== undefined) this.#writeHtml({ url, user }, content, at);
  }

  /** What the target sent for a page, before any script of the page has changed it. */
  #writeHtml({ url, user }: Pick<Answered, 'url' | 'user'>, content: Content, at: number): void {
    const place = this.#pen.recorder.vault.redact(url);
    this.#pen.line(
      { user, surface: 'html', dir: 'in', kind: 'text', place },
      { ...content, kind: 'text' },
      at,
    );
    if (CLOSED_TREE.test(content.text))
      this.#pen.blind('dom', 'the page came with a closed shadow tree, which nobody can look into');
  }

  /** Packed formats hold texts as they are. */
  #bytesContent({ bytes, cut }: ReplyBody): Content | undefined {
    if (bytes === undefined) return undefined;
    const clean = this.#pen.recorder.vault.redactBytes(bytes);
    return { kind: 'base64', text: clean.toString('base64'), cut };
  }

  #cutContent({ text = '', cut }: ReplyBody): Content {
    const content = this.#content(text);
    return cut === undefined
      ? content
      : { ...content, kind: 'text', cut: cut + (content.cut ?? 0) };
  }

  #content(text: string): Content {
    const { vault } = this.#pen.recorder;
    return contentOf(vault.redact(text), jsonOf(text) !== undefined);
  }

  /** What is not recorded yet: of a stream that was followed nothing. */
  async #restOf(exchange: Exchange, ending: Ending): Promise<ReplyBody> {
    const { stream, log, type } = exchange;
    if (stream === undefined) return this.#bodyOf(exchange, ending);
    await stream.settled(BODY_MS_MAX);
    const { at, error } = ending;
    const isFollowed = stream.state === 'followed';
    if (isFollowed && !stream.isWhole)
      this.#pen.blind('sse', 'pieces of a reply that streams were not told');
    const isSource = type === 'EventSource';
    const { text, ...rest } = isFollowed ? {} : await this.#sourceOrBody(exchange, ending);
    if (text !== undefined && !isSource) stream.say(text, at);
    stream.end();
    log?.end({ at, error, byPage: error === 'canceled' });
    // An event source has told its events one by one; what it said beside them stands in the whole alone.
    return isSource ? { text, ...rest } : rest;
  }

  /** The whole of a reply that could not be followed. */
  async #sourceOrBody(exchange: Exchange, ending: Ending): Promise<ReplyBody> {
    const isBroken = ending.error !== undefined;
    if (exchange.type !== 'EventSource' || !isBroken) return this.#bodyOf(exchange, ending);
    this.#tellUnheard(exchange);
    return {};
  }

  /** Of an event source that broke off before it could be followed its events are had, and nothing else. */
  #tellUnheard({ stream }: Exchange): void {
    if (stream !== undefined && stream.unheard >= UNHEARD_BYTES_MIN)
      this.#pen.blind('sse', 'what an event source said beside its events was not read');
  }

  async #bodyOf(exchange: Exchange, { isRedirect, error }: Ending): Promise<ReplyBody> {
    const { response } = exchange;
    if (response === undefined || isRedirect === true) return {};
    const body = await readBody({ ...exchange, response }, this.#settings.bodyBytesMax);
    if (error === undefined) return body;
    // What broke off on its way nobody else has either; of what streamed the page may have read its part.
    const isUnread = false;
    if (!mayBeReadInParts(exchange, response) || hasBody(body)) return { ...body, isUnread };
    return (await this.#partsOf(exchange, response)) ?? { ...body, isUnread, cut: body.cut ?? 1 };
  }

  /** What the page had of a reply that broke off; undefined where that is not known. */
  async #partsOf({ parts }: Exchange, { mimeType }: ResponseFacts): Promise<ReplyBody | undefined> {
    await parts?.stream.settled(BODY_MS_MAX);
    if (parts?.stream.state !== 'followed' || !parts.stream.isWhole) return undefined;
    return boundedBody(parts.text.bytes, mimeType, this.#settings.bodyBytesMax);
  }

  #keep(work: Promise<void>): void {
    const settled = work.finally(() => this.#outstanding.delete(settled));
    this.#outstanding.add(settled);
  }
}

/** Whether a page may read a reply while it comes: one that has no foreseeable end. */
function mayBeReadInParts({ type, method }: Exchange, response: ResponseFacts): boolean {
  const isForScripts = type === 'Fetch' || type === 'XHR';
  const hasEnd = 'content-length' in lowerCased(response.headers);
  return isForScripts && !hasEnd && !hasNoText(method, response);
}

function hasBody({ text, bytes }: ReplyBody): boolean {
  return text !== undefined || bytes !== undefined;
}

/** A reply whose text the other witness may have. */
interface Unread {
  readonly exchange: Exchange;
  readonly response: ResponseFacts;
  readonly ending: Ending;
  readonly body: ReplyBody;
  readonly isAsked?: boolean;
}

function isSame(
  exchange: { readonly method: string; readonly url: string },
  { method, url }: MissedReply,
): boolean {
  return exchange.method === method && exchange.url === url;
}

/** With the reason phrase where that is one of the target's own: scripts can read it. */
function headersOf({ responseExtra }: Answered, response: ResponseFacts): Record<string, string> {
  const headers = lowerCased(responseExtra ?? response.headers);
  const { status, statusText = '' } = response;
  if (statusText !== '' && statusText !== STATUS_CODES[status])
    headers['(reason phrase)'] = statusText;
  return headers;
}

/** Where a reply came from, if not from the target, and what was wrong with it. */
function notesOf(
  { fromCache }: Answered,
  { fromServiceWorker }: ResponseFacts,
  problems: readonly (string | undefined)[],
): string {
  const from = [
    fromCache ? 'from cache' : undefined,
    fromServiceWorker === true ? 'from service worker' : undefined,
  ];
  return [...from, ...problems].filter((note) => note !== undefined).join('; ');
}

function jsonOf(text: string): unknown {
  if (!/^\s*[[{"]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // A page or an error text.
  }
}
