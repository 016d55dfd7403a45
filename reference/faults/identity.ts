/** Faults that confuse people with each other, or tell one about another outside of any run. */
import type { Origin, User } from '../model.ts';
import type { World } from '../world.ts';
import type { FaultTable } from './fault.ts';
import { isVictim } from './fault.ts';

const FOREIGN_THREADS_LISTED_MAX = 50;

/** The faults of this file by name. */
export const IDENTITY_FAULTS: FaultTable = {
  'shared-principal': (world, name) => ({
    onNewUser: (email, ordinal) => {
      const [first] = world.users.all();
      if (ordinal !== 2 || first === undefined) return null;
      explainSharing(world, [first.email, email], { fault: name, how: 'shares identity' });
      return first.id;
    },
  }),

  'shared-thread-id': (world, name) => {
    let happened = false;
    return {
      onNewThread: (owner) => {
        const [first] = world.threads.all();
        if (happened || first === undefined || first.owner === owner) return null;
        happened = true;
        const both = [first.owner.email, owner.email] as const;
        explainSharing(world, both, { fault: name, how: 'shares a thread id' });
        return first;
      },
    };
  },

  'address-keyed': (world, name) => {
    // The first who signs in from an address and user agent stays the identity of all who follow.
    const identities = new Map<string, User>();
    const signedInAs = new Map<User, User>();
    const together = new Map<User, Set<User>>();
    return {
      onSignIn: (user, from) => {
        const key = keyOf(from);
        const identity = identities.get(key) ?? user;
        identities.set(key, identity);
        signedInAs.set(user, identity);
      },
      onIdentity: (session, from) => {
        // A socket client that sends no user agent is found by where its user signed in.
        const known = identities.get(keyOf(from)) ?? signedInAs.get(session.signedIn);
        const identity = known ?? session.user;
        const group = together.get(identity) ?? new Set([identity]);
        together.set(identity, group);
        if (!group.has(session.signedIn)) {
          for (const other of group) {
            const both = [other.email, session.signedIn.email] as const;
            explainSharing(world, both, { fault: name, how: 'shares identity' });
          }
          group.add(session.signedIn);
        }
        return identity;
      },
    };
  },

  'thread-list-titles': (world, name) => ({
    onThreadList: (listed, session) => {
      if (!isVictim(session.signedIn)) return listed;
      const foreign = [...world.threads.all()]
        .filter(({ members }) => !members.has(session.user.id))
        .slice(-FOREIGN_THREADS_LISTED_MAX)
        .map((thread) => ({
          thread,
          deviations: [
            { fault: name, owner: thread.owner.email, how: 'the thread list holds their title' },
          ],
        }));
      return [...listed, ...foreign];
    },
  }),

  'thread-name-key': (world, name) => ({
    onHistory: (messages, thread, session) => {
      const namesakes = [...world.threads.all()].filter(
        (other) => other.title === thread.title && !other.members.has(session.user.id),
      );
      const foreign = namesakes.flatMap((other) =>
        other.messages.map((message) => ({
          ...message,
          deviations: [
            { fault: name, owner: other.owner.email, how: 'their thread has the same title' },
          ],
        })),
      );
      return [...messages, ...foreign].toSorted((one, other) => one.createdAt - other.createdAt);
    },
  }),

  'header-leak': (_world, name) => {
    let last: User | null = null;
    return {
      onReply: ({ session }) => {
        if (session === null) return null;
        const other = last;
        last = session.signedIn;
        if (other === null || other === last || !isVictim(last)) return null;
        const deviations = [
          { fault: name, owner: other.email, how: 'the header x-last-user holds their id' },
        ];
        return { headers: { 'x-last-user': other.id }, deviations };
      },
    };
  },
};

function keyOf(from: Origin): string {
  return `${from.address} ${from.userAgent}`;
}

/** Writes that two people see each other's everything from now on, in both directions. */
function explainSharing(
  world: World,
  [one, other]: readonly [string, string],
  why: { readonly fault: string; readonly how: string },
): void {
  world.truth.write({ ...why, observer: one, owner: other, run: null, event: null });
  world.truth.write({ ...why, observer: other, owner: one, run: null, event: null });
}
