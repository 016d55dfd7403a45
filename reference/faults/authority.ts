/** Faults that let people do what they may not do, or no longer. */
import type { ExcusedToken, Trespass } from '../hooks.ts';
import type { Run, Step, Thread } from '../model.ts';
import type { World } from '../world.ts';
import type { Fault, FaultTable } from './fault.ts';
import { breakOf, dataOf, explained, isStrangerTo } from './fault.ts';

const DEFAULT_USER = 'default-user@target.test';

/** The faults of this file by name. */
export const AUTHORITY_FAULTS: FaultTable = {
  'thread-read': (_world, name) => ({
    onTrespass: ({ act, thread }) =>
      act === 'read-thread'
        ? { fault: name, owner: thread.owner.email, how: 'read their thread' }
        : null,
  }),

  'socket-foreign-thread': (world, name) => ({
    onTrespass: (trespass) => {
      const { act, thread } = trespass;
      if (act !== 'ask-in-thread') return null;
      explainQuestion(world, name, trespass);
      return { fault: name, owner: thread.owner.email, how: 'asked in their thread' };
    },
    onPlan: (plan, run) =>
      isMember(run.thread, run) ? plan : plan.map((due) => recalling(due, run, name)),
  }),

  'socket-foreign-stop': (world, name) => ({
    onTrespass: ({ act, run, session }) => {
      if (act !== 'stop-run' || run === null || !run.active) return null;
      world.truth.write({
        fault: name,
        observer: run.asker.signedIn.email,
        owner: session.signedIn.email,
        run: run.id,
        event: 'agent_stopped',
        how: 'somebody else stopped this run',
      });
      return { ...dataOf(run, name, 'stopped their run'), event: 'agent_stopped' };
    },
  }),

  'resume-by-id': (_world, name) => ({
    onTrespass: ({ act, run, session }) =>
      act === 'resume-run' && run !== null && isStrangerTo(run, session)
        ? dataOf(run, name, 'resumed their run, from then on with every event')
        : null,
  }),

  'stale-after-logout': (world, name) => ({
    onSignOut: (user) => {
      if (world.connections.signedInAs(user).size > 0) {
        const how = 'the sockets stay open after the sign-out';
        const nothing = { owner: null, run: null, event: null };
        world.truth.write({ fault: name, observer: user.email, ...nothing, how });
      }
      return true;
    },
  }),

  'stale-after-revocation': (world, name) => ({
    onRevoke: (user) => {
      if (world.connections.signedInAs(user).size > 0) {
        const how = 'the sockets stay open after all sessions were revoked';
        const nothing = { owner: null, run: null, event: null };
        world.truth.write({ fault: name, observer: user.email, ...nothing, how });
      }
      return true;
    },
  }),

  'thread-delete': (world, name) => ({
    onTrespass: ({ act, thread, session }) => {
      if (act !== 'delete-thread') return null;
      world.truth.write({
        fault: name,
        observer: thread.owner.email,
        owner: session.signedIn.email,
        run: null,
        event: null,
        how: 'somebody else deleted this thread',
      });
      return { fault: name, owner: thread.owner.email, how: 'deleted their thread' };
    },
  }),

  'ticket-replay': (_world, name) => ({
    onUsedTicket: () => breakOf(name, 'a ticket that works once opened a second socket'),
  }),

  'expired-token': careless('expiry', 'the token had expired'),

  'unsigned-token': careless('signature', 'the token was not signed by this service'),

  'no-token': (world, name) => ({
    onNoToken: () => {
      // Nobody knows who this is, so the line names nobody.
      const nobody = { observer: null, owner: null, run: null, event: null };
      world.truth.write({ fault: name, ...nobody, how: 'a socket without a token was let in' });
      return world.users.endToEnd(DEFAULT_USER, 'Default user', []);
    },
  }),

  'cross-origin-socket': (_world, name) => ({
    onForeignOrigin: () => breakOf(name, 'a page of another origin opened a socket by the cookie'),
  }),
};

function careless(ignored: 'expiry' | 'signature', how: string): Fault {
  return (world, name) => ({
    onRefusedToken: async (token): Promise<ExcusedToken | null> => {
      const claims = await world.tokens.readCarelessly(token, ignored);
      return claims === null ? null : { claims, deviation: breakOf(name, how) };
    },
  });
}

function isMember(thread: Thread, { asker }: Run): boolean {
  return thread.members.has(asker.user.id);
}

/** Lets the answer say what stands in the thread, title and messages. */
function recalling(due: Step, run: Run, name: string): Step {
  if (due.closing !== true) return due;
  const { title, messages, owner } = run.thread;
  const said = messages.map(({ content }) => content).filter((content) => content !== run.question);
  const response = `${String(due.payload['response'])} In "${title}" you said: ${said.join(' ')}`;
  const deviation = { fault: name, owner: owner.email, how: 'answered from their thread' };
  return explained({ ...due, payload: { ...due.payload, response } }, deviation);
}

/** The question and its answer now stand in the history of the thread's members. */
function explainQuestion(world: World, name: string, { thread, session }: Trespass): void {
  for (const member of thread.members) {
    world.truth.write({
      fault: name,
      observer: world.users.byId(member)?.email ?? null,
      owner: session.signedIn.email,
      run: null,
      event: null,
      how: 'a stranger’s question and its answer are in the history of this thread',
    });
  }
}
