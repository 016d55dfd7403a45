import { describe, expect, it } from 'vitest';
import { REQUIRED_EVENTS } from '../../history/profile-data.ts';
import { defineTarget, parseTarget } from '../../targets/define-target.ts';
import netra from '../../targets/netra.ts';
import reference from '../../targets/reference.ts';
import { TargetRefusal } from '../../targets/target.ts';
import { sessionOf } from './fake-http.ts';
import { SMALLEST, SOCKET, QUESTION, mistakesOf } from './smallest-profile.ts';

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

describe('TargetRefusal', () => {
  it('keeps the status, or null where there was no reply', () => {
    expect(new TargetRefusal('refused', 403)).toMatchObject({ status: 403, name: 'TargetRefusal' });
    expect(new TargetRefusal('refused').status).toBeNull();
  });
});
