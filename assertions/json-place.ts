import type { Observation } from '../history/observation.ts';

/** Values looked at before giving up: a place is a help to the reader, not evidence. */
const VALUES_MAX = 20_000;

/**
 * Where in a JSON frame a text stands, as a dotted path (`payload.response`, `items[3].title`); null when
 * the content is no JSON or holds the text only in an encoded form.
 */
export function placeIn(observation: Observation, text: string): string | null {
  if (observation.contentKind !== 'frame' || observation.content === undefined) return null;
  let root: unknown;
  try {
    root = JSON.parse(observation.content);
  } catch {
    return null; // Shown without a place.
  }
  // An explicit stack: frames may be nested deeper than the call stack allows.
  const stack: { value: unknown; path: string }[] = [{ value: root, path: '' }];
  for (let looked = 0; looked < VALUES_MAX; looked += 1) {
    const next = stack.pop();
    if (next === undefined) return null;
    const { value, path } = next;
    if (typeof value === 'string') {
      if (value.includes(text)) return path === '' ? null : path;
    } else if (Array.isArray(value))
      for (let i = value.length - 1; i >= 0; i -= 1)
        stack.push({ value: value[i], path: `${path}[${i}]` });
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value).toReversed())
        stack.push({ value: inner, path: path === '' ? key : `${path}.${key}` });
  }
  return null;
}
