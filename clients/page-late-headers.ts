import type { Headers } from './page-protocol.ts';

/** A reply whose headers as they were on the wire are told of by themselves. */
export interface AwaitsHeaders {
  /** Whether the browser has promised them. */
  readonly awaitsExtra: boolean;
  responseExtra: Headers | undefined;
  /** Called when they come after all; set by whoever waits for them. */
  writeLate: (() => void) | undefined;
  /** Nobody waits for them any longer; set once the exchange is over without them. */
  forget: (() => void) | undefined;
}

/**
 * Brings replies and their headers as they were on the wire together. The network tells of them, the page of
 * the rest, and neither waits for the other: they come before the request, in the middle or after the end.
 */
export class LateHeaders {
  /** Those that came before their request was told of. */
  readonly #early = new Map<string, Headers>();
  /** Exchanges that are over, and whose headers are still to come. */
  readonly #over = new Map<string, AwaitsHeaders>();

  /** @param open the exchange under way with that id, if it is known. */
  came(requestId: string, headers: Headers, open: AwaitsHeaders | undefined): void {
    // A redirect and what it leads to have one id; what comes first is the first one's.
    const exchange = this.#over.get(requestId) ?? open;
    if (exchange === undefined || exchange.responseExtra !== undefined) {
      this.#early.set(requestId, headers);
      return;
    }
    exchange.responseExtra = headers;
    exchange.forget?.();
    exchange.writeLate?.();
  }

  /** An exchange has become known. */
  known(requestId: string, exchange: AwaitsHeaders): void {
    exchange.responseExtra ??= this.#early.get(requestId);
    this.#early.delete(requestId);
  }

  /** An exchange is over. */
  ended(requestId: string, exchange: AwaitsHeaders | undefined): void {
    if (exchange?.awaitsExtra !== true || exchange.responseExtra !== undefined) return;
    this.#over.set(requestId, exchange);
    exchange.forget = () => this.#over.delete(requestId);
  }
}
