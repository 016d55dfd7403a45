import type { Agent } from 'node:http';
import type { OwnedIds } from '../history/observation.ts';
import type { DecodedFrame, SocketWire } from '../targets/target.ts';
import type { Heartbeats } from './heartbeats.ts';
import type { QuietWindow } from './quiet-window.ts';
import type { Recorder } from './recorder.ts';

/** What the connections of all users of a trial have in common. */
export interface SocketSettings {
  readonly recorder: Recorder;
  readonly wire: SocketWire;
  readonly heartbeats: Heartbeats;
  readonly quiet: QuietWindow;
  /** Event names that do not count for silence. */
  readonly silentEvents: ReadonlySet<string>;
  /** Longest message accepted, bytes. */
  readonly bytesMax: number;
  /** Limit from the first attempt to the end of the target's own handshake, milliseconds. */
  readonly handshakeMsMax: number;
  /** For gateways; sent with every upgrade and never recorded. */
  readonly headers: Readonly<Record<string, string>>;
  /** A proxy's agent, where there is one. */
  readonly agent: Agent | undefined;
  /** Set for a connection that must be refused: then a refusal is an answer, and no failure. */
  readonly purpose?: 'refusal-probe' | undefined;
}

/** Whose connection it is, told of everything that comes in after it was recorded. */
export interface SocketOwner {
  /** The id the target knows this user by. */
  readonly userId: string;
  received(decoded: DecodedFrame, text: string, at: number): void;
  /** The target's handshake showed ids of this user's own. */
  introduced(ids: OwnedIds): void;
  /** The connection is gone. Not called for one that never opened. */
  closed(code: number, by: 'us' | 'them'): void;
}
