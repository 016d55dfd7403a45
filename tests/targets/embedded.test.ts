import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { REQUIRED_EVENTS } from '../../history/profile-data.ts';
import { startEmbeddedTarget } from '../../scenarios/embedded-target.ts';
import { resolveAddresses } from '../../targets/addresses.ts';
import netra from '../../targets/netra.ts';
import reference from '../../targets/reference.ts';
import type {
  Addresses,
  DecodedFrame,
  HttpReply,
  Session,
  Target,
  TargetHttp,
} from '../../targets/target.ts';

const ACCOUNT = {
  email: 'anna@crosstalk.example.com',
  name: 'Anna',
  password: 'Xq7-pass-word',
} as const;

/** Runs something against the embedded target as a process of its own. */
async function withTarget<T>(variant: string | null, use: (url: string) => Promise<T>): Promise<T> {
  const variants = variant === null ? [] : [variant];
  const embedded = await startEmbeddedTarget({ pace: 0.05, variants });
  try {
    return await use(embedded.url);
  } finally {
    await embedded.stop();
  }
}

function httpAt(addresses: Addresses): TargetHttp {
  return {
    async request({ address, method, path, headers, json }): Promise<HttpReply> {
      const reply = await fetch(addresses[address] + path, {
        method,
        headers: { ...headers, ...(json !== undefined && { 'content-type': 'application/json' }) },
        ...(json !== undefined && { body: JSON.stringify(json) }),
      });
      const text = await reply.text();
      const type = reply.headers.get('content-type') ?? '';
      return {
        status: reply.status,
        headers: Object.fromEntries(reply.headers),
        text,
        json: type.includes('json') ? JSON.parse(text) : undefined,
      };
    },
  };
}

interface Walk {
  readonly session: Session;
  readonly decoded: readonly DecodedFrame[];
  readonly answer: string;
}

/** Signs in, opens the socket, shakes hands, asks once and reads until the answer. */
async function walk(target: Target, url: string): Promise<Walk> {
  const resolution = resolveAddresses(target, { url, env: {} });
  if (!resolution.ok) throw new Error(resolution.mistakes.join('\n'));
  const http = httpAt(resolution.addresses);
  const session = await target.signIn.register?.({ http, account: ACCOUNT, env: {} });
  if (session === undefined) throw new Error('There is no register.');
  await target.threads.note?.({ http, session, text: 'NOTE-MARKER' });
  const request = await target.socket.open(session, resolution.addresses, http);
  const socket = new WebSocket(request.url, [...request.protocols], { perMessageDeflate: false });
  const handshake = target.socket.handshake(session);
  const decoded: DecodedFrame[] = [];
  return new Promise((resolve, reject) => {
    let asking: NodeJS.Timeout | undefined;
    let isAsked = false;
    let thread: string | undefined;
    const ask = (): void => {
      isAsked = true;
      const question = { content: 'Q-MARKER', thread, run: 'run-1', now: Date.now(), first: true };
      const { frame } = handshake.ask?.(question) ?? target.socket.ask(question);
      socket.send(JSON.stringify(frame));
    };
    socket.on('error', reject);
    socket.on('message', (data: Buffer) => {
      const frame: unknown = JSON.parse(data.toString());
      const fields = target.socket.decode(frame);
      decoded.push(fields);
      if (!isAsked) {
        const step = handshake.receive(frame, fields);
        thread = step.ids?.thread ?? thread;
        for (const reply of step.send ?? []) socket.send(JSON.stringify(reply));
        clearTimeout(asking);
        if (step.state === 'ready') asking = setTimeout(ask, step.settleMs ?? 0);
      }
      if (fields.event !== 'agent_completed') return;
      socket.close();
      resolve({ session, decoded, answer: data.toString() });
    });
  });
}

describe('against the embedded target', () => {
  it.each([
    { target: reference, variant: null },
    { target: netra, variant: null },
    { target: netra, variant: 'envelope-flat' },
    { target: netra, variant: 'envelope-data' },
    { target: netra, variant: 'envelope-system' },
    { target: netra, variant: 'handshake-new' },
  ])(
    'the profile $target.name reads every event, variant $variant',
    async ({ target, variant }) => {
      const { session, decoded, answer } = await withTarget(variant, (url) => walk(target, url));
      const events = decoded.filter(({ role }) => role === 'agent');
      expect(events.map(({ event }) => event)).toEqual(REQUIRED_EVENTS);
      for (const { owner, run, sentAt } of events) {
        expect(owner).toBe(session.userId);
        expect(run).toBe('run-1');
        expect(sentAt).toBeGreaterThan(0);
      }
      const tools = events.filter(({ tool }) => tool !== undefined);
      expect(tools.map(({ event }) => event)).toEqual(['tool_executing', 'tool_completed']);
      expect(new Set(tools.map(({ tool }) => tool)).size).toBe(1);
      expect(answer).toContain('Q-MARKER');
      if (target === reference) expect(answer).toContain('NOTE-MARKER');
    },
  );

  it('the profile reference agrees with it about health and identity', async () => {
    await withTarget(null, async (url) => {
      const resolution = resolveAddresses(reference, { url, env: {} });
      if (!resolution.ok) throw new Error(resolution.mistakes.join('\n'));
      const http = httpAt(resolution.addresses);
      for (const { address, path } of reference.health) {
        const reply = await http.request({ address, path, method: 'GET', purpose: 'health' });
        expect([path, reply.status]).toEqual([path, 200]);
      }
      const session = await reference.signIn.register?.({ http, account: ACCOUNT, env: {} });
      if (session === undefined) throw new Error('There is no register.');
      const { userId, token } = session;
      expect(await reference.whoAmI?.({ http, session })).toEqual({ userId, email: ACCOUNT.email });
      const account = { ...ACCOUNT, token };
      expect(await reference.signIn.token?.({ http, account, env: {} })).toMatchObject({ userId });
      expect(await reference.signIn.password?.({ http, account, env: {} })).toMatchObject({
        userId,
      });
    });
  });
});
