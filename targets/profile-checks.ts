import { z } from 'zod';
import type { Frame } from './frames.ts';
import { fieldOf, frameAt } from './frames.ts';
import { FRAMINGS } from './framing.ts';
import { decodeMistakes } from './decoded-checks.ts';
import { judgingInputSchema } from './judging.ts';
import { judgingMistakes } from './judging-checks.ts';
import { ADDRESS_NAMES, SIGN_IN_METHODS } from './target.ts';
import type { TargetInput } from './target-input.ts';

/** `example.com` can never receive mail, and mail validators accept it, unlike `.test` or `.invalid`. */
export const MAIL_DOMAIN_DEFAULT = 'crosstalk.example.com';

/**
 * Everything that is wrong with a profile, as sentences: first what is not of its shape, section by
 * section, then what contradicts itself. Empty for a profile that may be used.
 */
export function profileMistakes(profile: Frame): readonly string[] {
  // A section that is not of its shape cannot be compared with others, but the rest still can.
  const sound = Object.fromEntries(
    SECTION_NAMES.filter((name) => isSound(name, fieldOf(profile, name))).map((name) => [
      name,
      fieldOf(profile, name),
    ]),
  );
  return [
    ...unknownSections(profile),
    ...SECTION_NAMES.flatMap((name) => sectionMistakes(name, fieldOf(profile, name))),
    ...crossMistakes(sound),
  ];
}

/** Says of a value what it is, in few characters and without passwords. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  // A URL may hold a password.
  const text = jsonOf(value).replaceAll(/\/\/[^/@"]*@/g, '//…@');
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    // Cycles and big integers have no JSON; their type has to do.
    return typeof value;
  }
}

const functionSchema = z.custom((value) => typeof value === 'function', {
  error: 'must be a function',
});
const wordSchema = z.string().min(1);
const variableSchema = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, {
  error: 'must be the name of an environment variable (letters, digits, _)',
});
const pathSchema = z.string().regex(/^\/[^\s?#]*$/, {
  error: 'must be a path that begins with "/", without query or spaces',
});
const headerNameSchema = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, {
  error: 'must be the name of an HTTP header',
});
const countSchema = z.number().int().positive();

const addressSpecSchema = z.strictObject({
  url: z
    .string()
    .refine(isBaseUrl, {
      error:
        'must be an absolute http, https, ws or wss URL without user, query and fragment ("https://api.example.com")',
    })
    .optional(),
  env: variableSchema.optional(),
  path: pathSchema.optional(),
});

const selectorSchema = z.string().trim().min(1, { error: 'must be a selector' });
const pageFormSchema = z.strictObject({
  path: pathSchema,
  email: selectorSchema,
  password: selectorSchema,
  name: selectorSchema.optional(),
  submit: selectorSchema,
  refusal: selectorSchema.optional(),
});
const pageSchema = z.strictObject({
  signIn: z
    .strictObject({
      forms: z
        .strictObject({ password: pageFormSchema.optional(), register: pageFormSchema.optional() })
        .optional(),
      entries: functionSchema.optional(),
      session: functionSchema,
    })
    .refine(({ forms, entries }) => forms !== undefined || entries !== undefined, {
      error: 'must have "forms" or "entries", else nobody can sign in on the page',
    }),
  chatPath: pathSchema,
  ready: selectorSchema,
  readyMsMax: z.number().positive().optional(),
  signedInUser: selectorSchema.optional(),
  newChat: selectorSchema.optional(),
  composer: selectorSchema,
  send: selectorSchema.nullable(),
  answer: selectorSchema,
  error: selectorSchema.optional(),
  events: z.record(wordSchema, selectorSchema).optional(),
  busy: selectorSchema.optional(),
  stop: selectorSchema.optional(),
  signOut: z.strictObject({ press: selectorSchema, done: selectorSchema }).optional(),
  asked: functionSchema,
  endedBy: z.array(wordSchema).optional(),
});

const probeNeedsSchema = z.enum(['thread', 'run']);
const probesSchema = z.strictObject({
  http: z.array(
    z.strictObject({
      verb: wordSchema,
      needs: z.enum(['thread', 'run', 'nothing']),
      deletes: z.boolean().optional(),
      request: functionSchema,
    }),
  ),
  socket: z.array(
    z.strictObject({
      verb: wordSchema,
      needs: probeNeedsSchema,
      frame: functionSchema,
      accepted: z.array(wordSchema).min(1),
    }),
  ),
  cookieOpen: functionSchema.optional(),
  ticketOpen: functionSchema.optional(),
  shortLived: functionSchema.optional(),
});

/**
 * One schema per section, so that a mistake in one hides none in another. Methods may sit on a
 * prototype, which is why sections with functions are read field by field and never copied.
 */
const SECTIONS = {
  name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, {
    error: 'must be 1 to 40 lower-case letters, digits and dashes, a letter first',
  }),
  text: z.string().trim().min(1).max(200).optional(),
  production: z.boolean(),
  isProduction: functionSchema.optional(),
  embedded: z.boolean().optional(),
  addresses: z.partialRecord(z.enum(ADDRESS_NAMES), addressSpecSchema),
  headersFromEnv: z.record(headerNameSchema, variableSchema).optional(),
  headersVariable: variableSchema.optional(),
  forbiddenHeaders: z.array(z.string().regex(/^[a-z0-9-]+$/, 'must be lower case')).optional(),
  health: z.array(z.strictObject({ address: z.enum(ADDRESS_NAMES), path: pathSchema })).optional(),
  signIn: z.partialRecord(z.enum(SIGN_IN_METHODS), functionSchema),
  signInOrder: z.array(z.enum(SIGN_IN_METHODS)).min(1).optional(),
  whoAmI: functionSchema.optional(),
  signOut: functionSchema.optional(),
  revoke: functionSchema.optional(),
  refresh: functionSchema.optional(),
  probes: probesSchema.optional(),
  failWord: wordSchema.optional(),
  page: pageSchema.optional(),
  socket: z
    .strictObject({
      open: functionSchema,
      handshake: functionSchema.optional(),
      ask: functionSchema,
      stop: functionSchema.optional(),
      resume: functionSchema.optional(),
      ping: functionSchema.optional(),
      decode: functionSchema,
      decodeAll: functionSchema.optional(),
      framing: z.enum(FRAMINGS).optional(),
      reply: functionSchema.optional(),
      pingEveryMs: z.number().positive().nullable().optional(),
      absent: z.literal(true).optional(),
    })
    .optional(),
  stream: z.strictObject({ decode: functionSchema }).optional(),
  threads: z
    .strictObject({
      create: functionSchema.optional(),
      list: functionSchema.optional(),
      read: functionSchema.optional(),
      note: functionSchema.optional(),
    })
    .optional(),
  names: z
    .strictObject({
      mailDomain: z
        .string()
        .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'must be a lower-case mail domain with a dot in it')
        .optional(),
      avoidWords: z
        .array(wordSchema.refine((word) => word === word.toLowerCase(), 'must be lower case'))
        .optional(),
    })
    .optional(),
  limits: z
    .strictObject({
      usersMax: countSchema.optional(),
      startsPerSecondMax: z.number().positive().nullable().optional(),
      questionsMax: countSchema.nullable().optional(),
      concurrentSignInsMax: countSchema.optional(),
      handshakeMsMax: z.number().positive().optional(),
    })
    .optional(),
  closeCodes: z
    .record(z.string().regex(/^[1-4]\d{3}$/, 'must be a close code (1000 to 4999)'), wordSchema)
    .optional(),
  judging: judgingInputSchema.optional(),
} satisfies Record<keyof TargetInput, z.ZodType>;

type SectionName = keyof typeof SECTIONS;
const SECTION_NAMES = Object.keys(SECTIONS).filter(isSectionName);

/** What to do about a mistake, by the longest beginning of its place. */
const ADVICE: Readonly<Record<string, string>> = {
  name: "Write it as --target takes it: name: 'acme-staging'.",
  production: 'Write production: false for a staging system, true for one with real users.',
  addresses: `Write addresses: { api: { url: 'https://…' }, socket: { path: '/ws' } }; names are ${ADDRESS_NAMES.join(', ')}.`,
  headersFromEnv: "Write headersFromEnv: { 'x-gateway-key': 'GATEWAY_KEY' }.",
  health: "Write health: [{ address: 'api', path: '/health' }].",
  signIn: `Write signIn: { password: async ({ http, account }) => session }; methods are ${SIGN_IN_METHODS.join(', ')}.`,
  signInOrder: 'List each method of signIn once, the default first.',
  socket:
    'See SocketWire in targets/target.ts for what each member gets and gives, or write stream where events come in the replies of a page.',
  stream:
    'Write stream: { decode: (event) => ({ role: … }) }; see StreamWire in targets/target.ts.',
  threads: 'See ThreadWire in targets/target.ts, or leave threads out.',
  judging: 'See targets/judging.ts for the fields and their defaults.',
};

function unknownSections(profile: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(profile)
    .filter((name) => !Object.hasOwn(SECTIONS, name))
    .map(
      (name) =>
        `"${name}" is no field of a profile. Remove it or correct its spelling; fields are ${SECTION_NAMES.join(', ')}.`,
    );
}

function isSectionName(name: string): name is SectionName {
  return Object.hasOwn(SECTIONS, name);
}

function isSound(name: SectionName, value: unknown): boolean {
  return SECTIONS[name].safeParse(value).success;
}

function sectionMistakes(name: SectionName, value: unknown): string[] {
  const result = SECTIONS[name].safeParse(value);
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => issueSentences(name, value, issue));
}

function issueSentences(section: SectionName, value: unknown, issue: z.core.$ZodIssue): string[] {
  const path = issue.path.map(String);
  const place = [section, ...path].join('.');
  const advice = ADVICE[section] ?? 'Correct it in the profile.';
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) => `"${place}.${key}" is no field here. Remove it or correct its spelling. ${advice}`,
    );
  }
  if (issue.code === 'invalid_key') {
    const rule = issue.issues.map(({ message }) => ruleOf(message)).join(' and ');
    return [`"${place}" is no valid name: it ${rule}. ${advice}`];
  }
  const last = path.at(-1);
  const got = last === undefined ? value : fieldOrItem(containerAt(value, path.slice(0, -1)), last);
  return [`"${place}" ${ruleOf(issue.message)}, got ${shown(got)}. ${advice}`];
}

/** Zod's "Invalid input: expected string, received number" as a rule in our words. */
function ruleOf(message: string): string {
  if (message.startsWith('must ')) return message;
  const rule = message
    .replace(/^(Invalid|Too) [a-z]+: /, '')
    .replace(/, received .*$/, '')
    .replace(/^expected (\w+) to (?:be|have) /, '$1 ')
    .replace(/^expected /, '')
    .replaceAll('"|"', '", "')
    .replace('>=', 'of at least ')
    .replace('<=', 'of at most ')
    .replace('>', 'above ')
    .replace(/^(record|object)\b/, 'an object')
    .replace(/^int\b/, 'an integer')
    .replace(/^array\b/, 'a list')
    .replace(/^(string|number|boolean)\b/, 'a $1');
  return `must be ${rule}`;
}

function containerAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((current, name) => fieldOrItem(current, name), value);
}

function fieldOrItem(value: unknown, name: string): unknown {
  return Array.isArray(value) ? value[Number(name)] : frameAt({ value }, ['value'])?.[name];
}

const SHOWN_LENGTH_MAX = 60;

/** Rules between sections; each applies only where all of its sections are sound. */
function crossMistakes(sound: Readonly<Partial<TargetInput>>): string[] {
  const { name, judging, threads } = sound;
  const mistakes = [
    ...(sound.socket === undefined ? [] : decodeMistakes('socket', sound.socket)),
    ...(sound.stream === undefined ? [] : decodeMistakes('stream', sound.stream)),
    ...productionMistakes(sound),
    ...signInOrderMistakes(sound),
    ...headerMistakes(sound),
    ...nameMistakes(sound),
    ...wireMistakes(sound),
  ];
  if ('judging' in sound && 'threads' in sound) {
    const abilities = { note: threads?.note !== undefined };
    mistakes.push(...judgingMistakes(name ?? 'unnamed', judging ?? {}, abilities));
  }
  return mistakes;
}

function productionMistakes({ production, embedded }: Partial<TargetInput>): string[] {
  return production === true && embedded === true
    ? [
        '"production" must be false where embedded is true, got true: the harness starts and stops an embedded target by itself. Write production: false.',
      ]
    : [];
}

function signInOrderMistakes({ signIn, signInOrder }: Partial<TargetInput>): string[] {
  if (signIn === undefined) return [];
  const offered = SIGN_IN_METHODS.filter((method) => signIn[method] !== undefined);
  if (offered.length === 0) {
    return [
      `"signIn" must offer at least one of ${SIGN_IN_METHODS.join(', ')}, got none. ${ADVICE['signIn']}`,
    ];
  }
  if (signInOrder === undefined) return [];
  const unoffered = signInOrder.filter((method) => signIn[method] === undefined);
  const twice = signInOrder.filter((method, index) => signInOrder.indexOf(method) !== index);
  const forgotten = offered.filter((method) => !signInOrder.includes(method));
  return [
    ...unoffered.map(
      (method) =>
        `"signInOrder" must name methods that signIn offers (${offered.join(', ')}), got "${method}". Add signIn["${method}"] or remove it here.`,
    ),
    ...twice.map(
      (method) => `"signInOrder" must name each method once, got "${method}" twice. Remove one.`,
    ),
    ...forgotten.map(
      (method) =>
        `"signInOrder" must name every method that signIn offers, and "${method}" is missing. Add it.`,
    ),
  ];
}

function headerMistakes({ headersFromEnv, forbiddenHeaders }: Partial<TargetInput>): string[] {
  return Object.keys(headersFromEnv ?? {}).flatMap((header) =>
    (forbiddenHeaders ?? [])
      .filter((word) => header.toLowerCase().includes(word))
      .map(
        (word) =>
          `"headersFromEnv.${header}" must hold none of forbiddenHeaders, but holds "${word}". Remove one of the two.`,
      ),
  );
}

function nameMistakes({ names }: Partial<TargetInput>): string[] {
  const domain = names?.mailDomain ?? MAIL_DOMAIN_DEFAULT;
  return (names?.avoidWords ?? [])
    .filter((word) => domain.includes(word))
    .map(
      (word) =>
        `"names.mailDomain" must hold none of names.avoidWords, but "${domain}" holds "${word}". Choose another domain.`,
    );
}

/** Without either nobody can be asked anything; what streams bring only pages read. */
function wireMistakes(sound: Partial<TargetInput>): string[] {
  if (!('socket' in sound && 'stream' in sound && 'page' in sound)) return [];
  const { socket, stream, page, probes } = sound;
  if (stream === undefined)
    return socket === undefined
      ? [`"socket" must be an object, got nothing. ${ADVICE['socket']}`]
      : [];
  return [
    ...(socket !== undefined && socket.absent !== true
      ? [
          '"socket" and "stream" must not both be there: events are read where one of them says, and would go unjudged on the other. Remove the one on which no agent events come.',
        ]
      : []),
    ...(page === undefined
      ? [
          '"stream" must come with "page", got none: what comes in streams is read in browsers only. Describe the page, or write socket instead.',
        ]
      : []),
    ...(probes !== undefined && probes.socket.length > 0
      ? [
          '"probes.socket" must be empty where there is a stream, for then there is no socket. Write socket: [].',
        ]
      : []),
  ];
}

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (
    /^(https?|wss?):$/.test(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    !text.includes('?') &&
    !text.includes('#')
  );
}
