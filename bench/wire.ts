import { randomUUID } from 'node:crypto';
import type { Asked, Person } from './cast.ts';

/** One event of a run as the reference target sends it, with what decoding finds in it. */
export interface WireEvent {
  readonly event: string;
  readonly id: string;
  readonly agent: string | undefined;
  readonly tool: string | undefined;
  readonly sequence: number;
  readonly text: string;
}

export const EVENTS_PER_RUN = 5;
/** Frames in one write of a flood. */
export const FRAMES_PER_WRITE = 160;
/** Between two events of a run, as their timestamps say. */
const STEP_MS = 2;
const AGENT = 'note-assistant';
const TOOL = 'note_reader';

/** The five events of a clean run; texts of about 450 bytes in the reference envelope. */
export function eventsOf(person: Person, asked: Asked, sentAtUnixMs: number): WireEvent[] {
  const note = `The note says: My green hamster answers to ${person.note}.`;
  const tool = { tool_name: TOOL, tool_call_id: asked.tool };
  const steps: readonly [string, Readonly<Record<string, unknown>>][] = [
    ['agent_started', { agent_name: AGENT, message: 'Reading your question.' }],
    [
      'agent_thinking',
      {
        agent_name: AGENT,
        thought: `The question is: ${asked.content}. The note may help, so I read it.`,
      },
    ],
    ['tool_executing', { ...tool, parameters: { query: asked.content } }],
    ['tool_completed', { ...tool, result: note }],
    ['agent_completed', { agent_name: AGENT, response: `You asked: ${asked.content}. ${note}` }],
  ];
  return steps.map(([event, payload], at): WireEvent => {
    const id = `msg_${randomUUID()}`;
    const sequence = at + 1;
    const text = JSON.stringify({
      type: event,
      user_id: person.user,
      thread_id: person.thread,
      run_id: asked.run,
      message_id: id,
      sequence,
      timestamp: new Date(sentAtUnixMs + at * STEP_MS).toISOString(),
      payload,
    });
    const ofTool = 'tool_call_id' in payload;
    return {
      event,
      id,
      agent: ofTool ? undefined : AGENT,
      tool: ofTool ? asked.tool : undefined,
      sequence,
      text,
    };
  });
}

/** Frames of whole writes that one pass of a flood sends to one connection. */
export function framesPerPass(questions: number): number {
  const frames = questions * EVENTS_PER_RUN;
  return frames - (frames % FRAMES_PER_WRITE);
}

/** The first frame of every connection. */
export function greetingOf(person: Person, sentAtUnixMs: number): string {
  return JSON.stringify({
    type: 'connection_established',
    data: {
      connection_id: person.connection,
      user_id: person.user,
      thread_id: person.thread,
    },
    timestamp: new Date(sentAtUnixMs).toISOString(),
  });
}

export function pongOf(echoedAt: number, nowUnixMs: number): string {
  return JSON.stringify({
    type: 'pong',
    timestamp: new Date(nowUnixMs).toISOString(),
    server_time_ms: nowUnixMs,
    client_timestamp: echoedAt,
  });
}

const FINAL_TEXT_FRAME = 0x81;
const LENGTH_7_MAX = 125;
const LENGTH_16 = 126;
const LENGTH_16_MAX = 65_535;

/** A text as one unmasked WebSocket frame (RFC 6455 §5.2), ready to be written to a socket. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  if (length > LENGTH_16_MAX) throw new RangeError(`a frame of ${length} bytes is not needed here`);
  const header = length > LENGTH_7_MAX ? 4 : 2;
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = FINAL_TEXT_FRAME;
  if (length > LENGTH_7_MAX) {
    frame[1] = LENGTH_16;
    frame.writeUInt16BE(length, 2);
  } else frame[1] = length;
  frame.write(text, header);
  return frame;
}
