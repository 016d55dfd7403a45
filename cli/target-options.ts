import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { usersFileEntrySchema, type UsersFileEntry } from '../clients/plan.ts';
import { messageOf } from '../history/message-of.ts';
import { FAULTS, VARIANTS } from '../reference/catalogue.ts';
import { resolveAddresses, resolveHeaders } from '../targets/addresses.ts';
import { TargetDefinitionError } from '../targets/define-target.ts';
import { BUILT_IN_TARGETS, loadTarget } from '../targets/load-target.ts';
import reference from '../targets/reference.ts';
import {
  ADDRESS_NAMES,
  SIGN_IN_METHODS,
  type AddressName,
  type Addresses,
  type SignInMethod,
  type Target,
} from '../targets/target.ts';
import { importTypeScript } from './import-typescript.ts';
import type { OptionReader } from './option-reader.ts';
import type { Mistakes } from './usage-error.ts';

export const TARGET_DEFAULT = 'reference';
const PACE_MAX = 100;
/** Some editors put it in front of a file. */
const BYTE_ORDER_MARK = /^\uFEFF/;
const ISSUES_SHOWN_MAX = 10;
/** Where the embedded target will be is known only once it runs; this stands for it in checks. */
const EMBEDDED_URL = 'http://127.0.0.1';
const EMBEDDED_ADDRESSES: Addresses = {
  api: EMBEDDED_URL,
  auth: EMBEDDED_URL,
  socket: 'ws://127.0.0.1/ws',
  page: EMBEDDED_URL,
};

/** Whom a command talks to, and as whom: the options that `run` and `doctor` share. */
export interface TargetChoice {
  /** A built-in name, or the absolute path of a profile module. */
  readonly name: string;
  /** As it was given, for the command that repeats this one. */
  readonly given: string;
  /** Undefined when it could not be loaded, which is noted. */
  readonly target: Target | undefined;
  /** True when the harness starts the target itself. */
  readonly embedded: boolean;
  readonly url: string | undefined;
  readonly addressPairs: readonly [AddressName, string][];
  readonly addresses: Addresses;
  readonly headers: readonly [string, string][];
  readonly usersFile: { readonly path: string; readonly entries: UsersFileEntry[] } | undefined;
  readonly signIn: SignInMethod | undefined;
  readonly allowProduction: boolean;
  readonly faults: readonly string[];
  readonly variants: readonly string[];
  readonly pace: number | undefined;
}

/** Reads the options that say whom to talk to; mistakes are noted, never thrown. */
export async function readTargetChoice(
  read: OptionReader,
  mistakes: Mistakes,
): Promise<TargetChoice> {
  const fromEnvironment = process.env['CROSSTALK_TARGET'];
  const given = read.text('target') ?? (fromEnvironment || TARGET_DEFAULT);
  const url = read.text('url');
  const pairs = read.pairs('address', { secret: false });
  const headers = read.pairs('header', { secret: true });
  const target = await load(given, mistakes);
  const embedded = target?.embedded === true && url === undefined;
  const { faults, variants } = readSwitches(read);
  const pace = readPace(read);
  if (!embedded) refuseSwitches(read, { given, target, url }, mistakes);
  refuseForeignVariants(variants, mistakes);
  return {
    name: isBuiltIn(given) ? given : resolve(given),
    given,
    target,
    embedded,
    url,
    addressPairs: pairs.filter((pair): pair is [AddressName, string] => isAddressName(pair[0])),
    addresses: checkAddresses({ target, embedded, url, pairs, headers }, mistakes),
    headers,
    usersFile: readUsersFile(read.text('users-file'), mistakes),
    signIn: readSignIn(read, mistakes),
    allowProduction: read.flag('allow-production'),
    faults,
    variants,
    pace,
  };
}

/** The faults and variants asked for, as far as they exist. */
export function readSwitches(read: OptionReader): { faults: string[]; variants: string[] } {
  return {
    faults: [...read.known('fault', { what: 'fault', known: FAULTS.map(({ name }) => name) })],
    variants: [
      ...read.known('variant', { what: 'variant', known: VARIANTS.map(({ name }) => name) }),
    ],
  };
}

/** `--pace`, or undefined when it was not given. */
export function readPace(read: OptionReader): number | undefined {
  const pace = read.number('pace', { min: 0, max: PACE_MAX, fallback: -1, example: 0.5 });
  return pace < 0 ? undefined : pace;
}

async function load(given: string, mistakes: Mistakes): Promise<Target | undefined> {
  try {
    return await loadTarget(given, { importModule: importTypeScript });
  } catch (error) {
    if (!(error instanceof TargetDefinitionError)) throw error;
    for (const mistake of error.mistakes) mistakes.add(error.code, mistake);
    return undefined;
  }
}

function isBuiltIn(given: string): boolean {
  return BUILT_IN_TARGETS.some(({ name }) => name === given);
}

function isAddressName(name: string): name is AddressName {
  return ADDRESS_NAMES.some((known) => known === name);
}

interface AddressQuestion {
  readonly target: Target | undefined;
  readonly embedded: boolean;
  readonly url: string | undefined;
  readonly pairs: readonly [string, string][];
  readonly headers: readonly [string, string][];
}

function checkAddresses(question: AddressQuestion, mistakes: Mistakes): Addresses {
  const { target, embedded, url, pairs, headers } = question;
  if (target !== undefined) {
    const resolved = resolveHeaders(target, headers, process.env);
    if (!resolved.ok) for (const mistake of resolved.mistakes) mistakes.add('BAD_ADDRESS', mistake);
  }
  // What was given is looked at even if it is not known for which target: an address that no target could
  // have is a mistake of its own. The embedded target asks for nothing that was not given.
  const resolution = resolveAddresses(target ?? reference, {
    url: embedded || target === undefined ? (url ?? EMBEDDED_URL) : url,
    addresses: pairs,
    env: process.env,
  });
  if (resolution.ok) return resolution.addresses;
  for (const mistake of resolution.mistakes) mistakes.add('BAD_ADDRESS', mistake);
  return EMBEDDED_ADDRESSES;
}

/** Asked of what is given and not of what it means: names may be wrong besides. */
function refuseSwitches(
  read: OptionReader,
  choice: Pick<TargetChoice, 'given' | 'target' | 'url'>,
  mistakes: Mistakes,
): void {
  if (choice.target === undefined) return;
  const given = ['fault', 'variant', 'pace']
    .filter((name) => read.isGiven(name))
    .map((name) => `--${name}`);
  const instead = choice.target.embedded
    ? 'a target at an address of its own'
    : `target "${choice.given}"`;
  for (const name of given)
    mistakes.add(
      'CONFLICT',
      `"${name}" is for the embedded target only, got it together with ${instead}. Remove one of the two, or pass ${name} to "crosstalk target".`,
    );
}

/** Some variants speak the protocol of another profile, which the embedded profile cannot read. */
function refuseForeignVariants(variants: readonly string[], mistakes: Mistakes): void {
  for (const entry of VARIANTS)
    if (variants.includes(entry.name) && entry.target !== TARGET_DEFAULT)
      mistakes.add(
        'CONFLICT',
        `"--variant ${entry.name}" speaks the protocol of the profile "${entry.target}". Start "crosstalk target --variant ${entry.name}", then "crosstalk run --target ${entry.target} --url URL --sign-in register".`,
      );
}

function readSignIn(read: OptionReader, mistakes: Mistakes): SignInMethod | undefined {
  const text = read.text('sign-in');
  const method = SIGN_IN_METHODS.find((known) => known === text);
  if (text !== undefined && method === undefined)
    mistakes.add(
      'UNKNOWN_NAME',
      `"--sign-in" must be one of ${SIGN_IN_METHODS.join(', ')}, got "${text}".`,
    );
  return method;
}

/** Contents of a users file are secrets: no message quotes them. */
function readUsersFile(path: string | undefined, mistakes: Mistakes): TargetChoice['usersFile'] {
  if (path === undefined) return undefined;
  const parsed = readJsonFile('users-file', path, mistakes);
  if (parsed === undefined) return undefined;
  const wanted = 'a JSON array of {"email","password"} or {"token",…}';
  if (!Array.isArray(parsed.value)) {
    mistakes.add('BAD_FILE', `"--users-file ${path}" must hold ${wanted}, got something else.`);
    return undefined;
  }
  const entries: UsersFileEntry[] = [];
  const problems: string[] = [];
  for (const [index, value] of parsed.value.entries()) {
    const result = usersFileEntrySchema.safeParse(value);
    if (result.success) entries.push(result.data);
    else
      problems.push(
        ...result.error.issues.map(
          (issue) =>
            `entry ${index}${issue.path.map((key) => `.${String(key)}`).join('')} ${issue.message}`,
        ),
      );
  }
  for (const problem of problems.slice(0, ISSUES_SHOWN_MAX))
    mistakes.add('BAD_FILE', `"--users-file ${path}" must hold ${wanted}: ${problem}.`);
  return problems.length > 0 ? undefined : { path, entries };
}

/** The JSON in a file that an option names, or undefined when there is none (noted). */
export function readJsonFile(
  option: string,
  path: string,
  mistakes: Mistakes,
): { readonly value: unknown } | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    mistakes.add('UNREADABLE_FILE', `"--${option}" must be a readable file: ${messageOf(error)}.`);
    return undefined;
  }
  try {
    return { value: JSON.parse(text.replace(BYTE_ORDER_MARK, '')) };
  } catch {
    // The parser's message quotes the file, which may hold secrets.
    mistakes.add('BAD_FILE', `"--${option} ${path}" must hold JSON, got something else.`);
    return undefined;
  }
}
