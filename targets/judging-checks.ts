import type { ProfileData } from '../history/profile-data.ts';
import { judgingOf, type JudgingInput } from './judging.ts';

/** What the rest of the profile can do, as far as judging relies on it. */
export interface Abilities {
  /** Whether `threads.note` exists, so that a note can be planted at all. */
  readonly note: boolean;
}

const TIMING_GATES: ReadonlySet<string> = new Set(['connect', 'first-event', 'delivery', 'api']);

/** Contradictions within judging data whose shape is right; empty when there are none. */
export function judgingMistakes(
  name: string,
  input: JudgingInput,
  abilities: Abilities,
): readonly string[] {
  const judging = judgingOf(name, input);
  return [
    ...(input.name === undefined || input.name === name
      ? []
      : [
          `"judging.name" must be the profile's name "${name}", got "${input.name}". Leave it out.`,
        ]),
    ...unknownEvents(judging),
    ...orderMistakes(judging),
    ...idMistakes(judging),
    ...echoMistakes(judging, input.claims?.echo, abilities),
    ...signalMistakes(judging),
    ...limitMistakes(judging),
  ];
}

/** Every event that the order rule speaks of. */
function eventsOf({ order }: ProfileData): ReadonlySet<string> {
  return new Set([
    ...order.required,
    ...order.failure,
    ...order.stopped,
    ...order.chunk,
    ...order.pairs.flatMap(({ opens, closes }) => [opens, closes]),
    ...order.edges.flatMap(({ before, after }) => [before, after]),
    ...(order.first === null ? [] : [order.first]),
    order.last,
  ]);
}

/** Names that appear in one place only are misspelled more often than meant. */
function unknownEvents(judging: ProfileData): string[] {
  const { order, claims } = judging;
  const declared = new Set([
    ...order.required,
    ...order.failure,
    ...order.stopped,
    ...order.chunk,
    ...Object.keys(claims.ids),
  ]);
  const known = eventsOf(judging);
  return [
    ...order.pairs.flatMap(({ opens, closes }, index) => [
      ...unless(declared, `judging.order.pairs.${index}.opens`, opens),
      ...unless(declared, `judging.order.pairs.${index}.closes`, closes),
    ]),
    ...order.edges.flatMap(({ before, after }, index) => [
      ...unless(declared, `judging.order.edges.${index}.before`, before),
      ...unless(declared, `judging.order.edges.${index}.after`, after),
    ]),
    ...Object.entries(order.aliases).flatMap(([alias, event]) =>
      unless(known, `judging.order.aliases.${alias}`, event),
    ),
    ...Object.keys(claims.ids).flatMap((event) => unless(known, 'judging.claims.ids', event)),
  ];
}

function unless(known: ReadonlySet<string>, place: string, event: string): string[] {
  if (known.has(event)) return [];
  return [
    `"${place}" must name an event that judging.order or judging.claims.ids declares (${[...known].join(', ')}), got "${event}". Correct its spelling or declare it.`,
  ];
}

function orderMistakes({ order }: ProfileData): string[] {
  const mistakes: string[] = [];
  const ends = [
    ['first', order.first],
    ['last', order.last],
  ] as const;
  for (const [field, event] of ends) {
    if (event === null || order.required.includes(event)) continue;
    mistakes.push(
      `"judging.order.${field}" must be one of judging.order.required (${order.required.join(', ')}), got "${event}". Add it there.`,
    );
  }
  for (const event of [...order.failure, ...order.stopped, ...order.chunk]) {
    if (!order.required.includes(event)) continue;
    mistakes.push(
      `"judging.order.required" must hold no event of failure, stopped or chunk, got "${event}". A healthy run cannot need it: remove it from one of them.`,
    );
  }
  for (const alias of Object.keys(order.aliases)) {
    if (!order.required.includes(alias)) continue;
    mistakes.push(
      `"judging.order.aliases" must map names that are not required events, got "${alias}". Remove it.`,
    );
  }
  const cycle = cycleOf(precedences(order));
  if (cycle.length > 0) {
    mistakes.push(
      `"judging.order" must be possible to keep, but it wants ${cycle.join(' before ')}. Remove one of these edges.`,
    );
  }
  return mistakes;
}

function precedences(order: ProfileData['order']): readonly (readonly [string, string])[] {
  const { first, last } = order;
  const others = (end: string): readonly string[] => order.required.filter((name) => name !== end);
  return [
    ...order.edges.map(({ before, after }) => [before, after] as const),
    ...order.pairs.map(({ opens, closes }) => [opens, closes] as const),
    ...(first === null ? [] : others(first).map((event) => [first, event] as const)),
    ...others(last).map((event) => [event, last] as const),
  ];
}

/** One cycle of the precedences, its first event repeated at the end; empty when there is none. */
function cycleOf(edges: readonly (readonly [string, string])[]): readonly string[] {
  // Remove what nothing precedes until only cycles and what follows them are left, then walk back.
  let left = [...edges];
  for (;;) {
    const targets = new Set(left.map(([, after]) => after));
    const kept = left.filter(([before]) => targets.has(before));
    if (kept.length === left.length) break;
    left = kept;
  }
  const start = left[0]?.[0];
  if (start === undefined) return [];
  const path = [start];
  while (path.length <= edges.length + 1) {
    const previous = left.find(([, after]) => after === path[0])?.[0];
    if (previous === undefined) return path;
    const seenAt = path.indexOf(previous);
    path.unshift(previous);
    if (seenAt >= 0) return path.slice(0, seenAt + 2);
  }
  return path;
}

function idMistakes({ claims }: ProfileData): string[] {
  return Object.entries(claims.ids)
    .filter(([, ids]) => ids.length === 0)
    .map(
      ([event]) =>
        `"judging.claims.ids.${event}" must list at least one of owner, thread, run, got []. List one or remove the event.`,
    );
}

/** Only what the author wrote is looked at: the default follows from the order rule. */
function echoMistakes(
  { order }: ProfileData,
  echo: NonNullable<JudgingInput['claims']>['echo'],
  abilities: Abilities,
): string[] {
  if (echo === undefined) return [];
  const mistakes: string[] = [];
  for (const [event, places] of Object.entries(echo)) {
    if (!order.required.includes(event)) {
      mistakes.push(
        `"judging.claims.echo" must name required events (${order.required.join(', ')}), got "${event}". An event that need not come cannot be a proof: add it to judging.order.required or remove it.`,
      );
    }
    if (places.length === 0) {
      mistakes.push(
        `"judging.claims.echo.${event}" must list at least one of question, note, got []. List one or remove the event.`,
      );
    }
    if (places.includes('note') && !abilities.note) {
      mistakes.push(
        `"judging.claims.echo.${event}" must promise only what can be planted, got "note" without threads.note. Add threads.note or remove "note".`,
      );
    }
  }
  if (Object.keys(echo).length === 0) {
    mistakes.push(
      '"judging.claims.echo" must name at least one event, got {}. Without a marker that comes back no trial can pass: name the event that holds the answer.',
    );
  }
  return mistakes;
}

function signalMistakes({ order, heartbeats, errors }: ProfileData): string[] {
  const run = new Set([...order.required, ...order.failure, ...order.stopped, ...order.chunk]);
  const lists = [
    ['heartbeats', heartbeats],
    ['errors', errors],
  ] as const;
  const clashes = lists.flatMap(([field, events]) =>
    events
      .filter((event) => run.has(event))
      .map(
        (event) =>
          `"judging.${field}" must hold no event of a run, got "${event}". Remove it here or from judging.order.`,
      ),
  );
  const both = heartbeats
    .filter((event) => errors.includes(event))
    .map(
      (event) =>
        `"judging.heartbeats" must hold no event of judging.errors, got "${event}". An error must not count as silence: remove it from one of them.`,
    );
  return [...clashes, ...both];
}

function limitMistakes({ limits, gates }: ProfileData): string[] {
  const mistakes: string[] = [];
  if (limits.quietMsMin > limits.quietMsMax) {
    mistakes.push(
      `"judging.limits.quietMsMin" must not be above quietMsMax, got ${limits.quietMsMin} and ${limits.quietMsMax}. Lower it.`,
    );
  }
  for (const [name, gate] of Object.entries(gates)) {
    const timing = TIMING_GATES.has(name);
    if (timing ? gate.limit <= 0 : gate.limit < 0 || gate.limit > 1) {
      mistakes.push(
        `"judging.gates.${name}.limit" must be ${timing ? 'milliseconds above 0' : 'a share from 0 to 1'}, got ${gate.limit}. Correct its unit.`,
      );
    }
    if (!timing && gate.percentile !== undefined) {
      mistakes.push(
        `"judging.gates.${name}.percentile" belongs to timing gates only (${[...TIMING_GATES].join(', ')}), got "${gate.percentile}". Remove it.`,
      );
    }
  }
  return mistakes;
}
