import type { Observation } from '../../../../history/observation.ts';
import { connOf, aboutAnEvent, type Mutation } from './mutation.ts';

/** A line of the harness about one user, at the end. */
const reported = (
  rule: string,
  line: Partial<Observation>,
  also: readonly string[] = [],
): Mutation =>
  aboutAnEvent((told, { user }) => ({
    lines: [
      ...told.lines,
      {
        n: 0,
        line: 0,
        t: told.lines.at(-1)?.t ?? 0,
        user,
        conn: connOf(told, user),
        surface: 'harness',
        dir: 'act',
        kind: 'failure',
        ...line,
      },
    ],
    rule,
    owner: null,
    also,
  }));

/** What the harness met with. */
export const DELIVERED: Readonly<Record<string, Mutation>> = {
  'connection closed by the target': reported('delivery/unexpected-close', {
    surface: 'socket',
    kind: 'close',
    by: 'them',
    code: 1011,
  }),
  'sign-in refused': reported('delivery/connect-failed', { step: 'sign in', reason: 'refused' }),
  'step timed out': reported('delivery/timeout', { step: 'read the answer', reason: 'timeout' }),
  'step failed': reported('delivery/error-event', { step: 'list threads', reason: 'refused' }),
  'error reported': reported('delivery/error-event', {
    surface: 'socket',
    dir: 'in',
    kind: 'frame',
    event: 'error_message',
    contentKind: 'frame',
    content: '{"type":"error_message"}',
  }),
};
