import { z } from 'zod';
import { GATE_NAMES } from './profile-data.ts';

/** Schema of `verdict.json` (DESIGN §4.5); `docs/verdict.md` explains every field. */
export const OUTCOMES = ['pass', 'inconclusive', 'fail'] as const;
export const outcomeSchema = z.enum(OUTCOMES);
export type Outcome = z.infer<typeof outcomeSchema>;

/** The first of these among the findings of the verdict's severity is its cause (DESIGN §3.12). */
export const CAUSES = ['leak', 'misbehaviour', 'unavailable', 'blind'] as const;
export const causeSchema = z.enum(CAUSES);
export type Cause = z.infer<typeof causeSchema>;

export const severitySchema = z.enum(['violation', 'inconclusive', 'note']);
export type Severity = z.infer<typeof severitySchema>;

export const MECHANISMS = [
  'broadcast',
  'misroute',
  'swap',
  'shift',
  'replay',
  'residue',
  'access',
  'shared-state',
] as const;
export type Mechanism = (typeof MECHANISMS)[number];

export const findingSchema = z.strictObject({
  rule: z.string(),
  severity: severitySchema,
  observer: z.string().nullable(),
  owner: z.string().nullable(),
  surface: z.string(),
  place: z.string().nullable(),
  event: z.string().nullable(),
  t: z.number(),
  count: z.number().int().positive(),
  mechanism: z.enum(MECHANISMS).nullable(),
  message: z.string(),
  witness: z
    .array(z.strictObject({ line: z.number().int().positive(), excerpt: z.string() }))
    .max(3),
  screenshot: z.string().nullable(),
});
export type Finding = z.infer<typeof findingSchema>;

const percentilesSchema = z.strictObject({
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
  max: z.number(),
});
/** Milliseconds. */
export type Percentiles = z.infer<typeof percentilesSchema>;

export const metricsSchema = z.strictObject({
  connectMs: percentilesSchema.nullable(),
  firstEventMs: percentilesSchema.nullable(),
  deliveryMs: percentilesSchema.nullable(),
  runMs: percentilesSchema.nullable(),
  apiMs: percentilesSchema.nullable(),
  harnessDelayMs: percentilesSchema.nullable(),
  messagesPerSecond: z.number(),
  deliveryRate: z.number().nullable(),
  errorRate: z.number().nullable(),
  routingAccuracy: z.number().nullable(),
});
export type Metrics = z.infer<typeof metricsSchema>;

export const calibrationSchema = z.strictObject({
  planted: z.number().int(),
  caught: z.number().int(),
  byMutation: z.record(
    z.string(),
    z.strictObject({ planted: z.number().int(), caught: z.number().int() }),
  ),
});
export type Calibration = z.infer<typeof calibrationSchema>;

export const gateResultSchema = z.strictObject({
  name: z.enum(GATE_NAMES),
  limit: z.number(),
  actual: z.number().nullable(),
  outcome: z.enum(['pass', 'fail', 'inconclusive', 'not-applicable']),
});
export type GateResult = z.infer<typeof gateResultSchema>;

export const verdictUserSchema = z.strictObject({
  user: z.string(),
  identity: z.string(),
  transport: z.enum(['websocket', 'browser']),
  events: z.record(z.string(), z.number().int()),
  runs: z.number().int(),
  bytes: z.record(z.string(), z.number().int()),
  latencyMs: z.strictObject({
    connect: z.number().nullable(),
    firstEvent: z.number().nullable(),
    run: z.number().nullable(),
  }),
});
export type VerdictUser = z.infer<typeof verdictUserSchema>;

/** One attempt at something that only its owner may do: a row of the hostile-access table. */
const accessRowSchema = z.strictObject({
  user: z.string(),
  owner: z.string().nullable(),
  verb: z.string(),
  source: z.string(),
  expected: z.enum(['refused', 'accepted']),
  got: z.enum(['refused', 'accepted', 'unclear']),
});
export type AccessRow = z.infer<typeof accessRowSchema>;

export const verdictSchema = z.strictObject({
  schema: z.literal(1),
  verdict: outcomeSchema,
  cause: causeSchema.nullable(),
  reasons: z.array(z.string()),
  trial: z.strictObject({
    scenario: z.string(),
    transport: z.string(),
    target: z.string(),
    url: z.string(),
    seed: z.string(),
    users: z.number().int(),
    startedAt: z.string(),
    durationMs: z.number(),
    reproduce: z.string(),
  }),
  rules: z.array(
    z.strictObject({
      rule: z.string(),
      outcome: z.enum(['pass', 'fail', 'inconclusive', 'not-applicable']),
      examined: z.number().int(),
    }),
  ),
  findings: z.array(findingSchema).max(1000),
  findingsOmitted: z.number().int(),
  users: z.array(verdictUserSchema),
  matrix: z.strictObject({
    users: z.array(z.string()),
    cells: z.array(z.tuple([z.number().int(), z.number().int(), z.number().int()])),
  }),
  metrics: metricsSchema,
  gates: z.array(gateResultSchema),
  access: z.array(accessRowSchema),
  evidence: z.strictObject({
    observations: z.number().int(),
    bytes: z.number().int(),
    pairsOverlapping: z.number().int(),
    pairs: z.number().int(),
    runPairsOverlapping: z.number().int(),
    opportunities: z.number().int(),
    leakRateUpperBound95: z.number().nullable(),
    leakRateUpperBound95PerRunPair: z.number().nullable(),
    calibration: calibrationSchema.nullable(),
  }),
});
export type Verdict = z.infer<typeof verdictSchema>;

/** Schema of `summary.json` (DESIGN §4.5). */
export const summarySchema = z.strictObject({
  schema: z.literal(1),
  verdict: outcomeSchema,
  cause: causeSchema.nullable(),
  reasons: z.array(z.string()),
  signoff: z.enum(['GO', 'NO-GO', 'INCONCLUSIVE']).nullable(),
  trials: z.array(
    z.strictObject({
      scenario: z.string(),
      transport: z.string(),
      dir: z.string(),
      verdict: outcomeSchema,
      cause: causeSchema.nullable(),
      findings: z.number().int(),
      durationMs: z.number(),
    }),
  ),
  notApplicable: z.array(
    z.strictObject({ scenario: z.string(), transport: z.string(), reason: z.string() }),
  ),
  environment: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  versions: z.record(z.string(), z.string()),
  commit: z.string().nullable(),
  seed: z.string(),
  command: z.string(),
});
export type Summary = z.infer<typeof summarySchema>;

/** The worse of two outcomes: `pass` < `inconclusive` < `fail` (DESIGN §3.9). */
export function worseOutcome(a: Outcome, b: Outcome): Outcome {
  return OUTCOMES.indexOf(a) >= OUTCOMES.indexOf(b) ? a : b;
}
