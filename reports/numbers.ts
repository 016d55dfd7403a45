import type { GateResult } from '../history/verdict.ts';

/** `12,345`; at most three decimals. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 3 });
}

/** `1 user`, `3 users`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** `850 ms`, `12.3 s`, `4 min 5 s`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A share from 0 to 1 as `99.9 %`; tiny shares keep two significant digits. */
export function shareText(share: number): string {
  const percent = share * 100;
  if (percent !== 0 && Math.abs(percent) < 0.01) return `${percent.toPrecision(2)} %`;
  return `${grouped(Math.round(percent * 1000) / 1000)} %`;
}

const TIMING_GATES: ReadonlySet<GateResult['name']> = new Set([
  'connect',
  'first-event',
  'delivery',
  'api',
]);

/** A gate's number in its own unit: milliseconds for timing gates, a share for the others. */
export function gateNumber(name: GateResult['name'], value: number): string {
  return TIMING_GATES.has(name) ? `${grouped(Math.round(value * 10) / 10)} ms` : shareText(value);
}
