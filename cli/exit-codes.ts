import type { Outcome } from '../history/verdict.ts';

/** Exit codes of every command (DESIGN §4.2). `docs/exit-codes.md` explains them. */
export const EXIT = {
  pass: 0,
  fail: 1,
  inconclusive: 2,
  usage: 64,
  defect: 70,
  interrupted: 130,
} as const;

/** The exit code of a command that ends with this verdict. */
export function exitCodeOf(outcome: Outcome): number {
  return EXIT[outcome];
}
