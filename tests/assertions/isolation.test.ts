import { describe, expect, test } from 'vitest';
import { calibrate } from '../../assertions/calibration.ts';
import { judgeOnce, LiveJudge } from '../../assertions/history-judge.ts';
import { judgeHistory } from '../../assertions/judge.ts';
import { mintMarker, newCampaignPrefix, userPrefix } from '../../history/markers.ts';
import { credentialHash } from '../../history/redaction.ts';
import { FIVE, HistoryBuilder, type Line } from './history-builder.ts';
import { judged } from './history-language.ts';
import { recorded } from './recorded-history.ts';

const clean = (users = 3) => new HistoryBuilder(users).goldenPath();
const who = (finding: { observer: string | null; owner: string | null } | undefined) =>
  `${finding?.observer} of ${finding?.owner}`;

describe('isolation/misdelivered-event', () => {
  test('names observer, owner, event, witness and misroute', () => {
    const history = clean();
    const line = history.event('u01', 'tool_executing', { to: 'u02' });
    const [finding] = history.findings('misdelivered-event');
    expect(who(finding)).toBe('u02 of u01');
    expect(finding?.event).toBe('tool_executing');
    expect(finding?.mechanism).toBe('misroute');
    expect(finding?.witness[0]?.line).toBe(line.line);
    expect(history.verdict().matrix.cells).toEqual([[2, 1, 1]]);
    expect(history.verdict().cause).toBe('leak');
  });

  test('calls a leak to all others a broadcast', () => {
    const history = clean(4);
    for (const to of ['u00', 'u02', 'u03']) history.event('u01', 'agent_thinking', { to });
    const findings = history.findings('misdelivered-event');
    expect(findings).toHaveLength(3);
    expect(new Set(findings.map((finding) => finding.mechanism))).toEqual(new Set(['broadcast']));
  });

  test('attributes late: the owner of a run may become known after the event', () => {
    const history = new HistoryBuilder(3).start();
    history.add('u02', {
      event: 'agent_started',
      run: 'run-of-later-9x9x',
      contentKind: 'frame',
      content: '{"type":"agent_started","run_id":"run-of-later-9x9x"}',
    });
    history.add('u00', {
      kind: 'identity',
      surface: 'harness',
      dir: 'act',
      ids: { run: 'run-of-later-9x9x' },
    });
    expect(history.findings('misdelivered-event').map(who)).toEqual(['u02 of u00']);
    expect(history.findings('unsolicited-run')).toEqual([]);
  });

  test('an unknown user id is a person outside the crowd, and its text is not shown', () => {
    const history = clean();
    history.add('u01', {
      event: 'agent_thinking',
      owner: 'a-real-person-77',
      run: 'run-77',
      contentKind: 'frame',
      content:
        '{"type":"agent_thinking","user_id":"a-real-person-77","payload":{"thought":"my diagnosis"}}',
    });
    const [finding] = history.findings('misdelivered-event');
    expect(who(finding)).toBe('u01 of outside');
    expect(JSON.stringify(finding)).not.toContain('diagnosis');
    expect(history.verdict().matrix.cells).toEqual([[1, -1, 1]]);
  });

  test('allows the members of a shared thread, and nobody else', () => {
    const history = new HistoryBuilder(3).start();
    history.shareThread('u00', ['u00', 'u01']);
    history.round();
    history.event('u00', 'agent_thinking', { to: 'u01', root: {} });
    expect(history.verdict().findings).toEqual([]);
    history.event('u00', 'agent_thinking', { to: 'u02' });
    expect(history.findings('misdelivered-event').map(who)).toEqual(['u02 of u00']);
  });
});

test('isolation/unsolicited-run: a run that nobody asked for', () => {
  const history = clean();
  history.add('u01', {
    event: 'agent_started',
    run: 'run-nobody-1',
    contentKind: 'frame',
    content: '{"type":"agent_started","run_id":"run-nobody-1"}',
  });
  expect(history.findings('unsolicited-run').map(who)).toEqual(['u01 of null']);
});

describe('isolation/unattributable-event', () => {
  test('an event of a type that claims ids carries none', () => {
    const history = clean();
    history.add('u01', {
      event: 'agent_thinking',
      contentKind: 'frame',
      content: '{"type":"agent_thinking","payload":{}}',
    });
    const [finding] = history.findings('unattributable-event');
    expect(finding?.severity).toBe('violation');
    expect(finding?.observer).toBe('u01');
  });

  test('is a note where the target claims nothing', () => {
    const history = new HistoryBuilder(3, {
      claims: { ...new HistoryBuilder(0).header.profile.claims, ids: {} },
    });
    history.start();
    for (const { name } of history.people) history.ask(name);
    history.event('u01', 'agent_started');
    history.add('u01', {
      event: 'agent_thinking',
      contentKind: 'frame',
      content: '{"type":"agent_thinking","payload":{}}',
    });
    for (const type of FIVE)
      for (const { name } of history.people)
        if (name !== 'u01' || type !== 'agent_started') history.event(name, type);
    const verdict = history.verdict();
    expect(verdict.findings.map((finding) => finding.severity)).toEqual(['note']);
    expect(verdict.verdict).toBe('pass');
  });

  test('is all there is to say of events where none of them carries an id', () => {
    const history = new HistoryBuilder(3, {
      claims: { ...new HistoryBuilder(0).header.profile.claims, ids: {} },
    });
    history.start();
    for (const { name } of history.people) history.ask(name);
    for (const type of FIVE)
      for (const { name } of history.people)
        history.add(name, { event: type, contentKind: 'frame', content: `{"type":"${type}"}` });
    const outcomes = Object.fromEntries(
      history.verdict().rules.map(({ rule, outcome }) => [rule, outcome]),
    );
    expect(outcomes).toMatchObject({
      'isolation/misdelivered-event': 'not-applicable',
      'isolation/unsolicited-run': 'not-applicable',
      'isolation/unattributable-event': 'pass',
    });
  });
});

describe('isolation/foreign-run and foreign-identity', () => {
  test('a foreign run id nested in an own event is found with its place', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    const foreign = history.asked.get('u02')?.[0]?.run ?? '';
    history.event('u00', 'agent_started', { payload: { queue: [{ run: foreign }] } });
    const [finding] = history.findings('foreign-run');
    expect(who(finding)).toBe('u00 of u02');
    expect(finding?.place).toBe('payload.queue[0].run');
  });

  test('ids that occur in ordinary text are not searched for, but still own their events', () => {
    const history = clean();
    const own = { kind: 'identity', surface: 'harness', dir: 'act', conn: null } as const;
    for (const thread of ['42', 'general', '1234567'])
      history.add('u01', { ...own, ids: { thread } });
    history.add('u00', {
      event: 'notice',
      contentKind: 'frame',
      content: '{"type":"notice","text":"42 general questions, 1234567 answers"}',
    });
    expect(history.findings('foreign-run')).toEqual([]);
    history.add('u00', {
      event: 'agent_thinking',
      thread: '42',
      contentKind: 'frame',
      content: '{"type":"agent_thinking","thread_id":42}',
    });
    expect(history.findings('misdelivered-event').map(who)).toEqual(['u00 of u01']);
  });

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

  describe('ids that one text may mean', () => {
    const own = { kind: 'identity', surface: 'harness', dir: 'act', conn: null } as const;
    const uuid = '0b3cf9fb-b91e-40c0-814a-2f5edda0c7d0';
    const shown = (history: HistoryBuilder, to: string, text: string) => {
      const content = JSON.stringify({ type: 'notice', text });
      history.add(to, { event: 'notice', contentKind: 'frame', content });
      return [...history.findings('foreign-run'), ...history.findings('foreign-identity')].map(who);
    };

    test('a UUID is found without its prefix, and accuses nobody who has an id of it', () => {
      const story = () => {
        const history = clean();
        history.add('u01', { ...own, ids: { thread: `thread_${uuid}`, run: `run_${uuid}` } });
        history.add('u02', { ...own, ids: { connection: `conn_${uuid}` } });
        return history;
      };
      for (const text of [uuid, uuid.replaceAll('-', ''), `run_${uuid.replaceAll('-', '')}`]) {
        expect(shown(story(), 'u00', text)).toEqual(['u00 of u01']);
        expect(shown(story(), 'u01', text)).toEqual([]);
        expect(shown(story(), 'u02', text)).toEqual(text.startsWith('run') ? ['u02 of u01'] : []);
      }
    });

    test('ids that differ in case only are told apart', () => {
      const story = () => {
        const history = clean();
        history.add('u01', { ...own, ids: { user: 'usr_aaaab' } });
        history.add('u02', { ...own, ids: { user: 'usr_aaaaB' } });
        return history;
      };
      expect(shown(story(), 'u01', 'usr_aaaab, USR_AAAAB')).toEqual([]);
      expect(shown(story(), 'u02', 'usr_aaaaB, USR_AAAAB')).toEqual([]);
      expect(shown(story(), 'u01', 'usr_aaaab, usr_aaaaB')).toEqual(['u01 of u02']);
      expect(shown(story(), 'u02', 'usr_aaaab')).toEqual(['u02 of u01']);
      expect(shown(story(), 'u00', 'USR_AAAAB')).toEqual(['u00 of u01']);
    });
  });

  test('a foreign run id as part of a longer id is found', () => {
    const history = clean();
    const foreign = history.asked.get('u02')?.[0]?.run ?? '';
    history.add('u00', {
      event: 'ack',
      contentKind: 'frame',
      content: `{"type":"ack","key":"q/${foreign}_17"}`,
    });
    expect(history.findings('foreign-run').map(who)).toEqual(['u00 of u02']);
  });

  describe('of users one of whose names begins with, ends with or holds that of another', () => {
    const NAMES = { u00: 'e2e-ann', u01: 'e2e-ann-b', u02: 'corp/e2e-ann-b' };
    const named = () => {
      const history = new HistoryBuilder(4);
      for (const [user, id] of Object.entries(NAMES))
        history.add(user, { kind: 'identity', surface: 'harness', dir: 'act', ids: { user: id } });
      return history.start().round();
    };
    const shows = (history: HistoryBuilder, to: string, text: string) => {
      const content = JSON.stringify({ type: 'notice', text });
      history.add(to, { event: 'notice', contentKind: 'frame', content });
      return history.findings('foreign-identity').map(who).toSorted();
    };

    test('the whole name alone is meant', () => {
      const history = named();
      for (const [user, id] of Object.entries(NAMES))
        expect(shows(history, user, `hello ${id}, your key is chat_${id}_7`)).toEqual([]);
      expect(history.verdict().verdict).toBe('pass');
    });

    test('a longer one that is a third user’s accuses of that one', () => {
      expect(shows(named(), 'u03', 'who is e2e-ann-b?')).toEqual(['u03 of u01']);
      expect(shows(named(), 'u00', 'who is e2e-ann-b?')).toEqual(['u00 of u01']);
      expect(shows(named(), 'u01', 'who is corp/e2e-ann-b?')).toEqual(['u01 of u02']);
    });

    test('the longer one may become known later than it is received', () => {
      const signsIn = (text: string, owner: string) => {
        const history = new HistoryBuilder(3);
        const own = { kind: 'identity', surface: 'harness', dir: 'act', conn: null } as const;
        history.add('u00', { ...own, ids: { user: 'e2e-ann' } });
        history.add('u01', {
          surface: 'http',
          kind: 'response',
          status: 200,
          conn: null,
          contentKind: 'frame',
          content: JSON.stringify({ id: text }),
        });
        history.add(owner, { ...own, ids: { user: 'e2e-ann-b' } });
        return history.start().round().findings('foreign-identity').map(who);
      };
      expect(signsIn('e2e-ann-b', 'u01')).toEqual([]);
      expect(signsIn('e2e-ann-b', 'u02')).toEqual(['u01 of u02']);
      for (const text of ['e2e-ann-c', 'e2e-ann', 'e2e-ann-b, not e2e-ann', 'e2e-ann-b/e2e-ann-c'])
        expect([text, signsIn(text, 'u01')]).toEqual([text, ['u01 of u00']]);
    });

    test('a streamed one that goes on with something else is found', () => {
      const history = named();
      for (const { name } of history.people) history.ask(name);
      for (const text of ['who is e2e-', 'ann-', 'nobody'])
        history.event('u01', 'agent_chunk', { payload: { text } });
      expect(history.findings('foreign-identity').map(who)).toEqual(['u01 of u00']);
    });

    test('the shorter one is found wherever it stands by itself', () => {
      expect(shows(named(), 'u01', 'e2e-ann-b was e2e-ann')).toEqual(['u01 of u00']);
      expect(shows(named(), 'u02', 'e2e-ann, corp/e2e-ann-b')).toEqual(['u02 of u00']);
      expect(shows(named(), 'u01', 'e2e-ann-c')).toEqual(['u01 of u00']);
      expect(shows(named(), 'u02', 'corp/e2e-ann')).toEqual(['u02 of u00']);
    });
  });

  test('a foreign user id in a response header is found, with the header', () => {
    const history = clean();
    history.add('u00', {
      surface: 'http',
      kind: 'response',
      status: 200,
      headers: { 'x-last-user': history.person('u01').id },
      conn: null,
    });
    const [finding] = history.findings('foreign-identity');
    expect(who(finding)).toBe('u00 of u01');
    expect(finding?.place).toBe('header x-last-user');
    expect(finding?.surface).toBe('http');
  });

  test('a foreign e-mail in another case is found', () => {
    const history = clean();
    history.add('u00', {
      event: 'presence',
      contentKind: 'frame',
      content: `{"type":"presence","who":"${history.person('u02').email.toUpperCase()}"}`,
    });
    expect(history.findings('foreign-identity').map(who)).toEqual(['u00 of u02']);
  });

  test('another user id inside an own event is an identity leak, not a misdelivery', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    const foreign = history.person('u01').id;
    history.event('u00', 'tool_completed', {
      root: { user_id: foreign },
      fields: { owner: foreign },
    });
    expect(history.findings('foreign-identity').map(who)).toEqual(['u00 of u01']);
    expect(history.findings('misdelivered-event')).toEqual([]);
  });

  test('a handshake that shows another identity accuses the one it shows, or outside', () => {
    const history = clean();
    const identity = {
      kind: 'identity',
      surface: 'harness',
      dir: 'act',
      source: 'handshake',
    } as const;
    history.add('u00', { ...identity, shown: history.person('u01').id });
    history.add('u02', { ...identity, shown: 'demo-use...' });
    expect(history.findings('foreign-identity').map(who)).toEqual(['u00 of u01', 'u02 of outside']);
  });

  test('an unknown user id outside agent events is a person outside the crowd', () => {
    const history = clean();
    history.add('u00', {
      event: 'presence',
      owner: 'somebody-else-1',
      contentKind: 'frame',
      content: '{"type":"presence","user_id":"somebody-else-1"}',
    });
    expect(history.findings('foreign-identity').map(who)).toEqual(['u00 of outside']);
  });
});

describe('markers of another campaign or trial', () => {
  const marker = mintMarker(userPrefix(newCampaignPrefix(), 1), 'note', 0);
  const shown = (content: string): Line => ({ contentKind: 'frame', content });
  const signedIn = (message: string): HistoryBuilder => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people)
      history.add(name, { kind: 'act', surface: 'harness', dir: 'act', act: 'sign-in', message });
    return history.round();
  };

  test.each([
    ['as it is', JSON.stringify({ last: marker })],
    ['in capitals', JSON.stringify({ last: marker.toUpperCase() })],
    ['in base64', JSON.stringify({ last: Buffer.from(`note: ${marker}.`).toString('base64') })],
  ])('are of somebody outside for an account that was just made: %s', (_how, content) => {
    const history = signedIn('register');
    history.add('u01', shown(content));
    const [finding, ...more] = history.findings('foreign-marker');
    expect(who(finding)).toBe('u01 of outside');
    expect(more).toEqual([]);
  });

  test('may be the own ones of an account that was there before', () => {
    const history = signedIn('password');
    history.add('u01', shown(JSON.stringify({ last: marker })));
    expect(history.verdict().verdict).toBe('pass');
  });

  test('are an echo where the user has sent them itself', () => {
    const history = signedIn('register');
    history.add('u01', { dir: 'out', ...shown(JSON.stringify({ content: marker })) });
    history.add('u01', shown(JSON.stringify({ last: marker })));
    expect(history.verdict().verdict).toBe('pass');
  });

  test('are told from the own ones where an earlier trial numbered its users alike', () => {
    const history = signedIn('register');
    const namesake = mintMarker(history.header.users[1]?.markerPrefix ?? '', 'note', 0);
    for (const to of ['u01', 'u02']) history.add(to, shown(JSON.stringify({ last: namesake })));
    expect(history.findings('foreign-marker').map(who)).toEqual([
      'u01 of outside',
      'u02 of outside',
    ]);
    const returning = signedIn('password');
    const own = mintMarker(returning.header.users[1]?.markerPrefix ?? '', 'note', 0);
    returning.add('u01', shown(JSON.stringify({ last: own })));
    expect(returning.verdict().findings).toEqual([]);
  });

  test('are whole, or they are nothing', () => {
    const history = signedIn('register');
    const [first = '', ...rest] = marker.slice(10);
    const other = `${marker.slice(0, 10)}${first === 'b' ? 'c' : 'b'}${rest.join('')}`;
    history.add('u01', shown(JSON.stringify({ last: [marker.slice(0, 30), other] })));
    expect(history.verdict().verdict).toBe('pass');
  });
});

describe('isolation/foreign-marker', () => {
  const forms: readonly (readonly [string, (marker: string) => string])[] = [
    ['as it is', (marker) => marker],
    ['in upper case', (marker) => marker.toUpperCase()],
    ['with separators', (marker) => marker.split('').join('-')],
    ['with spaces', (marker) => (marker.match(/.{1,4}/g) ?? []).join(' ')],
    ['percent-encoded', (marker) => Buffer.from(marker).toString('hex').replace(/../g, '%$&')],
    [
      'as unicode escapes',
      (marker) =>
        marker
          .split('')
          .map((c) => `\\u00${c.charCodeAt(0).toString(16)}`)
          .join(''),
    ],
    [
      'as character references',
      (marker) =>
        marker
          .split('')
          .map((c) => `&#${c.charCodeAt(0)};`)
          .join(''),
    ],
    ['as base64', (marker) => Buffer.from(`it is ${marker}!`).toString('base64')],
    [
      'as base64url, cut',
      (marker) => Buffer.from(`so ${marker} it is`).toString('base64url').slice(1),
    ],
    ['as hex', (marker) => Buffer.from(`x${marker}`).toString('hex')],
    ['with zero-width spaces', (marker) => marker.split('').join('\u200b')],
    [
      'in full-width letters',
      (marker) =>
        marker
          .split('')
          .map((c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0))
          .join(''),
    ],
    ['cut off', (marker) => marker.slice(0, 24)],
    ['without its beginning', (marker) => `...${marker.slice(20)}`],
    ['without its beginning, in capitals', (marker) => marker.slice(-12).toUpperCase()],
    [
      'without its beginning, as base64',
      (marker) => Buffer.from(`...${marker.slice(14)}, it is`).toString('base64'),
    ],
    [
      'base64 of percent-encoding',
      (marker) =>
        Buffer.from(Buffer.from(marker).toString('hex').replace(/../g, '%$&')).toString('base64'),
    ],
  ];
  test.each(forms)('is found %s', (_name, transform) => {
    const history = clean();
    const text = transform(history.person('u01').note);
    history.add('u00', {
      event: 'notice',
      contentKind: 'frame',
      content: `{"type":"notice","text":"see ${text}"}`,
    });
    expect(history.findings('foreign-marker').map(who)).toEqual(['u00 of u01']);
  });

  test('is found when spread over streamed pieces', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    const text = `well, ${history.person('u02').note} is it`;
    for (let from = 0; from < text.length; from += 5)
      history.event('u00', 'agent_chunk', {
        payload: { text: text.slice(from, from + 5), index: from },
      });
    const findings = history.findings('foreign-marker');
    expect(findings.map(who)).toEqual(['u00 of u02']);
    expect(findings[0]?.count).toBe(1);
  });

  test('is no leak when the observer sent it first', () => {
    const history = clean();
    const content = `{"text":"${history.person('u01').note}"}`;
    history.add('u00', { dir: 'out', contentKind: 'frame', content });
    history.add('u00', { event: 'echo', contentKind: 'frame', content });
    expect(history.findings('foreign-marker')).toEqual([]);
  });

  test('stays a leak when the observer uses afterwards what it was shown', () => {
    const history = clean();
    const { thread } = history.person('u01');
    const content = `{"threads":["${thread}"]}`;
    history.add('u00', { surface: 'http', kind: 'response', contentKind: 'frame', content });
    history.add('u00', {
      surface: 'http',
      kind: 'request',
      dir: 'out',
      url: `/api/threads/${thread}`,
    });
    expect(history.findings('foreign-run').map(who)).toEqual(['u00 of u01']);
  });

  test('an encoded id that was looked at before it had an owner is found once it has one', () => {
    const history = clean();
    const id = 'late-id-4f5e6d7c-8b9a';
    const content = `{"type":"notice","x":"${Buffer.from(`the id is ${id} indeed`).toString('base64')}"}`;
    history.add('u00', { event: 'notice', contentKind: 'frame', content });
    history.add('u01', { kind: 'identity', surface: 'harness', dir: 'act', ids: { thread: id } });
    history.add('u00', { event: 'notice', contentKind: 'frame', content });
    expect(history.findings('foreign-run').map(who)).toEqual(['u00 of u01']);
  });

  test('is no leak in a field declared public, and still one beside it', () => {
    const history = clean();
    history.header.profile.publicEvents['presence'] = ['payload.name'];
    const marker = history.person('u01').nameMarker;
    history.add('u00', {
      event: 'presence',
      contentKind: 'frame',
      content: `{"type":"presence","payload":{"name":"${marker}"}}`,
    });
    expect(history.findings('foreign-marker')).toEqual([]);
    history.add('u00', {
      event: 'presence',
      contentKind: 'frame',
      content: `{"type":"presence","payload":{"name":"x","also":"${marker}"}}`,
    });
    expect(history.findings('foreign-marker').map(who)).toEqual(['u00 of u01']);
  });

  test('of a damaged kind accuses nobody', () => {
    const history = clean();
    const marker = mintMarker(history.header.users[1]?.markerPrefix ?? '', 'note', 0);
    history.add('u00', {
      event: 'notice',
      contentKind: 'frame',
      content: `{"type":"notice","text":"${marker.slice(0, 9)}"}`,
    });
    expect(history.findings('foreign-marker')).toEqual([]);
  });
});

test('isolation/foreign-credential: the hash of a token names its owner', () => {
  const history = clean();
  history.add('u00', {
    event: 'notice',
    contentKind: 'frame',
    content: `{"type":"notice","token":"[redacted:${credentialHash(history.person('u02').token)}]"}`,
  });
  expect(history.findings('foreign-credential').map(who)).toEqual(['u00 of u02']);
  history.add('u01', {
    event: 'notice',
    contentKind: 'frame',
    content: `{"type":"notice","token":"[redacted:${credentialHash(history.person('u01').token)}]"}`,
  });
  expect(history.findings('foreign-credential').map(who)).toEqual(['u00 of u02']);
});

describe('a token that is handed out at sign-in', () => {
  const signsInAgain = (
    history: HistoryBuilder,
    given: { readonly content?: string; readonly headers?: Record<string, string> },
  ): void => {
    const hash = credentialHash(history.person('u01').token);
    history.add('u00', {
      surface: 'http',
      kind: 'response',
      purpose: 'sign-in',
      ...(given.content === undefined
        ? { headers: given.headers }
        : { contentKind: 'frame', content: given.content }),
    });
    history.add('u00', {
      surface: 'harness',
      dir: 'act',
      kind: 'identity',
      source: 'sign-in',
      credentials: [hash],
    });
  };

  test('is no more one’s own for that, if it is another’s', () => {
    const history = clean();
    const hash = credentialHash(history.person('u01').token);
    signsInAgain(history, { content: `{"refresh_token":"[redacted:${hash}]"}` });
    expect(history.findings('foreign-credential').map(who)).toEqual(['u00 of u01']);
  });

  test('is one’s own, if nobody had it before', () => {
    const history = clean();
    const fresh = credentialHash('a-token-that-is-new');
    history.add('u00', {
      surface: 'http',
      kind: 'response',
      purpose: 'sign-in',
      contentKind: 'frame',
      content: `{"refresh_token":"[redacted:${fresh}]"}`,
    });
    history.add('u00', {
      surface: 'harness',
      dir: 'act',
      kind: 'identity',
      source: 'sign-in',
      credentials: [fresh],
    });
    expect(history.verdict().verdict).toBe('pass');
  });
});

describe('the answer to a close', () => {
  const closing = (history: HistoryBuilder, reason: string): void => {
    history.add('u00', { kind: 'close', dir: 'act', by: 'us', code: 1000, reason });
  };

  test('has been received: another’s marker or id in its reason is a leak', () => {
    const history = clean();
    const { email, note } = history.person('u02');
    closing(history, `bye ${note} ${email}`);
    expect(history.findings('foreign-marker').map(who)).toEqual(['u00 of u02']);
    expect(history.findings('foreign-identity').map(who)).toEqual(['u00 of u02']);
  });

  test('may say what it likes of the one who closed', () => {
    const history = clean();
    const { email, note } = history.person('u00');
    closing(history, `bye ${note} ${email}`);
    expect(history.verdict().verdict).toBe('pass');
  });
});

test('isolation/shared-identifier: two users are given one id', () => {
  const history = clean();
  history.add('u02', {
    kind: 'identity',
    surface: 'harness',
    dir: 'act',
    source: 'sign-in',
    ids: { user: history.person('u00').id },
  });
  const [finding] = history.findings('shared-identifier');
  expect(who(finding)).toBe('u02 of u00');
  expect(finding?.event).toBe('sign-in');
});

describe('one id of two users, before the second is given it', () => {
  const ruleOf = ({ rule }: { rule: string }): string => rule;
  const give = (history: HistoryBuilder, thread: string): void => {
    history.add('u01', {
      kind: 'identity',
      surface: 'harness',
      dir: 'act',
      source: 'thread',
      ids: { thread },
    });
  };
  const receive = (history: HistoryBuilder, thread: string): void => {
    history.event('u01', 'agent_thinking', {
      root: { thread_id: thread, run_id: undefined, user_id: undefined },
      fields: { thread, run: undefined, owner: undefined, sequence: undefined },
    });
  };

  test('tells nothing of whose an event was, whenever it came', () => {
    for (const isGivenFirst of [true, false]) {
      const history = new HistoryBuilder(3).start();
      const { thread } = history.person('u00');
      for (const { name } of history.people) history.ask(name);
      for (const { name } of history.people) history.event(name, FIVE[0]);
      if (isGivenFirst) give(history, thread);
      receive(history, thread);
      if (!isGivenFirst) give(history, thread);
      for (const type of FIVE.slice(1))
        for (const { name } of history.people) history.event(name, type);
      const { findings, metrics } = judged(history.header, history.lines);
      expect(findings.map(ruleOf)).toEqual(['isolation/shared-identifier']);
      expect(metrics.routingAccuracy).toBe(1);
    }
  });

  test("was the first one's alone as long as nobody else is given it", () => {
    const history = new HistoryBuilder(3).goldenPath();
    receive(history, history.person('u00').thread);
    const rules = judged(history.header, history.lines).findings.map(ruleOf);
    expect(rules).toContain('isolation/misdelivered-event');
    expect(rules).not.toContain('isolation/shared-identifier');
  });

  test('is judged again from disk, as a whole', () => {
    const history = new HistoryBuilder(3).goldenPath();
    receive(history, history.person('u00').thread);
    give(history, history.person('u00').thread);
    const live = new LiveJudge(history.header);
    for (const line of history.lines) live.observe(line);
    // What it was when it came: whoever stops a trial early has reason to.
    expect(live.violations.map(ruleOf)).toContain('isolation/misdelivered-event');
    const path = recorded(history);
    const rules = judgeOnce(path).findings.map(ruleOf);
    expect(rules).toContain('isolation/shared-identifier');
    expect(rules).not.toContain('isolation/misdelivered-event');
  });
});

describe('isolation/shared-token', () => {
  const token = '9f8e7d6c5b4a39281706f5e4d3c2b1a0';
  const see = (history: HistoryBuilder, user: string) =>
    history.add(user, {
      event: 'notice',
      contentKind: 'frame',
      content: `{"type":"notice","instance":"${token}"}`,
    });

  test('is noted when some users saw it, and changes no verdict', () => {
    const history = clean();
    see(history, 'u00');
    see(history, 'u02');
    expect(history.findings('shared-token')).toHaveLength(1);
    expect(history.verdict().verdict).toBe('pass');
  });

  test('is not noted when everybody saw it', () => {
    const history = clean();
    for (const { name } of history.people) see(history, name);
    expect(history.findings('shared-token')).toEqual([]);
  });
});

describe('isolation/wrong-answer', () => {
  const upToAnswer = () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    for (const type of ['agent_started', 'agent_thinking', 'tool_executing', 'tool_completed'])
      for (const { name } of history.people) history.event(name, type);
    return history;
  };
  const answerOf = (history: HistoryBuilder, name: string) =>
    `You asked ${history.asked.get(name)?.[0]?.marker}; your note says ${history.person(name).note}`;

  test('two users with each other’s answers are a swap', () => {
    const history = upToAnswer();
    history.event('u00', 'agent_completed', { payload: { response: answerOf(history, 'u01') } });
    history.event('u01', 'agent_completed', { payload: { response: answerOf(history, 'u00') } });
    history.event('u02', 'agent_completed');
    const findings = history.findings('wrong-answer');
    expect(findings.map(who)).toEqual(['u00 of u01', 'u01 of u00']);
    expect(findings.map((finding) => finding.mechanism)).toEqual(['swap', 'swap']);
  });

  test('a chain of wrong answers is a shift', () => {
    const history = upToAnswer();
    history.event('u00', 'agent_completed', { payload: { response: answerOf(history, 'u01') } });
    history.event('u01', 'agent_completed', { payload: { response: answerOf(history, 'u02') } });
    history.event('u02', 'agent_completed', { payload: { response: answerOf(history, 'u00') } });
    expect(history.findings('wrong-answer').map((finding) => finding.mechanism)).toEqual([
      'shift',
      'shift',
      'shift',
    ]);
  });

  test('an answer to my earlier question is stale', () => {
    const history = clean();
    for (const { name } of history.people) history.ask(name);
    history.event('u00', 'agent_started');
    const stale = history.asked.get('u00')?.[0]?.marker ?? '';
    history.event('u00', 'agent_completed', { payload: { response: `about ${stale}` } });
    const [finding] = history.findings('wrong-answer');
    expect(who(finding)).toBe('u00 of u00');
    expect(finding?.mechanism).toBe('replay');
  });

  test('an answer with mine and another’s is a foreign marker, not a wrong answer', () => {
    const history = upToAnswer();
    history.event('u00', 'agent_completed', {
      payload: { response: `${answerOf(history, 'u00')} and ${answerOf(history, 'u01')}` },
    });
    expect(history.findings('wrong-answer')).toEqual([]);
    expect(history.findings('foreign-marker').map(who)).toEqual(['u00 of u01']);
  });

  test('pieces that are mine do not excuse a final text that is not', () => {
    const history = upToAnswer();
    history.event('u00', 'agent_chunk', { payload: { text: answerOf(history, 'u00') } });
    history.event('u00', 'agent_completed', { payload: { response: answerOf(history, 'u01') } });
    expect(history.findings('wrong-answer').map(who)).toEqual(['u00 of u01']);
  });

  test('an answer that is streamed is judged by its pieces', () => {
    const history = upToAnswer();
    const text = answerOf(history, 'u00');
    for (let from = 0; from < text.length; from += 11)
      history.event('u00', 'agent_chunk', { payload: { text: text.slice(from, from + 11) } });
    history.event('u00', 'agent_completed', { payload: { response: '' } });
    for (const name of ['u01', 'u02']) history.event(name, 'agent_completed');
    expect(history.verdict().findings).toEqual([]);
  });

  describe('in pieces that name no run', () => {
    const unnamed = { user_id: undefined, thread_id: undefined, run_id: undefined };
    const noIds = { owner: undefined, thread: undefined, run: undefined };

    /** Rounds of questions; what the pieces of an answer say is up to the test. */
    function streamed(says: (name: string, round: number) => string): HistoryBuilder {
      const { claims } = new HistoryBuilder(1).header.profile;
      const echo: typeof claims.echo = { agent_thinking: ['question'] };
      const history = new HistoryBuilder(3, { claims: { ...claims, ids: {}, echo } }).start();
      for (let round = 0; round < 2; round += 1) {
        history.round(FIVE.slice(0, -1));
        for (const { name } of history.people) {
          const text = says(history.asked.get(name)?.[round]?.marker ?? '', round);
          for (let from = 0; from < text.length; from += 11)
            history.event(name, 'agent_chunk', {
              payload: { text: text.slice(from, from + 11) },
              root: unnamed,
              fields: { ...noIds, id: undefined, sequence: undefined },
            });
          history.event(name, 'agent_completed', { payload: { response: undefined } });
        }
      }
      return history;
    }

    test('is judged as the answer to the latest question, and a calibration plants it there', () => {
      const { header, lines } = streamed((marker) => `About ${marker}, done.`);
      const { missed, byMutation } = calibrate({ header, observations: lines });
      expect(missed).toEqual([]);
      expect(byMutation['answers-swapped']).toEqual({ planted: 1, caught: 1 });
    });

    test('is stale where it says what the answer before it said', () => {
      let first: string | undefined;
      const history = streamed((marker) => `About ${(first ??= marker)}, done.`);
      const found = history.findings('wrong-answer');
      expect(
        found.map(({ observer, owner, mechanism }) => [observer, owner, mechanism]),
      ).toContainEqual(['u00', 'u00', 'replay']);
    });
  });
});

describe('an identity that a target shows', () => {
  test('is found by the address that a sign-in told, where a users file names nobody', () => {
    const history = clean();
    for (const user of history.header.users) Object.assign(user, { identity: '' });
    expect(history.verdict()).toMatchObject({ verdict: 'pass' });
    const { header, lines } = history;
    expect(calibrate({ header, observations: lines }).missed).toEqual([]);
    const line = { surface: 'harness', dir: 'act', kind: 'identity', conn: null } as const;
    for (const name of ['u01', 'u00'])
      history.add(name, {
        ...line,
        source: 'sign-in',
        ids: { email: `${name}@forum.example.org` },
      });
    const content = '{"type":"notice","from":"u01@forum.example.org","to":"u00@forum.example.org"}';
    history.add('u00', { event: 'notice', contentKind: 'frame', content });
    const [finding, ...others] = history.findings('foreign-identity');
    expect(others).toEqual([]);
    expect(finding?.message).toBe('u00 received the e-mail of u01 in notice at from');
  });

  test("is another's, also where that other one is known only later", () => {
    const history = clean();
    const shown = 'user-of-u02-that-was-new';
    const line = { surface: 'harness', dir: 'act', kind: 'identity', conn: null } as const;
    history.add('u01', { ...line, source: 'handshake', shown });
    history.add('u02', { ...line, source: 'sign-in', ids: { user: shown } });
    const [finding] = history.findings('foreign-identity');
    expect(who(finding)).toBe('u01 of u02');
  });

  test('is the own one where a sign-in that was under way gave it', () => {
    const history = clean();
    const shown = 'user-of-u01-after-a-restart';
    const line = { surface: 'harness', dir: 'act', kind: 'identity', conn: null } as const;
    history.add('u01', { ...line, source: 'handshake', shown });
    history.add('u01', { ...line, source: 'sign-in', ids: { user: shown } });
    expect(history.findings('foreign-identity')).toEqual([]);
  });

  test('is a stranger’s where nobody in the crowd has it', () => {
    const history = clean();
    const line = { surface: 'harness', dir: 'act', kind: 'identity', conn: null } as const;
    history.add('u01', { ...line, source: 'whoami', shown: 'somebody-else' });
    const [finding] = history.findings('foreign-identity');
    expect(who(finding)).toBe('u01 of outside');
  });
});
