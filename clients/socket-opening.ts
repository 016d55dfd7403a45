import type { DecodedFrame, Handshake, HandshakeStep, SocketRequest } from '../targets/target.ts';
import { ATTEMPTS_MAX } from './http.ts';
import type { Observer } from './recorder.ts';
import type { SocketOwner, SocketSettings } from './socket-settings.ts';
import { StepFailure } from './step-failure.ts';
import { after } from './waiting.ts';

/** The connection that is being opened, as its opening needs it. */
export interface OpeningConnection {
  readonly isOpen: boolean;
  /** Whether the target has taken the upgrade. */
  readonly hasOpened: boolean;
  send(frame: unknown): void;
  /** The next attempt. */
  start(request: SocketRequest, intended: number): void;
  /** The opening is over, however it ended. */
  settled(): void;
  /** A question may be asked from here on. */
  ready(handshake: Handshake): void;
  terminate(): void;
}

/** What is opened, for whom, and how the target greets it. */
interface OpeningParts {
  readonly settings: SocketSettings;
  readonly owner: SocketOwner;
  readonly observer: Observer;
  readonly request: SocketRequest;
  readonly handshake: Handshake;
  /** A question may be asked. */
  readonly resolve: () => void;
  /** None ever can; that was recorded. */
  readonly reject: (failure: StepFailure) => void;
}

/**
 * From the first attempt of a connection to the end of the target's own handshake. It is dropped once a
 * question may be asked.
 */
export class Opening {
  readonly #parts: OpeningParts;
  readonly #connection: OpeningConnection;
  readonly #cancelLimit: () => void;
  #cancelSettle: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  #isOver = false;
  /** How often it was tried so far. */
  #attempts = 1;
  /** What came meanwhile, for whoever has to find out why it was not enough. */
  #messages = 0;
  #hasHeardError = false;
  #hasBeenReady = false;

  constructor(parts: OpeningParts, connection: OpeningConnection) {
    this.#parts = parts;
    this.#connection = connection;
    this.#cancelLimit = after(parts.settings.handshakeMsMax, () => this.#tooLate());
  }

  /** The target has taken the upgrade: the handshake may want to speak first. */
  opened(): void {
    const { settings, observer, handshake } = this.#parts;
    try {
      const step = handshake.opened?.();
      if (step !== undefined) this.take(step);
    } catch (error) {
      const message = settings.recorder.defect(observer, 'handshake', error);
      this.fail(new StepFailure(message, { reason: 'error', step: 'handshake' }));
      this.#connection.terminate();
    }
  }

  /** Own ids that a handshake shows are written down before the frame that shows them. */
  shakeHands(frame: unknown, decoded: DecodedFrame, at: number): HandshakeStep | undefined {
    this.#messages += 1;
    const { settings, observer, owner, handshake } = this.#parts;
    const { recorder } = settings;
    try {
      const step = handshake.receive(frame, decoded);
      const { ids, shown } = step;
      if (ids !== undefined || shown !== undefined)
        recorder.identity(observer, { source: 'handshake', ids, shown }, at);
      if (ids !== undefined) owner.introduced(ids);
      return step;
    } catch (error) {
      recorder.defect(observer, 'handshake', error);
      return undefined;
    }
  }

  /** Does what the handshake wants after what was heard. */
  take(step: HandshakeStep): void {
    if (this.#isOver) return;
    for (const frame of step.send ?? []) if (this.#connection.isOpen) this.#connection.send(frame);
    if (step.state === 'waiting') {
      this.#cancelSettle?.();
      this.#cancelSettle = undefined;
      return;
    }
    this.#hasBeenReady = true;
    if ((step.settleMs ?? 0) === 0) this.#ready();
    else this.#cancelSettle ??= after(step.settleMs ?? 0, () => this.#ready());
  }

  /** An error before one is let in may be a refusal, and is one to somebody who must be refused. */
  turnedAway(): void {
    this.#hasHeardError = true;
    if (this.#parts.settings.purpose !== 'refusal-probe') return;
    const details = { reason: 'refused', step: 'handshake' };
    this.fail(new StepFailure('the target answered the handshake with an error', details));
  }

  /** Whether the upgrade is to be tried again: who must be refused has been. */
  mayRetry(): boolean {
    return this.#attempts < ATTEMPTS_MAX && this.#parts.settings.purpose === undefined;
  }

  retryAfter(ms: number): void {
    const { settings, request } = this.#parts;
    this.#attempts += 1;
    this.#cancelRetry = after(ms, () =>
      this.#connection.start(request, settings.recorder.clock.now()),
    );
  }

  /** Ends an opening that will not succeed; whatever the socket still does is expected from here. */
  fail(failure: StepFailure): void {
    if (!this.#end()) return;
    const { settings, observer, reject } = this.#parts;
    const { reason, message, unreachable } = failure;
    const step = failure.step ?? 'connect';
    if (settings.purpose === undefined)
      settings.recorder.failure(observer, { step, reason, message, unreachable });
    failure.recorded = true;
    reject(failure);
  }

  #ready(): void {
    if (!this.#end()) return;
    this.#connection.ready(this.#parts.handshake);
    this.#parts.resolve();
  }

  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#cancelLimit();
    this.#cancelSettle?.();
    this.#cancelRetry?.();
    this.#connection.settled();
    return true;
  }

  #tooLate(): void {
    const step = this.#connection.hasOpened ? 'handshake' : 'connect';
    const { handshakeMsMax } = this.#parts.settings;
    const why = this.#whyNotReady(step);
    this.fail(
      new StepFailure(`not ready within ${handshakeMsMax} ms${why}`, { reason: 'timeout', step }),
    );
    if (step === 'connect') this.#connection.terminate();
  }

  /** What is behind a handshake that was never over: the target's silence, its refusal, or the profile. */
  #whyNotReady(step: 'connect' | 'handshake'): string {
    if (step === 'connect')
      return this.#attempts > 1 ? ': the upgrade was answered with status 429' : '';
    const messages = this.#messages;
    if (messages === 0) return ': no message came that could be read';
    if (this.#hasHeardError) return ': the target answered with an error';
    return this.#hasBeenReady
      ? ": the profile's handshake was ready, and went back to waiting with a message after that"
      : `: the profile's handshake went on waiting after ${messages} message${messages === 1 ? '' : 's'}`;
  }
}
