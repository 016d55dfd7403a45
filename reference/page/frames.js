// What the frames of the service say, whichever revision of it sent them.

const LABELS = {
  agent_started: 'Started',
  agent_thinking: 'Thinking',
  tool_executing: 'Using a tool',
  tool_completed: 'Tool result',
  agent_chunk: 'Writing',
  agent_completed: 'Answered',
  agent_error: 'Failed',
  agent_stopped: 'Stopped',
};
/** Fields whose value explains itself. */
const PLAIN = new Set(['agent_name', 'message', 'thought', 'reasoning', 'tool_name', 'result']);
/** Fields that say nothing to a reader. */
const TECHNICAL = new Set(['tool_call_id', 'execution_id', 'hint']);
const ENVELOPE = new Set(['type', 'critical', 'timestamp', 'user_id', 'thread_id', 'run_id']);

/** Gives a frame the shape `{type, run_id, user_id, sequence, payload, …}`. */
export function canonical(raw) {
  const type = raw.type === 'system_message' ? raw.event : raw.type;
  const payload = raw.payload ?? raw.data ?? contentAtRoot(raw);
  return { ...raw, type: type === 'reasoning' ? 'agent_thinking' : (type ?? 'unknown'), payload };
}

/** What happened, in a word or two. */
export function labelOf(type) {
  return LABELS[type] ?? type;
}

/** The agent that an event is about. */
export function agentOf({ payload, agent_name: name }) {
  return payload.agent_name ?? name;
}

/** The answer that a completion carries. */
export function answerOf({ payload }) {
  const answer = payload.response ?? payload.final_response ?? payload.result;
  return answer === undefined ? '' : String(answer);
}

/** Why a run failed. */
export function errorOf({ payload }) {
  return String(payload.error ?? payload.error_message ?? 'The agent failed.');
}

/** Everything an event says, in the order it says it, but for the named fields. */
export function textOf({ payload }, omitted = []) {
  return Object.entries(payload)
    .filter(([name]) => !TECHNICAL.has(name) && !omitted.includes(name))
    .map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return PLAIN.has(name) ? text : `${name}: ${text}`;
    })
    .join(' · ');
}

/** Reads a text whose characters were each moved up by one. */
export function unshifted(text) {
  return Array.from(text, (character) => String.fromCodePoint(character.codePointAt(0) - 1)).join(
    '',
  );
}

function contentAtRoot(raw) {
  return Object.fromEntries(Object.entries(raw).filter(([name]) => !ENVELOPE.has(name)));
}
