/** Faults that show when people come back, when time passes, or when somebody does not read. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { Connection, User } from '../model.ts';
import { TITLE_OF_NEW } from '../threads.ts';
import type { World } from '../world.ts';
import type { Fault, FaultTable } from './fault.ts';
import { breakOf } from './fault.ts';

/** How often a reader is asked for a sign of life, and after how long it counts as asleep. */
const PING_EVERY_MS = 100;
const ASLEEP_MS = 400;
const FIRST_THREAD = 1_000_001;
const ROSTER_MAX = 50;

const Register = z.array(z.tuple([z.string(), z.string()]));

/** The faults of this file by name. */
export const RETURN_FAULTS: FaultTable = {
  'refresh-mixup': (world, name) => {
    let last: User | null = null;
    return {
      onRefresh: (user) => {
        const before = last;
        last = user;
        if (before === null || before === user) return null;
        explain(world, name, {
          observer: user,
          owner: before,
          how: 'refreshed into their session',
        });
        return before;
      },
    };
  },

  'thread-list-cache': (world, name) => {
    const signIns = new Map<User, number>();
    let last: User | null = null;
    const cached = new Map<User, User>();
    return {
      onSignIn: (user) => {
        const count = (signIns.get(user) ?? 0) + 1;
        signIns.set(user, count);
        if (count < 2) return;
        if (last !== null && last !== user) cached.set(user, last);
        last = user;
      },
      onThreadList: (listed, session) => {
        const other = cached.get(session.signedIn);
        if (other === undefined) return listed;
        const deviation = { fault: name, owner: other.email, how: 'their list of threads' };
        return world.threads.of(other).map((thread) => ({ thread, deviations: [deviation] }));
      },
    };
  },

  'ids-restart': countedThreads,

  'heartbeat-roster': (world, name) => ({
    onHeartbeat: ({ session }) => {
      const others = new Set([...world.connections.all()].map((other) => other.session.signedIn));
      others.delete(session.signedIn);
      const online = [...others].slice(0, ROSTER_MAX);
      if (online.length === 0) return null;
      return {
        fields: { online: online.map(({ id, email }) => ({ id, email })) },
        deviations: online.map(({ email }) => ({
          fault: name,
          owner: email,
          how: 'a heartbeat names them',
        })),
      };
    },
  }),

  'slow-reader-starves': (world, name) => {
    const heardAt = new Map<Connection, number>();
    world.clock.every(PING_EVERY_MS, () => {
      for (const connection of heardAt.keys()) connection.socket.ping();
    });
    const asleep = (): Connection | undefined => {
      const now = world.clock.monotonic();
      return [...heardAt].find(([, at]) => now - at > ASLEEP_MS)?.[0];
    };
    return {
      onOpen: (connection) => {
        const hear = (): void => void heardAt.set(connection, world.clock.monotonic());
        hear();
        connection.socket.on('pong', hear);
        connection.socket.once('close', () => heardAt.delete(connection));
      },
      onStep: (due, run) => {
        const sleeper = asleep()?.session.signedIn;
        const hit = sleeper !== undefined && sleeper !== run.asker.signedIn;
        if (due.type !== 'tool_completed' || !hit) return [due];
        const withheld = breakOf(name, 'lost while somebody else did not read');
        return [{ ...due, withheld: { ...withheld, owner: sleeper.email } }];
      },
    };
  },
};

/**
 * Thread ids by number, from the same one after every start. Who had a number before the restart is kept
 * beside the ground truth, so that the log can say whose it is now as well.
 */
function countedThreads(world: World, name: string): ReturnType<Fault> {
  const register = world.options.truth === null ? null : `${world.options.truth}.threads`;
  const former = register === null ? new Map<string, string>() : readRegister(register);
  const given = new Map<string, string>();
  let next = FIRST_THREAD;
  return {
    onNewThread: (owner) => {
      const id = `thread_${next}`;
      next += 1;
      given.set(id, owner.email);
      if (register !== null) writeFileSync(register, JSON.stringify([...given]));
      const before = former.get(id);
      if (before !== undefined && before !== owner.email) {
        const how = 'the thread id was theirs before the restart';
        const nothing = { fault: name, run: null, event: null, how };
        world.truth.write({ ...nothing, observer: owner.email, owner: before });
        world.truth.write({ ...nothing, observer: before, owner: owner.email });
      }
      return {
        id,
        title: TITLE_OF_NEW,
        owner,
        members: new Set<string>(),
        createdAt: world.clock.now(),
        messages: [],
      };
    },
  };
}

function readRegister(path: string): Map<string, string> {
  if (!existsSync(path)) return new Map();
  return new Map(Register.parse(JSON.parse(readFileSync(path, 'utf8'))));
}

function explain(
  world: World,
  fault: string,
  what: { readonly observer: User; readonly owner: User; readonly how: string },
): void {
  const { observer, owner, how } = what;
  const nothing = { run: null, event: null };
  world.truth.write({ fault, observer: observer.email, owner: owner.email, ...nothing, how });
}
