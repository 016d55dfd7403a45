/**
 * Messages that are no JSON as a whole, but JSON behind some characters: `42["event",{…}]` of Socket.IO,
 * `0{…}` and `2` of Engine.IO. To the rest of the harness such a message is the list of both, `["42",[…]]`,
 * so that nothing of it is lost, and everything that reads JSON reads it.
 */

/** What the JSON of a message begins with. Digits belong to what stands before it. */
const JSON_BEGINS = /[[{"]/;

/** A message as JSON text: `["42",["event",{…}]]`, `["2"]`. What is broken behind its prefix stays as it came. */
export function unprefixed(message: string): string {
  const at = message.search(JSON_BEGINS);
  if (at === -1) return JSON.stringify([message]);
  const value = message.slice(at);
  try {
    JSON.parse(value);
  } catch {
    return message; // The judge calls it malformed.
  }
  return `[${JSON.stringify(message.slice(0, at))},${value}]`;
}

/** The message that a list of a prefix and a value stands for; any other frame is sent as JSON. */
export function prefixed(frame: unknown): string {
  if (!Array.isArray(frame) || typeof frame[0] !== 'string') return JSON.stringify(frame);
  return frame[0] + (frame.length > 1 ? JSON.stringify(frame[1]) : '');
}
