/** Faults in frames, timing, connections and health. */
import type { FaultTable } from './fault.ts';
import { breakOf, explained } from './fault.ts';

const SLOW_START_MS = 1_500;
const SLOW_CONNECT_MS = 900;
const OVERSIZED_BYTES = 64 * 1_024 * 1_024;

/** The faults of this file by name. */
export const DELIVERY_FAULTS: FaultTable = {
  undecodable: (world, name) => ({
    onSent: (event, run) => {
      if (event.type !== 'agent_started' || run.asker.signedIn.ordinal !== 2) return;
      const deviation = { ...breakOf(name, 'a frame that is not JSON'), run: run.id };
      for (const connection of run.subscribers) {
        world.connections.sendRaw(connection, '{"type":"agent_thinking","payload":{', deviation);
      }
    },
  }),

  oversized: (world, name) => ({
    onSent: (event, run) => {
      const first = run.asker.signedIn.ordinal === 2 && run.ordinal === 1;
      if (event.type !== 'agent_started' || !first) return;
      const deviation = { ...breakOf(name, 'a frame of 64 MiB'), run: run.id };
      for (const connection of run.subscribers) {
        world.connections.sendRaw(connection, oversizedFrame(), deviation);
      }
    },
  }),

  'slow-start': (_world, name) => ({
    onPlan: (plan) =>
      plan.map((due, index) =>
        index === 0
          ? explained(
              { ...due, exactMs: SLOW_START_MS },
              breakOf(name, 'started 1.5 s after the question'),
            )
          : due,
      ),
  }),

  'slow-connect': (_world, name) => ({
    onUpgrade: () => ({
      milliseconds: SLOW_CONNECT_MS,
      deviations: [breakOf(name, 'the handshake took 900 ms')],
    }),
  }),

  'flaky-socket': (world, name) => ({
    onSent: (event, run) => {
      if (event.type !== 'agent_thinking') return;
      for (const connection of run.subscribers) {
        if (connection.ordinal % 10 !== 1) continue;
        world.truth.write({
          fault: name,
          observer: connection.session.signedIn.email,
          owner: null,
          run: run.id,
          event: event.type,
          how: 'the connection was closed with 1011 after this event',
        });
        connection.socket.close(1011, 'Internal error');
      }
    },
  }),

  unhealthy: (world, name) => ({
    onHealth: () => {
      const how = '/health answered 503';
      world.truth.write({ fault: name, observer: null, owner: null, run: null, event: null, how });
      return false;
    },
  }),
};

function oversizedFrame(): Buffer {
  const [head, tail] = ['{"type":"agent_thinking","payload":{"thought":"', '"}}'];
  const frame = Buffer.alloc(OVERSIZED_BYTES, 'x');
  frame.write(head, 0);
  frame.write(tail, OVERSIZED_BYTES - tail.length);
  return frame;
}
