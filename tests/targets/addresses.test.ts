import { describe, expect, it } from 'vitest';
import {
  isProductionAt,
  resolveAddresses,
  resolveHeaders,
  type AddressChoice,
} from '../../targets/addresses.ts';
import { defineTarget } from '../../targets/define-target.ts';
import netra from '../../targets/netra.ts';
import reference from '../../targets/reference.ts';
import type { Addresses, Target } from '../../targets/target.ts';

const NETRA_DEFAULTS: Addresses = {
  api: 'https://api.staging.netrasystems.ai',
  auth: 'https://auth.staging.netrasystems.ai',
  socket: 'wss://api.staging.netrasystems.ai/ws',
  page: 'https://app.staging.netrasystems.ai',
};

function addressesOf(target: Target, choice: Partial<AddressChoice>): Addresses {
  const resolution = resolveAddresses(target, { env: {}, ...choice });
  if (!resolution.ok) throw new Error(resolution.mistakes.join('\n'));
  return resolution.addresses;
}

function mistakesOf(target: Target, choice: Partial<AddressChoice>): readonly string[] {
  const resolution = resolveAddresses(target, { env: {}, ...choice });
  return resolution.ok ? [] : resolution.mistakes;
}

describe('resolveAddresses', () => {
  const env = { NETRA_API_URL: 'https://env.example', NETRA_SOCKET_URL: 'wss://env.example/live' };
  const url = 'http://127.0.0.1:4000';

  it.each<[string, Partial<AddressChoice>, Partial<Addresses>]>([
    ['nothing is given: the defaults', {}, NETRA_DEFAULTS],
    [
      'variables are set: they come before defaults, taken whole',
      { env },
      { ...NETRA_DEFAULTS, api: 'https://env.example', socket: 'wss://env.example/live' },
    ],
    ['a variable is empty: it does not count', { env: { NETRA_API_URL: '' } }, NETRA_DEFAULTS],
    [
      '--url is given: it comes before variables, with the path of each address',
      { env, url },
      { api: url, auth: url, socket: 'ws://127.0.0.1:4000/ws', page: url },
    ],
    [
      '--url is secure: so is the socket',
      { url: 'https://chat.example/base/' },
      { api: 'https://chat.example/base', socket: 'wss://chat.example/base/ws' },
    ],
    [
      '--url is a socket URL: the others become HTTP',
      { url: 'wss://chat.example' },
      { api: 'https://chat.example', socket: 'wss://chat.example/ws' },
    ],
    [
      '--address is given: it comes before --url, taken whole',
      { env, url, addresses: [['socket', 'wss://other.example/api/v1/websocket']] },
      { api: url, socket: 'wss://other.example/api/v1/websocket' },
    ],
    [
      '--address socket is an HTTP URL: its scheme is adapted',
      { addresses: [['socket', 'https://other.example/ws']] },
      { socket: 'wss://other.example/ws' },
    ],
    [
      '--address ends in slashes: they go',
      { addresses: [['api', 'https://other.example//']] },
      { api: 'https://other.example' },
    ],
    [
      'a host is in capitals with a default port: it is normalised',
      { addresses: [['api', 'https://API.example:443']] },
      { api: 'https://api.example' },
    ],
  ])('for netra, when %s', (_case, choice, expected) => {
    expect(addressesOf(netra, choice)).toMatchObject(expected);
  });

  it('lets addresses without their own URL lie on the API', () => {
    const target = defineTarget({
      ...netra,
      addresses: { api: { url: 'https://a.example' }, page: { path: '/app' } },
    });
    expect(addressesOf(target, {})).toEqual({
      api: 'https://a.example',
      auth: 'https://a.example',
      socket: 'wss://a.example/ws',
      page: 'https://a.example/app',
    });
  });

  it('says what is missing, once, and how to give it', () => {
    expect(mistakesOf(reference, {})).toEqual([
      'target "reference" must know where api, auth, socket, page are, got no URL. Pass --url or --address.',
    ]);
    const target = defineTarget({ ...netra, addresses: { api: { env: 'ACME_URL' } } });
    expect(mistakesOf(target, {})[0]).toContain('or set ACME_URL.');
  });

  it.each<[string, Partial<AddressChoice>, string]>([
    [
      'an unknown name',
      { addresses: [['web', 'https://a.example']] },
      '"--address web" must name one of api, auth, socket, page',
    ],
    [
      'a name given twice',
      {
        addresses: [
          ['api', 'https://a.example'],
          ['api', 'https://b.example'],
        ],
      },
      '"--address api" must be given once',
    ],
    [
      'no absolute URL',
      { addresses: [['api', 'a.example']] },
      '"--address api" must be an absolute URL, got "a.example"',
    ],
    [
      'another scheme',
      { addresses: [['api', 'file:///etc/hosts']] },
      '"--address api" must be an http, https, ws or wss URL',
    ],
    [
      'a socket URL for the API',
      { addresses: [['api', 'wss://a.example']] },
      '"--address api" must be an http or https URL',
    ],
    [
      'a query',
      { env: { NETRA_SOCKET_URL: 'wss://a.example/ws?token=abc' } },
      '"NETRA_SOCKET_URL" must be a URL without query and fragment, got "wss://a.example/ws?…"',
    ],
    [
      'a password',
      { url: 'https://user:secret@a.example' },
      '"--url" must be a URL without user and password (use --header for a gateway), got "https://…@a.example"',
    ],
  ])('refuses %s', (_case, choice, expected) => {
    const mistakes = mistakesOf(netra, choice);
    expect(mistakes.every((mistake) => !/secret|abc/.test(mistake))).toBe(true);
    expect(mistakes).toContainEqual(expect.stringContaining(expected));
  });

  it('reports all mistakes at once, each once', () => {
    const mistakes = mistakesOf(netra, {
      url: 'nowhere',
      addresses: [
        ['api', 'x'],
        ['web', 'y'],
      ],
    });
    expect(mistakes.map((mistake) => mistake.split('"')[1])).toEqual([
      '--address web',
      '--address api',
      '--url',
    ]);
  });
});

describe('isProductionAt', () => {
  it.each<[string, Partial<Addresses>, boolean]>([
    ['the defaults', {}, false],
    ['loopback', { api: 'http://127.0.0.1:1', socket: 'ws://127.0.0.1:1/ws' }, false],
    ['the hyphenated staging host', { api: 'https://api-staging.netrasystems.ai' }, false],
    [
      'a staging revision on Cloud Run',
      { api: 'https://netra-backend-staging-pnovr5vsba-uc.a.run.app' },
      false,
    ],
    ['a host of somebody else', { api: 'https://api.example.com' }, false],
    ['the production API', { api: 'https://api.netrasystems.ai' }, true],
    ['the production page alone', { page: 'https://app.netrasystems.ai' }, true],
    ['the bare domain', { socket: 'wss://netrasystems.ai/ws' }, true],
    [
      'a production revision on Cloud Run',
      { auth: 'https://netra-auth-production-abc-uc.a.run.app' },
      true,
    ],
    ['a host that only looks like staging', { api: 'https://api.unstaging.netrasystems.ai' }, true],
  ])('for netra at %s', (_host, change, expected) => {
    expect(isProductionAt(netra, { ...NETRA_DEFAULTS, ...change })).toBe(expected);
  });

  it('holds for every address of a profile that is production', () => {
    expect(isProductionAt({ ...reference, production: true }, NETRA_DEFAULTS)).toBe(true);
    expect(isProductionAt(reference, NETRA_DEFAULTS)).toBe(false);
  });
});

describe('resolveHeaders', () => {
  const target = defineTarget({ ...netra, headersFromEnv: { 'X-Gateway-Key': 'GATEWAY_KEY' } });

  it('takes options before lines of a variable before single variables, by name in any case', () => {
    const env = { GATEWAY_KEY: 'one', NETRA_HEADERS: 'x-gateway-key=two\r\nX-Trace = a=b \n\n' };
    expect(resolveHeaders(target, [], { GATEWAY_KEY: 'one' })).toEqual({
      ok: true,
      headers: { 'X-Gateway-Key': 'one' },
    });
    expect(resolveHeaders(target, [], env)).toEqual({
      ok: true,
      headers: { 'x-gateway-key': 'two', 'X-Trace': 'a=b' },
    });
    expect(resolveHeaders(target, [['X-GATEWAY-KEY', 'three']], env)).toMatchObject({
      headers: { 'X-GATEWAY-KEY': 'three' },
    });
  });

  it.each(['X-Test-Mode', 'X-E2E-Test', 'x-staging-e2e', 'X-User-ID', 'X-Auth-Fast-Path'])(
    'refuses %s for netra, which would change how it treats identities',
    (name) => {
      expect(resolveHeaders(netra, [[name, 'true']], {})).toEqual({
        ok: false,
        mistakes: [expect.stringContaining(`"header ${name}" must not be sent to "netra"`)],
      });
    },
  );

  it('lists all mistakes and shows no value', () => {
    const env = { NETRA_HEADERS: 'no-value\nbad name=secret' };
    const resolution = resolveHeaders(target, [['x', 'line\nbreak']], env);
    expect(resolution.ok).toBe(false);
    expect(resolution).toMatchObject({ mistakes: { length: 3 } });
    expect(JSON.stringify(resolution)).not.toMatch(/secret|break/);
  });
});
