import type { AddressInfo } from 'node:net';
import { createApp } from './http/app.ts';
import type { TargetOptions } from './options.ts';
import { createSocketHandler } from './socket/lifecycle.ts';
import { createUpgradeHandler } from './socket/upgrade.ts';
import { switchOn } from './switches.ts';
import { createWorld } from './world.ts';
import type { World } from './world.ts';

/** A target that is listening. */
export interface RunningTarget {
  /** Base address without a trailing slash, such as `http://127.0.0.1:41234`. */
  readonly url: string;
  /** Closes every socket with 1001 and stops listening. */
  readonly close: () => Promise<void>;
}

// Thousands of users may connect at one moment; the kernel caps this at its own limit.
const BACKLOG = 8_192;
const GOODBYE_MS_MAX = 200;

/** Starts a target; resolves when it accepts connections. */
export async function startTarget(options: TargetOptions): Promise<RunningTarget> {
  const world = await createWorld(options);
  switchOn(world);
  const app = await createApp(world);
  app.server.on('upgrade', createUpgradeHandler(world, createSocketHandler(world)));
  await app.listen({ port: options.port, host: options.host, backlog: BACKLOG });
  world.connections.keepAlive(options);
  return {
    url: `http://${hostInUrl(options.host)}:${portOf(app.server.address())}`,
    close: async () => {
      world.clock.stop();
      await sayGoodbye(world);
      await app.close();
      world.truth.close();
    },
  };
}

/** Closes every socket with 1001 and waits for the answers, but not for long. */
async function sayGoodbye(world: World): Promise<void> {
  const open = [...world.connections.all()];
  if (open.length === 0) return;
  const closed = open.map(
    ({ socket }) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
  );
  for (const { socket } of open) socket.close(1001, 'Shutting down');
  // The world's clock is stopped already, so the limit needs a timer of its own.
  const limit = AbortSignal.timeout(GOODBYE_MS_MAX);
  await Promise.race([
    Promise.all(closed),
    new Promise<void>((resolve) => limit.addEventListener('abort', () => resolve())),
  ]);
  for (const { socket } of open) socket.terminate();
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return address.port;
}

function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
