/**
 * Playwright has two halves, and everything that passes between them is checked, copied and, on its way
 * in, given a stack trace. Where both are in this process the inner one can be reached, through internals
 * of the one version that this project pins; whoever does so must get by without it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright';

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

/**
 * The inner end of the session by which Playwright itself drives a page, to hear what it hears; undefined
 * where it is not as expected, or where somebody hears it already.
 */
export function drivingSessionOf(page: Page): InnerSession | undefined {
  const driver = memberOf(innerHalfOf(page), 'delegate');
  const line = memberOf(memberOf(driver, '_mainFrameSession'), '_client');
  if (!isDrivingLine(line) || line[LISTENER] !== undefined) return undefined;
  return {
    send: (method, params) => line.send(method, params),
    tell: (listener) => {
      line[LISTENER] = listener;
    },
  };
}

/** Carries out what calls Playwright. */
export type CarryOut = <T>(act: () => T) => T;

/**
 * Has Playwright make no note of what is called within. By itself it takes a stack trace at each call, and its
 * test runner keeps every call of a test until that is over: a tenth of a trial's work in this process, and a
 * gigabyte in two hours of ten users. It makes none of calls within another call, so one is entered that
 * never ends. A Playwright trace would be empty.
 */
export async function withoutNotes(outer: BrowserContext): Promise<CarryOut> {
  const wrapped = memberOf(outer, '_wrapApiCall');
  let carryOut: CarryOut = (act) => act();
  if (typeof wrapped === 'function')
    await wrapped.call(
      outer,
      async () => {
        carryOut = AsyncLocalStorage.snapshot();
      },
      { internal: true },
    );
  return carryOut;
}

/** What stands behind an object of Playwright's; undefined where that is in another process. */
export function innerHalfOf(outer: Browser | CDPSession | Page): unknown {
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

interface DrivingLine extends Line {
  [LISTENER]: Tell | undefined;
}

function isLine(value: unknown): value is Line {
  return ['send', LISTENER].every((name) => typeof memberOf(value, name) === 'function');
}

/** Such a line tells its listener first and then everybody, and has no listener of its own. */
function isDrivingLine(value: unknown): value is DrivingLine {
  const isThere = typeof value === 'object' && value !== null && LISTENER in value;
  return isThere && typeof memberOf(value, 'send') === 'function';
}
