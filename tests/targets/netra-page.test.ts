import { afterEach, describe, expect, it } from 'vitest';
import netra from '../../targets/netra.ts';
import { netraPage, sessionInStorage } from '../../targets/netra-page.ts';
import { Closers, fieldsOf, type Line } from '../clients/lab.ts';
import { pageTrial } from '../clients/page-trial.ts';
import { jwt } from './fake-http.ts';
import { netraDouble } from './netra-page-double.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

const START_UP_MS = 3_000;

describe('the session that a page keeps', () => {
  it('is that of the token, with the refresh token where there is one', () => {
    const token = jwt({ sub: 'user-7', email: 'anna@example.com' });
    expect(sessionInStorage({ jwt_token: token, refresh_token: 'refresh-1' })).toEqual({
      userId: 'user-7',
      email: 'anna@example.com',
      token,
      refreshToken: 'refresh-1',
      secrets: [token, 'refresh-1'],
    });
    expect(sessionInStorage({ jwt_token: token })).toMatchObject({ secrets: [token] });
  });

  it.each<[string, Readonly<Record<string, string>>]>([
    ['no token', {}],
    ['something that is no token', { jwt_token: 'null' }],
    ['a token of nobody', { jwt_token: jwt({ email: 'anna@example.com' }) }],
  ])('is none where there is %s', (_what, entries) => {
    expect(sessionInStorage(entries)).toBeUndefined();
  });
});

describe('the questions of the page of Netra', () => {
  const payload = { user_request: 'x', thread_id: 'thread_1', context: {}, settings: {} };
  it.each<[unknown, unknown]>([
    [
      { type: 'start_agent', payload },
      { run: undefined, thread: 'thread_1' },
    ],
    [{ type: 'start_agent', payload: { ...payload, thread_id: null } }, {}],
    [
      { type: 'user_message', payload: { run_id: 'run_1', thread_id: 'thread_1' } },
      { run: 'run_1', thread: 'thread_1' },
    ],
    [{ type: 'session_restore', payload: { threadId: 'thread_1' } }, undefined],
    [{ type: 'ping' }, undefined],
    ['start_agent', undefined],
    [null, undefined],
  ])('are told from its other frames: %j', (frame, expected) => {
    expect(netraPage.asked(frame)).toEqual(expected);
  });
});

describe('a user on the page of Netra', () => {
  it('comes with a token, waits for the start-up, asks, and reads the final report', async () => {
    const double = await netraDouble(closers);
    const { crowd, lines } = await pageTrial(closers, netra, {
      url: double.url,
      plan: { users: 2, rounds: 2 },
    });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    for (const round of crowd.rounds) {
      await crowd.together('ask', (user) => user.ask(), { round });
      await crowd.each('read the answer', (user) => user.answered(), { round });
    }

    const all = await lines();
    expect(all.filter(({ kind }) => kind === 'failure')).toEqual([]);
    expect(double.offered).toEqual(['', '']);
    expect(startUpOf(all)).toBeGreaterThan(START_UP_MS);
    for (const user of ['u00', 'u01']) {
      const mine = all.filter((line) => line['user'] === user);
      const markers = mine.filter(({ act }) => act === 'ask').map(({ marker }) => String(marker));
      const answers = mine.filter(({ surface }) => surface === 'dom');
      expect(answers).toMatchObject(
        markers.map((marker, at) => ({
          event: 'answer',
          question: at + 1,
          run: expect.stringMatching(/^run_/),
          place: expect.stringMatching(new RegExp(`:nth\\(${at}\\)$`)),
          text: expect.stringContaining(marker),
        })),
      );
      const shown = mine.filter((line) => line['shown'] !== undefined);
      expect(shown).toEqual([]);
    }
  });

  it('says that the answer is not shown where the five events are all that comes', async () => {
    const double = await netraDouble(closers, { withoutReport: true });
    const { crowd, lines } = await pageTrial(closers, netra, {
      url: double.url,
      plan: { timeoutMs: 20_000 },
    });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    await crowd.together('ask', (user) => user.ask());
    await crowd.each('read the answer', (user) => user.answered());
    expect((await lines()).filter(({ kind }) => kind === 'failure')).toMatchObject([
      { step: 'read-answer', reason: 'not-shown', run: expect.stringMatching(/^run_/) },
    ]);
  });

  it('gives an answer up when its socket was closed and the page opens no other', async () => {
    const double = await netraDouble(closers, { closesInRun: true });
    const { crowd, lines } = await pageTrial(closers, netra, {
      url: double.url,
      plan: { timeoutMs: 30_000 },
    });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    await crowd.together('ask', (user) => user.ask());
    const reading = crowd.each('read the answer', (user) => user.answered());
    await expect(reading).rejects.toThrow('all 1 users');
    expect((await lines()).filter(({ kind }) => kind === 'failure')).toMatchObject([
      { step: 'answer', reason: 'unexpected-close' },
    ]);
  });

  it('stays signed out on a development build, and its old session is not taken back', async () => {
    const double = await netraDouble(closers, { development: true });
    const { crowd, pool, lines } = await pageTrial(closers, netra, { url: double.url });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    await crowd.each('sign out', (user) => user.signOut());
    await crowd.each('use the old session', (user) => user.stale());
    const [open] = pool.contexts[0]?.pages() ?? [];
    expect(await open?.evaluate('Object.keys(localStorage)')).not.toContain('jwt_token');

    const results = (await lines()).filter(({ act }) => act === 'probe-result');
    // The page forgets its token before it tells the back end, which therefore never hears of it (§6);
    // the upgrade takes tickets only, and the harness offers the token itself.
    expect(results.map(({ place, reason }) => [place, reason])).toEqual([
      ['http GET /api/threads', 'accepted'],
      ['http GET /auth/me', 'accepted'],
      ['socket open', 'refused'],
      ['http POST /auth/refresh', 'refused'],
    ]);
  });

  it('does not call a former user’s thread its own because the page still asks in it', async () => {
    const double = await netraDouble(closers);
    const { crowd, lines } = await pageTrial(closers, netra, {
      url: double.url,
      plan: { users: 2 },
    });
    const [first, second] = crowd.users;
    if (first === undefined || second === undefined) throw new Error('two users');
    for (const user of [first, second]) {
      const only = { only: (one: typeof first) => one === user };
      if (user === second) await crowd.each('take over', (one) => one.takeOver(first), only);
      await crowd.each('sign in', (one) => one.signIn(), only);
      await crowd.each('open chat', (one) => one.openChat(), only);
      await crowd.together('ask', (one) => one.ask(), only);
      await crowd.each('read the answer', (one) => one.answered(), only);
      if (user === first) await crowd.each('sign out', (one) => one.signOut(), only);
    }
    const all = await lines();
    const asked = double.frames.filter(({ type }) => type === 'start_agent');
    const threads = asked.map(({ payload }) => fieldsOf(payload)['thread_id']);
    expect(threads[1]).toBe(threads[0]);
    const claimed = all.filter(({ source }) => source === 'thread');
    expect(claimed).toMatchObject([{ user: 'u00', ids: { thread: threads[0] } }]);
  });
});

/** From the press that signed in to the first question's text, on the first user's clock. */
function startUpOf(all: readonly Line[]): number {
  const at = (act: string): number =>
    Number(all.find((line) => line['user'] === 'u00' && line['act'] === act)?.['t']);
  return at('ask') - at('sign-in');
}
