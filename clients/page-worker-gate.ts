import type { Browser } from 'playwright';
import { innerHalfOf, memberOf } from './page-inner-half.ts';
import type { DevToolsEvents, TargetFacts } from './page-protocol.ts';
import { after } from './waiting.ts';

/** Longest time that a new worker waits to be watched, milliseconds. */
const HELD_MS_MAX = 5_000;

/** A message of the DevTools protocol, either way. */
interface Message {
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: unknown;
}

/** The line between Playwright and a browser. */
interface Wire {
  onmessage: (message: Message) => unknown;
  send(message: Message): void;
}

type Attached = DevToolsEvents['Target.attachedToTarget'];

/** A worker that waited when a session of Playwright's began. */
interface Worker {
  readonly facts: TargetFacts;
  /** It need not wait any more, also where the browser stops it and starts it again. */
  isFree: boolean;
}

/** A worker that waits, and what Playwright told it meanwhile. */
interface Held {
  readonly profile: string;
  letGo(): void;
}

/**
 * Keeps new workers and windows of a browser from running before they are watched. A worker for which
 * several sessions wait runs as soon as the first of them lets it go, and a window waits for Playwright
 * alone, which lets both go at once: what they open in their first moments nobody records. So Playwright's
 * word is held back until ours was given. Frames wait for everybody and need no gate.
 *
 * Playwright has no public way to this: its line to the browser is reached through its own internals, of
 * the one version that this project pins. Where they are not as expected nothing is held.
 */
export class WorkerGate {
  readonly #profiles = new Map<string, (worker: TargetFacts) => void>();
  /** Workers by the session that Playwright has with them. */
  readonly #workers = new Map<string, Worker>();
  readonly #held = new Map<string, Held>();
  /** Whether workers can be held at all. */
  readonly holds: boolean;

  constructor(browser: Browser) {
    const wire = wireOf(browser);
    this.holds = wire !== undefined;
    if (wire === undefined) return;
    const receive = wire.onmessage.bind(wire);
    const send = wire.send.bind(wire);
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- no event target: it calls one function
    wire.onmessage = (message) => {
      this.#received(message);
      return receive(message);
    };
    wire.send = (message) => {
      if (!this.#isHeld(message, () => send(message))) send(message);
    };
  }

  /**
   * From now on new workers of a profile wait until they are watched, until the returned function is
   * called.
   * @param profile the browser's own id of the profile.
   * @param late told of a worker that ran unwatched because nobody watched it in time.
   */
  hold(profile: string, late: (worker: TargetFacts) => void): () => void {
    this.#profiles.set(profile, late);
    return () => {
      this.#profiles.delete(profile);
      for (const held of this.#held.values()) if (held.profile === profile) held.letGo();
    };
  }

  /** A worker is watched, or cannot be: it need not wait any longer. */
  release(targetId: string): void {
    for (const worker of this.#workers.values())
      if (worker.facts.targetId === targetId) worker.isFree = true;
    this.#held.get(targetId)?.letGo();
  }

  #received({ method, params }: Message): void {
    if (method === 'Target.attachedToTarget') {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the protocol's word for it
      const { sessionId, targetInfo, waitingForDebugger } = params as Attached;
      if (waitingForDebugger && isHeldKind(targetInfo))
        this.#workers.set(sessionId, { facts: targetInfo, isFree: false });
    } else if (method === 'Target.detachedFromTarget') {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the protocol's word for it
      const { sessionId } = params as DevToolsEvents['Target.detachedFromTarget'];
      this.#workers.delete(sessionId);
    }
  }

  #isHeld({ method, sessionId = '' }: Message, send: () => void): boolean {
    if (method !== 'Runtime.runIfWaitingForDebugger') return false;
    const worker = this.#workers.get(sessionId);
    if (worker === undefined || worker.isFree) return false;
    const { targetId, browserContextId: profile = '' } = worker.facts;
    const late = this.#profiles.get(profile);
    if (late === undefined) return false;
    const letGo = (): void => {
      cancel();
      worker.isFree = true;
      this.#held.delete(targetId);
      try {
        send();
      } catch {
        // The browser is gone, and its workers with it.
      }
    };
    const cancel = after(HELD_MS_MAX, () => {
      letGo();
      late(worker.facts);
    });
    this.#held.set(targetId, { profile, letGo });
    return true;
  }
}

/** Windows that pages open are as much in a hurry as workers are. */
function isHeldKind({ type }: TargetFacts): boolean {
  return type === 'page' || type.endsWith('worker');
}

const gates = new WeakMap<Browser, WorkerGate>();

/** The gate of a browser; there is one. */
export function workerGateOf(browser: Browser): WorkerGate {
  const known = gates.get(browser) ?? new WorkerGate(browser);
  gates.set(browser, known);
  return known;
}

function wireOf(browser: Browser): Wire | undefined {
  const wire = memberOf(memberOf(innerHalfOf(browser), '_connection'), '_transport');
  return isWire(wire) ? wire : undefined;
}

function isWire(value: unknown): value is Wire {
  return ['send', 'onmessage'].every((name) => typeof memberOf(value, name) === 'function');
}
