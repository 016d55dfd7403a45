import { describe, expect, test } from 'vitest';
import { calibrate } from '../../../assertions/calibration.ts';
import { judgeHistory } from '../../../assertions/judge.ts';
import { HistoryBuilder, who } from '../history-builder.ts';
import { recorded } from '../recorded-history.ts';

describe('isolation/foreign-run and foreign-identity', () => {
  describe('ids too short to be searched for are compared where a frame carries an id', () => {
    const own = { kind: 'identity', surface: 'harness', dir: 'act', conn: null } as const;
    const numbered = (profile: ConstructorParameters<typeof HistoryBuilder>[1] = {}) => {
      const history = new HistoryBuilder(3, profile).start();
      for (const [i, { name }] of history.people.entries())
        history.add(name, { ...own, ids: { user: `${1001 + i}`, thread: `${70 + i}` } });
      for (const { name } of history.people) history.ask(name);
      return history;
    };
    const notice = (fields: Record<string, unknown>) => ({
      contentKind: 'frame' as const,
      content: JSON.stringify({ type: 'notice', ...fields }),
    });
    const found = (history: HistoryBuilder) =>
      history
        .verdict()
        .findings.filter(({ rule }) => rule.startsWith('isolation/'))
        .map((finding) => `${finding.rule} ${who(finding)} ${finding.place}`);

    test('in an own event that names another user, thread or run', () => {
      for (const [fields, expected] of [
        [{ owner: '1001' }, []],
        [{ owner: '1002' }, ['isolation/foreign-identity u00 of u01 owner']],
        [{ thread: '72' }, ['isolation/foreign-run u00 of u02 thread']],
        [{ thread: '70' }, []],
      ] as const) {
        const history = numbered();
        history.event('u00', 'agent_started', { fields });
        expect(found(history)).toEqual(expected);
      }
    });

    test('in a member that is called a user id, wherever it stands', () => {
      for (const [content, expected] of [
        [{ previous_user_id: 1002 }, ['isolation/foreign-identity u00 of u01 previous_user_id']],
        [
          { data: { ownerUserId: '1002' } },
          ['isolation/foreign-identity u00 of u01 data.ownerUserId'],
        ],
        [{ a: [{ user: { id: 1002 } }] }, ['isolation/foreign-identity u00 of u01 a[0].user.id']],
        [{ users: [{ id: 1003 }] }, ['isolation/foreign-identity u00 of u02 users[0].id']],
        [{ user_ids: [1001, 1003] }, ['isolation/foreign-identity u00 of u02 user_ids[1]']],
        [{ user: 1002 }, ['isolation/foreign-identity u00 of u01 user']],
        // One's own, a count, another's thread, and what only has the same number.
        [{ user_id: 1001, user: { id: 1001, age: 1002 }, users: 1002, user_thread_id: 1002 }, []],
        [{ max_per_user: 1002, user_id: 71, id: 1002, text: 'user_id: 1002' }, []],
      ] as const) {
        const history = numbered();
        history.event('u00', 'agent_thinking', {
          fields: { contentKind: 'frame', content: JSON.stringify(content) },
        });
        expect(found(history)).toEqual(expected);
      }
      const history = numbered({ publicEvents: { roster: ['users'] } });
      const users = JSON.stringify({ users: [{ id: 1002 }] });
      history.add('u00', { event: 'roster', contentKind: 'frame', content: users });
      expect(found(history)).toEqual([]);
      history.add('u00', {
        surface: 'http',
        kind: 'response',
        contentKind: 'frame',
        content: users,
      });
      expect(found(history)).toEqual(['isolation/foreign-identity u00 of u01 users[0].id']);
    });

    test('in a header that is called after a user, unless it counts something', () => {
      for (const [header, expected] of [
        [{ 'x-last-user': '1002' }, ['isolation/foreign-identity u00 of u01 header x-last-user']],
        [{ 'X-User-Id': '1003' }, ['isolation/foreign-identity u00 of u02 header X-User-Id']],
        [{ 'x-user-id': '1001', 'x-rate-limit-user': '1002', 'content-length': '1002' }, []],
      ] as const) {
        const history = numbered();
        history.add('u00', { surface: 'http', kind: 'response', headers: header });
        expect(found(history)).toEqual(expected);
      }
    });

    test('in such a header, unless it echoes what was sent in one', () => {
      const history = numbered();
      const http = { surface: 'http', headers: { 'x-user-id': '1002' } } as const;
      history.add('u00', { ...http, dir: 'out', kind: 'request' });
      for (const name of ['u00', 'u02']) history.add(name, { ...http, kind: 'response' });
      expect(found(history)).toEqual(['isolation/foreign-identity u02 of u01 header x-user-id']);
    });

    test('in what is no event of a run, and before its owner is known', () => {
      const history = numbered();
      history.add('u00', { event: 'notice', owner: '1001', ...notice({ user_id: 1001 }) });
      history.add('u01', { event: 'notice', owner: '1003', ...notice({ user_id: 1003 }) });
      history.add('u01', { event: 'notice', thread: '99', ...notice({ thread_id: 99 }) });
      history.add('u01', { event: 'notice', run: '98', ...notice({ run_id: 98 }) });
      history.add('u01', { event: 'late', owner: '97', ...notice({ user_id: 97 }) });
      history.add('u00', { ...own, ids: { thread: '99', user: '97' } });
      expect(found(history).toSorted((a, b) => a.localeCompare(b))).toEqual([
        'isolation/foreign-identity u01 of u00 owner',
        'isolation/foreign-identity u01 of u02 owner',
        'isolation/foreign-run u01 of u00 thread',
      ]);
    });

    test('not in the echo of what its receiver named itself, but of what it only counted', () => {
      const echo = { event: 'error', thread: '71', ...notice({ thread_id: 71 }) };
      for (const sent of [
        { ...notice({ payload: { thread_id: '71' } }) },
        { surface: 'http', kind: 'request', url: 'http://127.0.0.1:1/api/threads/71/runs?x=1' },
      ] as const) {
        const history = numbered();
        history.add('u00', { dir: 'out', ...sent });
        history.add('u00', echo);
        expect(found(history)).toEqual([]);
      }
      const history = numbered();
      history.add('u00', { dir: 'out', ...notice({ sequence: 71, text: 'all 71 of them' }) });
      history.add('u00', echo);
      history.add('u00', { dir: 'out', ...notice({ thread_id: 71 }) });
      expect(found(history)).toEqual(['isolation/foreign-run u00 of u01 thread']);
    });

    test('not in fields declared public, nor of members in their thread', () => {
      const history = numbered({ publicEvents: { presence: ['payload.user_id'] } });
      const content = (more: object) =>
        JSON.stringify({ type: 'presence', payload: { user_id: 1002 }, ...more });
      const presence = { event: 'presence', owner: '1002', contentKind: 'frame' } as const;
      history.add('u00', { ...presence, content: content({}) });
      expect(found(history)).toEqual([]);
      history.add('u00', { ...presence, content: content({ also: 1002 }) });
      expect(found(history)).toEqual(['isolation/foreign-identity u00 of u01 owner']);

      const shared = numbered({ audience: 'thread-members' });
      shared.shareThread('u01', ['u00', 'u01']);
      const { thread } = shared.person('u01');
      const reply = { surface: 'http', kind: 'response', status: 200, owner: '1002' } as const;
      shared.add('u00', { ...reply, thread, ...notice({}) });
      expect(found(shared)).toEqual([]);
      shared.add('u00', { ...reply, thread: shared.person('u00').thread, ...notice({}) });
      expect(found(shared)).toEqual(['isolation/foreign-identity u00 of u01 owner']);
    });

    test('which a calibration proves', () => {
      const history = new HistoryBuilder(3);
      for (const [i, person] of history.people.entries())
        Object.assign(person, { id: `${1001 + i}`, thread: `${70 + i}` });
      history.goldenPath();
      expect(history.verdict()).toMatchObject({ verdict: 'pass', findings: [] });
      const { header, lines } = history;
      const { missed, byMutation } = calibrate({ header, observations: lines });
      expect(missed).toEqual([]);
      expect(byMutation['identity-spliced']).toEqual({ planted: 1, caught: 1 });
    });

    /** Users, threads and runs have their numbers from counters of their own. */
    const counted = () => {
      const history = new HistoryBuilder(3);
      for (const [i, person] of history.people.entries())
        Object.assign(person, { id: `${1 + i}`, thread: `${1 + ((i + 1) % 3)}` });
      history.goldenPath();
      const run = (text: string | undefined) =>
        text?.replace(/^run-u0(\d)-1-5d5d$/, (_run, i: string) => `${1 + ((Number(i) + 2) % 3)}`);
      const lines = history.lines.map((line) => ({
        ...line,
        run: run(line.run),
        ids: line.ids && { ...line.ids, run: run(line.ids.run) },
      }));
      history.lines.splice(0, lines.length, ...lines);
      return history;
    };

    test('and apart by what they are of: a user and a thread may have the same number', () => {
      const { verdict, findings } = judgeHistory(recorded(counted()), { calibrate: true });
      expect(findings.map(({ message }) => message)).toEqual([]);
      expect(verdict).toBe('pass');
    });

    test('and are found all the same where another has them for the same', () => {
      for (const [fields, expected] of [
        [{ owner: '1', thread: '2', run: '3' }, []],
        [{ owner: '2' }, ['isolation/foreign-identity u00 of u01 owner']],
        [{ owner: '3' }, ['isolation/foreign-identity u00 of u02 owner']],
        [{ thread: '1' }, ['isolation/foreign-run u00 of u02 thread']],
        [{ thread: '3' }, ['isolation/foreign-run u00 of u01 thread']],
        [{ run: '1' }, ['isolation/foreign-run u00 of u01 run']],
        [{ run: '2' }, ['isolation/foreign-run u00 of u02 run']],
      ] as const) {
        const history = counted();
        // It names its own things, which excuses nothing of others that have the same number.
        history.add('u00', { dir: 'out', ...notice({ user_id: 1, thread_id: 2, runId: '3' }) });
        history.add('u00', {
          surface: 'http',
          kind: 'request',
          dir: 'out',
          url: 'http://127.0.0.1:1/api/users/1/threads/2/runs/3?thread=2',
        });
        history.add('u00', { event: 'notice', ...notice({}), ...fields });
        expect(found(history)).toEqual(expected);
      }
      const history = counted();
      history.event('u01', 'agent_thinking', {
        to: 'u00',
        fields: { run: undefined, sequence: 9 },
      });
      expect(found(history)).toEqual([
        'isolation/misdelivered-event u00 of u01 null',
        'isolation/foreign-marker u00 of u01 payload.thought',
      ]);
      const shared = counted();
      shared.add('u02', { ...own, source: 'sign-in', ids: { user: '1' } });
      expect(found(shared)).toEqual(['isolation/shared-identifier u02 of u00 sign-in']);
    });

    test('and a number that was sent for one kind of thing excuses its echo as that alone', () => {
      for (const sent of [
        { ...notice({ user_id: 2 }) },
        { surface: 'http', kind: 'request', url: 'http://127.0.0.1:1/api/users/2' },
      ] as const) {
        const history = counted();
        history.add('u00', { dir: 'out', ...sent });
        history.add('u00', { event: 'error', owner: '2', ...notice({ user_id: 2 }) });
        expect(found(history)).toEqual([]);
        history.add('u00', { event: 'notice', run: '2', ...notice({ run_id: 2 }) });
        expect(found(history)).toEqual(['isolation/foreign-run u00 of u02 run']);
      }
    });

    test('also where a target shows but the beginning of a user id', () => {
      const history = numbered();
      for (const { name } of history.people)
        history.add(name, { ...own, ids: { user: `e2e-${name}-4711` } });
      for (const shown of ['e2e-...', 'e2e-u00...', 'e2e-u01...'])
        history.add('u00', { event: 'notice', owner: shown, ...notice({ user_id: shown }) });
      expect(found(history)).toEqual(['isolation/foreign-identity u00 of u01 owner']);
    });
  });
});
