import { EXIT } from './exit-codes.ts';

/** Watches for Ctrl-C and for being told to end. */
export interface Interrupt {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Stops watching. */
  release(): void;
}

/**
 * The first SIGINT or SIGTERM asks for an orderly end through {@link Interrupt.signal}; the second calls
 * `atOnce`, which must not wait for anything, and ends the process with 130.
 */
export function watchInterrupt(atOnce: () => void): Interrupt {
  const controller = new AbortController();
  const receive = (): void => {
    if (!controller.signal.aborted) {
      controller.abort();
      return;
    }
    atOnce();
    process.exit(EXIT.interrupted);
  };
  process.on('SIGINT', receive);
  process.on('SIGTERM', receive);
  return {
    signal: controller.signal,
    release() {
      process.off('SIGINT', receive);
      process.off('SIGTERM', receive);
    },
  };
}
