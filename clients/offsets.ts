import { createHash } from 'node:crypto';

const DRAWS = 2 ** 32;

/**
 * Draws for each user how much later than the others it is released: 0 to `spreadMs` milliseconds, the
 * same for the same seed and name whoever else is drawn for.
 */
export function offsetsOf(seed: string, spreadMs: number): (name: string) => number {
  if (spreadMs === 0) return () => 0;
  return (name) => {
    const drawn = createHash('sha256').update(`${seed} ${name}`).digest().readUInt32LE(0);
    return (drawn / DRAWS) * spreadMs;
  };
}
