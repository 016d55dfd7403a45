import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTrial } from '../../clients/trial.ts';
import { REQUIRED_EVENTS } from '../../history/profile-data.ts';
import { startEmbeddedTarget } from '../../scenarios/embedded-target.ts';
import { resolveAddresses } from '../../targets/addresses.ts';
import reference from '../../targets/reference.ts';
import { Closers, linesOf, planFor, temporaryDirectory, type Line } from '../clients/lab.ts';

const USERS = 10;
const closers = new Closers();
let path = '';
let lines: Line[] = [];

/** The golden path driven from a plain script, without Playwright (DESIGN §1). */
beforeAll(async () => {
  const plan = planFor(temporaryDirectory(closers), {
    users: USERS,
    rounds: 2,
    variants: ['shared-thread'],
    timeoutMs: 20_000,
  });
  const target = await startEmbeddedTarget({
    pace: 0.05,
    seed: plan.seed,
    variants: plan.variants,
  });
  closers.add(() => target.stop());
  const resolved = resolveAddresses(reference, { url: target.url, env: {} });
  if (!resolved.ok) throw new Error(resolved.mistakes.join('\n'));
  const crowd = await openTrial({
    plan,
    scenario: 'golden-path',
    transport: 'websocket',
    target: reference,
    addresses: resolved.addresses,
    env: {},
  });
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  for (const round of crowd.rounds) {
    await crowd.together('ask', (user) => user.ask(), { round });
    await crowd.each('read the answer', (user) => user.answered(), { round });
  }
  await crowd.settle();
  await crowd.close('done');
  path = crowd.historyPath;
  lines = linesOf(path);
});
afterAll(() => closers.closeAll());

const of = (user: string): Line[] => lines.filter((line) => line['user'] === user);

describe('the golden path against the embedded target', () => {
  test('ends with everybody done and nothing failed', () => {
    expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
    expect(readFileSync(path, 'utf8').trimEnd().split('\n').at(-1)).toContain('"reason":"done"');
  });

  test('shows every user the five events of each of their runs, in order', () => {
    for (const user of ['u02', 'u05', 'u09']) {
      const runs = of(user)
        .filter(({ act }) => act === 'ask')
        .map(({ run }) => run);
      expect(new Set(runs).size).toBe(2);
      for (const run of runs)
        expect(
          of(user)
            .filter((line) => line['dir'] === 'in' && line['run'] === run && line['owner'])
            .map(({ event }) => event),
        ).toEqual(REQUIRED_EVENTS);
    }
  });

  test('plants a marker in name, title, note and each question of every user', () => {
    for (const user of ['u00', 'u09'])
      expect(
        of(user)
          .filter(({ act }) => act === 'plant')
          .map(({ place }) => place),
      ).toEqual(['name', 'title', 'note', 'question', 'question']);
  });

  test('learns own ids from sign-in, handshake and thread before they are needed', () => {
    const sources = of('u03').flatMap((line) =>
      line['kind'] === 'identity' ? line['source'] : [],
    );
    expect(sources).toEqual(['sign-in', 'handshake', 'thread', 'ask', 'ask']);
  });

  test('tells who may see a shared thread', () => {
    const shared = lines.filter(({ audience }) => audience !== undefined);
    expect(shared).toEqual([
      expect.objectContaining({ user: 'u00', source: 'thread', audience: ['u00', 'u01'] }),
    ]);
  });

  test('lists the threads three times, reads the own one, and asks who it is again', () => {
    const asked = of('u04')
      .filter(({ kind }) => kind === 'request')
      .map((line) => new URL(String(line['url'])).pathname.replace(/thread_[\w-]+/, '<id>'));
    expect(asked).toEqual([
      '/auth/register',
      '/auth/me',
      '/api/threads',
      '/api/threads',
      '/api/profile/note',
      '/api/threads',
      ...Array.from({ length: 2 }, () => [
        '/api/threads',
        '/api/threads/<id>/messages',
        '/auth/me',
      ]).flat(),
    ]);
  });

  test('asks for health before the first sign-in and after the last event', () => {
    const at = lines.flatMap((line, index) => (line['purpose'] === 'health' ? index : []));
    // Greetings and heartbeats come before that, and whenever they are due.
    const events = lines.flatMap((line, index) =>
      line['kind'] === 'frame' && /^(?:agent|tool)_/.test(String(line['event'])) ? index : [],
    );
    expect(events).not.toEqual([]);
    expect(at[0]).toBeLessThan(events[0] ?? 0);
    expect(at.at(-1)).toBeGreaterThan(events.at(-1) ?? 0);
  });

  test('searches what the health endpoints say for everybody but the user who reads it', () => {
    const replies = lines.filter(
      ({ purpose, kind }) => purpose === 'health' && kind === 'response',
    );
    expect(new Set(replies.map(({ user }) => user))).toEqual(new Set(['u00']));
  });

  test('keeps every token, password and cookie out of the history', () => {
    const text = readFileSync(path, 'utf8');
    expect(text).not.toMatch(/eyJ[A-Za-z0-9_-]{5,}/);
    expect(text).not.toContain('Xq7-');
    expect(text).not.toMatch(/reference_session=[^[]/);
  });
});
