import { describe, expect, test } from 'vitest';
import type { Surface } from '../../history/observation.ts';
import { credentialHash } from '../../history/redaction.ts';
import { act, browserPath, reply, see } from './browser-history.ts';
import { HistoryBuilder } from './history-builder.ts';

/** u00 worked and signed out; u01 goes on in its browser profile. */
function handedOver(): HistoryBuilder {
  const history = browserPath();
  act(history, 'u00', 'sign-out');
  reply(history, 'u00', '{}', { url: 'http://127.0.0.1:1/auth/logout', method: 'POST' });
  history.add('u00', { kind: 'close', dir: 'act', by: 'us', code: 1000 });
  act(history, 'u01', 'take-over', { message: 'u00' });
  return history;
}

const told = (history: HistoryBuilder) =>
  history
    .verdict()
    .findings.filter(({ rule, severity }) => severity === 'violation' && !rule.startsWith('gate/'))
    .map(
      ({ rule, observer, owner, surface }) =>
        `${rule.split('/')[1]} ${observer} of ${owner} on ${surface}`,
    );
const outcome = (history: HistoryBuilder) =>
  history.verdict().rules.find(({ rule }) => rule === 'isolation/residue')?.outcome;

describe('isolation/residue', () => {
  test.each(['dom', 'storage', 'cookie', 'html', 'console'] as const)(
    "a former user's marker on %s",
    (surface: Surface) => {
      const history = handedOver();
      const line = see(history, 'u01', `note: ${history.person('u00').note}`, {
        surface,
        place: 'somewhere',
      });
      expect(told(history)).toEqual([`residue u01 of u00 on ${surface}`]);
      const [finding] = history.findings('residue');
      expect(finding).toMatchObject({ mechanism: 'residue', place: 'somewhere', count: 1 });
      expect(finding?.witness[0]?.line).toBe(line.line);
      expect(history.verdict().matrix.cells).toEqual([[1, 0, 1]]);
      expect(history.verdict().cause).toBe('leak');
    },
  );

  test('a reply that the cache kept', () => {
    const history = handedOver();
    const { thread, title } = history.person('u00');
    reply(history, 'u01', JSON.stringify({ threads: [{ id: thread, title }] }));
    expect(told(history)).toEqual(['residue u01 of u00 on http']);
  });

  test.each([
    ['user id', (history: HistoryBuilder) => history.person('u00').id],
    ['e-mail', (history: HistoryBuilder) => history.person('u00').email],
    ['thread id', (history: HistoryBuilder) => history.person('u00').thread],
    ['run id', (history: HistoryBuilder) => history.asked.get('u00')?.[0]?.run ?? ''],
    ['name', (history: HistoryBuilder) => history.person('u00').nameMarker],
    [
      'credential',
      (history: HistoryBuilder) => `[redacted:${credentialHash(history.person('u00').token)}]`,
    ],
  ])('replaces what else the %s would break', (_what, valueOf) => {
    const history = handedOver();
    see(history, 'u01', `{"kept":"${valueOf(history)}"}`, { surface: 'storage' });
    expect(told(history)).toEqual(['residue u01 of u00 on storage']);
  });

  test.each(['storage', 'cookie'] as const)('in the name of what is kept on %s', (surface) => {
    const history = handedOver();
    const { note, id } = history.person('u00');
    see(history, 'u01', 'dark', { surface, place: `localStorage["${id}:theme"]` });
    expect(told(history)).toEqual([`residue u01 of u00 on ${surface}`]);
    see(history, 'u02', '17', { surface, place: `indexedDB["drafts"]["of ${note}"]["k"]` });
    expect(told(history)).toContain(`foreign-marker u02 of u00 on ${surface}`);
    expect(history.findings('foreign-marker')[0]).toMatchObject({ place: 'its name' });
  });

  test.each(['dom', 'console', 'html'] as const)('in the name of a place on %s', (surface) => {
    const history = handedOver();
    const { id } = history.person('u00');
    see(history, 'u02', 'on', { surface, place: `div@data-open-${id}` });
    expect(told(history)).toEqual([`foreign-identity u02 of u00 on ${surface}`]);
  });

  test('is not excused because the page sent it on: nobody but the profile told it', () => {
    const history = handedOver();
    const hash = `[redacted:${credentialHash(history.person('u00').token)}]`;
    const { thread } = history.person('u00');
    history.add('u01', {
      surface: 'http',
      dir: 'out',
      kind: 'request',
      url: `http://127.0.0.1:1/api/threads/${thread}`,
      headers: { cookie: `session=${hash}` },
      conn: null,
    });
    see(history, 'u01', `session=${hash}`, { surface: 'cookie' });
    see(history, 'u01', thread, { surface: 'storage' });
    expect(told(history)).toEqual([
      'residue u01 of u00 on cookie',
      'residue u01 of u00 on storage',
    ]);
  });

  test('is none where the user asked for it on purpose, and was told so', () => {
    const history = handedOver();
    const { thread } = history.person('u00');
    act(history, 'u01', 'probe', {
      place: 'page open',
      source: 'foreign id',
      owner: 'u00',
      thread,
      message: 'must be refused',
    });
    const url = `http://127.0.0.1:1/chat/${thread}`;
    history.add('u01', { surface: 'http', dir: 'out', kind: 'request', url, conn: null });
    see(history, 'u01', `There is no thread ${thread}`);
    expect(told(history)).toEqual([]);
  });

  test('passes on to whoever comes next', () => {
    const history = handedOver();
    act(history, 'u02', 'take-over', { message: 'u01' });
    see(history, 'u02', history.person('u00').note, { surface: 'storage' });
    see(history, 'u02', history.person('u01').note, { surface: 'storage' });
    expect(told(history)).toEqual(
      expect.arrayContaining(['residue u02 of u00 on storage', 'residue u02 of u01 on storage']),
    );
    expect(told(history)).toHaveLength(2);
  });

  test('is none of what came live, of another user, or before', () => {
    const history = browserPath();
    see(history, 'u01', history.person('u00').note, { surface: 'storage' });
    act(history, 'u01', 'take-over', { message: 'u00' });
    history.add('u01', {
      event: 'notice',
      contentKind: 'frame',
      content: `{"type":"notice","text":"${history.person('u00').note}"}`,
    });
    see(history, 'u01', history.person('u02').note, { surface: 'console' });
    expect(told(history)).toEqual([
      'foreign-marker u01 of u00 on storage',
      'foreign-marker u01 of u00 on socket',
      'foreign-marker u01 of u02 on console',
    ]);
  });

  test('a page that shows it is residue and no mismatch with the wire', () => {
    const history = handedOver();
    see(history, 'u01', `transcript: ${history.person('u00').note}`);
    expect(told(history)).toEqual(['residue u01 of u00 on dom']);
  });

  test('public and own things in a taken-over profile are none', () => {
    const history = handedOver();
    see(history, 'u01', 'Welcome back. 3 new features', { surface: 'storage' });
    see(history, 'u01', `note: ${history.person('u01').note}`);
    reply(history, 'u01', JSON.stringify({ me: history.person('u01').id }));
    expect(told(history)).toEqual([]);
    expect(outcome(history)).toBe('pass');
  });

  test('of a thread that both are members of is none', () => {
    const history = handedOver();
    const { thread, title } = history.person('u00');
    reply(history, 'u01', JSON.stringify({ threads: [{ id: thread, title }] }));
    history.shareThread('u00', ['u00', 'u01']);
    expect(told(history)).toEqual([]);
  });

  test('applies only where a profile was taken over', () => {
    expect(outcome(browserPath())).toBe('not-applicable');
    const raw = new HistoryBuilder(3).goldenPath();
    act(raw, 'u01', 'take-over', { message: 'u00' });
    reply(raw, 'u01', JSON.stringify({ note: raw.person('u00').note }));
    expect(told(raw)).toEqual(['foreign-marker u01 of u00 on http']);
    expect(outcome(raw)).toBe('not-applicable');
  });

  test('applies and is open when the successor saw nothing', () => {
    expect(outcome(handedOver())).toBe('inconclusive');
  });
});
