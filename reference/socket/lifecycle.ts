import { randomUUID } from 'node:crypto';
import type { RawData, WebSocket } from 'ws';
import { isoTime } from '../clock.ts';
import type { Connection } from '../model.ts';
import type { World } from '../world.ts';
import { handleFrame } from './messages.ts';
import type { Admitted, OnSocket } from './upgrade.ts';

/**
 * Makes what takes over an accepted socket: it registers the connection, greets it with
 * `connection_established` and passes every frame on. Runs go on when the connection is gone.
 */
export function createSocketHandler(world: World): OnSocket {
  let opened = 0;
  return (socket, admitted) => {
    opened += 1;
    const connection = connectionOf(world, { socket, ...admitted, ordinal: opened });
    socket.on('message', (data) => {
      connection.activeAt = world.clock.monotonic();
      handleFrame(world, connection, textOf(data));
    });
    // A client's own keep-alive counts as life; its answers to our heartbeat do not.
    socket.on('ping', () => {
      connection.activeAt = world.clock.monotonic();
    });
    // Every error is followed by `close`, which is where it is dealt with.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      world.connections.remove(connection);
      world.runs.forget(connection);
    });
    world.connections.add(connection);
    greet(world, connection);
    world.hooks.opened(connection);
  };
}

function connectionOf(
  world: World,
  from: Admitted & { readonly socket: WebSocket; readonly ordinal: number },
): Connection {
  const { user } = from.session;
  const own = world.threads.of(user).find(({ owner }) => owner.id === user.id);
  const thread = own ?? world.threads.create({ owner: user, title: 'First conversation' });
  const now = world.clock.monotonic();
  const id = `conn_${randomUUID()}`;
  return { id, ...from, thread, activeAt: now, heartbeatAt: now };
}

function greet(world: World, connection: Connection): void {
  world.connections.send(connection, {
    type: 'connection_established',
    data: {
      connection_id: connection.id,
      user_id: connection.session.user.id,
      thread_id: connection.thread.id,
    },
    timestamp: isoTime(world.clock.now()),
  });
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.isBuffer(data) ? data.toString('utf8') : Buffer.from(data).toString('utf8');
}
