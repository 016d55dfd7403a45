import { setFlagsFromString } from 'node:v8';

/** By how much more than what is in use the heap may grow before it is looked through, per cent. */
const GROWTH_PERCENT = 30;

/**
 * Has the engine look for garbage sooner than it does by itself: it lets the heap of a process that
 * allocates as fast as a judge grow fourfold, which for a long history is more than all else together. For
 * processes that judge histories and do nothing besides.
 */
export function keepHeapLean(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  // The first observations are kept, as the sample to calibrate on. The engine learns from that that all
  // are, and puts what comes after where it is seldom looked: a third more memory, and a fifth more time.
  setFlagsFromString('--no-allocation-site-pretenuring');
}
