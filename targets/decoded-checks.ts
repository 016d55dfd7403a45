import { messageOf } from '../history/message-of.ts';
import type { DecodedFrame } from './target.ts';

/** What a frame may be; see {@link DecodedFrame}. */
const ROLES: ReadonlySet<unknown> = new Set<DecodedFrame['role']>([
  'agent',
  'handshake',
  'ack',
  'pong',
  'heartbeat',
  'error',
  'other',
]);

/** Frames that say nothing, one of each shape; a profile knows what to make of at least one. */
const EMPTY_FRAMES = [{}, [], ['', {}], ['']] as const;

/** What is wrong with what decode gave; undefined where nothing is. Runs for every frame. */
export function decodedMistake(decoded: DecodedFrame): string | undefined {
  // A profile is written without types, too.
  const given: unknown = decoded;
  if (typeof given !== 'object' || given === null)
    return `must give { role: … }, got ${String(given)}`;
  if (given instanceof Promise) return 'must give { role: … } at once, got a promise';
  const role: unknown = decoded.role;
  if (!ROLES.has(role)) return `must give a role of ${[...ROLES].join(', ')}, got ${String(role)}`;
  const { event, owner, thread, run, tool, id } = decoded;
  if (isText(event) && isText(owner) && isText(thread) && isText(run) && isText(tool) && isText(id))
    return undefined;
  return 'must give texts as event, owner, thread, run, tool and id: write numbers with String';
}

function isText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

interface Wire {
  decode(frame: unknown): DecodedFrame;
}

/**
 * What is wrong with a profile's decode whatever comes, told by frames that say nothing. One that throws at some
 * of them may know other shapes; one that gives nonsense gives it always.
 */
export function decodeMistakes(section: 'socket' | 'stream', wire: Wire): readonly string[] {
  const tried = EMPTY_FRAMES.map((frame) => triedOn(wire, frame));
  const wrong =
    tried.find(({ gave }) => gave !== undefined)?.gave ??
    (tried.every(({ threw }) => threw !== undefined) ? tried[0]?.threw : undefined);
  if (wrong === undefined) return [];
  return [
    `"${section}.decode" ${wrong}. It is given whatever a target sends; see DecodedFrame in targets/target.ts.`,
  ];
}

function triedOn(
  wire: Wire,
  frame: unknown,
): { readonly gave?: string | undefined; readonly threw?: string | undefined } {
  try {
    return { gave: decodedMistake(wire.decode(frame)) };
  } catch (error) {
    return { threw: `must never throw, and threw at every frame: ${messageOf(error)}` };
  }
}
