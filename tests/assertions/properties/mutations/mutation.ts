import { oneOf, type Pick } from '../../../../bench/random-texts.ts';
import type { Observation } from '../../../../history/observation.ts';
import type { Told } from '../../history-language.ts';

/** A break put into a legal history, and what a judge may say of it. */
export interface Mutated {
  readonly lines: readonly Observation[];
  /** The rule that must object, and whom it must name. */
  readonly rule: string;
  readonly observer: string;
  readonly owner: string | null;
  /** Rules that may object too, about the same observer, because it is true. */
  readonly also: readonly string[];
}

/** Undefined where the history has nothing of the kind that the mutation breaks. */
export type Mutation = (told: Told, pick: Pick) => Mutated | undefined;

export const FIVE = [
  'agent_started',
  'agent_thinking',
  'tool_executing',
  'tool_completed',
  'agent_completed',
];
export const OUTERMOST = 'assistant';
export const ROUTING = 'gate/routing';
export const DELIVERY = 'gate/delivery-rate';
export const ERRORS = 'gate/error-rate';

/** Lines as a journal numbers them. */
export function numbered(lines: readonly Observation[]): Observation[] {
  return lines.map((line, n) => ({ ...line, n, line: n + 2 }));
}

export const insert = (
  lines: readonly Observation[],
  at: number,
  line: Observation,
): Observation[] => [...lines.slice(0, at), line, ...lines.slice(at)];

export const replace = (
  lines: readonly Observation[],
  old: Observation,
  fresh: Observation,
): Observation[] => lines.map((line) => (line === old ? fresh : line));

/** Runs that their askers stopped are exempt from order: nothing is broken in them. */
export function stopped({ lines }: Told): ReadonlySet<string | undefined> {
  return new Set(lines.filter(({ act }) => act === 'stop').map(({ run }) => run));
}

function askerOf({ lines }: Told, run: string | undefined): string | null {
  return lines.find((line) => line.act === 'ask' && line.run === run)?.user ?? null;
}

/** Events of runs that ended, received by their askers on the connection they asked on. */
export function ownEvents(told: Told, event?: string): Observation[] {
  const exempt = stopped(told);
  return told.lines.filter(
    (line) =>
      line.dir === 'in' &&
      line.run !== undefined &&
      line.agent !== undefined &&
      (event === undefined || line.event === event) &&
      line.user === askerOf(told, line.run) &&
      !exempt.has(line.run),
  );
}

/** Those among them that a resumed connection did not show: there repetitions are legal. */
export function onFirstConnection(told: Told, events: readonly Observation[]): Observation[] {
  const resumed = new Set(told.lines.filter(({ act }) => act === 'resume').map(({ conn }) => conn));
  return events.filter(({ conn }) => !resumed.has(conn));
}

/** Somebody to whom nothing of a user may be shown. */
export function stranger({ people, sharing }: Told, user: string, pick: Pick) {
  const others = people.filter(
    ({ name }) => name !== user && !(sharing.has(name) && sharing.has(user)),
  );
  return others.length === 0 ? undefined : oneOf(others, pick);
}

export const connOf = ({ lines }: Told, user: string): string | null =>
  lines.findLast((line) => line.user === user && line.kind === 'frame' && line.conn !== null)
    ?.conn ?? null;

/** A frame with more in its payload; `event` goes on being what it was. */
export function withPayload(line: Observation, more: Record<string, unknown>): Observation {
  const frame: unknown = JSON.parse(line.content ?? '{}');
  const payload = member(frame, 'payload');
  return {
    ...line,
    content: JSON.stringify(Object.assign({}, frame, { payload: { ...payload, ...more } })),
  };
}

export function withRoot(line: Observation, more: Record<string, unknown>): Observation {
  return {
    ...line,
    content: JSON.stringify(Object.assign(JSON.parse(line.content ?? '{}'), more)),
  };
}

export function member(value: unknown, name: string): object {
  const inner: unknown = Object(value)[name];
  return typeof inner === 'object' && inner !== null ? inner : {};
}

/** Mutations of one event of a user, with another user whose data may not be there. */
export function aboutAnEvent(
  mutate: (
    told: Told,
    at: { event: Observation; user: string; other: Told['people'][number] },
    pick: Pick,
  ) => Omit<Mutated, 'observer'> | undefined,
): Mutation {
  return (told, pick) => {
    const events = ownEvents(told).filter(({ event = '' }) => FIVE.includes(event));
    if (events.length === 0) return undefined;
    const event = oneOf(events, pick);
    const user = event.user ?? '';
    const other = stranger(told, user, pick);
    const mutated = other === undefined ? undefined : mutate(told, { event, user, other }, pick);
    return mutated === undefined
      ? undefined
      : { ...mutated, lines: numbered(mutated.lines), observer: user };
  };
}

export const runOf = (user: string, { lines }: Told): string | undefined =>
  lines.find((line) => line.user === user && line.act === 'ask')?.run;
export const questionOf = (user: string, { lines }: Told): string | undefined =>
  lines.find((line) => line.user === user && line.act === 'ask')?.marker;

/** Events of every run but the first of each user. */
export function secondRuns(told: Told, event: string): Observation[] {
  return ownEvents(told, event).filter(({ user, run }) => run !== runOf(user ?? '', told));
}
