import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeNetraBatch, decodeNetraFrame } from '../../targets/netra-frames.ts';

const ISO = '2025-09-17T00:00:00.250000';
const SENT_AT = 1_758_067_200_250;
const IDS = { user_id: 'e2e-anna', thread_id: 'thread_1_ab', run_id: 'run_1_cd' };
const OWN = { owner: 'e2e-anna', thread: 'thread_1_ab', run: 'run_1_cd' };

/** Literal frames, one or more for each envelope of NETRA-WIRE 5.1, and what must be read from them. */
const FRAMES: readonly (readonly [string, unknown, object])[] = [
  [
    'V1 agent_started: everything at the root',
    {
      type: 'agent_started',
      timestamp: ISO,
      critical: true,
      ...IDS,
      request_id: 'req_1',
      metadata: {},
      agent_name: 'Supervisor',
      task_description: 'x',
      status: 'started',
    },
    { role: 'agent', event: 'agent_started', ...OWN, agent: 'Supervisor', sentAt: SENT_AT },
  ],
  [
    'V1 agent_thinking, which is named reasoning',
    { type: 'reasoning', timestamp: ISO, critical: true, ...IDS, reasoning: 'x' },
    { role: 'agent', event: 'agent_thinking', ...OWN, sentAt: SENT_AT },
  ],
  [
    'V1 tool_executing, paired by the name of the tool',
    {
      type: 'tool_executing',
      ...IDS,
      tool_name: 'search',
      tool_args: {},
      execution_id: 'execution_1_ab',
    },
    { role: 'agent', event: 'tool_executing', ...OWN, tool: 'search' },
  ],
  [
    'V1 tool_completed, though its execution id is another',
    {
      type: 'tool_completed',
      ...IDS,
      tool_name: 'search',
      results: 'x',
      execution_id: 'execution_2_cd',
      success: true,
    },
    { role: 'agent', event: 'tool_completed', ...OWN, tool: 'search' },
  ],
  [
    'V1 agent_completed',
    { type: 'agent_completed', ...IDS, agent_name: 'Supervisor', final_response: 'Task completed' },
    { role: 'agent', event: 'agent_completed', ...OWN, agent: 'Supervisor' },
  ],
  [
    'V2 agent_thinking: content in data, no thread',
    {
      type: 'agent_thinking',
      run_id: 'run_1_cd',
      user_id: 'e2e-anna',
      agent_name: 'triage',
      timestamp: ISO,
      data: { reasoning: 'x', step_number: 1 },
    },
    {
      role: 'agent',
      event: 'agent_thinking',
      owner: 'e2e-anna',
      thread: undefined,
      run: 'run_1_cd',
      agent: 'triage',
      sentAt: SENT_AT,
    },
  ],
  [
    'V2 tool_completed: the name of the tool in data',
    {
      type: 'tool_completed',
      run_id: 'run_1_cd',
      user_id: 'e2e-anna',
      data: { tool_name: 'search', result: 'x' },
      results: 'x',
    },
    { role: 'agent', event: 'tool_completed', run: 'run_1_cd', tool: 'search' },
  ],
  [
    'V2 agent_error: neither thread nor user',
    { type: 'agent_error', run_id: 'run_1_cd', agent_name: 'data', data: { error_message: 'x' } },
    { role: 'agent', event: 'agent_error', owner: undefined, run: 'run_1_cd' },
  ],
  [
    'V2 with a thread id where the user id belongs',
    { type: 'agent_started', run_id: 'run_1_cd', user_id: 'thread_1_ab', data: {} },
    {
      role: 'agent',
      event: 'agent_started',
      owner: undefined,
      thread: 'thread_1_ab',
      run: 'run_1_cd',
    },
  ],
  [
    'V2 with its own thread id twice',
    { type: 'agent_started', user_id: 'conversation-5', thread_id: 'conversation-5', data: {} },
    { role: 'agent', owner: undefined, thread: 'conversation-5' },
  ],
  [
    'V3: ids at the root, a message id, content in data',
    {
      type: 'agent_started',
      timestamp: ISO,
      thread_id: 'thread_1_ab',
      user_id: 'e2e-anna',
      message_id: 'msg_1758067200.25',
      data: { agent_name: 'data' },
    },
    {
      role: 'agent',
      event: 'agent_started',
      owner: 'e2e-anna',
      thread: 'thread_1_ab',
      id: 'msg_1758067200.25',
      agent: 'data',
    },
  ],
  [
    'V4 wrapped in system_message',
    {
      type: 'system_message',
      data: {
        event: 'agent_started',
        type: 'agent_started',
        status: 'ok',
        user_id: 'e2e-anna',
        turn_id: 't1',
        payload: { run_id: 'run_1_cd' },
      },
      timestamp: 1_758_067_200.25,
      server_id: null,
      correlation_id: null,
    },
    { role: 'agent', event: 'agent_started', owner: 'e2e-anna', run: 'run_1_cd', sentAt: SENT_AT },
  ],
  [
    'V4 wrapped in agent_progress',
    {
      type: 'agent_progress',
      data: { event: 'tool_executing', user_id: 'e2e-anna', payload: { tool_name: 'search' } },
    },
    { role: 'agent', event: 'tool_executing', owner: 'e2e-anna', tool: 'search' },
  ],
  [
    'V4 agent_response_complete with its real name',
    { type: 'agent_response_complete', data: { event: 'agent_completed', user_id: 'e2e-anna' } },
    { role: 'agent', event: 'agent_completed', owner: 'e2e-anna' },
  ],
  [
    'V4 agent_response_complete without it',
    { type: 'agent_response_complete', data: { user_id: 'e2e-anna' } },
    { role: 'agent', event: 'agent_completed', owner: 'e2e-anna' },
  ],
  [
    'V5: everything in payload',
    { type: 'agent_thinking', payload: { ...IDS, thought: 'x', agent_name: 'triage' } },
    { role: 'agent', event: 'agent_thinking', ...OWN, agent: 'triage' },
  ],
  [
    'V6 with placeholders for ids it does not know',
    {
      type: 'agent_started',
      user_id: 'unknown_user',
      thread_id: 'unknown',
      run_id: 'run_1_cd',
      timestamp: ISO,
    },
    { role: 'agent', event: 'agent_started', owner: undefined, thread: undefined, run: 'run_1_cd' },
  ],
  [
    'V7 agent_started: no user',
    {
      type: 'agent_started',
      payload: {
        run_id: 'run_1_cd',
        agent_name: 'Supervisor',
        thread_id: 'thread_1_ab',
        timestamp: 1_758_067_200.25,
      },
    },
    {
      role: 'agent',
      event: 'agent_started',
      owner: undefined,
      thread: 'thread_1_ab',
      run: 'run_1_cd',
      sentAt: SENT_AT,
    },
  ],
  [
    'V7 agent_completed: the payload is the answer itself',
    { type: 'agent_completed', payload: 'The answer.' },
    {
      role: 'agent',
      event: 'agent_completed',
      owner: undefined,
      thread: undefined,
      run: undefined,
    },
  ],
  [
    'V8: an earlier frame, recovered',
    { type: 'tool_executing', ...IDS, tool_name: 'search', recovered: true, original_failure: 'x' },
    { role: 'agent', event: 'tool_executing', ...OWN, tool: 'search' },
  ],
  [
    'V9: the demo socket',
    {
      type: 'tool_executing',
      timestamp: 1_758_067_200_250,
      agent: 'demo',
      run_id: 'run_1_cd',
      tool: 'search',
    },
    {
      role: 'agent',
      event: 'tool_executing',
      agent: 'demo',
      run: 'run_1_cd',
      tool: 'search',
      sentAt: SENT_AT,
    },
  ],
  [
    'V10: server-sent, named by event',
    { event: 'agent_thinking', agent_id: 'a', run_id: 'run_1_cd', timestamp: ISO },
    { role: 'agent', event: 'agent_thinking', run: 'run_1_cd' },
  ],
  [
    'V10: named by data.event',
    { data: { event: 'agent_started', run_id: 'run_1_cd' } },
    { role: 'agent', event: 'agent_started', run: 'run_1_cd' },
  ],
  [
    'V12 wrapped in system_message',
    {
      type: 'system_message',
      event: 'tool_completed',
      payload: { ...IDS, tool_name: 'search', result: 'x' },
    },
    { role: 'agent', event: 'tool_completed', ...OWN, tool: 'search' },
  ],
  [
    'V12 with payload',
    {
      type: 'agent_completed',
      payload: { ...IDS, agent_name: 'WorkflowOrchestrator', response: 'x' },
    },
    { role: 'agent', event: 'agent_completed', ...OWN, agent: 'WorkflowOrchestrator' },
  ],
  [
    'V12 with data',
    { type: 'agent_completed', data: { ...IDS, result: 'x' } },
    { role: 'agent', event: 'agent_completed', ...OWN },
  ],
  [
    'ids in metadata, as a last resort',
    { type: 'agent_started', metadata: { run_id: 'run_1_cd' } },
    { role: 'agent', run: 'run_1_cd' },
  ],
  [
    'the embedded target, envelope-flat',
    {
      type: 'reasoning',
      ...IDS,
      message_id: 'msg_1',
      sequence: 2,
      timestamp: '2025-09-17T00:00:00.250Z',
      agent_name: 'note-assistant',
      reasoning: 'x',
    },
    {
      role: 'agent',
      event: 'agent_thinking',
      ...OWN,
      id: 'msg_1',
      sequence: 2,
      agent: 'note-assistant',
    },
  ],
  [
    'the embedded target, envelope-data',
    {
      type: 'tool_executing',
      user_id: 'e2e-anna',
      run_id: 'run_1_cd',
      data: { tool_name: 'notes', tool_call_id: 'call_1' },
    },
    { role: 'agent', event: 'tool_executing', owner: 'e2e-anna', run: 'run_1_cd', tool: 'call_1' },
  ],
  [
    'the embedded target, envelope-system',
    {
      type: 'system_message',
      event: 'agent_completed',
      ...IDS,
      payload: { agent_name: 'note-assistant', response: 'x' },
    },
    { role: 'agent', event: 'agent_completed', ...OWN, agent: 'note-assistant' },
  ],
];

/** Frames that are no events of a run. */
const OTHERS: readonly (readonly [string, unknown, object])[] = [
  [
    'a greeting',
    { type: 'connection_established', data: { user_id: 'e2e-anna...', connection_id: 'main_ab' } },
    { role: 'handshake', event: 'connection_established', owner: 'e2e-anna...' },
  ],
  [
    'a handshake response',
    { type: 'handshake_response', thread_id: 'thread_1_ab' },
    { role: 'handshake', thread: 'thread_1_ab' },
  ],
  [
    'an acknowledgement, whatever ids it has',
    { type: 'ack', received_type: 'user_message', run_id: 'run_1_cd' },
    { role: 'ack', run: 'run_1_cd' },
  ],
  ['a heartbeat', { type: 'heartbeat', data: { connection_id: 'main_ab' } }, { role: 'heartbeat' }],
  ['the answer to our heartbeat', { type: 'heartbeat_ack' }, { role: 'heartbeat' }],
  [
    'a pong',
    { type: 'pong', data: { timestamp: 1_758_067_200.25, user_id: 'e2e-anna' } },
    { role: 'pong', sentAt: SENT_AT, owner: 'e2e-anna' },
  ],
  [
    'an error in root form',
    { type: 'error_message', error_code: 'AUTH_FAILED', error_message: 'x' },
    { role: 'error', event: 'error_message' },
  ],
  [
    'an error in data',
    { type: 'error_message', data: { error_code: 'CONNECTION_ERROR' } },
    { role: 'error' },
  ],
  [
    'an error that names the run it is about in its details',
    { type: 'error_message', error_message: 'x', details: { run_id: 'run_1_cd' } },
    { role: 'error', run: 'run_1_cd' },
  ],
  [
    'an error in data, with details',
    { type: 'error_message', data: { error_code: 'CONFLICT', details: IDS } },
    { role: 'error', ...OWN },
  ],
  [
    'an event of a run, whose details are its own business',
    { type: 'tool_completed', run_id: 'run_1_cd', details: { user_id: 'e2e-bert' } },
    { role: 'agent', event: 'tool_completed', owner: undefined, run: 'run_1_cd' },
  ],
  [
    'a system message without an event',
    { type: 'system_message', data: { status: 'connected' } },
    { role: 'other', event: 'system_message' },
  ],
  [
    'housekeeping of a finished run',
    { type: 'cleanup_started', run_id: 'run_1_cd' },
    { role: 'other', run: 'run_1_cd' },
  ],
  [
    'log lines of a run',
    { type: 'backend_log', run_id: 'run_1_cd', messages: [] },
    { role: 'other' },
  ],
  [
    'a renamed thread',
    { type: 'thread_renamed', payload: { thread_id: 'thread_1_ab' } },
    { role: 'other', thread: 'thread_1_ab' },
  ],
  [
    'an unknown type with a run',
    { type: 'mood_changed', run_id: 'run_1_cd' },
    { role: 'agent', event: 'mood_changed' },
  ],
  [
    'an old name of a tool event',
    { type: 'tool_started', run_id: 'run_1_cd', payload: { tool_name: 'search' } },
    { role: 'agent', event: 'tool_started', tool: 'search' },
  ],
  [
    'an agent event without ids',
    { type: 'agent_thinking', payload: {} },
    { role: 'agent', event: 'agent_thinking', run: undefined },
  ],
  ['no object', 'agent_started', { role: 'other' }],
  ['a list', [{ type: 'agent_started' }], { role: 'other' }],
];

describe('decoding the frames of Netra', () => {
  it.each([...FRAMES, ...OTHERS])('reads %s', (_what, frame, expected) => {
    expect(decodeNetraFrame(frame)).toMatchObject(expected);
    expect(decodeNetraBatch(frame)).toEqual([decodeNetraFrame(frame)]);
  });

  it('prefers the id at the root to one inside', () => {
    const frame = { type: 'agent_started', user_id: 'e2e-anna', data: { user_id: 'e2e-bert' } };
    expect(decodeNetraFrame(frame).owner).toBe('e2e-anna');
  });

  it('never throws, whatever the frame is', () => {
    const names = fc.constantFrom(
      'event_batch',
      'system_message',
      'reasoning',
      '__proto__',
      'pong',
    );
    const places = { payload: fc.anything(), data: fc.anything(), events: fc.anything() };
    const frames = fc.oneof(
      fc.anything({ withNullPrototype: true, withBigInt: true }),
      fc.jsonValue(),
      fc.record({ type: names, event: fc.anything(), ...places }, { requiredKeys: [] }),
    );
    fc.assert(
      fc.property(frames, (frame) => {
        const all = decodeNetraBatch(frame);
        expect(all[0]).toEqual(decodeNetraFrame(frame));
        for (const { role } of all) expect(typeof role).toBe('string');
      }),
    );
  });
});

describe('batches of Netra (V11)', () => {
  it('begin with the batch itself, then hold its events by time', () => {
    const frame = {
      type: 'event_batch',
      user_id: 'e2e-anna',
      batch_id: 'b1',
      batch_size: 3,
      events: {
        reasoning: [
          { run_id: 'run_1', timestamp: 1_758_067_202, reasoning: 'x' },
          { run_id: 'run_1', timestamp: 1_758_067_204, user_id: 'e2e-bert' },
        ],
        agent_started: [{ run_id: 'run_1', timestamp: 1_758_067_201, agent_name: 'Supervisor' }],
      },
    };
    expect(decodeNetraBatch(frame)).toMatchObject([
      { role: 'other', event: 'event_batch', owner: 'e2e-anna' },
      { role: 'agent', event: 'agent_started', owner: 'e2e-anna', run: 'run_1' },
      { role: 'agent', event: 'agent_thinking', owner: 'e2e-anna', sentAt: 1_758_067_202_000 },
      { role: 'agent', event: 'agent_thinking', owner: 'e2e-bert' },
    ]);
  });

  it('give of each event what of the batch it is', () => {
    const events = { agent_chunk: [{ content: 'half a wo' }, { content: 'rd' }] };
    const [batch, ...further] = decodeNetraBatch({ type: 'event_batch', events });
    expect(batch).not.toHaveProperty('part');
    expect(further.map(({ part }) => part)).toEqual([
      { type: 'agent_chunk', content: 'half a wo' },
      { type: 'agent_chunk', content: 'rd' },
    ]);
  });

  it('keep the order of the types where an event has no time', () => {
    const events = { tool_completed: [{ timestamp: 1_758_067_202 }], agent_started: [{}] };
    const decoded = decodeNetraBatch({ type: 'event_batch', events });
    expect(decoded.map(({ event }) => event)).toEqual([
      'event_batch',
      'tool_completed',
      'agent_started',
    ]);
  });

  it('tell apart no more than a thousand events', () => {
    const events = { agent_thinking: Array.from({ length: 5_000 }, () => ({})) };
    expect(decodeNetraBatch({ type: 'event_batch', events })).toHaveLength(1_001);
  });
});
