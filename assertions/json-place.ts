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
  return pathOf(root, text);
}

interface Step {
  readonly value: unknown;
  readonly path: string;
}

/** Depth first with an explicit stack: frames may be nested deeper than the call stack allows. */
function pathOf(root: unknown, text: string): string | null {
  const stack: Step[] = [{ value: root, path: '' }];
  for (let looked = 0; looked < VALUES_MAX; looked += 1) {
    const next = stack.pop();
    if (next === undefined) return null;
    if (typeof next.value === 'string') {
      if (next.value.includes(text)) return next.path === '' ? null : next.path;
    } else for (const part of partsOf(next).toReversed()) stack.push(part);
  }
  return null;
}

function partsOf({ value, path }: Step): Step[] {
  if (Array.isArray(value))
    return value.map((inner, i) => ({ value: inner as unknown, path: `${path}[${i}]` }));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).map(([key, inner]) => ({
    value: inner as unknown,
    path: path === '' ? key : `${path}.${key}`,
  }));
}
