import type { Agent } from 'node:http';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { startClock, type Clock } from '../history/clock.ts';
import { JournalWriter } from '../history/journal-writer.ts';
import type { Observation, TrialHeader, TrialUser } from '../history/observation.ts';
import { GATE_NAMES, type ProfileData } from '../history/profile-data.ts';
import type { Progress } from '../history/progress.ts';
import { Vault } from '../history/redaction.ts';
import { resolveHeaders } from '../targets/addresses.ts';
import type { Addresses, Target } from '../targets/target.ts';
import { Crowd, type CrowdParts } from './crowd.ts';
import { secretsOfHeader } from './header-secrets.ts';
import { Heartbeats } from './heartbeats.ts';
import { openDispatcher, RecordedHttp, type HttpSettings } from './http.ts';
import { LoopDelay } from './loop-delay.ts';
import { Pacer } from './pacer.ts';
import { personaMaker, type Persona } from './persona.ts';
import { planMistakes, signInMethodOf, transportMistakes } from './plan-check.ts';
import {
  actsInBrowser,
  PlanInvalid,
  trialDirectory,
  type Transport,
  type TrialPlan,
} from './plan.ts';
import { environmentFor, hasProxy, proxyFor } from './proxy-gate.ts';
import { QuietWindow } from './quiet-window.ts';
import { Recorder } from './recorder.ts';
import type { SocketSettings } from './socket-settings.ts';
import { SocketUser } from './socket-user.ts';
import { failureOf } from './step-failure.ts';
import type { Cast, TrialContext, UserFactory } from './trial-context.ts';
import { within } from './waiting.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What one trial is. */
export interface TrialOptions {
  readonly plan: TrialPlan;
  /** Name of the scenario: its spec file's without `.spec.ts`. */
  readonly scenario: string;
  readonly transport: Transport;
  readonly target: Target;
  readonly addresses: Addresses;
  /** Tells the accounts of this trial from those of the campaign's others; default: scenario and transport. */
  readonly trial?: string | undefined;
  /** Directory of the trial; default: `trials/<scenario>-<transport>` in the plan's `outDir`. */
  readonly dir?: string | undefined;
  /** Share of user pairs that must overlap, where the scenario differs from the profile. */
  readonly overlapFloor?: number | undefined;
  /** Users are named as alike as can be (scenario `equal-names`). */
  readonly alike?: boolean | undefined;
  /**
   * How alike the questions are: `equal` words for all, as the variant `equal-questions` has them, or `near`
   * ones, that differ in capitals, spaces, a number and a marker. Where no notes are stored nothing else would
   * tell equal ones apart, and they are `near`. Absent: as the plan's variants say.
   */
  readonly questions?: 'equal' | 'near' | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Ends the target and starts it again at the same address, where the harness itself started it. */
  readonly restartTarget?: (() => Promise<void>) | undefined;
  /** Told why the script does not apply to this target, before it is broken off; may throw. */
  readonly onNotApplicable?: ((reason: string) => void) | undefined;
  /** Given the history's first line, returns who is told of every observation as it is recorded. */
  readonly watch?: ((header: TrialHeader) => (observation: Observation) => void) | undefined;
  /** Environment that profiles read their keys from; default: the process's. */
  readonly env?: Environment | undefined;
  /** Makes a user; default: one with a raw socket or a browser, as the transport says. */
  readonly createUser?: UserFactory | undefined;
}

/** Connections being opened at once; more only fill the target's accept queue. */
const CONNECTS_MAX = 200;
/** Limit of one HTTP exchange; a phase's limit counts as well when it is shorter. */
const HTTP_TIMEOUT_MS = 30_000;
const HTTP_BYTES_MAX = 8 * 1024 * 1024;
const RELEASE_MS_MAX = 2_000;
const NAME_DIGITS_MIN = 2;
const EQUAL_QUESTIONS = 'equal-questions';

/**
 * Opens a trial: checks the plan against the target, makes the crowd, writes the history's first line
 * and asks the target's health endpoints. Nothing is sent before all checks have passed. Whoever opens a
 * trial must `close` its crowd.
 * @throws PlanInvalid with all mistakes at once.
 */
export async function openTrial(asked: TrialOptions): Promise<Crowd> {
  const options = { ...asked, plan: planOf(asked) };
  const { plan, target, addresses, transport } = options;
  const env = options.env ?? process.env;
  const headers = resolveHeaders(target, plan.headers, env);
  const mistakes = [
    ...planMistakes(plan, target, addresses),
    ...(headers.ok ? [] : headers.mistakes),
    ...(options.createUser === undefined ? transportMistakes(transport, target) : []),
  ];
  if (mistakes.length > 0 || !headers.ok) throw new PlanInvalid(mistakes);
  const cast = await castOf(options);

  const clock = startClock();
  const vault = new Vault();
  for (const value of Object.values(headers.headers))
    for (const secret of secretsOfHeader(value)) if (secret !== '') vault.add(secret);
  const personas = makePersonas(options);
  const names = personas.map((persona) => nameOf(persona.index, plan.users));
  const header = headerOf(options, { clock, vault, personas, names });
  let crowd: Crowd | undefined;
  const journal = new JournalWriter({
    path: join(dirOf(options), 'history.ndjson'),
    header,
    clock,
    onPressure: (high) => crowd?.press(high),
  });
  if (options.watch !== undefined) journal.listen(options.watch(header));
  const recorder = new Recorder(journal, vault, plan.campaignPrefix);
  for (const user of header.users) recorder.learn(user.ids);
  crowd = await assemble(options, {
    recorder,
    personas,
    names,
    headers: headers.headers,
    env: environmentFor(target, plan, env),
    profile: header.profile,
    cast,
  });
  return crowd;
}

/** The scenario may ask for equal questions as the plan may. */
function planOf(options: TrialOptions): TrialPlan {
  const { plan } = options;
  const asksEqually = alikenessOf(options) === 'equal' && !plan.variants.includes(EQUAL_QUESTIONS);
  return asksEqually ? { ...plan, variants: [...plan.variants, EQUAL_QUESTIONS] } : plan;
}

/** How alike the questions are on this target. */
function alikenessOf({ questions, target }: TrialOptions): TrialOptions['questions'] {
  return questions === 'equal' && target.threads.note === undefined ? 'near' : questions;
}

/** What judging of this trial needs: the profile's data, with the plan's SLOs and variants in it. */
export function judgingOfTrial(
  plan: TrialPlan,
  target: Target,
  overlapFloor?: number,
): ProfileData {
  const { judging } = target;
  const gates: ProfileData['gates'] = { ...judging.gates };
  for (const name of GATE_NAMES) {
    const override = plan.slo[name];
    if (override === undefined) continue;
    const percentile = override.percentile ?? gates[name]?.percentile;
    gates[name] = {
      limit: override.limit,
      ...(percentile === undefined ? {} : { percentile }),
      enforced: true,
    };
  }
  const questionMarkers = judging.questionMarkers && !plan.variants.includes(EQUAL_QUESTIONS);
  return {
    ...judging,
    gates,
    questionMarkers,
    claims: {
      ...judging.claims,
      echo: questionMarkers ? judging.claims.echo : withoutQuestions(judging.claims.echo),
    },
    limits: { ...judging.limits, overlapFloor: overlapFloor ?? judging.limits.overlapFloor },
  };
}

function withoutQuestions(echo: ProfileData['claims']['echo']): ProfileData['claims']['echo'] {
  return Object.fromEntries(
    Object.entries(echo)
      .map(([event, places]) => [event, places.filter((place) => place !== 'question')] as const)
      .filter(([, places]) => places.length > 0),
  );
}

function dirOf({ dir, plan, scenario, transport }: TrialOptions): string {
  return dir ?? trialDirectory(plan, scenario, transport);
}

function makePersonas(options: TrialOptions): Persona[] {
  const { plan, target, scenario, transport, trial, alike } = options;
  const make = personaMaker({
    seed: plan.seed,
    campaignPrefix: plan.campaignPrefix,
    trial: trial ?? `${scenario}-${transport}`,
    names: target.names,
    variants: plan.variants,
    entries: plan.usersFile,
    alike: alike ?? false,
    nearQuestions: alikenessOf(options) === 'near',
  });
  return Array.from({ length: plan.users }, (_, index) => make(index));
}

/** `u00` … `u09`; as many digits as the largest index has. */
export function nameOf(index: number, users: number): string {
  const digits = Math.max(NAME_DIGITS_MIN, String(users - 1).length);
  return `u${String(index).padStart(digits, '0')}`;
}

interface HeaderParts {
  readonly clock: Clock;
  readonly vault: Vault;
  readonly personas: readonly Persona[];
  readonly names: readonly string[];
}

function headerOf(options: TrialOptions, parts: HeaderParts): TrialHeader {
  const { plan, scenario, transport, target, addresses } = options;
  const { clock, vault, personas, names } = parts;
  return {
    schema: 1,
    kind: 'trial',
    trial: `${plan.campaignPrefix}-${scenario}-${transport}`,
    scenario,
    transport,
    target: target.name,
    url: addresses.api,
    seed: plan.seed,
    part: null,
    startedAt: new Date(clock.startedAtUnixMs).toISOString(),
    reproduce: plan.reproduce === '' ? reproduction(options) : plan.reproduce,
    users: personas.map((persona, index) => ({
      ...trialUserOf(persona, names[index] ?? '', vault),
      ...(transport === 'mixed' && { transport: actingThrough(options, index) }),
    })),
    profile: judgingOfTrial(plan, target, options.overlapFloor),
  };
}

/** Every secret of an account is known to the vault before the first request. */
function trialUserOf({ account, markerPrefix }: Persona, user: string, vault: Vault): TrialUser {
  const secrets = [account.password, account.token, account.refreshToken];
  vault.tell(account.email);
  return {
    user,
    identity: account.email,
    markerPrefix,
    ids: account.userId === undefined ? {} : { user: account.userId },
    credentials: secrets.flatMap((secret) => (secret === undefined ? [] : [vault.claim(secret)])),
  };
}

function actingThrough({ plan, transport }: TrialOptions, index: number): 'websocket' | 'browser' {
  return actsInBrowser(plan, transport, index) ? 'browser' : 'websocket';
}

/** The command that repeats a trial that was not started by the command; holds no secret. */
function reproduction({ plan, scenario, transport, target }: TrialOptions): string {
  const words = [
    `npx crosstalk run ${scenario} --target ${target.name} --transport ${transport}`,
    `--users ${plan.users} --seed ${plan.seed}`,
    plan.rounds === 1 ? '' : `--rounds ${plan.rounds}`,
    plan.faults.length === 0 ? '' : `--fault ${plan.faults.join(',')}`,
    ...plan.variants.map((variant) => `--variant ${variant}`),
  ];
  return words.filter((word) => word !== '').join(' ');
}

/**
 * Browsers are looked for before anything is written or sent; what drives them is loaded only where
 * somebody acts through one.
 */
async function castOf(options: TrialOptions): Promise<Cast> {
  const { plan, transport, addresses, createUser } = options;
  const close = (): Promise<void> => Promise.resolve();
  if (createUser !== undefined) return { createUser, close };
  const throughSocket: UserFactory = (context, persona, name) =>
    new SocketUser(context, persona, name);
  if (transport === 'websocket') return { createUser: throughSocket, close };
  const { castInBrowsers } = await import('./browser-cast.ts');
  const inBrowsers = await castInBrowsers(plan, {
    addresses,
    env: options.env ?? process.env,
    dir: dirOf(options),
    bodyBytesMax: HTTP_BYTES_MAX,
    tell: (text) => options.onProgress?.({ kind: 'remark', text }),
  });
  return {
    createUser: (context, persona, name) =>
      actsInBrowser(plan, transport, persona.index)
        ? inBrowsers.createUser(context, persona, name)
        : throughSocket(context, persona, name),
    close: inBrowsers.close,
  };
}

interface CrowdIngredients {
  readonly recorder: Recorder;
  readonly personas: readonly Persona[];
  readonly names: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly env: Environment;
  readonly profile: ProfileData;
  readonly cast: Cast;
}

async function assemble(options: TrialOptions, parts: CrowdIngredients): Promise<Crowd> {
  const { plan, target, addresses, scenario, transport } = options;
  const { recorder, personas, names, headers, env, profile, cast } = parts;
  const loopDelay = new LoopDelay(recorder);
  const dispatcher = openDispatcher(env);
  const http: HttpSettings = {
    dispatcher,
    addresses,
    recorder,
    headers,
    timeoutMs: Math.min(HTTP_TIMEOUT_MS, plan.timeoutMs),
    bytesMax: HTTP_BYTES_MAX,
  };
  const heartbeats = new Heartbeats(target.socket.pingEveryMs);
  const quiet = new QuietWindow(profile.limits);
  const context: TrialContext = {
    target,
    addresses,
    signInMethod: signInMethodOf(plan, target) ?? 'register',
    recorder,
    http,
    socket: await socketSettings(target, { recorder, headers, env, profile, heartbeats, quiet }),
    signIns: pLimit(target.limits.concurrentSignInsMax),
    connects: pLimit(CONNECTS_MAX),
    pacer: new Pacer(recorder.clock, target.limits.startsPerSecondMax),
    timeoutMs: plan.timeoutMs,
    variants: plan.variants,
    env,
    madeByUs: plan.usersFile === null,
    members: personas.map(({ account: { email } }, at) => ({ name: names[at] ?? '', email })),
    arrived: new Set(),
  };
  const onProgress = options.onProgress ?? (() => undefined);
  const probeHealth = (): Promise<void> => probe(target, http, names[0] ?? null);
  onProgress({
    kind: 'trial',
    scenario,
    transport,
    target: target.name,
    url: addresses.api,
    users: plan.users,
    seed: plan.seed,
    dir: dirOf(options),
  });
  await probeHealth();
  return new Crowd({
    users: personas.map((persona, index) => cast.createUser(context, persona, names[index] ?? '')),
    rounds: plan.rounds,
    recorder,
    quiet,
    settleMsMax: profile.limits.quietMsMax,
    timeoutMs: plan.timeoutMs,
    forMs: plan.forMs,
    rampMs: plan.rampMs,
    questionsMax: target.limits.questionsMax,
    onProgress,
    probeHealth,
    seed: plan.seed,
    events: profile.order.required,
    ...optionsOfCrowd(options, heartbeats),
    release: async () => {
      heartbeats.stop();
      loopDelay.stop();
      await cast.close();
      await within(dispatcher.close(), RELEASE_MS_MAX, () => dispatcher.destroy());
    },
  });
}

/** What the crowd is told as it is, and what it may do with all connections. */
function optionsOfCrowd(
  { restartTarget, onNotApplicable }: TrialOptions,
  heartbeats: Heartbeats,
): Pick<CrowdParts, 'restartTarget' | 'onNotApplicable' | 'sampleClocks'> {
  return { restartTarget, onNotApplicable, sampleClocks: () => heartbeats.sampleAll() };
}

async function socketSettings(
  target: Target,
  parts: Pick<CrowdIngredients, 'recorder' | 'headers' | 'env' | 'profile'> & {
    readonly heartbeats: Heartbeats;
    readonly quiet: QuietWindow;
  },
): Promise<SocketSettings> {
  const { recorder, headers, env, profile, heartbeats, quiet } = parts;
  return {
    recorder,
    wire: target.socket,
    heartbeats,
    quiet,
    silentEvents: new Set(profile.heartbeats),
    bytesMax: profile.limits.payloadBytesMax,
    handshakeMsMax: target.limits.handshakeMsMax,
    headers,
    agent: hasProxy(env) ? await proxyAgent(env) : undefined,
  };
}

/** Loaded only where there is a proxy: it brings a lot along. */
async function proxyAgent(env: Environment): Promise<Agent> {
  const { ProxyAgent, proxies } = await import('proxy-agent');
  // It loads the rest when the first connection is opened, which would be measured as the target's time.
  const [, tunnelling] = proxies.http;
  await tunnelling();
  return new ProxyAgent({
    getProxyForUrl: (url) => proxyFor(new URL(url), env)?.href ?? '',
  });
}

/**
 * One request to each health endpoint; a failure is a line of the history, and no error. `user` reads the
 * replies, without signing in: only what somebody has received is searched for others.
 */
async function probe(target: Target, settings: HttpSettings, user: string | null): Promise<void> {
  const http = new RecordedHttp(settings, user);
  await Promise.all(
    target.health.map(async ({ address, path }) => {
      try {
        await http.request({ address, method: 'GET', path, purpose: 'health' });
      } catch (error) {
        settings.recorder.failure({ user: null, conn: null }, failureOf(error, 'health'));
      }
    }),
  );
}
