import { z } from 'zod';
import type { ProfileData } from '../history/profile-data.ts';
import { profileDataSchema, REQUIRED_EVENTS } from '../history/profile-data.ts';

const { order, claims, answer, limits, gates, ...rest } = profileDataSchema.shape;

/** The `judging` of a profile as its author writes it: any part of it may be left out. */
export const judgingInputSchema = z.strictObject({
  name: rest.name.optional(),
  order: order.partial().optional(),
  audience: rest.audience.optional(),
  publicEvents: rest.publicEvents.optional(),
  claims: claims.partial().optional(),
  answer: answer.partial().optional(),
  eventsOn: rest.eventsOn,
  binaryMessages: rest.binaryMessages,
  named: rest.named,
  heartbeats: rest.heartbeats.optional(),
  errors: rest.errors.optional(),
  limits: limits.partial().optional(),
  gates: gates.optional(),
  questionMarkers: rest.questionMarkers.optional(),
});

/** See {@link judgingInputSchema}; mutable or readonly lists are both accepted. */
export type JudgingInput = DeepReadonly<z.infer<typeof judgingInputSchema>>;

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** SLOs of DESIGN §5. Milliseconds for timing gates, shares from 0 to 1 for the others. */
const DESIGN_GATES = {
  connect: { limit: 500, percentile: 'p95' },
  'first-event': { limit: 1_000, percentile: 'p95' },
  delivery: { limit: 100, percentile: 'p95' },
  api: { limit: 100, percentile: 'p95' },
  routing: { limit: 1 },
  'delivery-rate': { limit: 0.999 },
  'error-rate': { limit: 0.001 },
  health: { limit: 1 },
} as const satisfies ProfileData['gates'];

/** The order rule of DESIGN §3.8. */
const ORDER_DEFAULTS = {
  required: [...REQUIRED_EVENTS],
  first: 'agent_started',
  last: 'agent_completed',
  pairs: [{ opens: 'tool_executing', closes: 'tool_completed' }],
  edges: [],
  failure: ['agent_error'],
  stopped: ['agent_stopped'],
  chunk: ['agent_chunk'],
  aliases: {},
} as const;

/**
 * Judging data with everything that the author left out: the order rule of DESIGN §3.8, runs seen by
 * their asker alone, no public events, no ids promised, the question's marker back in the last event,
 * answers in `payload`, `data` or the root, a quiet window of 2 to 15 s, an overlap floor of 0.9, frames
 * of 4 MiB at most and the gates of DESIGN §5. Given gates replace the default of their name.
 */
export function judgingOf(name: string, input: JudgingInput): ProfileData {
  const last = input.order?.last ?? ORDER_DEFAULTS.last;
  return profileDataSchema.parse({
    name,
    order: { ...ORDER_DEFAULTS, ...present(input.order) },
    audience: input.audience ?? 'asker',
    publicEvents: input.publicEvents ?? {},
    claims: {
      ids: {},
      echo: { [last]: ['question'] },
      sequence: false,
      eventIds: false,
      closesOnSignOut: false,
      ...present(input.claims),
    },
    answer: {
      containers: [['payload'], ['data'], []],
      answer: ['response', 'answer', 'text', 'content'],
      chunk: ['text', 'delta', 'content'],
      ...present(input.answer),
    },
    ...present({
      eventsOn: input.eventsOn,
      binaryMessages: input.binaryMessages,
      named: input.named,
    }),
    heartbeats: input.heartbeats ?? ['ping', 'pong', 'heartbeat'],
    errors: input.errors ?? ['error'],
    limits: {
      quietMsMin: 2_000,
      quietMsMax: 15_000,
      overlapFloor: 0.9,
      payloadBytesMax: 4 * 1024 * 1024,
      ...present(input.limits),
    },
    gates: { ...DESIGN_GATES, ...present(input.gates) },
    questionMarkers: input.questionMarkers ?? true,
  });
}

/** The fields that are there: an explicit `undefined` must not displace a default. */
function present(given: object | undefined): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== undefined));
}
