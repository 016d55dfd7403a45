/** Legal variants in the shape of frames, as other revisions of the first customer's system speak. */
import { randomBytes, randomUUID } from 'node:crypto';
import { isoTime } from '../clock.ts';
import type { AgentEvent, Connection, Payload } from '../model.ts';
import type { VariantTable } from './variant.ts';

/** The variants of this file by name. */
export const PROTOCOL_VARIANTS: VariantTable = {
  'envelope-flat': () => ({
    onFrame: (_frame, event) => ({
      type: event.type === 'agent_thinking' ? 'reasoning' : event.type,
      critical: true,
      timestamp: event.timestamp,
      user_id: event.user_id,
      thread_id: event.thread_id,
      run_id: event.run_id,
      request_id: event.run_id,
      metadata: {},
      ...(FLAT_CONTENT[event.type]?.(event.payload) ?? event.payload),
    }),
  }),

  'envelope-data': () => ({
    onFrame: (_frame, event) => ({
      type: event.type,
      run_id: event.run_id,
      user_id: event.user_id,
      agent_name: event.payload['agent_name'] ?? 'note-assistant',
      timestamp: event.timestamp,
      data: NESTED_CONTENT[event.type]?.(event.payload) ?? event.payload,
    }),
  }),

  'envelope-system': () => ({
    onFrame: (frame, event: AgentEvent) => ({
      ...frame,
      type: 'system_message',
      event: event.type,
    }),
  }),

  'handshake-new': (world) => {
    const acknowledged = new WeakSet<Connection>();
    return {
      onPage: () => ['acknowledge-first'],
      onOpen: (connection) => {
        world.connections.send(connection, {
          type: 'handshake_response',
          thread_id: connection.thread.id,
          run_id: `run_${randomUUID()}`,
          request_id: `req_${randomUUID()}`,
          session_token: randomBytes(24).toString('base64url'),
          session_id: connection.id,
          user_id: connection.session.user.id,
          message: 'Handshake completed',
          timestamp: isoTime(world.clock.now()),
        });
      },
      onMessage: (message, connection) => {
        if (message['type'] === 'handshake_acknowledged') {
          if (message['thread_id'] !== connection.thread.id) return true;
          acknowledged.add(connection);
          world.connections.send(connection, {
            type: 'handshake_complete',
            thread_id: connection.thread.id,
            timestamp: isoTime(world.clock.now()),
          });
          return true;
        }
        // That revision loses what comes before the acknowledgement, without a word.
        return !acknowledged.has(connection) && QUESTION_TYPES.has(message['type']);
      },
    };
  },
};

const QUESTION_TYPES: ReadonlySet<unknown> = new Set(['user_message', 'start_agent']);

type Content = Readonly<Record<string, (payload: Payload) => Payload>>;

/** Names and extra fields of envelope V1, where all content stands at the root. */
const FLAT_CONTENT: Content = {
  agent_started: (payload) => ({
    agent_name: payload['agent_name'],
    task_description: payload['message'],
    status: 'started',
  }),
  agent_thinking: (payload) => ({
    agent_name: payload['agent_name'],
    reasoning: payload['thought'],
  }),
  tool_executing: (payload) => ({
    tool_name: payload['tool_name'],
    tool_args: payload['parameters'],
    parameters: payload['parameters'],
    execution_id: payload['tool_call_id'],
    status: 'executing',
  }),
  tool_completed: (payload) => ({
    tool_name: payload['tool_name'],
    results: payload['result'],
    execution_id: payload['tool_call_id'],
    success: true,
    status: 'completed',
  }),
  agent_completed: (payload) => ({
    agent_name: payload['agent_name'],
    final_response: payload['response'],
    status: 'completed',
  }),
  agent_error: (payload) => ({
    agent_name: payload['agent_name'],
    error_message: payload['error'],
    status: 'error',
  }),
};

/** Names of envelope V2, where the content stands in `data`. */
const NESTED_CONTENT: Content = {
  agent_started: (payload) => ({ status: 'started', context: {}, message: payload['message'] }),
  agent_thinking: (payload) => ({
    reasoning: payload['thought'],
    step_number: 1,
    progress_percentage: 20,
    status: 'thinking',
  }),
  tool_executing: (payload) => ({
    tool_name: payload['tool_name'],
    parameters: payload['parameters'],
    status: 'executing',
    message: 'The tool is running.',
  }),
  tool_completed: (payload) => ({
    tool_name: payload['tool_name'],
    result: payload['result'],
    status: 'completed',
    message: 'The tool is done.',
  }),
  agent_completed: (payload) => ({
    status: 'completed',
    result: payload['response'],
    message: 'The agent is done.',
  }),
  agent_error: (payload) => ({ status: 'error', error_message: payload['error'] }),
};
