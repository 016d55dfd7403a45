/** Legal variants in what the agent does and how the connection behaves. */
import { randomUUID } from 'node:crypto';
import { AGENT_NAME, answerText, newToolCallId, step, thinkingStep, toolResult } from '../agent.ts';
import { isoTime } from '../clock.ts';
import type { Hooks } from '../hooks.ts';
import type { Run, Step } from '../model.ts';
import type { VariantTable } from './variant.ts';

const SUB_AGENT_NAME = 'note-researcher';
const CHUNK_LENGTH = 24;
const CHUNK_PAUSE_MS = 40;
const SLOW_FIRST_EVENT_MS = 600;
const SLOW_CONNECT_MS = 250;
const SLOW_FACTOR = 1.5;
const SERVER_PING_INTERVAL_MS = 250;

/** The variants of this file by name. */
export const BEHAVIOUR_VARIANTS: VariantTable = {
  'parallel-tools': () =>
    replan((plan, run) => {
      // Another variant may have planned several calls: each gets one beside it.
      const beside = new Map<unknown, ReturnType<typeof toolCall>>();
      return plan.flatMap((due) => {
        const { tool_call_id: call } = due.payload;
        if (due.type === 'tool_executing') {
          const other = toolCall('calendar_reader', run);
          beside.set(call, other);
          return [due, other.executing];
        }
        const other = due.type === 'tool_completed' ? beside.get(call) : undefined;
        return other === undefined ? [due] : [other.completed, due];
      });
    }),

  'several-tools': () =>
    replan((plan, run) =>
      plan.flatMap((due, index) => {
        if (index !== plan.findLastIndex(isToolCompletion)) return [due];
        const second = toolCall('calendar_reader', run);
        const third = toolCall('note_reader', run);
        return [due, second.executing, second.completed, third.executing, third.completed];
      }),
    ),

  'many-thinking': () =>
    replan((plan, run) =>
      plan.flatMap((due) => {
        if (due.type === 'agent_thinking' || due.type === 'tool_completed') {
          return [due, thought(`Still thinking about: ${run.question}`)];
        }
        return due.closing === true ? [thought('Now I know what to say.'), due] : [due];
      }),
    ),

  'nested-agents': () =>
    replan((plan, run) =>
      plan.flatMap((due, index) => {
        // One sub-agent does all that another variant may have planned.
        const first = plan.findIndex(({ type }) => type === 'tool_executing');
        if (index === first) return [...subAgentOpening(run), due];
        if (index !== plan.findLastIndex(isToolCompletion)) return [due];
        const response = answerText(run.question, run.note);
        return [due, step('agent_completed', { agent_name: SUB_AGENT_NAME, response })];
      }),
    ),

  'early-events': () => ({ onQuestion: () => true }),

  'streamed-answer': () =>
    replan((plan) => plan.flatMap((due) => (due.closing === true ? [...chunks(due), due] : [due]))),

  'constant-ids': () => ({
    onStep: (due) => [{ ...due, payload: { ...due.payload, ...CONSTANT_IDS } }],
  }),

  'slow-but-within': () => ({
    onPlan: (plan) =>
      plan.map((due, index) =>
        index === 0
          ? { ...due, exactMs: SLOW_FIRST_EVENT_MS }
          : { ...due, pauseMs: due.pauseMs * SLOW_FACTOR },
      ),
    onUpgrade: () => ({ milliseconds: SLOW_CONNECT_MS, deviations: [] }),
  }),

  'server-pings': (world) => {
    world.clock.every(SERVER_PING_INTERVAL_MS, () => {
      const ping = { type: 'ping', timestamp: isoTime(world.clock.now()) };
      for (const connection of world.connections.all()) {
        connection.socket.ping();
        world.connections.send(connection, ping);
      }
    });
    return {};
  },

  'two-revisions': (world) => {
    const instances = [instanceId(), instanceId()];
    const chance = world.chance('two-revisions');
    return {
      onReply: () => {
        const instance = instances[chance() < 0.5 ? 0 : 1] ?? '';
        return { headers: { 'x-instance-id': instance }, deviations: [] };
      },
      onFrame: (frame, _event, connection) => ({
        ...frame,
        instance: instances[connection.ordinal % 2],
      }),
    };
  },

  // A tab that is opened later takes part once it resumes, as after any lost connection.
  'same-user-tabs': (world) => ({
    onQuestion: (run) => {
      for (const tab of world.connections.of(run.asker.user.id)) run.subscribers.add(tab);
      return false;
    },
  }),

  'replay-own': () => ({ onResume: (_missed, run) => run.log }),

  // A raw client refreshes by itself.
  'token-refresh': () => ({ onPage: () => ['refresh-in-run'] }),

  // These three are the crowd's business; the target behaves as ever.
  'shared-thread': () => ({}),
  'unicode-names': () => ({}),
  'equal-questions': () => ({}),
};

const CONSTANT_IDS = {
  agent_id: 'a9e0c3d5-5b0e-4b57-9d2c-1f6f3c1d7a10',
  tool_id: 'f3b1a0e8-27c4-4f0b-8a55-0c9d1e2b3a44',
  build_id: '7d1f5a92-64de-4c38-b0f7-9e8d7c6b5a33',
};

function replan(change: (plan: readonly Step[], run: Run) => readonly Step[]): Hooks {
  return { onPlan: change };
}

function isToolCompletion({ type }: Step): boolean {
  return type === 'tool_completed';
}

function thought(text: string): Step {
  return thinkingStep(AGENT_NAME, text);
}

function toolCall(name: string, run: Run): { readonly executing: Step; readonly completed: Step } {
  const tool = { tool_name: name, tool_call_id: newToolCallId() };
  return {
    executing: step('tool_executing', { ...tool, parameters: { query: run.question } }),
    completed: step('tool_completed', { ...tool, result: toolResult(run.note) }),
  };
}

function subAgentOpening(run: Run): readonly Step[] {
  return [
    step('agent_started', { agent_name: SUB_AGENT_NAME, message: 'Looking into the note.' }),
    thinkingStep(SUB_AGENT_NAME, `What does the note say about: ${run.question}`),
  ];
}

function chunks(closing: Step): readonly Step[] {
  const text = Array.from(String(closing.payload['response']));
  const made: Step[] = [];
  for (let from = 0; from < text.length; from += CHUNK_LENGTH) {
    const piece = text.slice(from, from + CHUNK_LENGTH).join('');
    const payload = { agent_name: AGENT_NAME, text: piece, index: made.length };
    made.push({ ...step('agent_chunk', payload), pauseMs: CHUNK_PAUSE_MS });
  }
  return made;
}

// Long and random-looking, as the names of real instances are.
function instanceId(): string {
  return `instance-${randomUUID()}-${randomUUID()}`;
}
