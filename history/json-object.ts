/** Whether a value of a parsed JSON text has members: an object, or a list. */
export function hasMembers(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
