import { describe, expect, test } from 'vitest';
import { mintMarker, newCampaignPrefix, userPrefix } from '../../../history/markers.ts';
import { FIVE, HistoryBuilder, clean, who, type Line } from '../history-builder.ts';

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

  const spelled = (history: HistoryBuilder, text: string, helps: (at: number) => void): void => {
    for (let from = 0; from < text.length; from += 5) {
      history.event('u00', 'agent_chunk', { payload: { text: text.slice(from, from + 5) } });
      helps(from);
    }
  };

  test('is found when another agent streams in between its pieces', () => {
    const history = new HistoryBuilder(3).start();
    for (const { name } of history.people) history.ask(name);
    spelled(history, `well, ${history.person('u02').note} is it`, () =>
      history.event('u00', 'agent_chunk', {
        payload: { text: 'meanwhile', agent_name: 'helper' },
      }),
    );
    expect(history.findings('foreign-marker').map(who)).toEqual(['u00 of u02']);
  });

  test.each([
    [
      'dropped',
      (history: HistoryBuilder): unknown => history.add('u00', { kind: 'close', by: 'us' }),
    ],
    ['silent', (): unknown => undefined],
    [
      'gone on to the next question',
      (history: HistoryBuilder): unknown => [history.ask('u00'), history.event('u00', FIVE[0])],
    ],
  ])('that breaks off in the middle of a stream is found: %s', (_how, change) => {
    for (const isNamed of [true, false]) {
      const history = new HistoryBuilder(3).start();
      for (const { name } of history.people) history.ask(name);
      spelled(history, history.person('u02').note.slice(0, 30), () => undefined);
      if (!isNamed)
        for (const line of history.lines)
          if (line.event === 'agent_chunk')
            Object.assign(line, { run: undefined, thread: undefined, owner: undefined });
      change(history);
      expect(history.findings('foreign-marker').map(who)).toEqual(['u00 of u02']);
    }
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

test('a marker of another make than ours is of whoever planted it', () => {
  const history = new HistoryBuilder(3);
  for (const [index, user] of history.header.users.entries())
    Object.assign(user, { markerPrefix: `QA7-night-${index}-` });
  history.start().round();
  const ends = ['8f3kz90bq7wxr4n2', 'p2m6t0dh5jg9vbc1', 'w7s4q8x3nz6rk0fb'];
  const markers = ends.map((end, index) => `QA7-night-${index}-t0-${end}`);
  for (const [index, { name }] of history.people.entries()) {
    const marker = markers[index] ?? '';
    const plant = { kind: 'act', surface: 'harness', dir: 'act', act: 'plant' } as const;
    history.add(name, { ...plant, place: 'note', marker });
    history.add(name, { contentKind: 'frame', content: JSON.stringify({ note: marker }) });
  }
  expect(history.findings('foreign-marker').map(who)).toEqual([]);
  expect(history.verdict().verdict).not.toBe('fail');
  history.add('u01', { contentKind: 'frame', content: JSON.stringify({ note: markers[0] }) });
  expect(history.findings('foreign-marker').map(who)).toEqual(['u01 of u00']);
});
