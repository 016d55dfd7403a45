import type { AddressName, Addresses, AddressSpec, Target } from './target.ts';
import { ADDRESS_NAMES } from './target.ts';

/** What the caller said about addresses and headers. */
export interface AddressChoice {
  /** `--url`: the base of all addresses. */
  readonly url?: string | undefined;
  /** `--address NAME=URL`, each as a pair, in the order given. */
  readonly addresses?: readonly (readonly [name: string, url: string])[] | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type AddressResolution =
  | { readonly ok: true; readonly addresses: Addresses }
  | { readonly ok: false; readonly mistakes: readonly string[] };

/** Result of reading extra headers; names are as given. */
export type HeaderResolution =
  | { readonly ok: true; readonly headers: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly mistakes: readonly string[] };

interface Candidate {
  /** How the caller would name it in a correction. */
  readonly source: string;
  /** What came from there, before any path was appended. */
  readonly given: string;
  readonly url: string;
}

/**
 * Where a target's four addresses lead. For each address the first of these that is there counts:
 * `--address` (taken whole, path included), `--url` (plus the profile's path for this address), the
 * profile's environment variable (whole), the profile's own URL (whole), and at last wherever `api`
 * leads (plus the path). The socket's scheme becomes `ws` or `wss`. All mistakes come at once.
 */
export function resolveAddresses(target: Target, choice: AddressChoice): AddressResolution {
  const mistakes = choiceMistakes(choice);
  const resolved = new Map<AddressName, string>();
  for (const name of ADDRESS_NAMES) {
    const candidate = candidateFor(name, target, choice) ?? onApi(name, target, resolved);
    if (candidate === undefined) continue;
    const address = normalized(name, candidate);
    if (address.ok) resolved.set(name, address.url);
    else mistakes.push(address.mistake);
  }
  const { api, auth, socket, page } = Object.fromEntries(resolved) as Partial<Addresses>;
  if (api !== undefined && auth !== undefined && socket !== undefined && page !== undefined) {
    if (mistakes.length === 0) return { ok: true, addresses: { api, auth, socket, page } };
  } else if (mistakes.length === 0) {
    mistakes.push(missingAddresses(target, resolved));
  }
  return { ok: false, mistakes: [...new Set(mistakes)] };
}

/** Whether a trial against these addresses needs `--allow-production`. */
export function isProductionAt(target: Target, addresses: Addresses): boolean {
  return target.production || target.isProduction?.(addresses) === true;
}

/**
 * Extra headers for every request of the harness: `--header` pairs, over the profile's variable of many
 * headers (one `NAME=VALUE` a line), over its variables of single headers. Values are secrets.
 */
export function resolveHeaders(
  target: Target,
  given: readonly (readonly [name: string, value: string])[],
  env: AddressChoice['env'],
): HeaderResolution {
  const fromVariables = Object.entries(target.headersFromEnv).flatMap(([name, variable]) => {
    const value = env[variable];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  const lines = target.headersVariable === undefined ? '' : (env[target.headersVariable] ?? '');
  const fromLines = lines
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => splitHeader(line));
  const mistakes: string[] = [];
  const headers = new Map<string, readonly [string, string]>();
  for (const [name, value] of [...fromVariables, ...fromLines, ...given]) {
    const mistake = headerMistake(target, name, value);
    if (mistake === undefined) headers.set(name.toLowerCase(), [name, value]);
    else mistakes.push(mistake);
  }
  return mistakes.length > 0
    ? { ok: false, mistakes }
    : { ok: true, headers: Object.fromEntries(headers.values()) };
}

function candidateFor(
  name: AddressName,
  target: Target,
  choice: AddressChoice,
): Candidate | undefined {
  const spec = target.addresses[name];
  const given = choice.addresses?.find(([candidate]) => candidate === name)?.[1];
  if (given !== undefined) return { source: `--address ${name}`, given, url: given };
  if (choice.url !== undefined)
    return { source: '--url', given: choice.url, url: joined(choice.url, spec) };
  const variable = spec.env === undefined ? undefined : choice.env[spec.env];
  if (variable !== undefined && variable !== '') {
    return { source: spec.env ?? name, given: variable, url: variable };
  }
  return spec.url === undefined
    ? undefined
    : { source: `addresses.${name}.url of the profile`, given: spec.url, url: spec.url };
}

function onApi(
  name: AddressName,
  target: Target,
  resolved: ReadonlyMap<AddressName, string>,
): Candidate | undefined {
  const api = resolved.get('api');
  return api === undefined
    ? undefined
    : { source: 'the api address', given: api, url: joined(api, target.addresses[name]) };
}

function joined(base: string, { path = '' }: AddressSpec): string {
  return base.replace(/\/+$/, '') + path;
}

function normalized(
  name: AddressName,
  { source, given, url: text }: Candidate,
): { readonly ok: true; readonly url: string } | { readonly ok: false; readonly mistake: string } {
  const rule = brokenRule(text, { socketAllowed: name === 'socket' || source === '--url' });
  if (rule !== undefined) {
    const isSocket = name === 'socket' && source !== '--url';
    const example = isSocket ? 'wss://chat.example.com/ws' : 'https://chat.example.com';
    const got = withoutCredentials(given);
    return {
      ok: false,
      mistake: `"${source}" must be ${rule}, got "${got}". Write for example ${example}.`,
    };
  }
  const { protocol, host, pathname } = new URL(text);
  const isSecure = protocol === 'https:' || protocol === 'wss:';
  const scheme = (name === 'socket' ? 'ws' : 'http') + (isSecure ? 's' : '');
  return { ok: true, url: `${scheme}://${host}${pathname}`.replace(/\/+$/, '') };
}

function brokenRule(
  text: string,
  allowed: { readonly socketAllowed: boolean },
): string | undefined {
  if (!URL.canParse(text)) return 'an absolute URL';
  const { protocol, username, password, search, hash } = new URL(text);
  if (!/^(https?|wss?):$/.test(protocol)) return 'an http, https, ws or wss URL';
  if (protocol.startsWith('ws') && !allowed.socketAllowed) return 'an http or https URL';
  if (username !== '' || password !== '') {
    return 'a URL without user and password (use --header for a gateway)';
  }
  return search === '' && hash === '' ? undefined : 'a URL without query and fragment';
}

function choiceMistakes({ addresses = [] }: AddressChoice): string[] {
  const names = addresses.map(([name]) => name);
  const unknown = names.filter((name) => !ADDRESS_NAMES.some((known) => known === name));
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return [
    ...unknown.map(
      (name) =>
        `"--address ${name}" must name one of ${ADDRESS_NAMES.join(', ')}, got "${name}". Write --address api=https://….`,
    ),
    ...twice.map(
      (name) => `"--address ${name}" must be given once, got it twice. Remove one of the two.`,
    ),
  ];
}

function missingAddresses(target: Target, resolved: ReadonlyMap<AddressName, string>): string {
  const missing = ADDRESS_NAMES.filter((name) => !resolved.has(name));
  const variables = missing.flatMap((name) => target.addresses[name].env ?? []);
  const orVariable = variables.length === 0 ? '' : `, or set ${variables.join(', ')}`;
  return `target "${target.name}" must know where ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'}, got no URL. Pass --url or --address${orVariable}.`;
}

function splitHeader(line: string): readonly [string, string] {
  const at = line.indexOf('=');
  return at < 0 ? [line.trim(), ''] : [line.slice(0, at).trim(), line.slice(at + 1).trim()];
}

function headerMistake(target: Target, name: string, value: string): string | undefined {
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) {
    return '"header" must have a name of letters, digits and dashes before its "=", got something else. Write NAME=VALUE.';
  }
  // The value is a secret and is not shown.
  if (value === '' || /[^\t\x20-\x7e\x80-\xff]/.test(value)) {
    return `"header ${name}" must have a printable value, got none or an unprintable one. Write ${name}=VALUE.`;
  }
  const word = target.forbiddenHeaders?.find((part) => name.toLowerCase().includes(part));
  return word === undefined
    ? undefined
    : `"header ${name}" must not be sent to "${target.name}", got a name with "${word}" in it: such headers change how the target treats identities, which is what is measured. Remove it.`;
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//…@').replace(/[?#].*$/, '?…');
}
