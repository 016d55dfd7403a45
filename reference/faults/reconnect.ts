/** Faults that show when somebody connects: late, again, or in a hurry. */
import type { AgentEvent, Connection, Run } from '../model.ts';
import type { World } from '../world.ts';
import type { FaultTable } from './fault.ts';
import { breakOf, dataOf, isStrangerTo, leaked } from './fault.ts';

const REPLAYED_EVENTS_MAX = 50;
const REPLAYED_RUNS_MAX = 20;
const HURRY_MS = 300;
const QUESTION_TYPES: ReadonlySet<unknown> = new Set(['user_message', 'start_agent']);

interface Delayed {
  readonly connection: Connection;
  readonly missed: readonly AgentEvent[];
}

/** The faults of this file by name. */
export const RECONNECT_FAULTS: FaultTable = {
  'replay-on-connect': (world, name) => ({
    onOpen: (connection) => {
      for (const { event, run } of lastOfStrangers(world, connection)) {
        const deviation = dataOf(run, name, 'a new socket got the last events of everybody');
        world.connections.sendEvent(connection, leaked(event, deviation));
      }
    },
  }),

  'reconnect-race': (world, name) => {
    const known = new Set<string>();
    const watchers = new Map<Run, Set<Connection>>();
    return {
      onOpen: (connection) => {
        const { signedIn } = connection.session;
        const again = known.has(signedIn.email);
        known.add(signedIn.email);
        // A second tab is no reconnect.
        if (!again || world.connections.signedInAs(signedIn).size > 1) return;
        const run = [...world.runs.active()].findLast(
          (other) => hasOpenTool(other) && isStrangerTo(other, connection.session),
        );
        if (run !== undefined) watchers.set(run, (watchers.get(run) ?? new Set()).add(connection));
      },
      onSent: (event, run) => {
        if (event.type !== 'tool_completed') return;
        const copy = leaked(event, dataOf(run, name, 'reconnected while their tool was running'));
        for (const connection of watchers.get(run) ?? []) {
          world.connections.sendEvent(connection, copy);
        }
        watchers.delete(run);
      },
    };
  },

  'replay-disorder': (world, name) => {
    const delayed = new Map<Run, Delayed[]>();
    return {
      onResume: (missed, run, connection) => {
        if (!run.active || missed.length === 0) return missed;
        delayed.set(run, [...(delayed.get(run) ?? []), { connection, missed }]);
        return [];
      },
      onSent: (_event, run) => {
        for (const { connection, missed } of delayed.get(run) ?? []) {
          for (const event of missed) {
            const deviation = breakOf(name, 'the replay came after a live event');
            const late = { ...event, deviations: [...event.deviations, deviation] };
            world.connections.sendEvent(connection, late);
          }
        }
        delayed.delete(run);
      },
    };
  },

  'lost-on-reconnect': (world, name) => ({
    onResume: (missed, run) => {
      for (const { type } of missed) {
        world.truth.write({
          fault: name,
          observer: run.asker.signedIn.email,
          owner: null,
          run: run.id,
          event: type,
          how: 'sent while they were away, and never again',
        });
      }
      return [];
    },
  }),

  'handshake-race': (world, name) => {
    const openedAt = new WeakMap<Connection, number>();
    return {
      onOpen: (connection) => {
        openedAt.set(connection, world.clock.monotonic());
      },
      onMessage: (message, connection) => {
        const age = world.clock.monotonic() - (openedAt.get(connection) ?? 0);
        if (!QUESTION_TYPES.has(message['type']) || age >= HURRY_MS) return false;
        world.truth.write({
          fault: name,
          observer: connection.session.signedIn.email,
          owner: null,
          run: runIdIn(message['payload']),
          event: null,
          how: 'the question came within 300 ms of the first frame and was lost',
        });
        return true;
      },
    };
  },
};

/** The last events of runs in which this person has no part, in the order they were sent. */
function lastOfStrangers(
  world: World,
  { session }: Connection,
): readonly { readonly event: AgentEvent; readonly run: Run }[] {
  return [...world.runs.ended(), ...world.runs.active()]
    .filter((run) => isStrangerTo(run, session))
    .slice(-REPLAYED_RUNS_MAX)
    .flatMap((run) => run.log.map((event) => ({ event, run })))
    .toSorted((one, other) => one.event.timestamp.localeCompare(other.event.timestamp))
    .slice(-REPLAYED_EVENTS_MAX);
}

function hasOpenTool({ log }: Run): boolean {
  const count = (type: string): number => log.filter((event) => event.type === type).length;
  return count('tool_executing') > count('tool_completed');
}

function runIdIn(payload: unknown): string | null {
  if (typeof payload !== 'object' || payload === null || !('run_id' in payload)) return null;
  return typeof payload.run_id === 'string' ? payload.run_id : null;
}
