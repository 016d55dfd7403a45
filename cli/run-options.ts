import { join, resolve } from 'node:path';
import {
  BROWSERS_MAX,
  campaignDirectoryName,
  newSeed,
  sloSchema,
  TRANSPORTS,
  type Transport,
  type TrialPlan,
} from '../clients/plan.ts';
import {
  budgetMistakes,
  planMistakes,
  transportMistakes,
  transportProblem,
} from '../clients/plan-check.ts';
import { GATE_NAMES } from '../history/profile-data.ts';
import { newCampaignPrefix, USERS_MAX } from '../history/markers.ts';
import type { Summary } from '../history/verdict.ts';
import { isModule } from '../targets/es-module.ts';
import type { Target } from '../targets/target.ts';
import type { CampaignKind } from './campaign-kind.ts';
import { didYouMean } from './nearest.ts';
import { readNotify } from './notify.ts';
import { OptionReader } from './option-reader.ts';
import { durationWords, fits, readDurations, unwalkable, walkable } from './scenario-options.ts';
import { ARTIFACTS, checkOutDirectory, freshDirectory } from './out-directory.ts';
import type { CommandCall } from './program.ts';
import { builtInScenarios, findScenario, type ScenarioFile } from './scenarios.ts';
import { optionWords, shellCommand } from './shell-words.ts';
import { narrowingsOf } from './signoff-narrowing.ts';
import {
  readJsonFile,
  readTargetChoice,
  TARGET_DEFAULT,
  type TargetChoice,
} from './target-options.ts';
import type { Mistakes } from './usage-error.ts';

const USERS_DEFAULT = 10;
const ROUNDS_MAX = 1_000_000;
const TIMEOUT_SECONDS_DEFAULT = 60;
const TIMEOUT_SECONDS_MAX = 86_400;
const SLOW_MO_MS_MAX = 60_000;
/** The plan travels in one environment variable, which Linux limits to 128 KiB. */
const PLAN_BYTES_MAX = 126 * 1024;

/** Everything a campaign was asked for, checked. */
export interface RunSettings {
  readonly plan: TrialPlan;
  readonly scenarios: readonly ScenarioFile[];
  /** Whether the harness starts a target for each trial. */
  readonly embedded: boolean;
  /** What would be run by default and cannot be on this target. */
  readonly notApplicable: Summary['notApplicable'];
  /** Without `@`. */
  readonly tag: string | undefined;
  /** The artifacts' directory as the caller would write it. */
  readonly out: string;
  /** Address that is told the outcome; a secret. */
  readonly notify: string | undefined;
  /** Whether the campaign decides on a release. */
  readonly decides: boolean;
  /** In what such a campaign is less than the whole; empty for any other. */
  readonly narrowings: readonly string[];
}

/**
 * Reads what a campaign was asked for.
 * @throws UsageError with every mistake at once; nothing has been started or created then.
 */
export async function readRunSettings(call: CommandCall, kind: CampaignKind): Promise<RunSettings> {
  const { mistakes } = call;
  const read = new OptionReader(call.options, mistakes);
  const givenTag = read.text('tag')?.replace(/^@/, '');
  const { names, tag } = wishOf(kind, call.args, givenTag);
  const scenarios = readScenarios(names, tag, mistakes);
  const choice = await readTargetChoice(read, mistakes);
  const seed = readSeed(read, mistakes);
  const givenOut = read.text('out');
  const out = givenOut ?? freshDirectory(join(ARTIFACTS, campaignDirectoryName(seed, new Date())));
  checkOutDirectory(out, mistakes);
  const users = read.number('users', {
    min: 1,
    max: USERS_MAX,
    whole: true,
    fallback: USERS_DEFAULT,
  });
  const slo = readSlo(read.text('slo'), mistakes);
  const notify = readNotify(read, mistakes);
  const { chosen, dropped } = readTransports(read, { kind, target: choice.target }, mistakes);
  const transports = walkable(chosen, scenarios, mistakes);
  const plan: TrialPlan = {
    ...planOfChoice(choice),
    users,
    transports: [...transports],
    ...readBrowserOptions(read, transports, mistakes),
    seed,
    campaignPrefix: newCampaignPrefix(),
    rounds: read.number('rounds', { min: 1, max: ROUNDS_MAX, whole: true, fallback: 1 }),
    timeoutMs: Math.round(1000 * readTimeout(read)),
    ...readDurations(read, scenarios, mistakes),
    outDir: resolve(out),
    slo: slo?.limits ?? {},
    failFast: read.flag('fail-fast'),
    reproduce: '',
    judgeInParent: true,
  };
  checkPlan(plan, { choice, scenarios }, mistakes);
  mistakes.throwIfAny();
  const told = { slo: slo?.path, tag: givenTag, args: call.args };
  const reproduce = reproduceCommand({ kind, plan, choice, ...told });
  // Entries beyond the crowd are nobody's business, and would only lengthen the plan.
  const usersFile = plan.usersFile?.slice(0, plan.users) ?? null;
  const notApplicable = [
    ...scenarios.flatMap(({ name }) => dropped.map((one) => ({ scenario: name, ...one }))),
    ...unwalkable(scenarios, chosen),
  ];
  const scope = { named: call.args, tag: givenTag, plan, slo: slo?.path, notApplicable };
  const settings = {
    plan: { ...plan, usersFile, reproduce },
    scenarios,
    embedded: choice.embedded,
    notApplicable,
    tag,
    out,
    notify,
    decides: kind.decides,
    narrowings: kind.decides ? narrowingsOf(scope) : [],
  };
  checkSize(settings.plan, mistakes);
  mistakes.throwIfAny();
  return settings;
}

/** What is asked for by name and by tag; with neither, what the kind of campaign runs by itself. */
function wishOf(
  { scenarios }: CampaignKind,
  args: readonly string[],
  tag: string | undefined,
): { readonly names: readonly string[]; readonly tag: string | undefined } {
  if (args.length > 0 || tag !== undefined) return { names: args, tag };
  return 'tag' in scenarios
    ? { names: [], tag: scenarios.tag }
    : { names: [scenarios.name], tag: undefined };
}

type ChoicePart =
  | 'target'
  | 'url'
  | 'addresses'
  | 'headers'
  | 'usersFile'
  | 'signIn'
  | 'faults'
  | 'variants'
  | 'pace'
  | 'allowProduction';

/** The part of a plan that says whom to talk to. */
export function planOfChoice(choice: TargetChoice): Pick<TrialPlan, ChoicePart> {
  return {
    target: choice.name,
    url: choice.url ?? null,
    addresses: [...choice.addressPairs],
    headers: [...choice.headers],
    usersFile: choice.usersFile?.entries ?? null,
    signIn: choice.signIn ?? null,
    faults: [...choice.faults],
    variants: [...choice.variants],
    pace: choice.pace ?? null,
    allowProduction: choice.allowProduction,
  };
}

function readTimeout(read: OptionReader): number {
  return read.number('timeout', {
    min: 0.1,
    max: TIMEOUT_SECONDS_MAX,
    fallback: TIMEOUT_SECONDS_DEFAULT,
  });
}

function readSeed(read: OptionReader, mistakes: Mistakes): string {
  const given = read.text('seed');
  if (given === undefined) return newSeed();
  if (/^[A-Za-z0-9_-]{1,64}$/.test(given)) return given;
  mistakes.add('BAD_VALUE', `"--seed" must be 1 to 64 of A-Za-z0-9_-, got "${given}".`);
  return newSeed();
}

function readScenarios(
  args: readonly string[],
  tag: string | undefined,
  mistakes: Mistakes,
): ScenarioFile[] {
  const known = builtInScenarios();
  const names = known.map(({ name }) => name);
  const found = args.flatMap((word) => {
    const scenario = findScenario(word, process.cwd());
    if (scenario !== undefined) return [scenario];
    mistakes.add(
      'UNKNOWN_NAME',
      `"${word}" is no scenario and no spec file. ${didYouMean(word, names)}Run "crosstalk list scenarios".`,
    );
    return [];
  });
  const chosen = [...new Map(found.map((scenario) => [scenario.path, scenario])).values()];
  checkScripts(chosen, mistakes);
  if (tag === undefined) return chosen;
  const candidates = args.length === 0 ? known : chosen;
  const tagged = candidates.filter(({ tags }) => tags.includes(tag));
  if (tagged.length === 0 && candidates.length > 0) {
    const tags = [...new Set(candidates.flatMap((scenario) => scenario.tags))];
    mistakes.add(
      'UNKNOWN_NAME',
      `"--tag ${tag}" is on none of the scenarios. ${didYouMean(tag, tags)}There is ${tags.join(', ') || 'no tag'}.`,
    );
  }
  return tagged;
}

function checkScripts(scenarios: readonly ScenarioFile[], mistakes: Mistakes): void {
  const names = new Set<string>();
  for (const { name, path } of scenarios) {
    if (names.has(name))
      mistakes.add(
        'CONFLICT',
        `scenario "${name}" must be named once, for its trial is named after it, got two files of that name. Rename one.`,
      );
    names.add(name);
    if (!isModule(path))
      mistakes.add(
        'BAD_FILE',
        `"${path}" must be an ES module. Name it ${name}.spec.mts, or put {"type":"module"} into a package.json beside it.`,
      );
  }
}

interface TransportChoice {
  readonly chosen: Transport[];
  /** Those of the default that this target cannot be walked on. */
  readonly dropped: readonly { readonly transport: Transport; readonly reason: string }[];
}

/** Whoever names a transport gets it or a mistake; the default shrinks to what the target has. */
function readTransports(
  read: OptionReader,
  { kind, target }: { readonly kind: CampaignKind; readonly target: Target | undefined },
  mistakes: Mistakes,
): TransportChoice {
  const named = read.known('transport', { what: 'transport', known: TRANSPORTS });
  const given = read.isGiven('transport');
  const wanted = TRANSPORTS.filter((name) => (given ? named : kind.transports).includes(name));
  const dropped: { transport: Transport; reason: string }[] = [];
  for (const transport of wanted) {
    const problem = target === undefined ? undefined : transportProblem(transport, target);
    if (problem === undefined) continue;
    if (given) mistakes.add('NOT_ALLOWED', problem.mistake);
    else dropped.push({ transport, reason: problem.reason });
  }
  const chosen = wanted.filter((name) => !dropped.some(({ transport }) => transport === name));
  // An empty list stands for mistakes that are noted already.
  return { chosen: chosen.length === 0 ? ['websocket'] : chosen, dropped };
}

type BrowserPart = 'browsers' | 'browserUsers' | 'headed' | 'slowMoMs' | 'trace';

/** The options that say how browsers are used; each is a mistake where there is none to use. */
function readBrowserOptions(
  read: OptionReader,
  transports: readonly Transport[],
  mistakes: Mistakes,
): Pick<TrialPlan, BrowserPart> {
  const inUse = transports.some((transport) => transport !== 'websocket');
  for (const name of ['browsers', 'browser-users', 'headed', 'slow-mo', 'trace'])
    if (!inUse && read.isGiven(name))
      mistakes.add(
        'CONFLICT',
        `"--${name}" is for users in browsers, but the only transport is websocket. Add --transport browser or mixed, or leave it out.`,
      );
  const forMixed = inUse && !transports.includes('mixed') && read.isGiven('browser-users');
  if (forMixed)
    mistakes.add(
      'CONFLICT',
      `"--browser-users" is for a mixed crowd, but the transports are ${transports.join(', ')}. Add --transport mixed, or leave it out.`,
    );
  return {
    browsers: read.number('browsers', { min: 1, max: BROWSERS_MAX, whole: true, fallback: 1 }),
    browserUsers: readBrowserUsers(read),
    headed: read.flag('headed'),
    slowMoMs: read.number('slow-mo', { min: 0, max: SLOW_MO_MS_MAX, fallback: 0, example: 250 }),
    trace: read.flag('trace'),
  };
}

/** Null, half of a mixed crowd, where it was not given. */
function readBrowserUsers(read: OptionReader): number | null {
  if (!read.isGiven('browser-users')) return null;
  const rule = { min: 1, max: USERS_MAX, whole: true, fallback: 0, example: 5 };
  const users = read.number('browser-users', rule);
  return users === 0 ? null : users;
}

function readSlo(
  path: string | undefined,
  mistakes: Mistakes,
): { readonly path: string; readonly limits: TrialPlan['slo'] } | undefined {
  if (path === undefined) return undefined;
  const parsed = readJsonFile('slo', path, mistakes);
  if (parsed === undefined) return undefined;
  const { value } = parsed;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    mistakes.add(
      'BAD_FILE',
      `"--slo ${path}" must hold {"<gate>":{"limit":…}}, got something else.`,
    );
    return undefined;
  }
  const unknown = Object.keys(value).filter((name) => !GATE_NAMES.some((gate) => gate === name));
  for (const name of unknown)
    mistakes.add(
      'UNKNOWN_NAME',
      `"${name}" in "--slo ${path}" is no gate. ${didYouMean(name, GATE_NAMES)}There is ${GATE_NAMES.join(', ')}.`,
    );
  const known = Object.entries(value).filter(([name]) => !unknown.includes(name));
  const result = sloSchema.safeParse(Object.fromEntries(known));
  if (result.success) return unknown.length > 0 ? undefined : { path, limits: result.data };
  for (const issue of result.error.issues)
    mistakes.add('BAD_FILE', `"${issue.path.join('.')}" in "--slo ${path}": ${issue.message}.`);
  return undefined;
}

interface Planned {
  readonly choice: TargetChoice;
  readonly scenarios: readonly ScenarioFile[];
}

function checkPlan(plan: TrialPlan, { choice, scenarios }: Planned, mistakes: Mistakes): void {
  const { target, addresses } = choice;
  if (target === undefined) return;
  const trials = scenarios
    .filter(({ lasting }) => !lasting)
    .flatMap((scenario) => plan.transports.filter((transport) => fits(scenario, transport)));
  const found = [
    ...planMistakes(plan, target, addresses),
    ...budgetMistakes(plan, target, trials.length),
  ];
  for (const mistake of found) mistakes.add('NOT_ALLOWED', mistake);
}

function checkSize(plan: TrialPlan, mistakes: Mistakes): void {
  const bytes = Buffer.byteLength(JSON.stringify(plan));
  if (bytes > PLAN_BYTES_MAX)
    mistakes.add(
      'NOT_ALLOWED',
      `the plan of a campaign must fit into ${PLAN_BYTES_MAX} bytes, got ${bytes}: the users file is too large. Pass fewer --users.`,
    );
}

interface Reproducible {
  readonly kind: CampaignKind;
  readonly plan: TrialPlan;
  readonly choice: TargetChoice;
  readonly slo: string | undefined;
  readonly tag: string | undefined;
  readonly args: readonly string[];
}

/** The value, or undefined when it is the usual one. */
function unless<T>(value: T, usual: T): T | undefined {
  return value === usual ? undefined : value;
}

/** What a campaign on this target runs when nobody names a transport, as `--transport` would say it. */
function usualTransports({ transports }: CampaignKind, { target }: TargetChoice): string {
  const usual = transports.filter(
    (transport) => target === undefined || transportMistakes(transport, target).length === 0,
  );
  return usual.join(',');
}

/** The command that repeats a campaign: what differs from the defaults, secrets left out. */
function reproduceCommand({ kind, plan, choice, slo, tag, args }: Reproducible): string {
  return shellCommand([
    'npx',
    'crosstalk',
    kind.command,
    ...('name' in kind.scenarios ? wishOf(kind, args, tag).names : args),
    ...optionWords('seed', plan.seed),
    ...optionWords('tag', tag),
    ...optionWords('target', unless(choice.given, TARGET_DEFAULT)),
    ...optionWords('url', choice.url),
    ...choice.addressPairs.flatMap(([name, url]) => ['--address', `${name}=${url}`]),
    ...choice.headers.flatMap(([name]) => ['--header', `${name}=…`]),
    ...optionWords('users', unless(plan.users, USERS_DEFAULT)),
    ...optionWords('users-file', choice.usersFile?.path),
    ...optionWords('sign-in', choice.signIn),
    ...optionWords('transport', unless(plan.transports.join(','), usualTransports(kind, choice))),
    ...optionWords('browsers', unless(plan.browsers, 1)),
    ...optionWords('browser-users', plan.browserUsers ?? undefined),
    ...(plan.headed ? ['--headed'] : []),
    ...optionWords('slow-mo', unless(plan.slowMoMs, 0)),
    ...(plan.trace ? ['--trace'] : []),
    ...optionWords('rounds', unless(plan.rounds, 1)),
    ...optionWords('timeout', unless(plan.timeoutMs / 1000, TIMEOUT_SECONDS_DEFAULT)),
    ...durationWords(plan),
    ...optionWords('fault', plan.faults.length === 0 ? undefined : plan.faults.join(',')),
    ...optionWords('variant', plan.variants.length === 0 ? undefined : plan.variants.join(',')),
    ...optionWords('pace', choice.pace),
    ...optionWords('slo', slo),
    ...(plan.failFast ? ['--fail-fast'] : []),
    ...(plan.allowProduction ? ['--allow-production'] : []),
  ]);
}
