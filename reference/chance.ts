import { createHash } from 'node:crypto';

/** A source of numbers in [0, 1) that depends on nothing but its seed and name. */
export type Chance = () => number;

/** Hands out one independent, repeatable source per name. */
export type ChanceFor = (name: string) => Chance;

/** Makes the sources of one seed. Two uses never disturb each other, because each has its own name. */
export function createChance(seed: string): ChanceFor {
  return (name) => {
    let state = createHash('sha256').update(`${seed}\n${name}`).digest().readUInt32LE(0);
    // The generator is mulberry32: small, fast and good enough to draw victims and jitter.
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
    };
  };
}
