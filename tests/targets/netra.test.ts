import { describe, expect, it } from 'vitest';
import { GATE_NAMES } from '../../history/profile-data.ts';
import netra from '../../targets/netra.ts';
import { fakeHttp, jwt, sessionOf } from './fake-http.ts';

describe('the profile of Netra', () => {
  it('opens the socket without any header, the token as a sub-protocol', async () => {
    const token = jwt({ sub: 'e2e-anna' });
    const addresses = {
      api: 'https://a',
      auth: 'https://a',
      socket: 'wss://a/ws',
      page: 'https://a',
    };
    const request = await netra.socket.open({ ...sessionOf('u'), token }, addresses, fakeHttp({}));
    expect(request).toEqual({
      url: 'wss://a/ws',
      protocols: ['jwt-auth', `jwt.${token}`],
      headers: {},
    });
  });

  it('sends no header to the API that would change how identities are treated', async () => {
    const http = fakeHttp({
      'POST /api/threads': { json: { id: 'thread_1' } },
      'GET /api/threads': { json: {} },
      'GET /api/threads/thread_1/messages': { json: {} },
    });
    const call = { http, session: sessionOf('e2e-anna') };
    await netra.threads.create?.({ ...call, title: 'T', members: [] });
    await netra.threads.list?.(call);
    await netra.threads.read?.({ ...call, thread: 'thread_1' });
    const names = http.requests.flatMap(({ headers = {} }) => Object.keys(headers));
    expect(names).toEqual(['authorization', 'authorization', 'authorization']);
  });

  it('has no shared threads and no note', async () => {
    const call = { http: fakeHttp({}), session: sessionOf('e2e-anna'), title: 'T' };
    await expect(netra.threads.create?.({ ...call, members: ['e2e-bert'] })).rejects.toThrow(
      '"netra" threads have one owner',
    );
    expect(Object.keys(netra.threads)).toEqual(['create', 'list', 'read']);
    expect(netra.judging.claims.echo).toEqual({ agent_completed: ['question'] });
    expect(netra.judging.audience).toBe('asker');
  });

  it('promises neither sequence numbers nor unique event ids nor closing on sign-out', () => {
    const { sequence, eventIds, closesOnSignOut } = netra.judging.claims;
    expect([sequence, eventIds, closesOnSignOut]).toEqual([false, false, false]);
  });

  it('wants one of three ids on each event of a run', () => {
    for (const event of netra.judging.order.required) {
      expect(netra.judging.claims.ids[event]).toEqual(['owner', 'thread', 'run']);
    }
  });

  it('has a limit for every gate, and counts no pong as an answer', () => {
    expect(Object.keys(netra.judging.gates).toSorted()).toEqual([...GATE_NAMES].toSorted());
    expect(netra.judging.heartbeats).toContain('pong');
    expect(netra.judging.errors).toContain('error_message');
  });

  it('keeps words out of names and questions that Netra acts upon', () => {
    const { avoidWords, mailDomain } = netra.names;
    expect(avoidWords).toEqual(expect.arrayContaining(['test', 'optimize', 'mock', 'registry']));
    expect(avoidWords.some((word) => mailDomain.includes(word))).toBe(false);
  });

  it('explains the close codes that tell its failures apart', () => {
    expect(netra.closeCodes?.[1008]).toContain('authentication');
    expect(netra.closeCodes?.[1006]).toContain('infrastructure');
  });

  it('stops a run and pings', () => {
    expect(netra.socket.stop?.('run_1', { session: sessionOf('user-7') })).toEqual({
      type: 'stop_agent',
      payload: { run_id: 'run_1' },
    });
    expect(netra.socket.ping?.(5)).toEqual({ type: 'ping', timestamp: 5 });
  });
});
