import { StepFailure } from './step-failure.ts';
import { after } from './waiting.ts';

/** How long a page whose socket was closed may take to open another before the answer counts as lost. */
const RECONNECT_MS_MAX = 10_000;

/** The sockets and streams of a user's page, and what their end means for an answer that is awaited. */
export class BrowserConnections {
  readonly #stop: (failure: StepFailure) => void;
  #latest: string | null = null;
  #count = 0;
  /** How many are open. */
  #open = 0;
  #isClosing = false;
  #cutOff: StepFailure | undefined;
  #cancelCutOff: (() => void) | undefined;

  /** @param stop told when no answer can come any more. */
  constructor(stop: (failure: StepFailure) => void) {
    this.#stop = stop;
  }

  /** Name of the latest, `u03#1`. */
  get latest(): string | null {
    return this.#latest;
  }

  /** How many there have been. */
  get count(): number {
    return this.#count;
  }

  /** Why no answer can come any more. */
  get cutOff(): StepFailure | undefined {
    return this.#cutOff;
  }

  /** Whether the user is done: how a connection ends means nothing any more. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  opened(conn: string): void {
    this.#latest = conn;
    this.#count += 1;
    this.#open += 1;
    this.#cancelCutOff?.();
    this.#cutOff = undefined;
  }

  /** A page may open another socket and go on with its run; only if it does not, the answer is lost. */
  closed(code: number, by: 'us' | 'them'): void {
    this.#open = Math.max(0, this.#open - 1);
    if (by === 'us' || this.#isClosing || this.#open > 0) return;
    this.#expectAnother(`the connection was closed with ${code}`);
  }

  /** Streams end with what they were for; one that ends before its run did is as good as a closed socket. */
  ended({ isAwaited }: { readonly isAwaited: boolean }): void {
    this.#open = Math.max(0, this.#open - 1);
    if (!isAwaited || this.#isClosing || this.#open > 0) return;
    this.#expectAnother('the reply that streamed ended before its run did');
  }

  /** The profile that had them was closed on purpose. */
  goneWithProfile(): void {
    this.#open = 0;
  }

  close(): void {
    this.#isClosing = true;
    this.#cancelCutOff?.();
  }

  #expectAnother(problem: string): void {
    this.#cancelCutOff?.();
    this.#cancelCutOff = after(RECONNECT_MS_MAX, () => {
      this.#cutOff = new StepFailure(
        `${problem}, and the page opened no other within ${RECONNECT_MS_MAX} ms`,
        { reason: 'unexpected-close' },
      );
      this.#stop(this.#cutOff);
    });
  }
}
