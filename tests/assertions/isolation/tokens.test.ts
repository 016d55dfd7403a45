import { describe, expect, test } from 'vitest';
import { credentialHash } from '../../../history/redaction.ts';
import { clean, HistoryBuilder, who } from '../history-builder.ts';

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

test('isolation/foreign-credential: a field that is declared public may name others, and give nobody away', () => {
  const history = new HistoryBuilder(3, {
    publicEvents: { presence: ['payload.who'] },
  }).goldenPath();
  const { nameMarker, token } = history.person('u02');
  const shown = (text: string) =>
    history.add('u00', {
      event: 'presence',
      contentKind: 'frame',
      content: JSON.stringify({ type: 'presence', payload: { who: text } }),
    });
  shown(nameMarker);
  expect(history.verdict().verdict).toBe('pass');
  const seen = shown(`${nameMarker} [redacted:${credentialHash(token)}]`);
  const violations = history
    .verdict()
    .findings.filter(({ severity }) => severity === 'violation')
    .map((finding) => [finding.rule, who(finding), finding.witness[0]?.line]);
  expect(violations).toEqual([['isolation/foreign-credential', 'u00 of u02', seen.line]]);
});

test('isolation/foreign-credential: a token is another’s also where that is learned late', () => {
  const hash = credentialHash('a-token-of-u01-that-comes-later');
  const history = clean();
  const learns = (user: string) =>
    history.add(user, {
      surface: 'harness',
      dir: 'act',
      kind: 'identity',
      source: 'sign-in',
      credentials: [hash],
    });
  const notice = {
    event: 'notice',
    contentKind: 'frame',
    content: `{"type":"notice","token":"[redacted:${hash}]"}`,
  } as const;
  const seen = history.add('u00', notice);
  history.add('u01', notice);
  expect(history.verdict().verdict).toBe('pass');
  learns('u01');
  const findings = history.findings('foreign-credential');
  expect(findings.map(who)).toEqual(['u00 of u01']);
  expect(findings[0]?.witness).toMatchObject([{ line: seen.line }]);
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

  test('is not the second one’s own, if both replies came before either token was claimed', () => {
    const history = clean();
    const hash = credentialHash('a-token-for-two');
    for (const name of ['u00', 'u01'])
      history.add(name, {
        surface: 'http',
        kind: 'response',
        purpose: 'sign-in',
        contentKind: 'frame',
        content: `{"access_token":"[redacted:${hash}]"}`,
      });
    for (const name of ['u00', 'u01'])
      history.add(name, {
        surface: 'harness',
        dir: 'act',
        kind: 'identity',
        source: 'sign-in',
        credentials: [hash],
      });
    expect(history.findings('foreign-credential').map(who)).toEqual(['u01 of u00']);
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
