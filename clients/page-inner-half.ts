/**
 * Playwright has two halves, and everything that passes between them is checked, copied and, on its way
 * in, given a stack trace. Where both are in this process the inner one can be reached, through internals
 * of the one version that this project pins; whoever does so must get by without it.
 */
import type { Browser, CDPSession } from 'playwright';

const LISTENER = '_eventListener';

type Tell = (method: string, params: unknown) => void;

/** The inner end of a session with a target of the browser. */
export interface InnerSession {
  send(method: string, params: object): Promise<unknown>;
  /** All events go there from now on, and nowhere else. */
  tell(listener: Tell): void;
}

/** The inner end of a session; undefined where it is not as expected. */
export function innerSessionOf(session: CDPSession): InnerSession | undefined {
  const line = memberOf(innerHalfOf(session), '_session');
  if (!isLine(line)) return undefined;
  return {
    send: (method, params) => line.send(method, params),
    tell: (listener) => {
      Reflect.set(line, LISTENER, listener);
    },
  };
}

/** What stands behind an object of Playwright's; undefined where that is in another process. */
export function innerHalfOf(outer: Browser | CDPSession): unknown {
  try {
    const connection = memberOf(outer, '_connection');
    const toImpl = memberOf(connection, 'toImpl');
    return typeof toImpl === 'function' ? toImpl.call(connection, outer) : undefined;
  } catch {
    return undefined; // A browser that Playwright drives from another process.
  }
}

/** A member that an object may have. */
export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

interface Line {
  send(method: string, params: object): Promise<unknown>;
}

function isLine(value: unknown): value is Line {
  return ['send', LISTENER].every((name) => typeof memberOf(value, name) === 'function');
}
