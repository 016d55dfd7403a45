import { hasMembers } from '../history/json-object.ts';

/** The frame without the given dotted fields; undefined when it is no JSON object. */
export function withoutFields(content: string, fields: readonly string[]): string | undefined {
  const frame = parseObject(content);
  if (frame === undefined) return undefined;
  for (const field of fields) {
    const path = field.split('.');
    const last = path.pop() ?? '';
    let at: unknown = frame;
    for (const key of path) at = hasMembers(at) ? at[key] : undefined;
    if (hasMembers(at)) delete at[last];
  }
  return JSON.stringify(frame);
}

/** A frame as an object; undefined when it is anything else. */
export function parseObject(content: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(content);
    return hasMembers(value) ? value : undefined;
  } catch {
    return undefined; // Not JSON: it has no fields.
  }
}
