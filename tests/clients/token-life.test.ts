import { UnsecuredJWT } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import type { Crowd } from '../../clients/crowd.ts';
import { TokenLife } from '../../clients/token-life.ts';
import reference from '../../targets/reference.ts';
import { serveTarget } from '../served-target.ts';
import { Closers, linesOf, openRawTrial, type Line } from './lab.ts';
import { pageTrial } from './page-trial.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

const NOW = Date.parse('2026-01-01T00:00:00Z');
const MINUTE = 60_000;

function tokenOf({ issued, ends }: { issued?: number; ends?: number }): { token: string } {
  const token = new UnsecuredJWT({ sub: 'somebody' });
  if (issued !== undefined) token.setIssuedAt(issued / 1000);
  if (ends !== undefined) token.setExpirationTime(ends / 1000);
  return { token: token.encode() };
}

describe('a token', () => {
  test.each([
    { what: 'a minute before its end', life: 15 * MINUTE, endsSoonAt: 14 * MINUTE },
    { what: 'a fifth of a short life before its end', life: MINUTE, endsSoonAt: 48_000 },
  ])('ends soon $what', ({ life, endsSoonAt }) => {
    const session = tokenOf({ issued: NOW, ends: NOW + life });
    const token = new TokenLife(session, { obtainedAt: NOW, isFresh: false });
    expect(token.isEnding(NOW + endsSoonAt - 1)).toBe(false);
    expect(token.isEnding(NOW + endsSoonAt)).toBe(true);
  });

  test.each([-1, 1])('that is fresh lives as long by a clock that is %d h ahead', (hours) => {
    const issued = NOW + hours * 60 * MINUTE;
    const session = tokenOf({ issued, ends: issued + 15 * MINUTE });
    const token = new TokenLife(session, { obtainedAt: NOW, isFresh: true });
    expect(token.isEnding(NOW + 13 * MINUTE)).toBe(false);
    expect(token.isEnding(NOW + 15 * MINUTE)).toBe(true);
  });

  test('that was made long ago ends when it says', () => {
    const session = tokenOf({ issued: NOW - 10 * MINUTE, ends: NOW + 5 * MINUTE });
    const token = new TokenLife(session, { obtainedAt: NOW, isFresh: false });
    expect(token.isEnding(NOW + 3 * MINUTE)).toBe(false);
    expect(token.isEnding(NOW + 5 * MINUTE)).toBe(true);
  });

  test.each([
    ['is no JWT', { token: 'b3BhcXVlLXRva2Vu' }],
    ['says nothing of its end', tokenOf({ issued: NOW })],
  ])('that %s is used until it is refused', (_what, session) => {
    const token = new TokenLife(session, { obtainedAt: NOW, isFresh: true });
    expect(token.isEnding(NOW + 1_000 * 60 * MINUTE)).toBe(false);
  });
});

/** Less than the users of a test work, and far more than one request of theirs takes. */
const LIFE_S = 10;

async function shortLived(): Promise<string> {
  const args = ['--token-ttl', String(LIFE_S)];
  const target = await serveTarget({ pace: 0.4, args });
  closers.add(() => target.stop());
  return target.url;
}

/** Asks until the first tokens have long ended. */
async function outlive(crowd: Crowd): Promise<void> {
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  const until = performance.now() + LIFE_S * 1_200;
  while (performance.now() < until) {
    await crowd.each('ask', (user) => user.ask());
    await crowd.each('read the answer', (user) => user.answered());
  }
  await crowd.close('done');
}

const failures = (lines: readonly Line[]) => lines.filter(({ kind }) => kind === 'failure');

describe('users who work for longer than their tokens live', () => {
  test('exchange them in time, over sockets', async () => {
    const crowd = await openRawTrial(closers, reference, { url: await shortLived(), users: 3 });
    await outlive(crowd);
    const lines = linesOf(crowd.historyPath);
    expect(failures(lines)).toEqual([]);
    const renewed = lines.filter(({ act }) => act === 'refresh-token').map(({ user }) => user);
    expect(new Set(renewed).size).toBe(3);
  });

  test('exchange them in time, in a browser, where the page finds the new ones', async () => {
    const { crowd, lines } = await pageTrial(closers, reference, { url: await shortLived() });
    await outlive(crowd);
    const all = await lines();
    expect(failures(all)).toEqual([]);
    expect(all.some(({ act }) => act === 'refresh-token')).toBe(true);
    // The page never had to find out that its token had ended.
    expect(all.filter(({ kind, status }) => kind === 'response' && status === 401)).toEqual([]);
  });
});
