import { WebSocket } from 'ws';
import type { Clock } from './clock.ts';
import { isoTime } from './clock.ts';
import type { HookChain } from './hooks.ts';
import type { AgentEvent, Connection, Deviation, Payload, User } from './model.ts';
import type { Truth } from './truth.ts';

/** Times of the heartbeat and of the idle limit, in seconds. */
export interface KeepAlive {
  readonly heartbeatSeconds: number;
  readonly idleSeconds: number;
}

/** What a deviation is written down with when the carrier is not an event of a run. */
interface Carrier {
  readonly event: string | null;
  readonly run: string | null;
}

const SWEEP_INTERVAL_MS_MAX = 1_000;
// Above the 64 MiB that `oversized` sends on purpose.
const BUFFERED_BYTES_MAX = 160 * 1_024 * 1_024;
const NO_CARRIER: Carrier = { event: null, run: null };
const NO_CONNECTIONS: ReadonlySet<Connection> = new Set();

/** All open sockets: who holds them, and the only way anything is written to them. */
export class Connections {
  private readonly hooks: HookChain;
  private readonly truth: Truth;
  private readonly clock: Clock;
  private readonly open = new Set<Connection>();
  private readonly byUser = new Map<string, Set<Connection>>();
  // Not the same as `byUser` under faults that mix identities up.
  private readonly bySignedIn = new Map<string, Set<Connection>>();

  constructor(parts: { readonly hooks: HookChain; readonly truth: Truth; readonly clock: Clock }) {
    this.hooks = parts.hooks;
    this.truth = parts.truth;
    this.clock = parts.clock;
  }

  add(connection: Connection): void {
    this.open.add(connection);
    put(this.byUser, connection.session.user.id, connection);
    put(this.bySignedIn, connection.session.signedIn.email, connection);
  }

  remove(connection: Connection): void {
    this.open.delete(connection);
    take(this.byUser, connection.session.user.id, connection);
    take(this.bySignedIn, connection.session.signedIn.email, connection);
  }

  all(): ReadonlySet<Connection> {
    return this.open;
  }

  /** Connections held as this user. */
  of(userId: string): ReadonlySet<Connection> {
    return this.byUser.get(userId) ?? NO_CONNECTIONS;
  }

  /** Connections of this person, as whomever the service treats them. */
  signedInAs(user: User): ReadonlySet<Connection> {
    return this.bySignedIn.get(user.email) ?? NO_CONNECTIONS;
  }

  /** Writes one frame that is not an event of a run. */
  send(connection: Connection, frame: Payload, deviations: readonly Deviation[] = []): void {
    this.write(connection, JSON.stringify(frame));
    this.explain(connection, deviations, { event: eventOf(frame), run: null });
  }

  /** Writes one event of a run in the envelope that is switched on. */
  sendEvent(connection: Connection, event: AgentEvent): void {
    const { deviations, ...plain } = event;
    connection.activeAt = this.clock.monotonic();
    this.write(connection, JSON.stringify(this.hooks.frame(plain, event, connection)));
    this.explain(connection, deviations, { event: event.type, run: event.run_id ?? null });
  }

  /** Writes bytes as they are, for frames that are broken on purpose. */
  sendRaw(connection: Connection, text: string | Buffer, deviation: Deviation): void {
    if (connection.socket.readyState !== WebSocket.OPEN) return;
    connection.socket.send(text, { binary: false });
    this.explain(connection, [deviation], NO_CARRIER);
  }

  /** Closes the sockets of a person whose session ended. */
  signOut(user: User, reason = 'Signed out'): void {
    for (const connection of this.signedInAs(user)) connection.socket.close(1008, reason);
  }

  /** Starts the one sweep that serves heartbeats and the idle limit of every connection. */
  keepAlive(limits: KeepAlive): void {
    const heartbeatMs = limits.heartbeatSeconds * 1_000;
    const idleMs = limits.idleSeconds * 1_000;
    const intervalMs = Math.min(SWEEP_INTERVAL_MS_MAX, heartbeatMs / 4, idleMs / 4);
    this.clock.every(intervalMs, () => {
      const now = this.clock.monotonic();
      for (const connection of this.open) {
        if (now - connection.activeAt >= idleMs) connection.socket.close(1001, 'Idle');
        else if (now - connection.heartbeatAt >= heartbeatMs) this.heartbeat(connection, now);
      }
    });
  }

  private heartbeat(connection: Connection, now: number): void {
    connection.heartbeatAt = now;
    if (connection.socket.readyState !== WebSocket.OPEN) return;
    connection.socket.ping();
    const extras = this.hooks.heartbeat(connection);
    let data: Payload = { connection_id: connection.id };
    for (const { fields } of extras) data = { ...data, ...fields };
    this.send(
      connection,
      {
        type: 'heartbeat',
        data,
        timestamp: isoTime(this.clock.now()),
      },
      extras.flatMap(({ deviations }) => deviations),
    );
  }

  private write(connection: Connection, text: string): void {
    if (connection.socket.readyState !== WebSocket.OPEN) return;
    // A receiver that stopped reading must not fill the memory of everybody.
    if (connection.socket.bufferedAmount > BUFFERED_BYTES_MAX) connection.socket.terminate();
    else connection.socket.send(text);
  }

  private explain(
    connection: Connection,
    deviations: readonly Deviation[],
    carrier: Carrier,
  ): void {
    if (deviations.length === 0 || connection.socket.readyState !== WebSocket.OPEN) return;
    for (const deviation of deviations) {
      this.truth.write({
        fault: deviation.fault,
        observer: connection.session.signedIn.email,
        owner: deviation.owner,
        run: deviation.run ?? carrier.run,
        event: deviation.event ?? carrier.event,
        how: deviation.how,
      });
    }
  }
}

function put(index: Map<string, Set<Connection>>, key: string, connection: Connection): void {
  const known = index.get(key);
  if (known === undefined) index.set(key, new Set([connection]));
  else known.add(connection);
}

function take(index: Map<string, Set<Connection>>, key: string, connection: Connection): void {
  const known = index.get(key);
  known?.delete(connection);
  if (known?.size === 0) index.delete(key);
}

function eventOf(frame: Payload): string | null {
  return typeof frame['type'] === 'string' ? frame['type'] : null;
}
