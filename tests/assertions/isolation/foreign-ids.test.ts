import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { calibrate } from '../../../assertions/calibration.ts';
import { CAMPAIGN_PREFIX_LENGTH } from '../../../history/markers.ts';
import { HistoryBuilder, clean, who, type Line } from '../history-builder.ts';
import { judged } from '../history-language.ts';
import { judgeNaively } from '../naive/judge.ts';

const OWN = { kind: 'identity', surface: 'harness', dir: 'act', conn: null } as const;

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

  test.each([
    { field: 'owner', rule: 'foreign-identity', of: 'id' },
    { field: 'thread', rule: 'foreign-run', of: 'thread' },
  ] as const)('a foreign $field that was decoded from what no search reads is found', (told) => {
    const notice = (
      about: 'u00' | 'u01',
      { content, isPublic = false }: { content?: string; isPublic?: boolean } = {},
    ): HistoryBuilder => {
      const publicEvents: Record<string, string[]> = isPublic ? { notice: ['about'] } : {};
      const history = new HistoryBuilder(3, { publicEvents }).goldenPath();
      history.add('u00', {
        event: 'notice',
        [told.field]: history.person(about)[told.of],
        ...(content === undefined ? {} : { contentKind: 'frame', content }),
      });
      return history;
    };
    for (const as of [{}, { content: '{"type":"notice","packed":"KLUv/SQT"}' }])
      expect(notice('u01', as).findings(told.rule).map(who)).toEqual(['u00 of u01']);
    expect(notice('u00').verdict().findings).toEqual([]);
    expect(notice('u01', { isPublic: true }).verdict().findings).toEqual([]);
  });

  test("a run is its asker's where the question alone names it", () => {
    const history = clean();
    const lines = history.lines.filter(({ source }) => source !== 'ask');
    expect(judged(history.header, lines).findings).toEqual([]);
    const run = history.asked.get('u01')?.[0]?.run ?? '';
    const content = `{"x":"${run}"}`;
    const leak = history.add('u00', { event: 'notice', contentKind: 'frame', content });
    expect(judged(history.header, [...lines, leak]).findings.map(who)).toEqual(['u00 of u01']);
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

  describe('a foreign e-mail is found', () => {
    const digest = (how: string, email: string) => createHash(how).update(email).digest('hex');
    const shows = (to: string, say: (email: string) => string, email = 'Ada.Moss@example.com') => {
      const history = clean();
      history.add('u02', { ...OWN, ids: { email } });
      const content = JSON.stringify({ type: 'presence', who: say(email) });
      history.add(to, { event: 'presence', contentKind: 'frame', content });
      return history.findings('foreign-identity').map(who);
    };
    test.each(['md5', 'sha256'])('in the address of an avatar, by its %s', (how) => {
      const avatar = (email: string) =>
        `https://avatars.example/${digest(how, email.toLowerCase())}?s=80`;
      expect(shows('u00', avatar)).toEqual(['u00 of u02']);
      expect(shows('u02', avatar)).toEqual([]);
    });

    test('but not by the digest that it has in common with an own one in other capitals', () => {
      const email = 'Ada.Moss@example.com';
      const history = clean();
      history.add('u01', { ...OWN, ids: { email } });
      history.add('u02', { ...OWN, ids: { email: email.toLowerCase() } });
      const content = JSON.stringify({ who: digest('md5', email.toLowerCase()) });
      for (const name of ['u01', 'u02'])
        history.add(name, { event: 'presence', contentKind: 'frame', content });
      expect(history.verdict().verdict).toBe('pass');
      history.add('u00', { event: 'presence', contentKind: 'frame', content });
      expect(history.findings('foreign-identity').map(who)).toEqual(['u00 of u01']);
    });

    test('by what stands before the @, where that is a name that the campaign made', () => {
      const history = clean();
      const campaign = history.header.users[2]?.markerPrefix.slice(3, CAMPAIGN_PREFIX_LENGTH);
      const local = `0002${campaign}2f82`;
      history.add('u02', { ...OWN, ids: { email: `${local}@crosstalk.example.com` } });
      history.add('u01', { ...OWN, ids: { email: `${local}-b@crosstalk.example.com` } });
      const presence = (name: string): Line => ({
        event: 'presence',
        contentKind: 'frame',
        content: JSON.stringify({ type: 'presence', text: `@${name} is typing` }),
      });
      history.add('u02', presence(local));
      history.add('u01', presence(`${local}-b`));
      expect(history.verdict().verdict).toBe('pass');
      history.add('u00', presence(local));
      expect(history.findings('foreign-identity').map(who)).toEqual(['u00 of u02']);
    });

    test('but not by a name that many may have', () => {
      expect(shows('u00', () => 'Ada.Moss')).toEqual([]);
    });
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

  describe.each(['whoami', 'handshake'])('or gives, by its %s', (source) => {
    const line = { surface: 'harness', dir: 'act', kind: 'identity', conn: null, source } as const;
    const told = (history: HistoryBuilder): string[] => {
      const { header, lines } = history;
      const naive = judgeNaively(header, lines).violations;
      const found = history.verdict().findings.filter(({ severity }) => severity === 'violation');
      expect([...naive].toSorted()).toEqual(
        found
          .map(({ rule, observer, owner, event }) => [rule, observer, owner, event].join('|'))
          .toSorted(),
      );
      return found.map((finding) => `${finding.rule.split('/')[1]} ${who(finding)}`);
    };

    test('is a stranger’s beside the one that a sign-in gave', () => {
      const history = clean();
      history.add('u01', { ...line, ids: { user: 'somebody-else-7', connection: 'conn-u01-9d' } });
      expect(told(history)).toEqual(['foreign-identity u01 of outside']);
      expect(JSON.stringify(history.verdict())).not.toContain('somebody-else-7');
    });

    test('is a stranger’s beside the one of the first line, and does not become the own one', () => {
      const history = new HistoryBuilder();
      for (const [at, user] of history.header.users.entries())
        Object.assign(user, { ids: { user: `account-${at}-of-the-file` } });
      history.add('u01', { ...line, ids: { user: 'somebody-else-7' } });
      history.goldenPath();
      const content = '{"type":"presence","user_id":"somebody-else-7"}';
      history.add('u01', {
        event: 'presence',
        owner: 'somebody-else-7',
        contentKind: 'frame',
        content,
      });
      expect(told(history)).toEqual([
        'foreign-identity u01 of outside',
        'foreign-identity u01 of outside',
      ]);
    });

    test('is another’s where that other one signs in with it later', () => {
      const history = clean();
      history.add('u01', { ...line, ids: { user: 'user-of-u02-that-was-new' } });
      history.add('u02', {
        ...line,
        source: 'sign-in',
        ids: { user: 'user-of-u02-that-was-new' },
      });
      expect(told(history)).toEqual(['foreign-identity u01 of u02']);
    });

    test('is the own one where none was known, or it is said again, or is that of a sign-in', () => {
      const history = new HistoryBuilder();
      history.add('u01', { ...line, ids: { user: 'user-u01-as-shown' } });
      history.goldenPath();
      const { id } = history.person('u01');
      history.add('u01', { ...line, ids: { user: id } });
      history.add('u01', { ...line, ids: { user: `${id.slice(0, 13)}...` } });
      history.add('u02', { ...line, source: 'sign-in', ids: { user: 'user-u02-restarted' } });
      history.add('u02', { ...line, ids: { user: 'user-u02-restarted' } });
      history.add('u02', { ...line, ids: { user: history.person('u02').id } });
      expect(history.findings('foreign-identity')).toEqual([]);
      expect(history.verdict().verdict).toBe('pass');
    });
  });
});
