import { z } from 'zod';

/** The five events every run of the golden path must show (DESIGN §1). */
export const REQUIRED_EVENTS = [
  'agent_started',
  'agent_thinking',
  'tool_executing',
  'tool_completed',
  'agent_completed',
] as const;

/** Names of the SLO gates (DESIGN §4.7, §5). */
export const GATE_NAMES = [
  'connect',
  'first-event',
  'delivery',
  'api',
  'routing',
  'delivery-rate',
  'error-rate',
  'health',
] as const;
export type GateName = (typeof GATE_NAMES)[number];

const eventName = z.string().min(1);

/** Which decoded ids a target says an event always carries. */
export const claimedIdSchema = z.enum(['owner', 'thread', 'run']);

/**
 * The part of a target profile that judging needs, as plain data, so that a history is judged without
 * its profile file (DESIGN §4.4). It is the `profile` of a history's first line.
 */
export const profileDataSchema = z.strictObject({
  name: z.string().min(1),
  /** The order rule: a partial order over canonical events (DESIGN §3.8). */
  order: z.strictObject({
    /** Every run must show each of these at least once. */
    required: z.array(eventName).min(1),
    /** The outermost agent's opening event comes before all other events of its run. */
    first: eventName.nullable(),
    /** The outermost agent's closing event comes once, and nothing of the run follows it. */
    last: eventName,
    /** `closes` needs an earlier `opens` with the same tool id; `opens` needs a later `closes`. */
    pairs: z.array(z.strictObject({ opens: eventName, closes: eventName })),
    /** Further edges: no `after` before the first `before` of the run. */
    edges: z.array(z.strictObject({ before: eventName, after: eventName })),
    /** Ends a run without an answer. */
    failure: z.array(eventName),
    /** Ends a run because its asker stopped it. */
    stopped: z.array(eventName),
    /** A piece of a streamed answer. */
    chunk: z.array(eventName),
    /** Other names under which a required event is known to appear (drift), to canonical names. */
    aliases: z.record(eventName, eventName),
  }),
  /**
   * Who may see a run: `asker`: only its asker (on all own connections); `thread-members`: everyone
   * in the audience of its thread too.
   */
  audience: z.enum(['asker', 'thread-members']),
  /** Events public by design, and the fields (dotted paths) in which they may name other users. */
  publicEvents: z.record(eventName, z.array(z.string())),
  claims: z.strictObject({
    /** Per event type, the ids it always carries; an event of that type without any is unattributable. */
    ids: z.record(eventName, z.array(claimedIdSchema)),
    /** Events in which the asker's own marker must come back, by the place it was planted. */
    echo: z.record(eventName, z.array(z.enum(['question', 'note']))),
    /** Whether events carry a sequence number per run. */
    sequence: z.boolean(),
    /** Whether no two events have one id. If not, events with one id are the same only if alike in all else. */
    eventIds: z.boolean(),
    /**
     * Whether every tool event carries the id of its call, so that `tool` is never a tool's name. Absent
     * (as in older histories): no, and the same tool may be used again in a run.
     */
    toolCallIds: z.boolean().optional(),
    /** Whether sockets close on sign-out. */
    closesOnSignOut: z.boolean(),
  }),
  /** The surface that agent events come on. Absent: `socket`. */
  eventsOn: z.enum(['socket', 'sse']).optional(),
  /** Whether messages of bytes belong to the protocol (attachments, sound). Absent: no, and one is malformed. */
  binaryMessages: z.boolean().optional(),
  /**
   * Where the text of an answer sits in a frame: the first `answer` field found in a container. The way to one may
   * go through texts that are JSON themselves, or STOMP messages with a body of JSON.
   */
  answer: z.strictObject({
    containers: z.array(z.array(z.string())),
    answer: z.array(z.string()),
    chunk: z.array(z.string()),
  }),
  /**
   * Members of frames and replies that hold ids, beside those that `decode` reads: by their name, wherever they
   * stand (`owner_id`, or `participants` for each value of a list), or with the name of what they are a member
   * of (`author.id`, `members.id`). In a `user` (an id or an e-mail) nobody but the observer may be named, also
   * nobody outside the crowd; in a `thread` or `run` none that somebody else owns. `nobody`: values that name no
   * person (`system`). Absent: ids that are long enough are found wherever they stand, if the crowd owns them.
   */
  named: z
    .strictObject({
      user: z.array(z.string().min(1)),
      thread: z.array(z.string().min(1)),
      run: z.array(z.string().min(1)),
      nobody: z.array(z.string()),
    })
    .partial()
    .optional(),
  /** Types that are no answer to anything and do not count for silence: pings, heartbeats. */
  heartbeats: z.array(eventName),
  /** Types (outside runs) with which the target reports an error. */
  errors: z.array(eventName),
  /** Quiet window and run limits in ms (DESIGN §3.6). */
  limits: z.strictObject({
    quietMsMin: z.number().nonnegative(),
    quietMsMax: z.number().positive(),
    overlapFloor: z.number().min(0).max(1),
    payloadBytesMax: z.number().int().positive(),
  }),
  /** SLOs. A gate that is not named here is off; `enforced` lifts the ten-user ceiling of timing gates. */
  gates: z.partialRecord(
    z.enum(GATE_NAMES),
    z.strictObject({
      limit: z.number(),
      percentile: z.enum(['p50', 'p95', 'p99', 'max']).optional(),
      enforced: z.boolean().optional(),
    }),
  ),
  /** True when the question itself carries a marker (false for equal questions). */
  questionMarkers: z.boolean(),
});

export type ProfileData = z.infer<typeof profileDataSchema>;
