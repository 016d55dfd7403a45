import type { DecodedFrame, Handshake, HandshakeStep, Session } from '../targets/target.ts';
import type { Observer } from './recorder.ts';
import type { TrialContext } from './trial-context.ts';

/** Frames kept until it is known who signed in; a greeting is at the beginning. */
const WAITING_MAX = 32;
/** Frames after which a socket that never finished its handshake is left alone. */
const FRAMES_MAX = 64;

interface Waiting {
  readonly text: string;
  readonly decoded: DecodedFrame;
}

/**
 * Reads along while a page shakes hands on one socket, to learn which ids the target calls this user's
 * own. The page answers by itself; a page may do so before the harness knows who signed in on it.
 */
export class BrowserGreeting {
  readonly #context: TrialContext;
  readonly #observer: Observer;
  #waiting: Waiting[] = [];
  #handshake: Handshake | undefined;
  #framesLeft = FRAMES_MAX;

  constructor(context: TrialContext, observer: Observer) {
    this.#context = context;
    this.#observer = observer;
  }

  /** It is known now who signed in. */
  begin(session: Session): void {
    if (this.#handshake !== undefined) return;
    this.#handshake = this.#context.target.socket.handshake(session);
    this.#guarded(() => this.#handshake?.opened?.());
    for (const { text, decoded } of this.#waiting) this.received(decoded, text);
    this.#waiting = [];
  }

  received(decoded: DecodedFrame, text: string): void {
    if (this.#framesLeft === 0) return;
    if (this.#handshake === undefined) {
      if (this.#waiting.length < WAITING_MAX) this.#waiting.push({ text, decoded });
      return;
    }
    this.#framesLeft -= 1;
    this.#guarded(() => this.#handshake?.receive(JSON.parse(text), decoded));
  }

  /** A profile whose handshake throws, or a frame that is no JSON, costs its ids and nothing else. */
  #guarded(take: () => HandshakeStep | undefined): void {
    const { recorder } = this.#context;
    let step: HandshakeStep | undefined;
    try {
      step = take();
    } catch (error) {
      recorder.defect(this.#observer, 'handshake', error);
    }
    if (step === undefined) return;
    const { ids, shown, state, settleMs = 0 } = step;
    if (ids !== undefined || shown !== undefined)
      recorder.identity(this.#observer, { source: 'handshake', ids, shown });
    // A ready socket may still be told more of itself for a while.
    if (state === 'ready' && settleMs === 0) this.#framesLeft = 0;
  }
}
