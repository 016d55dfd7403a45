import { z } from 'zod';
import type { Progress } from '../history/progress.ts';

/**
 * What the Playwright reporter tells the process that started Playwright, over the IPC channel between
 * them. Nothing of it is evidence: verdicts are made from the histories alone.
 */
export type RunnerMessage =
  | { readonly type: 'begin'; readonly tests: number }
  | { readonly type: 'progress'; readonly progress: Progress }
  /** Output of a scenario script or of a process it started. */
  | { readonly type: 'output'; readonly text: string }
  /** A test that failed, or an error outside of tests (a script that does not load). */
  | { readonly type: 'error'; readonly test: string | null; readonly message: string };

const runnerMessageSchema = z.union([
  z.object({ type: z.literal('begin'), tests: z.number() }),
  z.object({ type: z.literal('progress'), progress: z.custom<Progress>(isTagged) }),
  z.object({ type: z.literal('output'), text: z.string() }),
  z.object({ type: z.literal('error'), test: z.string().nullable(), message: z.string() }),
]);

/** The message a value is, or undefined: other modules may use the channel too. */
export function parseRunnerMessage(value: unknown): RunnerMessage | undefined {
  return runnerMessageSchema.safeParse(value).data;
}

function isTagged(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'kind' in value;
}
