import { describe, expect, it } from 'vitest';
import { parseTarget } from '../../targets/define-target.ts';
import { SMALLEST, mistakesOf, mistakesWith } from './smallest-profile.ts';

describe('mistakes of a profile', () => {
  it.each([[undefined], [null], ['acme'], [[SMALLEST]], [() => SMALLEST]])(
    'include that it is no object: %j',
    (profile) => {
      expect(mistakesOf(profile)).toEqual([expect.stringMatching(/^"profile" must be an object/)]);
    },
  );

  it('come all at once, shapes first and then contradictions, and in the message', () => {
    const profile = {
      name: 'Acme Chat',
      addresses: { api: { url: 'chat.acme.example' } },
      signIn: {},
      signInOrder: ['oauth'],
      socket: { open: 'https://', ask: () => ({ frame: 1 }) },
      names: { mailDomain: 'test.example.com', avoidWords: ['test'] },
      judging: { order: { last: 'finished' } },
      retries: 3,
    };
    const mistakes = mistakesOf(profile);
    expect(mistakes.map((mistake) => mistake.split(' ')[0])).toEqual([
      '"retries"',
      '"name"',
      '"production"',
      '"addresses.api.url"',
      '"signInOrder.0"',
      '"socket.open"',
      '"socket.decode"',
      '"signIn"',
      '"names.mailDomain"',
      '"judging.order.last"',
    ]);
    expect(() => parseTarget(profile)).toThrow(
      expect.objectContaining({
        code: 'TARGET_INVALID',
        message: expect.stringContaining(mistakes.map((mistake) => `- ${mistake}`).join('\n')),
      }),
    );
  });

  it('say what, by which rule, what came and what to do', () => {
    expect(mistakesWith({ production: 'no' })).toEqual([
      '"production" must be a boolean, got "no". Write production: false for a staging system, true for one with real users.',
    ]);
    expect(mistakesWith({ limits: { usersMax: 2.5 } })).toEqual([
      '"limits.usersMax" must be an integer, got 2.5. Correct it in the profile.',
    ]);
  });

  it.each<[string, Readonly<Record<string, unknown>>, string | RegExp]>([
    ['a missing name', { name: undefined }, '"name" must be a string, got nothing'],
    ['a name with blanks', { name: 'a b' }, '"name" must be 1 to 40 lower-case letters'],
    ['an unknown section', { adresses: {} }, '"adresses" is no field of a profile'],
    ['no addresses', { addresses: undefined }, /^"addresses" must be an object, got nothing/],
    ['an unknown address', { addresses: { web: {} } }, /"addresses(\.web)?"/],
    [
      'an address with a password',
      { addresses: { api: { url: 'https://a:b@c.d' } } },
      '"addresses.api.url" must be an absolute',
    ],
    [
      'an address with a query',
      { addresses: { api: { url: 'https://c.d/?x=1' } } },
      '"addresses.api.url" must be an absolute',
    ],
    [
      'an address of another scheme',
      { addresses: { api: { url: 'ftp://c.d' } } },
      '"addresses.api.url" must be an absolute',
    ],
    [
      'a path without a slash',
      { addresses: { socket: { path: 'ws' } } },
      '"addresses.socket.path" must be a path that begins with "/"',
    ],
    [
      'a variable with a dash',
      { addresses: { api: { env: 'A-B' } } },
      '"addresses.api.env" must be the name of an environment variable',
    ],
    [
      'a misspelt address field',
      { addresses: { api: { urll: 'https://a.b' } } },
      '"addresses.api.urll" is no field here',
    ],
    [
      'a header name with blanks',
      { headersFromEnv: { 'x y': 'KEY' } },
      '"headersFromEnv.x y" is no valid name: it must be the name of an HTTP header',
    ],
    [
      'a header value that is no variable',
      { headersFromEnv: { 'x-key': 'se-cret' } },
      '"headersFromEnv.x-key" must be the name of an environment variable',
    ],
    [
      'a forbidden header in use',
      { headersFromEnv: { 'X-Test-Key': 'KEY' }, forbiddenHeaders: ['test'] },
      '"headersFromEnv.X-Test-Key" must hold none of forbiddenHeaders',
    ],
    [
      'an unknown health address',
      { health: [{ address: 'web', path: '/' }] },
      '"health.0.address" must be',
    ],
    ['no way to sign in', { signIn: {} }, '"signIn" must offer at least one of register'],
    ['an unknown way to sign in', { signIn: { oauth: () => undefined } }, /"signIn(\.oauth)?"/],
    [
      'a way to sign in that is no function',
      { signIn: { token: 'abc' } },
      '"signIn.token" must be a function, got "abc"',
    ],
    [
      'an order with a method that is not offered',
      { signInOrder: ['token', 'password'] },
      '"signInOrder" must name methods that signIn offers (token), got "password"',
    ],
    [
      'an order with a method twice',
      { signInOrder: ['token', 'token'] },
      '"signInOrder" must name each method once',
    ],
    [
      'an order that forgets a method',
      { signIn: { token: () => 1, password: () => 1 }, signInOrder: ['token'] },
      '"password" is missing',
    ],
    ['no socket', { socket: undefined }, '"socket" must be an object, got nothing'],
    [
      'a misspelt socket member',
      { socket: { ...SMALLEST.socket, decoder: () => 1 } },
      '"socket.decoder" is no field here',
    ],
    [
      'pings at no interval',
      { socket: { ...SMALLEST.socket, pingEveryMs: 0 } },
      '"socket.pingEveryMs" must be',
    ],
    ['threads of another shape', { threads: { read: 'GET' } }, '"threads.read" must be a function'],
    [
      'a mail domain without a dot',
      { names: { mailDomain: 'localhost' } },
      '"names.mailDomain" must be a lower-case mail domain',
    ],
    [
      'a word to avoid in capitals',
      { names: { avoidWords: ['Test'] } },
      '"names.avoidWords.0" must be lower case',
    ],
    ['no users', { limits: { usersMax: 0 } }, '"limits.usersMax" must be'],
    [
      'a close code that is none',
      { closeCodes: { 99: 'odd' } },
      '"closeCodes.99" is no valid name',
    ],
    [
      'production that is embedded',
      { production: true, embedded: true },
      '"production" must be false where embedded is true',
    ],
  ])('include %s', (_what, change, expected) => {
    const mistakes = mistakesWith(change);
    expect(mistakes).toHaveLength(1);
    if (typeof expected === 'string') expect(mistakes[0]).toContain(expected);
    else expect(mistakes[0]).toMatch(expected);
  });

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    [
      'another name',
      { name: 'other' },
      '"judging.name" must be the profile\'s name "acme", got "other"',
    ],
    ['an unknown field', { orders: {} }, '"judging.orders" is no field here'],
    ['an unknown audience', { audience: 'everyone' }, '"judging.audience" must be'],
    ['an unknown gate', { gates: { speed: { limit: 1 } } }, '"judging.gates'],
    [
      'an unknown percentile',
      { gates: { api: { limit: 1, percentile: 'p42' } } },
      '"judging.gates.api.percentile" must be',
    ],
    ['no required events', { order: { required: [] } }, '"judging.order.required" must be'],
    [
      'a first event that is not required',
      { order: { first: 'begun' } },
      '"judging.order.first" must be one of judging.order.required',
    ],
    [
      'a last event that is not required',
      { order: { last: 'finished' }, claims: { echo: { agent_completed: ['question'] } } },
      '"judging.order.last" must be one of judging.order.required',
    ],
    [
      'an unknown opening event',
      { order: { pairs: [{ opens: 'tool_begun', closes: 'tool_completed' }] } },
      '"judging.order.pairs.0.opens" must name an event',
    ],
    [
      'an unknown closing event',
      { order: { pairs: [{ opens: 'tool_executing', closes: 'tool_done' }] } },
      '"judging.order.pairs.0.closes" must name an event',
    ],
    [
      'an unknown event before another',
      { order: { edges: [{ before: 'plan', after: 'tool_executing' }] } },
      '"judging.order.edges.0.before" must name an event',
    ],
    [
      'an alias of an unknown event',
      { order: { aliases: { thought: 'agent_thought' } } },
      '"judging.order.aliases.thought" must name an event',
    ],
    [
      'an alias that is required itself',
      { order: { aliases: { agent_thinking: 'agent_started' } } },
      '"judging.order.aliases" must map names that are not required',
    ],
    [
      'a required failure',
      { order: { failure: ['agent_thinking'] } },
      '"judging.order.required" must hold no event of failure',
    ],
    [
      'edges in a circle',
      {
        order: {
          edges: [
            { before: 'agent_thinking', after: 'tool_executing' },
            { before: 'tool_completed', after: 'agent_thinking' },
          ],
        },
      },
      '"judging.order" must be possible to keep',
    ],
    [
      'an edge before the first event',
      { order: { edges: [{ before: 'agent_thinking', after: 'agent_started' }] } },
      '"judging.order" must be possible to keep',
    ],
    [
      'an edge behind the last event',
      { order: { edges: [{ before: 'agent_completed', after: 'tool_executing' }] } },
      '"judging.order" must be possible to keep',
    ],
    [
      'ids of an unknown event',
      { claims: { ids: { agent_begun: ['run'] } } },
      '"judging.claims.ids" must name an event',
    ],
    [
      'an empty claim of ids',
      { claims: { ids: { agent_started: [] } } },
      '"judging.claims.ids.agent_started" must list at least one',
    ],
    [
      'an unknown id',
      { claims: { ids: { agent_started: ['tenant'] } } },
      '"judging.claims.ids.agent_started.0" must be',
    ],
    [
      'an echo in an event that need not come',
      { claims: { echo: { agent_chunk: ['question'] } } },
      '"judging.claims.echo" must name required events',
    ],
    [
      'an echo of nothing',
      { claims: { echo: { agent_completed: [] } } },
      '"judging.claims.echo.agent_completed" must list at least one',
    ],
    [
      'an echo of a note that cannot be planted',
      { claims: { echo: { agent_completed: ['note'] } } },
      'got "note" without threads.note',
    ],
    [
      'no echo at all',
      { claims: { echo: {} } },
      '"judging.claims.echo" must name at least one event',
    ],
    [
      'a heartbeat that is an event of a run',
      { heartbeats: ['agent_thinking'] },
      '"judging.heartbeats" must hold no event of a run',
    ],
    [
      'an error that is an event of a run',
      { errors: ['agent_error'] },
      '"judging.errors" must hold no event of a run',
    ],
    [
      'an error that is a heartbeat',
      { heartbeats: ['error'] },
      '"judging.heartbeats" must hold no event of judging.errors',
    ],
    [
      'a quiet window that ends before it begins',
      { limits: { quietMsMin: 9, quietMsMax: 8 } },
      '"judging.limits.quietMsMin" must not be above quietMsMax',
    ],
    [
      'a share above one',
      { gates: { routing: { limit: 100 } } },
      '"judging.gates.routing.limit" must be a share from 0 to 1, got 100',
    ],
    [
      'a time of nothing',
      { gates: { api: { limit: 0 } } },
      '"judging.gates.api.limit" must be milliseconds above 0',
    ],
    [
      'a percentile of a share',
      { gates: { health: { limit: 1, percentile: 'p95' } } },
      '"judging.gates.health.percentile" belongs to timing gates only',
    ],
  ])('include judging data with %s', (_what, judging, expected) => {
    const mistakes = mistakesWith({ judging });
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain(expected);
  });

  it('name the edges of a circle', () => {
    const edges = [
      { before: 'agent_thinking', after: 'tool_executing' },
      { before: 'tool_completed', after: 'agent_thinking' },
    ];
    expect(mistakesWith({ judging: { order: { edges } } })[0]).toMatch(
      /wants (\w+)( before \w+)* before \1\. /,
    );
  });

  it('allow pairs of events that need not come, if claims.ids declares them', () => {
    const judging = {
      order: { required: ['agent_started', 'agent_completed'] },
      claims: { ids: { tool_executing: ['run'], tool_completed: ['run'] } },
    };
    expect(mistakesWith({ judging })).toEqual([]);
  });

  it('are told even of values that have no JSON', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(mistakesWith({ limits: { usersMax: 10n } })[0]).toContain('got bigint');
    expect(mistakesWith({ text: cycle })[0]).toContain('got object');
  });

  it('never show a password in a URL', () => {
    const addresses = { api: { url: 'https://someone:secret@a.example' } };
    expect(mistakesWith({ addresses })[0]).toContain('got "https://…@a.example"');
  });

  it('never show more than an excerpt of a value', () => {
    const [mistake = ''] = mistakesWith({ name: 'X'.repeat(5_000) });
    expect(mistake.length).toBeLessThan(250);
  });
});
