import { randomUUID } from 'node:crypto';
import type { Payload, Step } from './model.ts';

/** What the agent is asked, and what its only tool would find. */
export interface Assignment {
  readonly question: string;
  readonly note: string;
  /** A question that holds this word makes the tool fail; null if none does. */
  readonly failWord: string | null;
}

/** The outermost agent's name, as every event of it says. */
export const AGENT_NAME = 'note-assistant';
/** The agent's one tool. */
const TOOL_NAME = 'note_reader';

/** The five events of a clean run, and the pauses in milliseconds that make it take 2.5 s. */
const PAUSE_MS = {
  agent_started: 150,
  agent_thinking: 450,
  tool_executing: 500,
  tool_completed: 800,
  agent_completed: 600,
} as const;

/**
 * Decides what to do about a question. The agent is a deterministic stand-in for a model: it thinks
 * aloud about the question, reads the asker's own note and answers with both, so whatever was planted
 * in either comes back in every event that should carry it.
 */
export function planRun(assignment: Assignment): readonly Step[] {
  const tool = { tool_name: TOOL_NAME, tool_call_id: newToolCallId() };
  const { question } = assignment;
  const opening = [
    step('agent_started', { agent_name: AGENT_NAME, message: 'Reading your question.' }),
    thinkingStep(AGENT_NAME, `The question is: ${question}. The note may help, so I read it.`),
    step('tool_executing', { ...tool, parameters: { query: question } }),
  ];
  if (assignment.failWord !== null && question.includes(assignment.failWord)) {
    return [
      ...opening,
      step('agent_error', { agent_name: AGENT_NAME, error: `The tool ${TOOL_NAME} failed.` }),
    ];
  }
  return [
    ...opening,
    step('tool_completed', { ...tool, result: toolResult(assignment.note) }),
    { ...step('agent_completed', closingPayload(assignment)), closing: true },
  ];
}

/** What the tool finds: the asker's note. */
export function toolResult(note: string): string {
  return note === '' ? 'The note is empty.' : `The note says: ${note}`;
}

/** The answer: the question and the note. */
export function answerText(question: string, note: string): string {
  return `You asked: ${question}. ${toolResult(note)}`;
}

/** A thought of the named agent. */
export function thinkingStep(agentName: string, thought: string): Step {
  return step('agent_thinking', { agent_name: agentName, thought });
}

/** A step of this type with the pause that is usual before it. */
export function step(type: string, payload: Payload): Step {
  return { type, payload, pauseMs: isPaced(type) ? PAUSE_MS[type] : 100 };
}

/** An id that ties the two events of one tool call together. */
export function newToolCallId(): string {
  return `call_${randomUUID()}`;
}

function closingPayload(assignment: Assignment): Payload {
  return {
    agent_name: AGENT_NAME,
    response: answerText(assignment.question, assignment.note),
  };
}

function isPaced(type: string): type is keyof typeof PAUSE_MS {
  return type in PAUSE_MS;
}
