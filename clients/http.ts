import { STATUS_CODES, type IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { Agent, Pool, ProxyAgent, request as send, type Dispatcher } from 'undici';
import { wallUnixMs } from '../history/clock.ts';
import type { Content } from '../history/journal-writer.ts';
import { messageOf } from '../history/message-of.ts';
import { cookieSecrets } from '../targets/sign-in.ts';
import type { Addresses, HttpReply, HttpRequest, TargetHttp } from '../targets/target.ts';
import { secretsOfHeader } from './header-secrets.ts';
import { hasProxy, proxyFor } from './proxy-gate.ts';
import { contentOf, toMicroseconds, type Observer, type Recorder } from './recorder.ts';
import { after, pause } from './waiting.ts';
import { networkReason, StepFailure } from './step-failure.ts';

/** Header that marks the harness's own requests with the campaign they belong to. */
export const CAMPAIGN_HEADER = 'X-Crosstalk-Campaign';
/** All users send the same one, so that nothing but their credentials tells them apart. */
export const USER_AGENT = 'crosstalk';

/** Connections kept to one address at once; requests beyond wait in line. */
const CONNECTIONS_MAX = 128;
const KEEP_ALIVE_MS = 10_000;
/** Attempts of one request while the target answers 429, and the longest wait between two of them. */
export const ATTEMPTS_MAX = 4;
const RETRY_AFTER_MS_MAX = 30_000;
const RETRY_AFTER_MS_DEFAULT = 1_000;

/** One pool of connections for all requests of a trial. Close it when the trial is over. */
export function openDispatcher(env: Readonly<Record<string, string | undefined>>): Dispatcher {
  const options = {
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  if (!hasProxy(env)) return new Agent(options);
  return new Agent({
    ...options,
    factory(origin) {
      const proxy = proxyFor(new URL(origin), env);
      if (proxy === undefined) return new Pool(origin, options);
      return new ProxyAgent({ ...options, uri: proxy.href });
    },
  });
}

/** What the requests of all users of a trial have in common. */
export interface HttpSettings {
  readonly dispatcher: Dispatcher;
  readonly addresses: Addresses;
  readonly recorder: Recorder;
  /** For gateways; sent with every request and never recorded. */
  readonly headers: Readonly<Record<string, string>>;
  /** Limit of one request, its reply read to the end, milliseconds. */
  readonly timeoutMs: number;
  /** Bytes of a reply that are read at most; the rest is dropped and counted as `cut`. */
  readonly bytesMax: number;
}

interface Received {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** What else came with the reply and can hold anything: early hints, trailers, an own reason phrase. */
  readonly beside: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Whether the reply was longer than what was read of it. */
  readonly truncated: boolean;
}

/**
 * HTTP for one user, every exchange recorded in the user's history as a `request` and a `response` line
 * (surface `http`). 429 is obeyed a bounded number of times; each attempt is an exchange of its own.
 */
export class RecordedHttp implements TargetHttp {
  readonly #settings: HttpSettings;
  readonly #observer: Observer;

  constructor(settings: HttpSettings, user: string | null) {
    this.#settings = settings;
    this.#observer = { user, conn: null };
  }

  /**
   * @throws StepFailure when no reply came: refused, reset, timed out.
   */
  async request(request: HttpRequest): Promise<HttpReply> {
    for (let attempt = 1; ; attempt += 1) {
      const reply = await this.#exchange(request);
      if (reply.status !== 429 || attempt === ATTEMPTS_MAX) return reply;
      await pause(retryAfterMs(reply.headers['retry-after']));
    }
  }

  async #exchange(request: HttpRequest): Promise<HttpReply> {
    const { addresses, recorder } = this.#settings;
    const { journal, vault, clock } = recorder;
    learnSent(request, recorder);
    const url = addresses[request.address] + request.path;
    const body = bodyOf(request);
    const common = {
      ...this.#observer,
      surface: 'http',
      method: request.method,
      url: vault.redact(url, 'out'),
      purpose: request.purpose,
    } as const;
    const started = clock.now();
    journal.append(
      { ...common, dir: 'out', kind: 'request' },
      body === undefined ? undefined : contentOf(vault.redact(body.fields, 'out'), true),
      started,
    );
    const received = await this.#send(url, request, body);
    const at = clock.now();
    const text = textOf(received);
    const json = received.truncated ? undefined : jsonOf(text);
    const reply: HttpReply = { status: received.status, headers: received.headers, text, json };
    // A sign-in's reply holds credentials nobody knew before; they must be known before it is written.
    if (request.purpose === 'sign-in') learnCredentials(reply, recorder);
    journal.append(
      {
        ...common,
        dir: 'in',
        kind: 'response',
        status: received.status,
        headers: vault.redactHeaders({ ...received.headers, ...received.beside }),
        took: toMicroseconds(at - started),
      },
      replyContent(text, json, { received, recorder }),
      at,
    );
    return reply;
  }

  async #send(url: string, request: HttpRequest, body: Body | undefined): Promise<Received> {
    const { dispatcher, headers, timeoutMs, bytesMax, recorder } = this.#settings;
    const abort = new AbortController();
    const cancel = after(timeoutMs, () => abort.abort());
    const beside: Record<string, string> = {};
    try {
      const response = await send(url, {
        dispatcher,
        method: request.method,
        headers: {
          ...headers,
          'user-agent': USER_AGENT,
          [CAMPAIGN_HEADER]: recorder.campaignPrefix,
          ...(body === undefined ? {} : { 'content-type': body.type }),
          ...request.headers,
        },
        body: body?.sent ?? null,
        signal: abort.signal,
        headersTimeout: 0,
        bodyTimeout: 0,
        onInfo: ({ statusCode, headers: early }) => {
          // A target may send several.
          for (const [name, value] of Object.entries(flatHeaders(early, `(${statusCode}) `)))
            addValue(beside, name, value);
        },
      });
      const read = await readBounded(response.body, bytesMax);
      const { statusCode, statusText, trailers } = response;
      if (statusText !== '' && statusText !== STATUS_CODES[statusCode])
        beside['(reason phrase)'] = statusText;
      // There once the body has been read.
      Object.assign(beside, flatHeaders(trailers, '(trailer) '));
      const responseHeaders = flatHeaders(response.headers);
      const { bytes, truncated } = await unpacked(read, responseHeaders, bytesMax);
      return { status: statusCode, headers: responseHeaders, beside, body: bytes, truncated };
    } catch (error) {
      throw noReply(error, { request, timedOut: abort.signal.aborted, timeoutMs });
    } finally {
      cancel();
    }
  }
}

/** What a request carries. */
interface Body {
  readonly type: string;
  readonly sent: string;
  /** What is written down, as JSON. */
  readonly fields: string;
}

/**
 * A form is written down by its fields: by their names secrets are known, and a value that is percent-encoded
 * would not be the one that comes back.
 */
function bodyOf({ json, form }: HttpRequest): Body | undefined {
  if (json !== undefined) {
    const sent = JSON.stringify(json);
    return { type: 'application/json', sent, fields: sent };
  }
  if (form === undefined) return undefined;
  const sent = new URLSearchParams(form).toString();
  return { type: 'application/x-www-form-urlencoded', sent, fields: JSON.stringify(form) };
}

/** Bytes of a body, and whether there was more than is here. */
interface Read {
  readonly bytes: Buffer;
  readonly truncated: boolean;
}

const UNPACKERS = new Map(
  Object.entries({
    gzip: promisify(gunzip),
    'x-gzip': promisify(gunzip),
    deflate: promisify(inflate),
    br: promisify(brotliDecompress),
  }),
);

/**
 * A body as it was before it was packed. We ask for none that is packed, but some targets do it all the
 * same; one that cannot be unpacked whole has not been read.
 */
async function unpacked(
  read: Read,
  headers: Readonly<Record<string, string>>,
  bytesMax: number,
): Promise<Read> {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '' || read.bytes.length === 0) return read;
  try {
    const unpack = UNPACKERS.get(encoding);
    if (unpack === undefined || read.truncated) return { ...read, truncated: true };
    return { bytes: await unpack(read.bytes, { maxOutputLength: bytesMax }), truncated: false };
  } catch {
    return { ...read, truncated: true }; // Not what it says it is, or too large.
  }
}

/** A body as text, in the character set that it says it is written in. */
function textOf({ body, headers }: Received): string {
  const charset = /charset="?([\w.:-]+)/i.exec(headers['content-type'] ?? '')?.[1];
  try {
    return new TextDecoder(charset ?? 'utf-8', { ignoreBOM: true }).decode(body);
  } catch {
    return body.toString('utf8'); // No character set that anybody knows.
  }
}

async function readBounded(
  body: AsyncIterable<Buffer> & { destroy(): unknown },
  bytesMax: number,
): Promise<Read> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    const left = bytesMax - length;
    if (chunk.length > left) {
      chunks.push(chunk.subarray(0, left));
      // Leaving the loop destroys the stream, and with it the connection.
      return { bytes: Buffer.concat(chunks), truncated: true };
    }
    chunks.push(chunk);
    length += chunk.length;
  }
  return { bytes: Buffer.concat(chunks), truncated: false };
}

function noReply(
  error: unknown,
  about: {
    readonly request: HttpRequest;
    readonly timedOut: boolean;
    readonly timeoutMs: number;
  },
): StepFailure {
  const { request, timedOut, timeoutMs } = about;
  const what = `${request.method} ${request.path.replace(/\?.*/, '')}`;
  if (timedOut)
    return new StepFailure(`"${what}" got no whole reply within ${timeoutMs} ms`, {
      reason: 'timeout',
      cause: error,
    });
  return new StepFailure(`"${what}" got no reply: ${messageOf(error)}`, {
    ...networkReason(error),
    cause: error,
  });
}

function replyContent(
  text: string,
  json: unknown,
  { received, recorder }: { readonly received: Received; readonly recorder: Recorder },
): Content | undefined {
  if (received.body.length === 0) return undefined;
  const content = contentOf(recorder.vault.redact(text), json !== undefined);
  if (!received.truncated) return content;
  // How much more would have come is not known; what is known is that it was more than was read.
  return { ...content, kind: 'text', cut: Math.max(content.cut ?? 0, 1) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // A page or an error text; profiles narrow what they expect.
  }
}

function flatHeaders(
  headers: Record<string, string | string[] | undefined>,
  before = '',
): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) flat[before + name] = Array.isArray(value) ? value.join(', ') : value;
  return flat;
}

function addValue(headers: Record<string, string>, name: string, value: string): void {
  const before = headers[name];
  headers[name] = before === undefined ? value : `${before}, ${value}`;
}

/**
 * The headers of an answer to an upgrade, each with all its values: Node keeps only the first of a
 * repeated `Server`, `ETag` or `Location`. An own reason phrase is told like a header.
 */
export function upgradeHeaders({
  rawHeaders,
  statusCode = 0,
  statusMessage = '',
}: Pick<IncomingMessage, 'rawHeaders' | 'statusCode' | 'statusMessage'>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    const value = rawHeaders[at + 1] ?? '';
    if (name === 'sec-websocket-accept') continue;
    addValue(headers, name, value);
  }
  if (statusMessage !== '' && statusMessage !== STATUS_CODES[statusCode])
    headers['(reason phrase)'] = statusMessage;
  return headers;
}

/** Milliseconds a `Retry-After` header (seconds or a date) asks to wait, bounded. */
export function retryAfterMs(header: string | undefined, now: number = wallUnixMs()): number {
  if (header === undefined) return RETRY_AFTER_MS_DEFAULT;
  const seconds = Number(header);
  const wanted = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - now;
  return Number.isFinite(wanted)
    ? Math.min(Math.max(wanted, 0), RETRY_AFTER_MS_MAX)
    : RETRY_AFTER_MS_DEFAULT;
}

/** `token_type`, `token_subject` and their like say something about a credential. */
const CREDENTIAL_MEMBER =
  /(?:tokens?|ticket(?:_?id)?|secret|password|cookie|jwt|api_?key|session_?key)$/i;
/** Members that are searched of a sign-in's reply; a reply is small. */
const MEMBERS_MAX = 2_000;
const CREDENTIAL_LENGTH_MIN = 12;

/** Remembers every credential in a sign-in's reply: secret-named members and cookies. */
export function learnCredentials(reply: HttpReply, { vault }: Recorder): void {
  const open: unknown[] = [reply.json];
  for (let seen = 0; open.length > 0 && seen < MEMBERS_MAX; seen += 1) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, member] of Object.entries(value)) {
      if (typeof member === 'object') open.push(member);
      else if (isCredential(name, member)) vault.add(String(member));
    }
  }
  for (const cookie of cookieSecrets(reply)) vault.add(cookie);
}

/** Headers by which a request signs in; a profile may have keys of its own (`X-E2E-Bypass-Key`). */
const CREDENTIAL_HEADER = /authorization|key|token|secret|password|ticket|jwt/i;

/** Remembers what a request signs in with that no account has: the target may tell it in its reply. */
function learnSent({ headers = {}, json, form, purpose }: HttpRequest, { vault }: Recorder): void {
  const learn = (secret: string): void => {
    // What holds a user's token is hidden as far as it does, and by the token's own hash.
    if (secret !== '' && vault.redact(secret, 'out') === secret) vault.add(secret);
  };
  for (const [name, value] of Object.entries(headers))
    if (CREDENTIAL_HEADER.test(name)) for (const secret of secretsOfHeader(value)) learn(secret);
  const body = json ?? form;
  if (purpose !== 'sign-in' || typeof body !== 'object' || body === null) return;
  for (const [name, value] of Object.entries(body))
    if (isCredential(name, value)) learn(String(value));
}

/** `token_type: "Bearer"` is none: credentials are long and of one word. */
function isCredential(name: string, value: unknown): boolean {
  return (
    typeof value === 'string' &&
    value.length >= CREDENTIAL_LENGTH_MIN &&
    CREDENTIAL_MEMBER.test(name) &&
    !/\s/.test(value)
  );
}
