import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { entriesOf } from '../../clients/page-driver-trace.ts';
import type { EmbeddedTargetOptions } from '../../scenarios/embedded-target.ts';
import reference from '../../targets/reference.ts';
import { serveTarget } from '../served-target.ts';
import { Closers, fieldsOf, portOf } from './lab.ts';
import { pageTrial } from './page-trial.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

async function service(options: EmbeddedTargetOptions = {}): Promise<string> {
  const target = await serveTarget({ pace: 0.1, ...options });
  closers.add(() => target.stop());
  return target.url;
}

describe('a user in a browser', () => {
  test('registers by the form, asks by the page, and reads the answer off it', async () => {
    const { crowd, lines } = await pageTrial(closers, reference, {
      url: await service(),
      plan: { users: 2 },
    });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    await crowd.together('ask', (user) => user.ask());
    await crowd.each('read the answer', (user) => user.answered());
    await crowd.together('ask', (user) => user.ask());
    await crowd.each('read the answer', (user) => user.answered());

    const all = await lines();
    expect(all.filter(({ kind }) => kind === 'failure')).toEqual([]);
    for (const user of ['u00', 'u01']) {
      const mine = all.filter((line) => line['user'] === user);
      const acts = mine.filter(({ kind }) => kind === 'act').map(({ act, place }) => [act, place]);
      expect(acts).toEqual([
        ['plant', 'name'],
        ['sign-in', undefined],
        ['plant', 'note'],
        ['plant', 'question'],
        ['ask', undefined],
        ['plant', 'question'],
        ['ask', undefined],
      ]);
      const sources = mine.filter(({ kind }) => kind === 'identity').map(({ source }) => source);
      expect(sources).toEqual(['sign-in', 'handshake', 'thread', 'ask', 'ask']);
      const asked = mine.filter(({ act }) => act === 'ask');
      const runs = mine
        .filter(({ source }) => source === 'ask')
        .map(({ ids }) => fieldsOf(ids)['run']);
      const answers = mine.filter(({ surface }) => surface === 'dom');
      expect(answers).toMatchObject(
        [0, 1].map((k) => ({
          dir: 'in',
          kind: 'text',
          event: 'answer',
          question: k + 1,
          run: runs[k],
          place: `[data-testid=main-content] [role=article][data-role=assistant]:nth(${k})`,
          text: expect.stringContaining(String(asked[k]?.['marker'])),
        })),
      );
    }
  });

  test('signs in over the API where the page has no form for it, and plants the session once', async () => {
    const { page } = reference;
    if (page === undefined) throw new Error('the embedded target has a page');
    const target = { ...reference, page: { ...page, signIn: { ...page.signIn, forms: {} } } };
    const { crowd, pool, lines } = await pageTrial(closers, target, { url: await service() });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    await crowd.each('sign out', (user) => user.signOut());
    const [open] = pool.contexts[0]?.pages() ?? [];
    await open?.goto(`${new URL(open.url()).origin}/login`);
    expect(await open?.evaluate('Object.keys(localStorage)')).toEqual([]);

    const all = await lines();
    expect(all.filter(({ kind }) => kind === 'failure')).toEqual([]);
    const signIns = all.filter(
      (line) => line['purpose'] === 'sign-in' && line['kind'] === 'request',
    );
    expect(signIns).toMatchObject([{ user: 'u00', method: 'POST' }]);
    expect(all.find(({ source }) => source === 'sign-in')).toMatchObject({
      credentials: [
        expect.stringMatching(/^[0-9a-f]{16}$/),
        expect.stringMatching(/^[0-9a-f]{16}$/),
      ],
    });
  });

  test('asks the target whose session it is that a page keeps in a cookie alone', async () => {
    const { page } = reference;
    if (page === undefined) throw new Error('the embedded target has a page');
    const session: typeof page.signIn.session = async (entries, { cookies, http }) => {
      const kept = await page.signIn.session(entries, { cookies, http });
      if (cookies === undefined || kept === undefined) return undefined;
      const path = '/health';
      const { status } = await http.request({
        address: 'api',
        method: 'GET',
        path,
        purpose: 'whoami',
      });
      return status === 200 ? { ...kept, secrets: [...kept.secrets, cookies] } : undefined;
    };
    const target = { ...reference, page: { ...page, signIn: { ...page.signIn, session } } };
    const { crowd, lines } = await pageTrial(closers, target, { url: await service() });
    await crowd.each('sign in', (user) => user.signIn());

    const all = await lines();
    expect(all.filter(({ kind }) => kind === 'failure')).toEqual([]);
    expect(all.find(({ source }) => source === 'sign-in')).toBeDefined();
    const asked = all.filter(({ kind, purpose }) => kind === 'request' && purpose === 'whoami');
    expect(asked.some(({ url }) => String(url).endsWith('/health'))).toBe(true);
  });

  test('says what the form said when it refused', async () => {
    const url = await service();
    const entry = { email: 'nobody@crosstalk.example.com', password: 'wrong-password' };
    const { crowd, lines } = await pageTrial(closers, reference, {
      url,
      plan: { usersFile: [entry], signIn: 'password' },
    });
    await expect(crowd.each('sign in', (user) => user.signIn())).rejects.toThrow('all 1 users');
    expect((await lines()).filter(({ kind }) => kind === 'failure')).toMatchObject([
      {
        step: 'sign-in',
        reason: 'refused',
        message: expect.stringContaining('refused the sign-in'),
      },
    ]);
  });

  test('names the selector, the profile and the remedy where something is missing, with a picture', async () => {
    const { page } = reference;
    if (page === undefined) throw new Error('the embedded target has a page');
    const target = { ...reference, page: { ...page, composer: '[data-testid=typing-place]' } };
    const { crowd, recorders, lines } = await pageTrial(closers, target, {
      url: await service(),
      plan: { timeoutMs: 6_000 },
    });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    await expect(crowd.together('ask', (user) => user.ask())).rejects.toThrow('all 1 users');
    expect((await lines()).filter(({ kind }) => kind === 'failure')).toMatchObject([
      {
        step: 'ask',
        reason: 'not-found',
        message: expect.stringMatching(
          /no \[data-testid=typing-place\] on the page \/chat.*"page\.composer" in the profile "reference"/,
        ),
      },
    ]);
    expect(recorders[0]?.pictures).toEqual(['u00 png']);
  });

  test('writes down that an answer is not shown, and goes on', async () => {
    const { page } = reference;
    if (page === undefined) throw new Error('the embedded target has a page');
    const target = { ...reference, page: { ...page, answer: '[role=article][data-role=oracle]' } };
    const { crowd, lines } = await pageTrial(closers, target, { url: await service() });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    await crowd.together('ask', (user) => user.ask());
    await crowd.each('read the answer', (user) => user.answered());
    const all = await lines();
    const run = fieldsOf(all.find(({ source }) => source === 'ask')?.['ids'])['run'];
    const failures = all.filter(({ kind }) => kind === 'failure');
    expect(failures).toMatchObject([
      { step: 'read-answer', reason: 'not-shown', run, question: 1 },
    ]);
    const later = all.slice(all.indexOf(failures[0] ?? {}));
    expect(later.some(({ purpose, kind }) => purpose === 'whoami' && kind === 'response')).toBe(
      true,
    );
    expect(crowd.users[0]?.isOut).toBe(false);
  });

  test('reads an error off the page where the run failed', async () => {
    const { crowd, lines } = await pageTrial(closers, reference, {
      url: await service({ args: ['--fail-word', 'reference'] }),
    });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    await crowd.together('ask', (user) => user.ask());
    await crowd.each('read the answer', (user) => user.answered());
    const all = await lines();
    expect(all.filter(({ surface }) => surface === 'dom')).toMatchObject([
      {
        event: 'error',
        place: '[data-testid=main-content] [role=article][data-role=error]:nth(0)',
      },
    ]);
  });

  test('notices that the page takes it for somebody else', async () => {
    const { page } = reference;
    if (page === undefined) throw new Error('the embedded target has a page');
    const target = { ...reference, page: { ...page, signedInUser: 'h1' } };
    const { crowd, lines } = await pageTrial(closers, target, { url: await service() });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    expect((await lines()).filter(({ source }) => source === 'whoami')).toMatchObject([
      { kind: 'identity', user: 'u00', shown: 'Reference chat' },
    ]);
  });

  test('is answered in another conversation, also where the page does not say in which it asks', async () => {
    const { page } = reference;
    if (page === undefined) throw new Error('the embedded target has a page');
    const asked: typeof page.asked = (frame) => page.asked(frame) && {};
    const threads = { ...reference.threads, list: () => Promise.resolve([]) };
    const target = { ...reference, page: { ...page, asked }, threads };
    const { crowd, lines } = await pageTrial(closers, target, {
      url: await service(),
      plan: { timeoutMs: 10_000 },
    });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    for (const conversation of ['first', 'second']) {
      await crowd.together(`ask in the ${conversation}`, (user) => user.ask());
      await crowd.each(`read in the ${conversation}`, (user) => user.answered());
      if (conversation === 'first') await crowd.each('begin', (user) => user.newThread());
    }
    // Both are looked for in the list of the own ones.
    const finding = crowd.each('find the own threads', (user) => user.ownThreads());
    await expect(finding).rejects.toThrow('all 1 users');
    const all = await lines();
    expect(all.filter(({ kind }) => kind === 'failure')).toMatchObject([
      { step: 'own-threads', message: expect.stringContaining('lacks 2 of 2') },
    ]);
    const completed = all.filter(
      ({ event, kind }) => event === 'agent_completed' && kind === 'frame',
    );
    expect(new Set(completed.map(({ thread }) => thread)).size).toBe(2);
  });

  test('never hangs when the browser dies, and says so once', async () => {
    const { crowd, pool, lines } = await pageTrial(closers, reference, {
      url: await service({ pace: 5 }),
      plan: { users: 2 },
    });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    await crowd.together('ask', (user) => user.ask());
    const answering = crowd.each('read the answer', (user) => user.answered());
    const lost = expect(answering).rejects.toThrow('all 2 users');
    await pool.kill();
    await lost;
    expect((await lines()).filter(({ kind }) => kind === 'failure')).toMatchObject(
      ['u00', 'u01'].map((user) => ({ user, step: 'answer', reason: 'browser-lost' })),
    );
  });

  test('takes a page that answers nothing any more for lost', async () => {
    const { crowd, pool, lines } = await pageTrial(closers, reference, {
      url: await service(),
      plan: { timeoutMs: 10_000 },
    });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    const [open] = pool.contexts[0]?.pages() ?? [];
    void open?.evaluate('for (;;);').catch(() => undefined);
    await expect(crowd.together('ask', (user) => user.ask())).rejects.toThrow('all 1 users');
    expect((await lines()).filter(({ kind }) => kind === 'failure')).toMatchObject([
      { step: 'ask', reason: 'browser-lost' },
    ]);
  });

  test('leaves its profile to another user, who sees nothing of it', async () => {
    const { crowd, recorders, lines } = await pageTrial(closers, reference, {
      url: await service(),
      plan: { users: 2 },
    });
    const [first, second] = crowd.users;
    if (first === undefined || second === undefined) throw new Error('two users');
    const only = (one: typeof first) => ({ only: (user: typeof first) => user === one });
    await crowd.each('sign in', (user) => user.signIn(), only(first));
    await crowd.each('open chat', (user) => user.openChat(), only(first));
    await crowd.together('ask', (user) => user.ask(), only(first));
    await crowd.each('read the answer', (user) => user.answered(), only(first));
    await crowd.each('sign out', (user) => user.signOut(), only(first));
    await crowd.each('use the old session', (user) => user.stale(), only(first));
    await crowd.each('take over', (user) => user.takeOver(first), only(second));
    await crowd.each('sign in', (user) => user.signIn(), only(second));
    await crowd.each('open chat', (user) => user.openChat(), only(second));
    await crowd.together('ask', (user) => user.ask(), only(second));
    await crowd.each('read the answer', (user) => user.answered(), only(second));

    const all = await lines();
    expect(all.filter(({ kind }) => kind === 'failure')).toEqual([]);
    expect(recorders.map(({ owners }) => owners)).toEqual([['u00', 'u01']]);
    const acts = all.filter(({ kind, act }) => kind === 'act' && act !== 'plant');
    expect(
      acts.map(({ user, act, place, reason, message }) => [user, act, place, reason ?? message]),
    ).toEqual([
      ['u00', 'sign-in', undefined, 'register'],
      ['u00', 'ask', undefined, undefined],
      ['u00', 'sign-out', undefined, undefined],
      ...[
        'http GET /api/threads',
        'http GET /auth/me',
        'http GET /api/threads/{id}/messages',
        'socket open',
        'http POST /auth/refresh',
      ].flatMap((place) => [
        ['u00', 'probe', place, 'must be refused'],
        ['u00', 'probe-result', place, 'refused'],
      ]),
      ['u01', 'take-over', undefined, 'u00'],
      ['u01', 'sign-in', undefined, 'register'],
      ['u01', 'ask', undefined, undefined],
    ]);
    const marker = String(all.find(({ act }) => act === 'ask')?.['marker']);
    const seenBy = (user: string) => recorders[0]?.seen.filter((one) => one.user === user) ?? [];
    expect(seenBy('u00').some(({ text }) => text.includes(marker))).toBe(true);
    expect(seenBy('u01').length).toBeGreaterThan(4);
    expect(seenBy('u01').some(({ text }) => text.includes(marker))).toBe(false);
  });

  test('keeps a trace without any credential, and a picture, where they are wanted', async () => {
    const { crowd, pool, recorders, dir, users } = await pageTrial(closers, reference, {
      url: await service(),
      trace: true,
      plan: { users: 2 },
    });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    const [kept, dropped] = users;
    const [open] = pool.contexts[0]?.pages() ?? [];
    const token = String(await open?.evaluate('localStorage.jwt_token'));
    await kept?.evidence(true);
    await dropped?.evidence(false);
    expect(readdirSync(join(dir, 'traces'))).toEqual(['u00.zip']);
    expect(recorders.flatMap(({ pictures }) => pictures)).toEqual(['u00 png']);
    const files = await entriesOf(readFileSync(join(dir, 'traces', 'u00.zip')));
    const text = files.map(({ content }) => content.toString('latin1')).join('\n');
    expect(text).toContain('/auth/register');
    expect(text).toContain('[redacted:');
    expect(token.length).toBeGreaterThan(20);
    expect(text).not.toContain(token);
    // Every password that the harness makes begins like this.
    expect(text).not.toContain('Xq7-');
  });

  test('sends with Enter where the page has nothing to press', async () => {
    const { page } = reference;
    if (page === undefined) throw new Error('the embedded target has a page');
    const target = { ...reference, page: { ...page, send: null } };
    const { crowd, lines } = await pageTrial(closers, target, { url: await service() });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    await crowd.together('ask', (user) => user.ask());
    await crowd.each('read the answer', (user) => user.answered());
    expect((await lines()).filter(({ surface }) => surface === 'dom')).toMatchObject([
      { event: 'answer', question: 1 },
    ]);
  });

  test('tells a page that the target never sends as its time-out, and of no lost browser', async () => {
    const server = createServer((request, response) => {
      if (!(request.url ?? '').startsWith('/login')) response.end();
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    closers.add(() => server.closeAllConnections());
    closers.add(() => server.close());
    const { crowd, lines } = await pageTrial(closers, reference, {
      url: `http://127.0.0.1:${portOf(server)}`,
      plan: { timeoutMs: 5_000 },
    });
    await expect(crowd.each('sign in', (user) => user.signIn())).rejects.toThrow('all 1 users');
    expect((await lines()).filter(({ kind }) => kind === 'failure')).toMatchObject([
      { step: 'sign-in', reason: 'timeout' },
    ]);
  });

  test('takes a page that hangs while its answer is awaited for lost', async () => {
    const { crowd, pool, lines } = await pageTrial(closers, reference, {
      url: await service({ pace: 5 }),
      plan: { timeoutMs: 10_000 },
    });
    await crowd.each('sign in', (user) => user.signIn());
    await crowd.each('open chat', (user) => user.openChat());
    await crowd.together('ask', (user) => user.ask());
    const [open] = pool.contexts[0]?.pages() ?? [];
    void open?.evaluate('for (;;);').catch(() => undefined);
    await expect(crowd.each('read', (user) => user.answered())).rejects.toThrow('all 1 users');
    expect((await lines()).filter(({ kind }) => kind === 'failure')).toMatchObject([
      {
        step: 'answer',
        reason: 'browser-lost',
        message: expect.stringContaining('no sign of life'),
      },
    ]);
  });
});
