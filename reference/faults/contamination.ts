/** Faults that put something of another user into a user's own events. */
import { AGENT_NAME, step, toolResult } from '../agent.ts';
import type { Deviation, Run, Step, User } from '../model.ts';
import type { Fault, FaultTable } from './fault.ts';
import {
  answerOf,
  areStrangers,
  cut,
  dataOf,
  explained,
  extended,
  halfAroundLongestWord,
  hits,
  lastEnded,
  neighbour,
  payloadOf,
  withNeighbour,
} from './fault.ts';

const CHUNK_LENGTH = 40;
const FOREIGN_CHUNK_LENGTH = 5;
const OVERLAP_MS = 5;

/** The faults of this file by name. */
export const CONTAMINATION_FAULTS: FaultTable = {
  'embedded-foreign-id': (world, name) => ({
    onEvent: (event, run) =>
      withNeighbour(world, { event, run, types: ['agent_thinking'] }, (other) =>
        extended(
          event,
          { queue: { position: 2, ahead: [{ run_id: other.id }] } },
          dataOf(other, name, 'the queue block names their run'),
        ),
      ),
  }),

  'token-in-event': (world, name) => ({
    onEvent: (event, run) =>
      withNeighbour(world, { event, run, types: ['agent_thinking'] }, (other) =>
        extended(
          event,
          { debug: { authorization: `Bearer ${other.asker.signedIn.lastToken ?? ''}` } },
          dataOf(other, name, 'a debug field holds their access token'),
        ),
      ),
  }),

  'run-field-overwrite': (world, name) => ({
    onEvent: (event, run) =>
      withNeighbour(
        world,
        { event, run, types: ['tool_completed', 'agent_completed'] },
        (other) => ({
          ...event,
          user_id: other.asker.user.id,
          deviations: [...event.deviations, dataOf(other, name, 'user_id is theirs')],
        }),
      ),
  }),

  'replace-mine': (world, name) => ({
    onEvent: (event, run) =>
      withNeighbour(world, { event, run, types: ['tool_completed'] }, (other) =>
        extended(
          event,
          { result: payloadOf(other, 'tool_completed')['result'] },
          dataOf(other, name, 'the tool result is theirs, ids rewritten'),
        ),
      ),
  }),

  encoded: (world, name) => ({
    onEvent: (event, run) =>
      withNeighbour(world, { event, run, types: Object.keys(ENCODINGS) }, (other) =>
        extended(
          event,
          ENCODINGS[event.type]?.(answerOf(other)) ?? {},
          dataOf(other, name, 'their answer, encoded'),
        ),
      ),
  }),

  'shared-state': (_world, name) => {
    let last: User | null = null;
    return {
      onQuestion: (run) => {
        last = run.asker.signedIn;
        return false;
      },
      onEvent: (event, run) => {
        if (last === null || last === run.asker.signedIn) return [event];
        const fields = { user_name: last.name, requested_by: last.id };
        const how = 'name and user id of the last asker';
        return [extended(event, fields, { fault: name, owner: last.email, how })];
      },
    };
  },

  'fragment-bleed': (world, name) => ({
    onStep: (due, run) => {
      const other = due.closing === true && hits(run) ? neighbour(world, run) : null;
      if (other === null) return [due];
      const how = 'half of their answer inside mine';
      return [appended(due, halfAroundLongestWord(answerOf(other)), dataOf(other, name, how))];
    },
  }),

  'memory-bleed': (world, name) => ({
    onPlan: (plan, run) => {
      const other = hits(run) ? lastEnded(world, run) : null;
      if (other === null) return plan;
      const recalled = `I also remember: ${other.question}. ${toolResult(other.note)}`;
      const deviation = dataOf(other, name, 'recalled from an earlier run of theirs');
      return plan.map((due) => (due.closing === true ? appended(due, recalled, deviation) : due));
    },
  }),

  'split-chunks': (world, name) => ({
    onStep: (due, run) => {
      const other = due.closing === true && hits(run) ? neighbour(world, run) : null;
      if (other === null) return [due];
      const deviation = dataOf(other, name, 'their text, spread over several pieces');
      const foreign = cut(halfAroundLongestWord(answerOf(other)), FOREIGN_CHUNK_LENGTH);
      const own = cut(`${String(due.payload['response'])} `, CHUNK_LENGTH);
      const pieces = [
        ...own.map((text) => ({ text })),
        ...foreign.map((text) => ({ text, deviation })),
      ];
      return [...pieces.map((piece, index) => chunk(piece, index)), due];
    },
  }),

  'prompt-cache': cacheBy((question) => question),

  // Words with a digit and very long words are numbers and markers; without them all users ask alike.
  'near-prompt-cache': cacheBy((question) =>
    question
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word.length <= 15 && !/\d/.test(word))
      .join(' '),
  ),

  swap: (world, name) => {
    const partners = new WeakMap<Run, Run>();
    return {
      onQuestion: (run) => {
        // A victim swaps with somebody who is none, so that users without a partner stay clean.
        const partner = [...world.runs.active()].find(
          (other) => !partners.has(other) && hits(other) !== hits(run) && areStrangers(run, other),
        );
        if (partner !== undefined) partners.set(run, partner).set(partner, run);
        return false;
      },
      onEvent: (event, run) => {
        const partner = event.type === 'agent_completed' ? partners.get(run) : undefined;
        if (partner === undefined) return [event];
        const fields = { response: answerOf(partner) };
        return [extended(event, fields, dataOf(partner, name, 'the answer is theirs'))];
      },
    };
  },

  'overlap-only': (_world, name) => {
    const partners = new WeakMap<Run, Run>();
    let waiting: Run | null = null;
    return {
      onQuestion: (run) => {
        const close = waiting !== null && run.startedAt - waiting.startedAt < OVERLAP_MS;
        if (waiting !== null && close && areStrangers(run, waiting)) {
          partners.set(run, waiting).set(waiting, run);
          waiting = null;
        } else {
          waiting = run;
        }
        return false;
      },
      onEvent: (event, run) => {
        const partner = event.type === 'tool_completed' ? partners.get(run) : undefined;
        if (partner === undefined) return [event];
        const fields = { result: payloadOf(partner, 'tool_completed')['result'] };
        return [extended(event, fields, dataOf(partner, name, 'tool results were swapped'))];
      },
    };
  },
};

/** Which field of which event hides a text, and how. */
const ENCODINGS: Readonly<Record<string, (text: string) => Readonly<Record<string, string>>>> = {
  agent_thinking: (text) => ({ attachment: Buffer.from(text).toString('base64') }),
  tool_executing: (text) => ({
    link: [...Buffer.from(text)].map((byte) => `%${hex(byte, 2).toUpperCase()}`).join(''),
  }),
  tool_completed: (text) => ({
    raw: text.replaceAll(/[^]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`),
  }),
};

/** A cache of answers that forgets who asked: whoever asks the same gets the first asker's answer. */
function cacheBy(keyOf: (question: string) => string): Fault {
  return (_world, name) => {
    const answers = new Map<string, Run>();
    return {
      onPlan: (plan, run) => {
        const first = answers.get(keyOf(run.question));
        if (first === undefined || !areStrangers(run, first)) return plan;
        const deviation = dataOf(first, name, 'their cached answer');
        return plan.map((due) =>
          due.closing === true
            ? explained(
                { ...due, payload: { ...due.payload, response: answerOf(first) } },
                deviation,
              )
            : due,
        );
      },
      onSent: (event, run) => {
        const key = keyOf(run.question);
        if (event.type === 'agent_completed' && !answers.has(key)) answers.set(key, run);
      },
    };
  };
}

function appended(due: Step, text: string, deviation: Deviation): Step {
  const response = `${String(due.payload['response'])} ${text}`;
  return explained({ ...due, payload: { ...due.payload, response } }, deviation);
}

function chunk(
  piece: { readonly text: string; readonly deviation?: Deviation },
  index: number,
): Step {
  const made = step('agent_chunk', { agent_name: AGENT_NAME, text: piece.text, index });
  return piece.deviation === undefined ? made : explained(made, piece.deviation);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
