/** What every fault is made of, and the questions that many faults ask. */
import type { Hooks } from '../hooks.ts';
import type {
  AgentEvent,
  Connection,
  Deviation,
  Payload,
  Run,
  Session,
  Step,
  User,
} from '../model.ts';
import type { World } from '../world.ts';

/** Builds the hooks of one fault for one target; the name is the one it was switched on by. */
export type Fault = (world: World, name: string) => Hooks;

/** Faults by the name that `--fault` takes. */
export type FaultTable = Readonly<Record<string, Fault>>;

/** The usual victims: every third user, from the second, in the order of first sign-ins. */
export function isVictim(user: User): boolean {
  return user.ordinal % 3 === 2;
}

/** True if this run was asked by one of the usual victims. */
export function hits(run: Run): boolean {
  return isVictim(run.asker.signedIn);
}

/** True if neither asker may see the other's run. */
export function areStrangers(run: Run, other: Run): boolean {
  return (
    run.asker.signedIn !== other.asker.signedIn && !run.thread.members.has(other.asker.user.id)
  );
}

/**
 * The run of a stranger that is nearest to this one: the active run asked last before it, else the one
 * asked first after it, else the one that ended last; null while there is none.
 */
export function neighbour(world: World, run: Run): Run | null {
  let before: Run | null = null;
  let passed = false;
  for (const other of world.runs.active()) {
    if (other === run) passed = true;
    else if (areStrangers(run, other)) {
      if (passed) return before ?? other;
      before = other;
    }
  }
  return before ?? lastEnded(world, run);
}

/** An event that a fault may spoil, and the types of events that it spoils. */
export interface Occasion {
  readonly event: AgentEvent;
  readonly run: Run;
  readonly types: readonly string[];
}

/** Spoils an event of these types for the usual victims with a stranger's run, once there is one. */
export function withNeighbour(
  world: World,
  occasion: Occasion,
  spoil: (other: Run) => AgentEvent,
): readonly AgentEvent[] {
  const { event, run, types } = occasion;
  const other = types.includes(event.type) && hits(run) ? neighbour(world, run) : null;
  return [other === null ? event : spoil(other)];
}

/** The run of a stranger that ended last, or null. */
export function lastEnded(world: World, run: Run): Run | null {
  return [...world.runs.ended()].findLast((other) => areStrangers(run, other)) ?? null;
}

/** True if this person has no part in the run. */
export function isStrangerTo(run: Run, { signedIn, user }: Session): boolean {
  return run.asker.signedIn !== signedIn && !run.thread.members.has(user.id);
}

/** Open connections of people who have no part in this run. */
export function bystanders(world: World, run: Run): readonly Connection[] {
  const audience = world.runs.audience(run);
  return [...world.connections.all()].filter(
    (connection) => !audience.has(connection) && connection.session.signedIn !== run.asker.signedIn,
  );
}

/** An event as its copy for the wrong people, explained. */
export function leaked(event: AgentEvent, deviation: Deviation): AgentEvent {
  return { ...event, deviations: [deviation] };
}

/** Explains data of this run's asker in other hands. */
export function dataOf(run: Run, fault: string, how: string): Deviation {
  return { fault, owner: run.asker.signedIn.email, how };
}

/** Explains a break that shows nobody's data. */
export function breakOf(fault: string, how: string): Deviation {
  return { fault, owner: null, how };
}

/** Adds fields to an event, with the explanation of why they are there. */
export function extended(event: AgentEvent, fields: Payload, deviation: Deviation): AgentEvent {
  return {
    ...event,
    payload: { ...event.payload, ...fields },
    deviations: [...event.deviations, deviation],
  };
}

/** Adds an explanation to a step. */
export function explained(step: Step, deviation: Deviation): Step {
  return { ...step, deviations: [...(step.deviations ?? []), deviation] };
}

/** What the agent says in the last step of this type, or nothing if it takes no such step. */
export function payloadOf(run: Run, type: string): Payload {
  return run.plan.findLast((step) => step.type === type)?.payload ?? {};
}

/** The whole answer of a run, known as soon as it is planned; empty if it has none. */
export function answerOf(run: Run): string {
  const { response } = payloadOf(run, 'agent_completed');
  return typeof response === 'string' ? response : '';
}

/** Half of a text, cut around its longest word so that this word stays whole. */
export function halfAroundLongestWord(text: string): string {
  let start = 0;
  let length = 0;
  for (const word of text.matchAll(/[\p{L}\p{N}_-]+/gu)) {
    if (word[0].length <= length) continue;
    start = word.index;
    length = word[0].length;
  }
  const half = Math.max(length, Math.floor(text.length / 2));
  const from = Math.max(0, Math.floor(start + length / 2 - half / 2));
  return text.slice(from, from + half);
}

/** Cuts a text into pieces of at most this many characters. */
export function cut(text: string, length: number): readonly string[] {
  const characters = Array.from(text);
  const pieces: string[] = [];
  for (let index = 0; index < characters.length; index += length) {
    pieces.push(characters.slice(index, index + length).join(''));
  }
  return pieces;
}
