import { z } from 'zod';
import { SURFACES } from './observation.ts';
import { profileDataSchema } from './profile-data.ts';

/** Schemas of history lines (DESIGN §4.4); `docs/schemas/` holds them as JSON Schema files. */
const hash = z.string().regex(/^[0-9a-f]{16}$/);

const ownedIdsSchema = z.object({
  user: z.string().optional(),
  thread: z.string().optional(),
  run: z.string().optional(),
  connection: z.string().optional(),
  email: z.string().optional(),
});

export const trialUserSchema = z.object({
  user: z.string().min(1),
  identity: z.string(),
  markerPrefix: z.string(),
  transport: z.enum(['websocket', 'browser']).optional(),
  ids: ownedIdsSchema,
  credentials: z.array(hash),
});

export const trialHeaderSchema = z
  .object({
    schema: z.literal(1),
    kind: z.literal('trial'),
    trial: z.string(),
    scenario: z.string(),
    transport: z.enum(['websocket', 'browser', 'mixed']),
    target: z.string(),
    url: z.string().default(''),
    seed: z.string(),
    part: z.number().int().nullable(),
    startedAt: z.string(),
    reproduce: z.string().default(''),
    users: z.array(trialUserSchema),
    profile: profileDataSchema,
  })
  .superRefine(({ users, transport, startedAt }, context) => {
    const refuse = (path: string[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    // Who cannot be told from another cannot be judged: each would be accused of the other's.
    for (const member of ['user', 'markerPrefix'] as const)
      if (new Set(users.map((user) => user[member])).size < users.length)
        refuse(['users'], `expected no two with one "${member}"`);
    if (users.some(({ markerPrefix }) => markerPrefix === ''))
      refuse(['users'], 'expected a "markerPrefix" of each');
    if (transport === 'mixed' && users.some((user) => user.transport === undefined))
      refuse(['users'], 'expected the "transport" of each where it is mixed');
    if (Number.isNaN(Date.parse(startedAt))) refuse(['startedAt'], 'expected a time');
  });

const optionalText = z.string().optional();
const optionalNumber = z.number().optional();

/** An observation line as it stands in the file, content included. */
export const observationFieldsSchema = z.object({
  n: z.number().int().nonnegative(),
  t: z.number(),
  user: z.string().nullable(),
  conn: z.string().nullable(),
  surface: z.enum(SURFACES),
  dir: z.enum(['in', 'out', 'act']),
  kind: z.enum([
    'frame',
    'request',
    'response',
    'text',
    'open',
    'close',
    'ping',
    'phase',
    'act',
    'identity',
    'failure',
    'stall',
    'delay',
    'lost',
    'screenshot',
  ]),
  event: optionalText,
  owner: optionalText,
  thread: optionalText,
  run: optionalText,
  tool: optionalText,
  agent: optionalText,
  id: optionalText,
  sequence: optionalNumber,
  sentAt: optionalNumber,
  intended: optionalNumber,
  code: optionalNumber,
  reason: optionalText,
  by: z.enum(['us', 'them']).optional(),
  method: optionalText,
  url: optionalText,
  status: optionalNumber,
  headers: z.record(z.string(), z.string()).optional(),
  purpose: z.enum(['sign-in', 'whoami', 'api', 'health', 'refusal-probe']).optional(),
  took: optionalNumber,
  rtt: optionalNumber,
  offset: optionalNumber,
  phase: optionalText,
  mark: z.enum(['begin', 'end']).optional(),
  act: optionalText,
  place: optionalText,
  marker: optionalText,
  question: optionalNumber,
  ids: ownedIdsSchema.optional(),
  source: optionalText,
  credentials: z.array(hash).optional(),
  audience: z.array(z.string()).optional(),
  shown: optionalText,
  step: optionalText,
  message: optionalText,
  unreachable: z.boolean().optional(),
  delay: optionalNumber,
  p50: optionalNumber,
  p95: optionalNumber,
  p99: optionalNumber,
  max: optionalNumber,
  count: optionalNumber,
  cut: z.number().int().nonnegative().optional(),
  masked: z.boolean().optional(),
  frame: z.unknown().optional(),
  text: optionalText,
  base64: optionalText,
});

export const trialEndSchema = z.object({
  kind: z.literal('end'),
  n: z.number().int().nonnegative(),
  t: z.number(),
  reason: z.enum(['done', 'failed', 'interrupted', 'fail-fast']),
});
