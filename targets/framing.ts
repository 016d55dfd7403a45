/**
 * Messages that are not one JSON value each. To the rest of the harness all of them are JSON texts, so that
 * nothing of them is lost, and everything that reads JSON reads them.
 *
 * - `prefixed`: JSON behind some characters, as `42["event",{…}]` of Socket.IO, `0{…}` and `2` of Engine.IO.
 *   Such a message is the list of both, `["42",[…]]`.
 * - `records`: JSON values that end with the record separator U+001E each, as of SignalR, any number in a message.
 * - `lines`: the same with line breaks, as servers write that send at once what has queued up.
 */
export const FRAMINGS = ['json', 'prefixed', 'records', 'lines'] as const;
export type Framing = (typeof FRAMINGS)[number];

/** What values end with. Neither stands in JSON: within texts both are escaped. */
const ENDS = { records: '\u001e', lines: '\n' } as const;

/** What the JSON of a message begins with. Digits belong to what stands before it. */
const JSON_BEGINS = /[[{"]/;

/** The JSON texts that a message holds, at least one. What is broken stays as it came: the judge says so. */
export function textsIn(message: string, framing: Framing = 'json'): readonly string[] {
  if (framing === 'json') return [message];
  if (framing === 'prefixed') return [unprefixed(message)];
  const texts = message.split(ENDS[framing]).filter((text) => text.trim() !== '');
  return texts.length === 0 ? [message] : texts;
}

/** The message by which a frame is sent. */
export function framed(frame: unknown, framing: Framing = 'json'): string {
  if (framing === 'prefixed') return prefixed(frame);
  // Lines are read with or without their end, and a browser's page sends them without.
  return JSON.stringify(frame) + (framing === 'records' ? ENDS.records : '');
}

function unprefixed(message: string): string {
  const at = message.search(JSON_BEGINS);
  if (at === -1) return JSON.stringify([message]);
  const value = message.slice(at);
  try {
    JSON.parse(value);
  } catch {
    return message;
  }
  return `[${JSON.stringify(message.slice(0, at))},${value}]`;
}

/** Any frame but a list of a prefix and a value is sent as JSON. */
function prefixed(frame: unknown): string {
  if (!Array.isArray(frame) || typeof frame[0] !== 'string') return JSON.stringify(frame);
  return frame[0] + (frame.length > 1 ? JSON.stringify(frame[1]) : '');
}
