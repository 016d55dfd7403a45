import type { DevToolsChannel } from './page-channel.ts';
import { after } from './waiting.ts';

/** How long the page may take to tell the code of a close that the browser told already, milliseconds. */
const CLOSE_CODE_MS_MAX = 250;

/** How a socket ended, as only the page that held it can tell. */
export interface CloseSeen {
  readonly url: string;
  readonly code: number;
  readonly reason: string;
  /** The page itself called `close`. */
  readonly byPage: boolean;
}

/** A close that the browser told of, and whose code the page has yet to tell. */
interface Waiting {
  readonly url: string;
  readonly settle: (seen?: CloseSeen) => void;
}

/** Closes of one target's sockets, told by the page and by the browser, in either order. */
interface Closes {
  readonly seen: CloseSeen[];
  readonly waiting: Waiting[];
}

/** Brings together what the browser and what the page tell of the end of a socket. */
export class SocketCloses {
  readonly #closes = new Map<DevToolsChannel, Closes>();

  /** The page tells how one of its sockets ended. */
  toldByPage(channel: DevToolsChannel, seen: CloseSeen): void {
    const closes = this.#of(channel);
    const at = closes.waiting.findIndex(({ url }) => url === seen.url);
    const [waiting] = at === -1 ? [] : closes.waiting.splice(at, 1);
    if (waiting === undefined) closes.seen.push(seen);
    else waiting.settle(seen);
  }

  /** What the page has told of the end of such a socket, if it has. */
  take(channel: DevToolsChannel, url: string): CloseSeen | undefined {
    const { seen } = this.#of(channel);
    const at = seen.findIndex((close) => close.url === url);
    return at === -1 ? undefined : seen.splice(at, 1)[0];
  }

  /** Calls back once, with the page's word or, after a short while, without. */
  await(channel: DevToolsChannel, url: string, tell: (seen?: CloseSeen) => void): void {
    const { waiting } = this.#of(channel);
    const cancel = after(CLOSE_CODE_MS_MAX, () => {
      waiting.splice(waiting.indexOf(entry), 1);
      tell();
    });
    const entry: Waiting = {
      url,
      settle: (seen) => {
        cancel();
        tell(seen);
      },
    };
    waiting.push(entry);
  }

  /** A target is gone and tells nothing any more. */
  end(channel: DevToolsChannel): void {
    for (const { settle } of this.#closes.get(channel)?.waiting.splice(0) ?? []) settle();
    this.#closes.delete(channel);
  }

  /** Nobody waits for the word of a page any more. */
  stop(): void {
    for (const { waiting } of this.#closes.values())
      for (const { settle } of waiting.splice(0)) settle();
  }

  #of(channel: DevToolsChannel): Closes {
    const known = this.#closes.get(channel);
    if (known !== undefined) return known;
    const closes: Closes = { seen: [], waiting: [] };
    this.#closes.set(channel, closes);
    return closes;
  }
}
