import { isAbsolute, join } from 'node:path';
import { randomInt } from 'node:crypto';
import { z } from 'zod';
import {
  ALPHABET,
  CAMPAIGN_PREFIX_LENGTH,
  newCampaignPrefix,
  USERS_MAX,
} from '../history/markers.ts';
import { GATE_NAMES } from '../history/profile-data.ts';
import { ADDRESS_NAMES, SIGN_IN_METHODS } from '../targets/target.ts';

/** Environment variable that carries a campaign's plan to the process that runs its trials. */
export const PLAN_VARIABLE = 'CROSSTALK_PLAN';
/** Environment variable that names the target where no plan and no option does. */
export const TARGET_VARIABLE = 'CROSSTALK_TARGET';

/** The ways a trial can be driven. */
export const TRANSPORTS = ['websocket', 'browser', 'mixed'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** Browser processes of one trial at most. */
export const BROWSERS_MAX = 64;
const TIMEOUT_MS_DEFAULT = 60_000;
const USERS_DEFAULT = 10;
const SEED_LENGTH = 8;

const seedSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, { error: 'must be 1 to 64 of A-Za-z0-9_-' });
const campaignPrefixSchema = z
  .string()
  .regex(new RegExp(`^xtk[${ALPHABET}]{${CAMPAIGN_PREFIX_LENGTH - 3}}$`), {
    error: `must be "xtk" and ${CAMPAIGN_PREFIX_LENGTH - 3} characters of the marker alphabet`,
  });
const urlSchema = z.string().refine((text) => URL.canParse(text), {
  error: 'must be an absolute URL',
});
const directorySchema = z
  .string()
  .refine((path) => isAbsolute(path), { error: 'must be an absolute path' });

/** One entry of a users file (`--users-file`): a person who exists on the target already. */
export const usersFileEntrySchema = z
  .strictObject({
    email: z.string().min(3).optional(),
    password: z.string().min(1).optional(),
    token: z.string().min(1).optional(),
    refreshToken: z.string().min(1).optional(),
    userId: z.string().min(1).optional(),
    name: z.string().min(1).optional(),
  })
  .refine(
    (entry) =>
      entry.token !== undefined || (entry.email !== undefined && entry.password !== undefined),
    { error: 'must have "email" and "password", or "token"' },
  );
export type UsersFileEntry = z.infer<typeof usersFileEntrySchema>;

/** Other limits for gates (`--slo FILE`); a gate named here is enforced whatever the number of users. */
export const sloSchema = z.partialRecord(
  z.enum(GATE_NAMES),
  z.strictObject({
    limit: z.number().nonnegative(),
    percentile: z.enum(['p50', 'p95', 'p99', 'max']).optional(),
  }),
);

/**
 * Everything one campaign was asked for, as plain data: what the command line (or nobody) said, handed
 * from the command to the process that runs the trials in {@link PLAN_VARIABLE}. It holds secrets
 * (`headers`, `usersFile`) and is never written to an artifact.
 */
export const trialPlanSchema = z.strictObject({
  /** A built-in target's name, or the absolute path of a profile module. */
  target: z.string().min(1),
  /** Base of all addresses; null starts the embedded target, or leaves it to the profile. */
  url: urlSchema.nullable(),
  /** Addresses given one by one, as pairs of name and URL. */
  addresses: z.array(z.tuple([z.enum(ADDRESS_NAMES), urlSchema])),
  /** Headers for gateways, as pairs of name and value. Sent with everything, recorded nowhere. */
  headers: z.array(z.tuple([z.string().min(1), z.string()])),
  users: z.number().int().min(1).max(USERS_MAX),
  /** People who exist on the target already; null makes new ones. */
  usersFile: z.array(usersFileEntrySchema).nullable(),
  /** null takes the profile's first method, or the one that fits the users file. */
  signIn: z.enum(SIGN_IN_METHODS).nullable(),
  transports: z.array(z.enum(TRANSPORTS)).min(1),
  /** Browser processes over which browser users are spread. */
  browsers: z.number().int().min(1).max(BROWSERS_MAX),
  /** Browser users of a mixed crowd, the first ones; null: half of the crowd, rounded up. */
  browserUsers: z.number().int().min(0).nullable(),
  /** Shows the browser windows. */
  headed: z.boolean(),
  /** Slows every action on a page down, milliseconds. */
  slowMoMs: z.number().nonnegative(),
  /** Keeps a Playwright trace of each browser user when the trial does not pass. */
  trace: z.boolean(),
  seed: seedSchema,
  /** Beginning of every marker of this campaign; see `newCampaignPrefix`. */
  campaignPrefix: campaignPrefixSchema,
  rounds: z.number().int().min(1).max(1_000_000),
  /** Time limit of each phase for each user, milliseconds. */
  timeoutMs: z.number().positive(),
  /** How long scenarios that take a duration go on, milliseconds; null: as long as each says itself. */
  forMs: z.number().positive().nullable(),
  /** Time over which the users of such a scenario come, milliseconds; 0: all at once. */
  rampMs: z.number().nonnegative(),
  /** Faults and legal variants of the embedded target; variants are told to the crowd too. */
  faults: z.array(z.string().min(1)),
  variants: z.array(z.string().min(1)),
  /** Pace of the embedded target: 1 is a run of about 2.5 s. */
  pace: z.number().nonnegative().nullable(),
  /** Directory of the campaign's artifacts; trials go to `trials/<scenario>-<transport>/` in it. */
  outDir: directorySchema,
  slo: sloSchema,
  /** Ends a trial at its first violation. */
  failFast: z.boolean(),
  allowProduction: z.boolean(),
  /** The command that repeats this campaign, without secrets; empty where only the trial can say. */
  reproduce: z.string(),
  /** True when the parent process judges the histories; else the fixture does, calibration included. */
  judgeInParent: z.boolean(),
});
export type TrialPlan = z.infer<typeof trialPlanSchema>;

/** A plan that cannot be carried out. `mistakes` holds every one of them as a sentence. */
export class PlanInvalid extends Error {
  override readonly name = 'PlanInvalid';
  readonly code = 'PLAN_INVALID';
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(`PLAN_INVALID:\n${mistakes.map((mistake) => `- ${mistake}`).join('\n')}`);
    this.mistakes = mistakes;
  }
}

/**
 * Reads a plan from JSON text.
 * @throws PlanInvalid with all mistakes at once.
 */
export function parsePlan(json: string): TrialPlan {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // The text may hold secrets, so the parser's message, which quotes it, stays out.
    throw new PlanInvalid([
      `"${PLAN_VARIABLE}" must hold a plan as JSON, got text that is no JSON.`,
    ]);
  }
  const result = trialPlanSchema.safeParse(value);
  if (result.success) return result.data;
  throw new PlanInvalid(
    result.error.issues.map((issue) => `"plan.${issue.path.join('.')}": ${issue.message}.`),
  );
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The plan in {@link PLAN_VARIABLE}, or {@link defaultPlan} where there is none.
 * @throws PlanInvalid
 */
export function planFromEnvironment(
  env: Environment,
  directory: string = process.cwd(),
): TrialPlan {
  const json = env[PLAN_VARIABLE];
  return json === undefined || json === '' ? defaultPlan(env, directory) : parsePlan(json);
}

/**
 * What a campaign is when nobody asked for anything: ten users on the embedded target (or the one in
 * {@link TARGET_VARIABLE}) with a random seed, below `artifacts/` of the directory.
 */
export function defaultPlan(env: Environment, directory: string): TrialPlan {
  const seed = newSeed();
  const target = env[TARGET_VARIABLE];
  const chosen = target === undefined || target === '' ? 'reference' : target;
  return {
    target: chosen,
    url: null,
    addresses: [],
    headers: [],
    users: USERS_DEFAULT,
    usersFile: null,
    signIn: null,
    transports: ['websocket', 'browser'],
    browsers: 1,
    browserUsers: null,
    headed: false,
    slowMoMs: 0,
    trace: false,
    seed,
    campaignPrefix: newCampaignPrefix(),
    rounds: 1,
    timeoutMs: TIMEOUT_MS_DEFAULT,
    forMs: null,
    rampMs: 0,
    faults: [],
    variants: [],
    pace: null,
    outDir: join(directory, 'artifacts', campaignDirectoryName(seed, new Date())),
    slo: {},
    failFast: false,
    allowProduction: false,
    reproduce: '',
    judgeInParent: false,
  };
}

/** Whether the user at this place of the crowd acts through a browser on this transport. */
export function actsInBrowser(plan: TrialPlan, transport: Transport, index: number): boolean {
  if (transport === 'mixed') return index < (plan.browserUsers ?? Math.ceil(plan.users / 2));
  return transport === 'browser';
}

/** A random seed: eight characters without vowels, so that it is no word. */
export function newSeed(): string {
  let seed = '';
  while (seed.length < SEED_LENGTH) seed += ALPHABET.charAt(randomInt(ALPHABET.length));
  return seed;
}

/** `<UTC time>-<seed>`: sorts by time, and tells the campaign apart (DESIGN §4.3). */
export function campaignDirectoryName(seed: string, startedAt: Date): string {
  return `${startedAt.toISOString().slice(0, 19).replaceAll(':', '-')}Z-${seed}`;
}

/** Directory of a trial within its campaign's (DESIGN §4.3). */
export function trialDirectory(plan: TrialPlan, scenario: string, transport: Transport): string {
  return join(plan.outDir, 'trials', `${scenario}-${transport}`);
}
