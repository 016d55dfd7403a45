import type { FaultEntry } from './entry.ts';

/** Users whom the target takes for one another, or whose runs it ends with another's. */
export const IDENTITY: readonly FaultEntry[] = [
  {
    name: 'cancel-kills-neighbour',
    does: "Stopping one run stops another user's.",
    after: ['A48'],
    needs: 'cancel',
    seenBy: 'any',
    rules: ['isolation/interference', 'order/missing-event'],
  },
  {
    name: 'error-kills-neighbour',
    does: "One user's tool error fails another's run.",
    after: ['A48'],
    needs: 'error',
    seenBy: 'any',
    rules: ['isolation/interference', 'delivery/error-event'],
  },
  {
    name: 'shared-principal',
    does: 'Two users get the same user id at sign-in.',
    after: ['A51', 'N6'],
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/shared-identifier'],
  },
  {
    name: 'shared-thread-id',
    does: 'Two users get the same new thread id.',
    after: ['A51', 'N30'],
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/shared-identifier'],
  },
  {
    name: 'address-keyed',
    does: 'Identity is kept by client address and user agent (all users send the same one).',
    after: ['A12'],
    needs: 'gp',
    seenBy: 'any',
    rules: ['isolation/foreign-identity', 'isolation/shared-identifier'],
  },
  {
    name: 'name-prefix',
    does: 'A user called anna also gets what belongs to anna-b.',
    after: ['A34'],
    needs: 'prefix names',
    seenBy: 'any',
    rules: ['isolation/misdelivered-event'],
  },
];
