import { isatty } from 'node:tty';

/**
 * Whether what goes to a stream may be coloured: it is a terminal, and `NO_COLOR` is not set. Always a
 * boolean: for a pipe `isTTY` is undefined, which colour libraries take for "decide yourself", and some
 * then colour whatever runs in CI.
 */
export function mayColor(stream: { readonly fd: number }): boolean {
  return isatty(stream.fd) && (process.env['NO_COLOR'] ?? '') === '';
}
