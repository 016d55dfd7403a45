import assert from 'node:assert/strict';
import { asFrame } from './frames.ts';
import { judgingOf } from './judging.ts';
import { MAIL_DOMAIN_DEFAULT, profileMistakes, shown } from './profile-checks.ts';
import type {
  Handshake,
  RunContext,
  Session,
  SignInCall,
  SocketWire,
  StreamWire,
  Target,
} from './target.ts';
import {
  soundAsk,
  soundFields,
  soundHandshake,
  soundIdentity,
  soundRequest,
  soundSession,
} from './sound-answers.ts';
import { SIGN_IN_METHODS } from './target.ts';
import type { SocketInput, TargetInput } from './target-input.ts';

/** Why a profile cannot be used. `mistakes` are complete sentences, in the order of the profile. */
export class TargetDefinitionError extends Error {
  override readonly name = 'TargetDefinitionError';
  readonly code: 'TARGET_INVALID' | 'TARGET_UNKNOWN' | 'TARGET_UNREADABLE';
  readonly mistakes: readonly string[];
  constructor(
    mistakes: readonly string[],
    options: { code?: TargetDefinitionError['code']; cause?: unknown } = {},
  ) {
    const code = options.code ?? 'TARGET_INVALID';
    super(`${code}:\n${mistakes.map((mistake) => `- ${mistake}`).join('\n')}`, {
      cause: options.cause,
    });
    this.code = code;
    this.mistakes = mistakes;
  }
}

/**
 * Makes a target out of a profile (DESIGN §4.6) or throws one {@link TargetDefinitionError} with every
 * mistake in it. What a profile leaves out:
 *
 * - `addresses`: a missing address, or one without `url`, lies on the `api` address, with its `path`
 *   appended (`socket`: `/ws` where no path is given).
 * - `text`: the name. `embedded`: false. `health`, `headersFromEnv`, `forbiddenHeaders`: none.
 * - `signInOrder`: the methods that `signIn` has, as {@link SIGN_IN_METHODS} orders them.
 * - `socket`: none, where there is a `stream`. `socket.handshake`: none, ready at once.
 *   `socket.pingEveryMs`: null. `threads`: no thread API.
 * - `names`: mails in `crosstalk.example.com`, no words to avoid.
 * - `limits`: 50 users, 50 starts a second, 1,000 questions, 8 sign-ins at once, 10 s of handshake.
 * - `judging`: the five agent events in the order of DESIGN §3.8, seen by their asker alone; the
 *   question's marker comes back in the last event; the SLOs of DESIGN §5. See `judging.ts`.
 *
 * A finished target is itself a valid profile: defining it again changes nothing.
 */
export function defineTarget(input: TargetInput): Target {
  return parseTarget(input);
}

/** {@link defineTarget} for a value of unknown shape, such as a module's default export. */
export function parseTarget(input: unknown): Target {
  const profile = asFrame(input);
  if (profile === undefined) {
    throw new TargetDefinitionError([
      `"profile" must be an object, got ${shown(input)}. Write: export default defineTarget({ name: 'mine', … });`,
    ]);
  }
  assertFaultless(profile, profileMistakes(profile));
  return withDefaults(profile);
}

/** Every section has been validated by now: a profile without mistakes is of the type. */
function assertFaultless(
  _profile: unknown,
  mistakes: readonly string[],
): asserts _profile is TargetInput {
  if (mistakes.length > 0) throw new TargetDefinitionError(mistakes);
}

const READY_MS_MAX_DEFAULT = 15_000;

const LIMIT_DEFAULTS: Target['limits'] = {
  usersMax: 50,
  startsPerSecondMax: 50,
  questionsMax: 1_000,
  concurrentSignInsMax: 8,
  handshakeMsMax: 10_000,
};

function withDefaults(profile: TargetInput): Target {
  const { name, production, isProduction, signIn, closeCodes } = profile;
  return {
    name,
    text: profile.text ?? name,
    production,
    isProduction,
    embedded: profile.embedded ?? false,
    ...reachOf(profile),
    ...identitiesOf(profile),
    signInOrder: profile.signInOrder ?? SIGN_IN_METHODS.filter((method) => signIn[method]),
    signOut: profile.signOut,
    revoke: profile.revoke,
    refresh: profile.refresh,
    probes: profile.probes,
    failWord: profile.failWord,
    ...eventsOf(profile),
    page: profile.page && {
      ...profile.page,
      readyMsMax: profile.page.readyMsMax ?? READY_MS_MAX_DEFAULT,
    },
    threads: profile.threads ?? {},
    names: namesOf(profile.names ?? {}),
    limits: limitsOf(profile.limits ?? {}),
    closeCodes,
    judging: judgingOf(name, {
      ...profile.judging,
      ...(profile.stream && { eventsOn: 'sse' }),
    }),
  };
}

/** Who users are; what a profile says of it is looked at each time. */
function identitiesOf({ signIn, whoAmI }: TargetInput): Pick<Target, 'signIn' | 'whoAmI'> {
  const methods = SIGN_IN_METHODS.flatMap((name) => {
    const method = signIn[name];
    if (method === undefined) return [];
    const sound = async (call: SignInCall): Promise<Session> =>
      soundSession(await method.call(signIn, call));
    return [[name, sound] as const];
  });
  return {
    signIn: Object.fromEntries(methods),
    whoAmI: whoAmI && (async (call) => soundIdentity(await whoAmI(call))),
  };
}

function reachOf(profile: TargetInput) {
  const { addresses } = profile;
  return {
    addresses: {
      api: addresses.api ?? {},
      auth: addresses.auth ?? {},
      socket: { path: '/ws', ...addresses.socket },
      page: addresses.page ?? {},
    },
    headersFromEnv: profile.headersFromEnv ?? {},
    headersVariable: profile.headersVariable,
    forbiddenHeaders: profile.forbiddenHeaders ?? [],
    health: profile.health ?? [],
  };
}

function namesOf(names: Partial<Target['names']>): Target['names'] {
  return {
    mailDomain: names.mailDomain ?? MAIL_DOMAIN_DEFAULT,
    avoidWords: names.avoidWords ?? [],
  };
}

function limitsOf(limits: Partial<Target['limits']>): Target['limits'] {
  return {
    usersMax: limits.usersMax ?? LIMIT_DEFAULTS.usersMax,
    startsPerSecondMax: given(limits.startsPerSecondMax, LIMIT_DEFAULTS.startsPerSecondMax),
    questionsMax: given(limits.questionsMax, LIMIT_DEFAULTS.questionsMax),
    concurrentSignInsMax: limits.concurrentSignInsMax ?? LIMIT_DEFAULTS.concurrentSignInsMax,
    handshakeMsMax: limits.handshakeMsMax ?? LIMIT_DEFAULTS.handshakeMsMax,
  };
}

/** Null is a choice ("unlimited"), only absence takes the default. */
function given<T>(value: T | undefined, standard: T): T {
  return value === undefined ? standard : value;
}

function socketOf(input: SocketInput): SocketWire {
  // The methods stay on their own object, which may be an instance that needs its `this`.
  const socket: SocketWire = {
    open: async (session, addresses, http) =>
      soundRequest(await input.open(session, addresses, http)),
    handshake: (session) => soundHandshake(input.handshake?.(session) ?? readyAtOnce()),
    ask: (question) => soundAsk(input.ask(question)),
    decode: (frame) => soundFields(input.decode(frame)),
    pingEveryMs: input.pingEveryMs ?? null,
  };
  return {
    ...socket,
    ...(input.stop && {
      stop: (run: string, context: RunContext) => input.stop?.(run, context),
    }),
    ...(input.resume && {
      resume: (run: string, after: number, context: RunContext) =>
        input.resume?.(run, after, context),
    }),
    ...(input.ping && { ping: (nowUnixMs: number) => input.ping?.(nowUnixMs) }),
    ...(input.framing && { framing: input.framing }),
    ...(input.reply && { reply: (frame: unknown) => input.reply?.(frame) }),
    ...(input.decodeAll && {
      decodeAll: (frame: unknown) =>
        (input.decodeAll?.(frame) ?? [input.decode(frame)]).map((fields) => soundFields(fields)),
    }),
  };
}

/** Where the events of a target come. */
function eventsOf({ name, socket, stream }: TargetInput): Pick<Target, 'socket' | 'stream'> {
  if (stream !== undefined) return { socket: noSocket(name, stream), stream };
  assert(socket !== undefined, 'a profile without stream that was found sound has a socket');
  return { socket: socketOf(socket), stream };
}

/** Whoever comes to ask for a socket where there is none has not looked at {@link Target.stream}. */
function noSocket(name: string, stream: StreamWire): SocketWire {
  const refuse = (): never => {
    throw new Error(`"${name}" has no socket`);
  };
  return {
    open: refuse,
    handshake: readyAtOnce,
    ask: refuse,
    decode: (event) => soundFields(stream.decode(event)),
    pingEveryMs: null,
    absent: true,
  };
}

function readyAtOnce(): Handshake {
  return { opened: () => ({ state: 'ready' }), receive: () => ({ state: 'ready' }) };
}
