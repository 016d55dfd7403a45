import type { FaultEntry } from './entry.ts';

/** What is slow, cut off, not answered or not drawn. */
export const DELIVERY: readonly FaultEntry[] = [
  {
    name: 'not-shown',
    does: 'All on the wire, the page does not draw the answer.',
    after: ['O-6', 'N73'],
    needs: 'gp',
    seenBy: 'page',
    rules: ['delivery/not-shown'],
  },
  {
    name: 'shows-success-on-error',
    does: 'An error on the wire, success on the page.',
    after: ['O-6'],
    needs: 'gp',
    seenBy: 'page',
    rules: ['isolation/wire-page-mismatch'],
  },
  {
    name: 'slow-start',
    does: 'agent_started 1.5 s after the question.',
    after: [],
    needs: 'gp',
    seenBy: 'any',
    rules: ['gate/first-event'],
  },
  {
    name: 'slow-connect',
    does: 'The handshake takes 900 ms.',
    after: [],
    needs: 'gp',
    seenBy: 'any',
    rules: ['gate/connect'],
  },
  {
    name: 'flaky-socket',
    does: 'Every tenth connection, from the first, is closed with 1011 in mid-run.',
    after: ['N95'],
    needs: 'gp',
    seenBy: 'any',
    rules: ['delivery/unexpected-close'],
  },
  {
    name: 'handshake-race',
    does: 'A question within 300 ms of the first frame is lost (a scenario asks at once).',
    after: ['N95'],
    needs: 'ask at once',
    seenBy: 'socket',
    rules: ['delivery/timeout', 'order/stalled-run', 'order/missing-event'],
  },
  {
    name: 'unhealthy',
    does: '/health answers 503, all else works.',
    after: [],
    needs: 'gp',
    seenBy: 'any',
    rules: ['gate/health'],
  },
];
