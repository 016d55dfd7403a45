import type { BrowserContext, Request } from 'playwright';
import { pause, within } from './waiting.ts';

const SETTLE_MS_MAX = 3_000;
/** How often one looks whether what the other witness saw has come here as well. */
const LOOK_EVERY_MS = 20;

/** A socket that Playwright saw. */
interface SocketSeen {
  readonly url: string;
  /** By this process's clock, milliseconds. */
  readonly at: number;
}

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
  /** Sockets that we saw being opened by pages and their workers, less those that Playwright saw. */
  readonly #socketsAhead = new Map<string, number>();
  /** Sockets that Playwright saw, and we did not when we were asked last. */
  #sockets: SocketSeen[] = [];
  readonly #lateMsMax: number;

  /** @param lateMsMax how much later than Playwright we may see a socket. */
  constructor(lateMsMax = SETTLE_MS_MAX) {
    this.#lateMsMax = lateMsMax;
  }

  attach(context: BrowserContext): void {
    context.on('requestfinished', (request) => this.#requests.push(request));
    context.on('page', (page) => {
      page.on('websocket', (socket) =>
        this.#sockets.push({ url: socket.url(), at: performance.now() }),
      );
    });
  }

  /** We saw a reply ourselves. */
  saw(method: string, url: string): void {
    const key = keyOf(method, url);
    this.#ahead.set(key, (this.#ahead.get(key) ?? 0) + 1);
  }

  /** We saw a socket being opened by a page or by a worker of one. */
  sawSocket(url: string): void {
    this.#socketsAhead.set(url, (this.#socketsAhead.get(url) ?? 0) + 1);
  }

  /** Whether only Playwright saw some socket, although it was long enough ago for us to have seen it. */
  missesSocket(): boolean {
    const latest = performance.now() - this.#lateMsMax;
    const unseen = this.#unseen();
    this.#sockets = unseen.filter(({ at }) => at > latest);
    return this.#sockets.length < unseen.length;
  }

  /** Waits until we have seen every socket that Playwright saw, or should have. */
  async socketsSeen(): Promise<void> {
    for (;;) {
      this.#sockets = this.#unseen();
      const latest = performance.now() - this.#lateMsMax;
      if (this.#sockets.every(({ at }) => at <= latest)) return;
      await pause(LOOK_EVERY_MS);
    }
  }

  #unseen(): SocketSeen[] {
    return this.#sockets.filter(({ url }) => !takeOne(this.#socketsAhead, url));
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
      if (!takeOne(this.#ahead, keyOf(request.method(), request.url()))) unseen.push(request);
    }
    const read = await Promise.all(
      unseen.map((request) => within(readReply(request), SETTLE_MS_MAX, () => undefined)),
    );
    return read.filter((reply) => reply !== undefined);
  }
}

/** Takes one off a count; false when there is none. */
function takeOne(counts: Map<string, number>, key: string): boolean {
  const count = counts.get(key) ?? 0;
  if (count <= 1) counts.delete(key);
  else counts.set(key, count - 1);
  return count > 0;
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
