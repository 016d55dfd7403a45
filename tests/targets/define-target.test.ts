import { describe, expect, it } from 'vitest';
import { REQUIRED_EVENTS } from '../../history/profile-data.ts';
import { defineTarget, parseTarget, TargetDefinitionError } from '../../targets/define-target.ts';
import type { SocketInput, TargetInput } from '../../targets/target-input.ts';
import netra from '../../targets/netra.ts';
import reference from '../../targets/reference.ts';
import { TargetRefusal } from '../../targets/target.ts';
import { sessionOf } from './fake-http.ts';

const SOCKET: SocketInput = {
  open: async (session, addresses) => ({
    url: `${addresses.socket}?token=${session.token}`,
    protocols: [],
    headers: {},
  }),
  ask: ({ content }) => ({ frame: { say: content } }),
  decode: () => ({ role: 'other' }),
};

/** All that the author of another product has to write. */
const SMALLEST: TargetInput = {
  name: 'acme',
  production: false,
  addresses: { api: { url: 'https://chat.acme.example' } },
  signIn: { token: async ({ account }) => sessionOf(account.userId ?? 'nobody') },
  socket: SOCKET,
};

const QUESTION = { content: 'q', thread: undefined, run: 'r', now: 0, first: true };

function mistakesOf(profile: unknown): readonly string[] {
  try {
    parseTarget(profile);
  } catch (error) {
    if (error instanceof TargetDefinitionError) return error.mistakes;
    throw error;
  }
  return [];
}

function mistakesWith(change: Readonly<Record<string, unknown>>): readonly string[] {
  return mistakesOf({ ...SMALLEST, ...change });
}

describe('defineTarget', () => {
  it('makes a whole target of the smallest profile', () => {
    const target = defineTarget(SMALLEST);
    expect(target).toMatchObject({
      name: 'acme',
      text: 'acme',
      embedded: false,
      signInOrder: ['token'],
      headersFromEnv: {},
      health: [],
      threads: {},
      addresses: { auth: {}, socket: { path: '/ws' }, page: {} },
      names: { mailDomain: 'crosstalk.example.com', avoidWords: [] },
    });
    expect(target.judging).toMatchObject({
      name: 'acme',
      audience: 'asker',
      claims: { echo: { agent_completed: ['question'] }, ids: {}, sequence: false },
      questionMarkers: true,
    });
    expect(target.judging.order.required).toEqual(REQUIRED_EVENTS);
  });

  it('carries the SLOs of the design unless the profile says otherwise', () => {
    expect(reference.judging.gates).toEqual({
      connect: { limit: 500, percentile: 'p95' },
      'first-event': { limit: 1_000, percentile: 'p95' },
      delivery: { limit: 100, percentile: 'p95' },
      api: { limit: 100, percentile: 'p95' },
      routing: { limit: 1 },
      'delivery-rate': { limit: 0.999 },
      'error-rate': { limit: 0.001 },
      health: { limit: 1 },
    });
    expect(netra.judging.gates).toEqual({
      ...reference.judging.gates,
      'first-event': { limit: 5_000, percentile: 'p95' },
    });
  });

  describe('whose events come in streams', () => {
    const { socket: _socket, ...rest } = SMALLEST;
    const decode = () => ({ role: 'agent', event: 'agent_started' }) as const;
    const streaming = { ...rest, stream: { decode }, page: reference.page };

    it('has no socket, and is judged by its streams', () => {
      const target = defineTarget(streaming);
      expect(target.judging.eventsOn).toBe('sse');
      expect(target.socket.decode({})).toEqual({ role: 'agent', event: 'agent_started' });
      expect(() => target.socket.ask(QUESTION)).toThrow('"acme" has no socket');
      expect(defineTarget(target).judging).toEqual(target.judging);
      expect(defineTarget(SMALLEST).judging).not.toHaveProperty('eventsOn');
    });

    it('has no socket beside them, whose events nobody would judge', () => {
      expect(mistakesOf({ ...streaming, socket: SMALLEST.socket })).toEqual([
        expect.stringMatching(/^"socket" and "stream" must not both be there/),
      ]);
    });

    it('needs a page, and no probes of sockets', () => {
      const probes = {
        http: [],
        socket: [{ verb: 'stop', needs: 'run', frame: () => ({}), accepted: ['agent_stopped'] }],
      };
      expect(mistakesOf({ ...streaming, page: undefined, probes })).toEqual([
        expect.stringMatching(/^"stream" must come with "page", got none/),
        expect.stringMatching(/^"probes.socket" must be empty where there is a stream/),
      ]);
      expect(mistakesOf(rest)).toEqual([
        expect.stringMatching(/^"socket" must be an object, got nothing. .* or write stream/),
      ]);
    });
  });

  describe('looks at what the functions of a profile give', () => {
    // Whoever writes a profile without types is told of it here.
    const untyped = (section: string, member: string, give: unknown): unknown => ({
      ...SMALLEST,
      [section]: { ...SOCKET, [member]: give },
    });

    it.each([
      [async () => ({ role: 'other' }), 'must give { role: … } at once, got a promise'],
      [() => undefined, 'must give { role: … }, got undefined'],
      [() => ({ role: 'Agent' }), 'must give a role of agent, handshake, .*, got Agent'],
      [() => ({ role: 'agent', owner: 42 }), 'must give texts as event, owner, .* with String'],
      [
        () => {
          throw new Error('boom');
        },
        'must never throw, and threw at every frame: boom',
      ],
    ])('decode, before anything is started: %#', (decode, mistake) => {
      expect(mistakesOf(untyped('socket', 'decode', decode))).toEqual([
        expect.stringMatching(new RegExp(`^"socket.decode" ${mistake}`)),
      ]);
    });

    it('decode of one shape of frame alone, and of every frame that comes', () => {
      const decode = (frame: unknown): unknown => {
        if (!Array.isArray(frame)) throw new TypeError('not a list');
        return { role: 'other', run: frame[0] === 'nine' ? 9 : undefined };
      };
      const { socket } = parseTarget(untyped('socket', 'decode', decode));
      expect(socket.decode([])).toEqual({ role: 'other' });
      expect(() => socket.decode(['nine'])).toThrow('write numbers with String');
    });

    it('ask, open and the handshake', async () => {
      const give = (member: string, given: unknown) =>
        parseTarget(untyped('socket', member, () => given)).socket;
      const question = { content: '', thread: undefined, run: 'r', now: 0, first: true };
      expect(() => give('ask', Promise.resolve({ frame: 1 })).ask(question)).toThrow('a promise');
      expect(() => give('ask', { fram: 1 }).ask(question)).toThrow('got { fram }');
      expect(() => give('ask', { frame: 1, run: 7 }).ask(question)).toThrow('run is a text');
      const receive = async () => ({ state: 'ready' });
      const handshake = give('handshake', { receive }).handshake(sessionOf('u'));
      expect(() => handshake.receive({}, { role: 'other' })).toThrow('at once, got a promise');
      const addresses = { api: '', auth: '', socket: 'ws://a', page: '' };
      const http = { request: () => Promise.reject(new Error('not asked')) };
      const open = { url: 'ws://a', protocols: [], headers: {}, secrets: [undefined] };
      await expect(give('open', open).open(sessionOf('u'), addresses, http)).rejects.toThrow(
        'everything is a text',
      );
    });

    it('sign-in and who-am-I, without the secrets in them', async () => {
      const { signIn, whoAmI } = parseTarget({
        ...SMALLEST,
        signIn: { register: async () => ({ userId: 5, token: 'secret', secrets: [] }) },
        whoAmI: async () => 'me',
      });
      const http = { request: () => Promise.reject(new Error('not asked')) };
      const account = { email: 'a@example.com', name: 'A' };
      await expect(signIn.register?.({ http, account, env: {} })).rejects.toThrow(
        /userId, token.*got \{ userId, token, secrets \}/,
      );
      await expect(whoAmI?.({ http, session: sessionOf('u') })).rejects.toThrow('got "me"');
    });
  });

  it('is ready at once where no handshake is given', () => {
    const handshake = defineTarget(SMALLEST).socket.handshake(sessionOf('u'));
    expect(handshake.opened?.()).toEqual({ state: 'ready' });
    expect(handshake.receive({}, { role: 'other' })).toEqual({ state: 'ready' });
  });

  it('leaves optional members absent that the profile does not have', () => {
    const { socket } = defineTarget(SMALLEST);
    expect(Object.keys(socket)).not.toContain('stop');
    expect(Object.keys(socket)).not.toContain('ping');
    expect(Object.keys(socket)).not.toContain('decodeAll');
    expect(Object.keys(socket)).not.toContain('reply');
    expect(socket.framing).toBeUndefined();
    const framed = { ...SOCKET, framing: 'prefixed', reply: () => ['3'] } as const;
    expect(defineTarget({ ...SMALLEST, socket: framed }).socket).toMatchObject({
      framing: 'prefixed',
    });
    expect(defineTarget({ ...SMALLEST, socket: framed }).socket.reply?.(['2'])).toEqual(['3']);
    expect(socket.pingEveryMs).toBeNull();
  });

  it('keeps the object that a method belongs to', async () => {
    class Socket {
      readonly #protocol = 'acme.v2';
      async open() {
        return { url: 'wss://a', protocols: [this.#protocol], headers: {} };
      }
      ask() {
        return { frame: this.#protocol };
      }
      decode() {
        return { role: 'other', event: this.#protocol } as const;
      }
    }
    const { socket } = defineTarget({ ...SMALLEST, socket: new Socket() });
    expect(socket.decode({})).toEqual({ role: 'other', event: 'acme.v2' });
    expect(socket.ask({ content: '', thread: undefined, run: '', now: 0, first: true })).toEqual({
      frame: 'acme.v2',
    });
  });

  it('keeps null where null means unlimited', () => {
    const limits = { startsPerSecondMax: null, questionsMax: null };
    expect(defineTarget({ ...SMALLEST, limits }).limits).toMatchObject(limits);
  });

  it('takes a finished target as it is', () => {
    for (const target of [reference, netra]) {
      expect(JSON.stringify(defineTarget(target))).toBe(JSON.stringify(target));
    }
  });

  it('does not let an explicit undefined displace a default', () => {
    const judging = { audience: undefined, order: { last: undefined }, claims: { ids: undefined } };
    const target = defineTarget({ ...SMALLEST, text: undefined, judging });
    expect(target.text).toBe('acme');
    expect(target.judging.order.last).toBe('agent_completed');
    expect(target.judging.claims.ids).toEqual({});
  });
});

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

describe('TargetRefusal', () => {
  it('keeps the status, or null where there was no reply', () => {
    expect(new TargetRefusal('refused', 403)).toMatchObject({ status: 403, name: 'TargetRefusal' });
    expect(new TargetRefusal('refused').status).toBeNull();
  });
});
