import { messageOf } from '../history/message-of.ts';
import { profileDefect } from '../history/profile-defect.ts';
import { isTargetRefusal } from '../targets/target.ts';
import type { FailureReason } from './recorder.ts';

/** A step of a user that did not succeed because of the target or the way to it. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
  readonly reason: string;
  readonly unreachable: boolean;
  /** Step that failed where it is narrower than the action it was part of (`connect` in `openChat`). */
  readonly step: string | undefined;
  /** True once a history line tells of it. */
  recorded = false;
  constructor(
    message: string,
    details: {
      readonly reason: string;
      readonly unreachable?: boolean | undefined;
      readonly step?: string | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: details.cause });
    this.reason = details.reason;
    this.unreachable = details.unreachable === true;
    this.step = details.step;
  }
}

/** Codes of errors that mean the target could not be reached at all. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const TIMED_OUT = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ABORT_ERR',
  'TimeoutError',
  'AbortError',
]);
const RESET = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ECONNABORTED']);

/** Code of an error: its own, its cause's, or the first of an aggregate's. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError) {
    const first: unknown = error.errors[0];
    if (first instanceof Error) return codeOf(first);
  }
  if (TIMED_OUT.has(error.name)) return error.name;
  return error.cause === error ? undefined : codeOf(error.cause);
}

/** The class of an error that kept a connection or a request from succeeding. */
export function networkReason(error: unknown): { reason: string; unreachable: boolean } {
  const code = codeOf(error) ?? '';
  const unreachable = UNREACHABLE.has(code);
  if (TIMED_OUT.has(code)) return { reason: 'timeout', unreachable };
  if (unreachable) return { reason: 'refused', unreachable };
  if (RESET.has(code)) return { reason: 'reset', unreachable };
  return { reason: 'error', unreachable };
}

/** What a thrown value says about a step, for its `failure` line. */
export function failureOf(error: unknown, step: string): FailureReason {
  if (error instanceof StepFailure) {
    const { reason, message, unreachable } = error;
    return { step: error.step ?? step, reason, message, unreachable };
  }
  if (isTargetRefusal(error))
    return { step, reason: error.status === null ? 'error' : 'refused', message: error.message };
  return { step, message: messageOf(error), ...networkReason(error) };
}

/**
 * What an asynchronous function of the profile gives. That it trips over a reply of another shape is a step
 * that failed, not a defect of the harness.
 */
export async function givenByProfile<Given>(
  name: string,
  give: () => Promise<Given>,
): Promise<Given> {
  try {
    return await give();
  } catch (error) {
    if (!isDefect(error) || codeOf(error) !== undefined) throw error;
    throw new StepFailure(profileDefect(name, error), { reason: 'error', cause: error });
  }
}

/** Whether a thrown value is a mistake in our own code or in a script, and no deed of the target. */
export function isDefect(error: unknown): boolean {
  if (codeOf(error) === 'ERR_ASSERTION') return true;
  // Network errors of Node carry a code; a bare TypeError or its like is a programmer's.
  return (
    (error instanceof TypeError || error instanceof ReferenceError) && codeOf(error) === undefined
  );
}
