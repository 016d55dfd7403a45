import type { BrowserContext, Request } from 'playwright';
import { within } from './waiting.ts';

const SETTLE_MS_MAX = 3_000;

/** A reply that the first witness does not know. */
export interface MissedReply {
  readonly url: string;
  readonly method: string;
  readonly type: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined where it could not be read. */
  readonly body: Buffer | undefined;
  /** Unix milliseconds of the request and of the end of the reply. */
  readonly startedAt: number;
  readonly at: number;
}

/**
 * Playwright's own view of the network, which reaches windows and workers before ours does: it lets them
 * go on itself. What it saw and we did not is told from here, so that nothing is missed in between.
 */
export class SecondWitness {
  /** Replies that we saw, less those that Playwright did, by method and address. */
  readonly #ahead = new Map<string, number>();
  readonly #requests: Request[] = [];
  #sockets = 0;

  attach(context: BrowserContext): void {
    context.on('requestfinished', (request) => this.#requests.push(request));
    context.on('page', (page) => page.on('websocket', () => (this.#sockets += 1)));
  }

  /** We saw a reply ourselves. */
  saw(method: string, url: string): void {
    const key = keyOf(method, url);
    this.#ahead.set(key, (this.#ahead.get(key) ?? 0) + 1);
  }

  /** Sockets that Playwright saw being opened by pages and their workers. */
  get sockets(): number {
    return this.#sockets;
  }

  /** Requests that ended since the last time. We see an end later than Playwright, if only a little. */
  ended(): readonly Request[] {
    return this.#requests.splice(0);
  }

  /** Those replies of these requests that only Playwright saw. Never throws. */
  async missed(ended: readonly Request[]): Promise<MissedReply[]> {
    const unseen: Request[] = [];
    for (const request of ended) {
      if (!request.url().startsWith('http')) continue;
      const key = keyOf(request.method(), request.url());
      const ahead = this.#ahead.get(key) ?? 0;
      if (ahead === 0) unseen.push(request);
      else if (ahead === 1) this.#ahead.delete(key);
      else this.#ahead.set(key, ahead - 1);
    }
    const read = await Promise.all(
      unseen.map((request) => within(readReply(request), SETTLE_MS_MAX, () => undefined)),
    );
    return read.filter((reply) => reply !== undefined);
  }
}

function keyOf(method: string, url: string): string {
  return `${method} ${url.replace(/#.*/, '')}`;
}

async function readReply(request: Request): Promise<MissedReply | undefined> {
  try {
    const response = await request.response();
    if (response === null) return undefined;
    const { startTime, responseEnd } = request.timing();
    return {
      url: request.url(),
      method: request.method(),
      type: request.resourceType(),
      status: response.status(),
      headers: await response.allHeaders(),
      body: await response.body().catch(() => undefined),
      startedAt: startTime,
      at: startTime + Math.max(0, responseEnd),
    };
  } catch {
    return undefined; // The page is gone, and its memory of the reply with it.
  }
}
