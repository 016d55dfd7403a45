import type { CDPSession } from 'playwright';
import { messageOf } from '../history/message-of.ts';
import type { DevToolsAnswers, DevToolsEvents, TargetFacts } from './page-protocol.ts';
import { innerSessionOf, type InnerSession } from './page-inner-half.ts';
import { within } from './waiting.ts';

/** What Playwright asks of every page it drives: asked for on a second session, the browser tells it twice. */
const TOLD_TO_PLAYWRIGHT = /^(?:Network|Page)\./;

/** Longest wait for the answer to one command; a page that stands still answers none. */
export const ANSWER_MS_MAX = 5_000;

/** A command that the browser refused or did not answer in time. */
export class DevToolsFailure extends Error {
  override readonly name = 'DevToolsFailure';
  /** Whether no answer came, as opposed to a refusal. */
  readonly late: boolean;
  constructor(message: string, late: boolean) {
    super(message);
    this.late = late;
  }
}

/** What a channel leads to. */
type WatchedTarget = Omit<TargetFacts, 'targetId'> & Partial<Pick<TargetFacts, 'targetId'>>;
type Transmit = (method: string, params: object) => Promise<unknown>;
type Listener = (params: never) => void;

/**
 * A line to one target of the browser: a page, a frame in a process of its own, a worker. What belongs
 * to a target is attached to as it comes up and has a channel of its own, reached through its parent's.
 */
export class DevToolsChannel {
  readonly target: WatchedTarget;
  readonly #transmit: Transmit;
  #driving: InnerSession | undefined;
  readonly #listeners = new Map<string, Listener[]>();
  readonly #children = new Map<string, ChildLine>();
  #onChild: ((child: DevToolsChannel) => void) | undefined;
  #onEnd: (() => void)[] = [];

  constructor(target: WatchedTarget, transmit: Transmit) {
    this.target = target;
    this.#transmit = transmit;
    this.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
      this.#attached(sessionId, targetInfo);
    });
    this.on('Target.receivedMessageFromTarget', ({ sessionId, message }) => {
      this.#children.get(sessionId)?.receive(message);
    });
    this.on('Target.detachedFromTarget', ({ sessionId }) => {
      this.#children.get(sessionId)?.channel.end();
      this.#children.delete(sessionId);
    });
  }

  /** A channel over a session that Playwright opened; from here on the session is the channel's own. */
  static over(session: CDPSession, target: WatchedTarget): DevToolsChannel {
    const inner = innerSessionOf(session);
    if (inner !== undefined) {
      const channel = new DevToolsChannel(target, (method, params) => inner.send(method, params));
      inner.tell((method, params) => channel.#heardBeside(method, params ?? {}));
      return channel;
    }
    const channel = new DevToolsChannel(target, (method, params) =>
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- names are checked by `send`
      session.send(method as 'Network.enable', params),
    );
    session.on('event', ({ method, params }) => channel.dispatch(method, params ?? {}));
    return channel;
  }

  /** From here on what Playwright is told of a page by its own session comes from there. */
  listenIn(driving: InnerSession): void {
    this.#driving = driving;
    driving.tell((method, params) => {
      if (TOLD_TO_PLAYWRIGHT.test(method)) this.dispatch(method, params ?? {});
    });
  }

  /**
   * Sends a command on a session on which nothing keeps bodies for later: a browser that keeps them has not the
   * beginning of what streams. Undefined where there is none beside the session that the channel listens in.
   */
  beside<M extends string>(
    method: M,
    params: object = {},
  ): ReturnType<typeof this.send<M>> | undefined {
    if (this.#driving === undefined) return undefined;
    return this.#answered(method, this.#transmitted(method, this.#transmit(method, params)));
  }

  /** Open targets below this one, and those below them. */
  get descendants(): DevToolsChannel[] {
    return [...this.#children.values()].flatMap(({ channel }) => [channel, ...channel.descendants]);
  }

  on<M extends keyof DevToolsEvents>(
    method: M,
    listener: (event: DevToolsEvents[M]) => void,
  ): void {
    const listeners = this.#listeners.get(method) ?? [];
    listeners.push(listener);
    this.#listeners.set(method, listeners);
  }

  /** Called with every target that comes up below this one, before it runs where that can be had. */
  onChild(listener: (child: DevToolsChannel) => void): void {
    this.#onChild = listener;
  }

  /** Called once, when the target is gone. */
  onEnd(listener: () => void): void {
    this.#onEnd.push(listener);
  }

  /** Attaches to what comes up below this target. */
  async attachBelow(): Promise<void> {
    await this.send('Target.setAutoAttach', {
      autoAttach: true,
      waitForDebuggerOnStart: true,
      flatten: false,
    });
  }

  /** Attaches to a target that exists already; its channel goes to the listener of {@link onChild}. */
  async attachTo(target: TargetFacts): Promise<void> {
    const { sessionId } = await this.send('Target.attachToTarget', {
      targetId: target.targetId,
      flatten: false,
    });
    this.#attached(sessionId, target);
  }

  /**
   * Sends a command and waits for its answer.
   * @throws DevToolsFailure when it was refused or no answer came within the limit.
   */
  async send<M extends string>(
    method: M,
    params: object = {},
    limitMs: number = ANSWER_MS_MAX,
  ): Promise<M extends keyof DevToolsAnswers ? DevToolsAnswers[M] : unknown> {
    return this.#answered(method, this.#sent(method, params), limitMs);
  }

  async #answered<M extends string>(
    method: M,
    answering: Promise<unknown>,
    limitMs: number = ANSWER_MS_MAX,
  ): Promise<M extends keyof DevToolsAnswers ? DevToolsAnswers[M] : unknown> {
    const answer = await within(answering, limitMs, () => {
      throw new DevToolsFailure(`${method}: no answer within ${limitMs} ms`, true);
    });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the protocol's word for it
    return answer as M extends keyof DevToolsAnswers ? DevToolsAnswers[M] : unknown;
  }

  /** Hands an event to its listeners. */
  dispatch(method: string, params: unknown): void {
    const listeners = this.#listeners.get(method);
    if (listeners === undefined) return;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the protocol's word for it
    for (const listener of listeners) listener(params as never);
  }

  /** The target is gone: everything below it is too. */
  end(): void {
    for (const { channel } of this.#children.values()) channel.end();
    this.#children.clear();
    for (const listener of this.#onEnd.splice(0)) listener();
  }

  /** Of what is told on both sessions only the pieces of streams, which the other one is not told. */
  #heardBeside(method: string, params: object): void {
    const isToldTwice = this.#driving !== undefined && method.startsWith('Network.');
    const isPiece = method === 'Network.dataReceived' && 'data' in params;
    if (!isToldTwice || isPiece) this.dispatch(method, params);
  }

  #sent(method: string, params: object): Promise<unknown> {
    const driving = TOLD_TO_PLAYWRIGHT.test(method) ? this.#driving : undefined;
    return this.#transmitted(
      method,
      driving?.send(method, params) ?? this.#transmit(method, params),
    );
  }

  async #transmitted(method: string, answer: Promise<unknown>): Promise<unknown> {
    try {
      return await answer;
    } catch (error) {
      throw new DevToolsFailure(`${method}: ${messageOf(error)}`, false);
    }
  }

  #attached(sessionId: string, target: TargetFacts): void {
    if (this.#children.has(sessionId)) return;
    const line = new ChildLine(target, (message) =>
      this.#sent('Target.sendMessageToTarget', { sessionId, message }),
    );
    this.#children.set(sessionId, line);
    this.#onChild?.(line.channel);
  }
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Messages between us and a target below another one, numbered by us. */
class ChildLine {
  readonly channel: DevToolsChannel;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor(target: TargetFacts, write: (message: string) => Promise<unknown>) {
    this.channel = new DevToolsChannel(target, (method, params) => {
      this.#last += 1;
      const id = this.#last;
      return new Promise((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        write(JSON.stringify({ id, method, params })).catch((error: unknown) => {
          this.#waiting.delete(id);
          reject(error instanceof Error ? error : new Error(String(error)));
        });
      });
    });
    this.channel.onEnd(() => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the target is gone'));
      this.#waiting.clear();
    });
  }

  receive(message: string): void {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the browser itself
    const { id, method, params, result, error } = JSON.parse(message) as {
      readonly id?: number;
      readonly method?: string;
      readonly params?: unknown;
      readonly result?: unknown;
      readonly error?: { readonly message: string };
    };
    if (id === undefined) {
      if (method !== undefined) this.channel.dispatch(method, params ?? {});
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error.message));
  }
}
