import { isUtf8 } from 'node:buffer';
import type { DevToolsChannel } from './page-channel.ts';
import { within } from './waiting.ts';
import type { DevToolsAnswers, Headers, ResponseFacts } from './page-protocol.ts';

/** Longest wait for the browser to hand a body out, milliseconds. */
export const BODY_MS_MAX = 5_000;
const JSON_OR_TEXT =
  /^(?:text\/|application\/(?!octet-stream|pdf|wasm|zip|font|vnd\.ms)|image\/svg)/;
const NEVER_TEXT = /^(?:image\/(?!svg)|font\/|audio\/|video\/|application\/(?:wasm|pdf|zip|font))/;
const FETCHED: ReadonlySet<string> = new Set(['Fetch', 'XHR']);
/** Statuses whose replies have no body. */
const BODILESS = new Set([101, 204, 205, 304]);
/** A worker is looked at, and goes on. */
const SKIP = { skip: true };
/** Longest that UTF-8 makes of one unit of a string, bytes. */
const UTF8_BYTES_MAX = 3;

/** What could be had of a reply's body. */
export interface ReplyBody {
  readonly text?: string | undefined;
  /** What came, where it is no text. */
  readonly bytes?: Buffer | undefined;
  /** Bytes that are in neither. */
  readonly cut?: number | undefined;
  readonly problem?: string | undefined;
  /** There was a text, and it is not here. */
  readonly isUnread?: boolean | undefined;
}

/** A reply that has ended, and where the browser keeps its body. */
export interface EndedReply {
  readonly channel: DevToolsChannel;
  readonly requestId: string;
  readonly method: string;
  /** What asked for it, as the browser names it. */
  readonly type: string;
  readonly response: ResponseFacts;
}

/**
 * Asks the browser for the body of a reply. Never throws: a browser that has forgotten it leaves it unread.
 * @param bytesMax longest body that is kept whole, bytes.
 */
export async function readBody(
  { channel, requestId, method, type, response }: EndedReply,
  bytesMax: number,
): Promise<ReplyBody> {
  const { mimeType, headers } = response;
  // Scripts read what they fetch as they like, whatever it is called.
  const isMisnamed = FETCHED.has(type) && !hasNoBody(method, response);
  if (hasNoText(method, response) && !isMisnamed) return {};
  try {
    const { body, base64Encoded } = await bodyFrom({ channel, requestId, response });
    if (!base64Encoded && body.length * UTF8_BYTES_MAX <= bytesMax) return { text: body };
    const bytes = Buffer.from(body, base64Encoded ? 'base64' : 'utf8');
    if (NEVER_TEXT.test(mimeType) && !isUtf8(bytes)) return {};
    return boundedBody(bytes, mimeType, bytesMax);
  } catch (failure) {
    const isEmpty = lowerCased(headers)['content-length'] === '0';
    if (isEmpty || !mayBeText(mimeType)) return {};
    return { cut: 1, problem: `body not read: ${String(failure)}`, isUnread: true };
  }
}

/** What a service worker has made itself is not among what the browser keeps for later. */
async function bodyFrom({
  channel,
  requestId,
  response,
}: Omit<EndedReply, 'method' | 'type'>): Promise<DevToolsAnswers['Network.getResponseBody']> {
  const ask = ['Network.getResponseBody', { requestId }] as const;
  try {
    return await channel.send(...ask, BODY_MS_MAX);
  } catch (error) {
    const { type, url } = channel.target;
    if (type === 'shared_worker' && url === response.url) return scriptOf(channel, url, error);
    const beside = response.fromServiceWorker === true ? channel.beside(...ask) : undefined;
    if (beside === undefined) throw error;
    return beside;
  }
}

/** What a shared worker runs was asked for before there was anybody to keep it; the worker itself has it. */
async function scriptOf(
  channel: DevToolsChannel,
  url: string,
  failure: unknown,
): Promise<DevToolsAnswers['Network.getResponseBody']> {
  const found = new Promise<string>((resolve) => {
    channel.on('Debugger.scriptParsed', (script) => {
      if (script.url === url) resolve(script.scriptId);
    });
  });
  const begun = [channel.send('Debugger.enable'), channel.send('Debugger.setSkipAllPauses', SKIP)];
  try {
    await Promise.all(begun);
    const scriptId = await within(found, BODY_MS_MAX, () => {
      throw failure;
    });
    const { scriptSource } = await channel.send('Debugger.getScriptSource', { scriptId });
    return { body: scriptSource, base64Encoded: false };
  } finally {
    channel.send('Debugger.disable').catch(() => undefined);
  }
}

/** A body, cut at the limit: as text where it is one. */
export function boundedBody(bytes: Buffer, mimeType: string, bytesMax: number): ReplyBody {
  if (!isUtf8(bytes)) {
    const cut = Math.max(0, bytes.length - bytesMax);
    const problem = `${mimeType || 'bytes'} that are no text`;
    return { bytes: bytes.subarray(0, bytesMax), problem, ...(cut > 0 ? { cut } : {}) };
  }
  if (bytes.length <= bytesMax) return { text: bytes.toString('utf8') };
  return { text: bytes.subarray(0, bytesMax).toString('utf8'), cut: bytes.length - bytesMax };
}

/** Whether a reply has no body, or none that could be text. */
export function hasNoText(
  method: string,
  { status, mimeType }: Pick<ResponseFacts, 'status' | 'mimeType'>,
): boolean {
  return hasNoBody(method, { status }) || NEVER_TEXT.test(mimeType);
}

function hasNoBody(method: string, { status }: Pick<ResponseFacts, 'status'>): boolean {
  return method === 'HEAD' || method === 'OPTIONS' || BODILESS.has(status);
}

/** Whether a body of this type is likely to be text. */
export function mayBeText(mimeType: string): boolean {
  return JSON_OR_TEXT.test(mimeType);
}

/** Headers under lower-case names; several of one name in one line. */
export function lowerCased(headers: Headers): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    result[name.toLowerCase()] = value.replaceAll('\n', ', ');
  return result;
}
