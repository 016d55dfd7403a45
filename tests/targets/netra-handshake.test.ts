import { describe, expect, it } from 'vitest';
import { decodeNetraFrame } from '../../targets/netra-frames.ts';
import {
  COMPLETION_GRACE_MS,
  netraHandshake,
  RESPONSE_GRACE_MS,
  SETTLE_MS,
} from '../../targets/netra-handshake.ts';
import type { Handshake, HandshakeStep, Question } from '../../targets/target.ts';
import netra from '../../targets/netra.ts';
import { sessionOf } from './fake-http.ts';

const ESTABLISHED = {
  type: 'connection_established',
  data: { mode: 'main', user_id: 'e2e-anna...', connection_id: 'main_1a2b3c4d' },
  timestamp: 1_758_067_200.25,
  server_id: null,
  correlation_id: null,
};
const RESPONSE = {
  type: 'handshake_response',
  thread_id: 'thread_9',
  run_id: 'run_9',
  request_id: 'req_9',
  session_token: 'session-secret',
  user_id: 'e2e-anna1234',
};
const COMPLETE = { type: 'handshake_complete' };

const QUESTION: Question = {
  content: 'Q',
  thread: 'thread_9',
  run: 'run_mine',
  now: 1_758_067_200_250,
  first: true,
};

function begin(userId = 'e2e-anna1234') {
  const handshake = netraHandshake(sessionOf(userId));
  return {
    handshake,
    steps: (...frames: unknown[]): HandshakeStep[] =>
      frames.map((frame) => handshake.receive(frame, decodeNetraFrame(frame))),
  };
}

function asked(handshake: Handshake, change: Partial<Question> = {}) {
  return handshake.ask?.({ ...QUESTION, ...change });
}

const acknowledged = {
  type: 'handshake_acknowledged',
  thread_id: 'thread_9',
  timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
};

describe('the old handshake of Netra', () => {
  it('is ready after the greeting, once no response came in its grace', () => {
    expect(begin().steps(ESTABLISHED)).toEqual([
      { state: 'ready', settleMs: RESPONSE_GRACE_MS, ids: { connection: 'main_1a2b3c4d' } },
    ]);
  });

  it('starts a thread with start_agent, goes on with user_message, and promises no run id', () => {
    const { handshake, steps } = begin();
    steps(ESTABLISHED);
    expect(asked(handshake, { thread: undefined })).toEqual({
      frame: {
        type: 'start_agent',
        payload: {
          user_request: 'Q',
          thread_id: null,
          run_id: 'run_mine',
          timestamp: '2025-09-17T00:00:00.250Z',
          context: { source: 'message_input' },
          settings: {},
        },
      },
    });
    expect(asked(handshake, { first: false })).toEqual({
      frame: {
        type: 'user_message',
        payload: {
          content: 'Q',
          thread_id: 'thread_9',
          run_id: 'run_mine',
          timestamp: '2025-09-17T00:00:00.250Z',
          references: [],
        },
      },
    });
    expect(netra.socket.ask(QUESTION)).toEqual(asked(handshake));
  });

  it('waits for the greeting whatever comes before', () => {
    expect(begin().steps({ type: 'heartbeat' }, null, 'text')).toEqual([
      { state: 'waiting' },
      { state: 'waiting' },
      { state: 'waiting' },
    ]);
  });
});

describe('the new handshake of Netra', () => {
  it('acknowledges with the same thread, and settles after completion', () => {
    expect(begin().steps(ESTABLISHED, RESPONSE, COMPLETE)).toEqual([
      { state: 'ready', settleMs: RESPONSE_GRACE_MS, ids: { connection: 'main_1a2b3c4d' } },
      {
        state: 'ready',
        settleMs: COMPLETION_GRACE_MS,
        send: [acknowledged],
        ids: { user: 'e2e-anna1234', thread: 'thread_9', run: 'run_9' },
      },
      { state: 'ready', settleMs: SETTLE_MS },
    ]);
  });

  it('keeps the token that each connection is given, unless it is but a word', () => {
    const token = 'd41d8cd98f00b204e9800998ecf8427e';
    const [step] = begin().steps({ ...RESPONSE, session_token: token });
    expect(step).toMatchObject({ secrets: [token] });
    const [none] = begin().steps({ ...RESPONSE, session_token: 'anonymous' });
    expect(none).not.toHaveProperty('secrets');
  });

  it('may begin with the response', () => {
    expect(begin().steps(RESPONSE, ESTABLISHED, COMPLETE)).toMatchObject([
      { state: 'ready', settleMs: COMPLETION_GRACE_MS, send: [acknowledged] },
      { state: 'ready', settleMs: COMPLETION_GRACE_MS, ids: { connection: 'main_1a2b3c4d' } },
      { state: 'ready', settleMs: SETTLE_MS },
    ]);
    expect(begin().steps(RESPONSE, COMPLETE, ESTABLISHED)).toMatchObject([
      { state: 'ready' },
      { state: 'ready', settleMs: SETTLE_MS },
      { state: 'ready', settleMs: SETTLE_MS, ids: { connection: 'main_1a2b3c4d' } },
    ]);
  });

  it('ignores repetitions', () => {
    const steps = begin().steps(ESTABLISHED, RESPONSE, RESPONSE, COMPLETE, ESTABLISHED, RESPONSE);
    expect(steps.slice(2)).toEqual([
      { state: 'ready', settleMs: COMPLETION_GRACE_MS },
      { state: 'ready', settleMs: SETTLE_MS },
      { state: 'ready', settleMs: SETTLE_MS },
      { state: 'ready', settleMs: SETTLE_MS },
    ]);
  });

  it('acknowledges again when another thread is issued', () => {
    const [, , second] = begin().steps(RESPONSE, COMPLETE, { ...RESPONSE, thread_id: 'thread_10' });
    expect(second).toMatchObject({
      settleMs: COMPLETION_GRACE_MS,
      send: [{ ...acknowledged, thread_id: 'thread_10' }],
      ids: { thread: 'thread_10' },
    });
  });

  it('is understood inside a payload and a wrapper too', () => {
    const { type, ...fields } = RESPONSE;
    expect(begin().steps({ type, payload: fields })).toMatchObject([{ send: [acknowledged] }]);
    const wrapped = { type: 'system_message', event: type, payload: fields };
    expect(begin().steps(wrapped)).toMatchObject([{ send: [acknowledged] }]);
  });

  it('does nothing about a response without a thread', () => {
    expect(begin().steps({ type: 'handshake_response' })).toEqual([{ state: 'waiting' }]);
  });

  it('asks with user_message and its own run id', () => {
    const { handshake, steps } = begin();
    steps(ESTABLISHED, RESPONSE, COMPLETE);
    expect(asked(handshake)).toMatchObject({
      run: 'run_mine',
      frame: { type: 'user_message', payload: { content: 'Q', run_id: 'run_mine' } },
    });
  });
});

describe('the identity a handshake of Netra shows', () => {
  it.each<[shown: string, own: string]>([
    ['demo-use...', 'e2e-anna1234'],
    ['relaxed_...', 'e2e-anna1234'],
    ['emergenc...', 'e2e-anna1234'],
    ['e2e-bert...', 'e2e-anna1234'],
    ['e2e-anna12', 'e2e-anna1234'],
    ['e2e-anna1234', 'e2e-anna'],
  ])('is another when %s is shown to %s', (shown, own) => {
    const data = { user_id: shown, connection_id: 'main_1', thread_id: 'thread_1' };
    expect(begin(own).steps({ ...ESTABLISHED, data })).toEqual([
      { state: 'ready', settleMs: RESPONSE_GRACE_MS, shown, ids: { connection: 'main_1' } },
    ]);
  });

  it.each<[shown: string | undefined, user: string | undefined]>([
    ['e2e-anna...', undefined],
    ['e2e-anna1234', 'e2e-anna1234'],
    ['e2e-anna1234...', undefined],
    ['...', undefined],
    [undefined, undefined],
  ])('is the own one when %s is shown, and known in full only as %s', (shown, user) => {
    const [step] = begin().steps({ ...ESTABLISHED, data: { user_id: shown } });
    expect(step?.shown).toBeUndefined();
    expect(step?.ids?.user).toBe(user);
  });
});
