import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mintMarker } from '../../history/markers.ts';
import { credentialHash, redacted, Vault } from '../../history/redaction.ts';
import { CHARACTER } from '../any-text.ts';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLW9mLWl0';
const OPAQUE = 'Zk93-opaque/token+of==someone';

describe('a vault', () => {
  test('replaces every form of a known secret by the hash of the secret itself', () => {
    const vault = new Vault();
    const hash = vault.add(OPAQUE);
    expect(hash).toBe(credentialHash(OPAQUE));
    for (const text of [
      `a ${OPAQUE} b`,
      `{"x":"${OPAQUE}"}`,
      `https://host/?q=${encodeURIComponent(OPAQUE)}&z=1`,
      `{"authorization":"Bearer ${OPAQUE}"}`,
    ]) {
      const result = vault.redact(text);
      expect(result).toContain(`[redacted:${hash}]`);
      expect(result).not.toContain('opaque');
    }
  });

  test('replaces any JWT, known or not, and keeps its hash inside further secrets', () => {
    const vault = new Vault();
    expect(vault.redact(`x ${JWT} y`)).toBe(`x ${redacted(JWT)} y`);
    expect(vault.redact(`{"debug":{"authorization":"Bearer ${JWT}"}}`)).toBe(
      `{"debug":{"authorization":"Bearer ${redacted(JWT)}"}}`,
    );
    expect(vault.redact(`jwt.${JWT}`)).toBe(`jwt.${redacted(JWT)}`);
  });

  test('replaces values of secret members and parameters', () => {
    const vault = new Vault();
    expect(vault.redact('{"password":"hunter2hunter2","name":"x"}')).toBe(
      `{"password":"${redacted('hunter2hunter2')}","name":"x"}`,
    );
    expect(vault.redact('/ws?ticket=abc123&x=1')).toBe(`/ws?ticket=${redacted('abc123')}&x=1`);
  });

  test('leaves what models call tokens, which are pieces of words', () => {
    const vault = new Vault();
    for (const text of [
      '{"content":[{"token":"xt","logprob":-0.1,"bytes":[120,116]},{"token":"k5","bytes":null}]}',
      '{"tokens": [{"token": " so", "tokenId": 17}, {"token": " on", "logProbability": -1}]}',
    ])
      expect(vault.redact(text)).toBe(text);
    for (const secret of ['{"token":"482913","user":"x"}', '{"password":"482913","bytes":[1]}'])
      expect(vault.redact(secret)).toContain(redacted('482913'));
    expect(vault.redact(`{"token":"${OPAQUE}","bytes":[1]}`)).toContain(redacted(OPAQUE));
  });

  test('hides a secret that is cut over a list, and nothing between its pieces', () => {
    const vault = new Vault();
    vault.claim(OPAQUE);
    const frame = (one: string, other: string): string =>
      `{"ops":[{"insert":"of ${one}","by":"u1"},{"insert":"${other} so","by":"u2"}]}`;
    expect(vault.redact(frame(OPAQUE.slice(0, 9), OPAQUE.slice(9)))).toBe(
      frame(redacted(OPAQUE), ''),
    );
  });

  test('leaves JSON valid', () => {
    const vault = new Vault();
    const text = JSON.stringify({
      refresh_token: 'a"b\\c',
      access_token: JWT,
      token_type: 'Bearer',
    });
    expect(() => JSON.parse(vault.redact(text)) as unknown).not.toThrow();
    expect(vault.redact(text)).toContain('"token_type":"Bearer"');
  });

  test('replaces cookie values but not their attributes', () => {
    const vault = new Vault();
    const headers = vault.redactHeaders({
      'set-cookie': 'session=s3cr3t; Path=/; HttpOnly',
      etag: 'x',
    });
    expect(headers['set-cookie']).toBe(`session=${redacted('s3cr3t')}; Path=/; HttpOnly`);
    expect(headers['etag']).toBe('x');
  });

  test('returns ordinary text unchanged', () => {
    const vault = new Vault();
    vault.add(OPAQUE);
    const text = '{"type":"agent_thinking","payload":{"thought":"a key question"}}';
    expect(vault.redact(text)).toBe(text);
  });

  test('knows secret members, parameters and headers in every spelling', () => {
    const vault = new Vault();
    const names =
      'password passwd secret apikey api_key accesstoken access_token refreshtoken refresh_token idtoken id_token sessiontoken session_token authtoken auth_token jwt jwt_token ticket ticket_id cookie authorization token'.split(
        ' ',
      );
    for (const lower of names)
      for (const name of [
        lower,
        lower.toUpperCase(),
        `${lower.charAt(0).toUpperCase()}${lower.slice(1)}`,
      ])
        for (const colon of [':', ' : ', '\t:', ':\n'])
          expect(vault.redact(`{"a":1,"${name}"${colon}"s3cr3t"}`)).toBe(
            `{"a":1,"${name}"${colon}"${redacted('s3cr3t')}"}`,
          );
    for (const name of [
      'access_token',
      'TOKEN',
      'Key',
      'api_key',
      'code',
      'PASSWORD',
      'auth_ticket',
    ])
      expect(vault.redact(`/ws?${name}=s3cr3t`)).toBe(`/ws?${name}=${redacted('s3cr3t')}`);
    for (const scheme of ['Bearer', 'Basic'])
      expect(vault.redact(`x ${scheme}\ts3cr3t99`)).toBe(`x ${scheme}\t${redacted('s3cr3t99')}`);
  });

  test('replaces just what its patterns match, however the parts of a text are put together', () => {
    const vault = new Vault();
    const part = fc.constantFrom(
      ' ',
      ...'" ":" "\t:\n" ", { ? & ; = . \\ a B J ]'.split(' '),
      // What regular expressions take for space, and letters that fold to others outside of them.
      '"\u00a0:"',
      '"\ufeff:\u2028"',
      'to\u212aen',
      '\u017fecret',
      'ü:',
      ...'eyJhbGciOi .eyJzdWIiO s3cr3t-value thread_id password PASSWD Secret api_key'.split(' '),
      ...'apiKey refresh_token idtoken jwt jwt_token ticket Ticket_ID cookie code'.split(' '),
      ...'Authorization [redacted: Bearer\t Basic\t bearer\t'.split(' '),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 24 }), (parts) => {
        const text = parts.join('');
        expect(vault.redact(text)).toBe(redactedByPatternsAlone(text));
      }),
      { numRuns: 3_000 },
    );
  });

  test('replaces the same in frames, whatever their members are called', () => {
    const vault = new Vault();
    const names =
      'type user_id client_id jwt my_jwt ajwt password thought text_id keyword monkey description'.split(
        ' ',
      );
    const key = fc.oneof(
      fc.constantFrom(...names, 'ticket_id', 'Set-Cookie', 'cookie', 'authorization', 'aPi_KeY'),
      fc.string({ unit: CHARACTER }),
      fc.string({ unit: fc.constantFrom('"', ':', 'token', ' ', '\\', 'secret') }),
    );
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom(JWT, `?token=${OPAQUE}`, `Bearer ${OPAQUE}`, '"password":"x"', 'a: b', '1'),
      fc.integer(),
    );
    const frame = fc.dictionary(key, fc.oneof(value, fc.dictionary(key, value)));
    fc.assert(
      fc.property(frame, fc.constantFrom(undefined, 1, '\t'), (members, indent) => {
        const text = JSON.stringify(members, null, indent);
        expect(vault.redact(text)).toBe(redactedByPatternsAlone(text));
      }),
      { numRuns: 3_000 },
    );
  });

  test('reads what is full of beginnings, or of nothing else, as fast as anything', () => {
    const vault = new Vault();
    const texts = [
      `${'eyJ'.repeat(100_000)}.eyJ`,
      `${'eyJ'.repeat(100_000)}.${'eyJ'.repeat(100_000)}`,
      `.${'.eyJaaaaa'.repeat(10_000)}`,
      'a'.repeat(300_000),
      `"token"${' '.repeat(300_000)}`,
      '"token":"'.repeat(30_000),
      `Bearer ${' '.repeat(300_000)}`,
      'Bearer '.repeat(30_000),
    ];
    // Several of them took minutes, or would have taken hours.
    for (const text of texts) {
      expect(vault.redact(`x ${text}`).startsWith('x ')).toBe(true);
      const headers = vault.redactHeaders({ 'set-cookie': `x ${text}` });
      expect(headers['set-cookie']?.startsWith('x ')).toBe(true);
    }
  });

  test('finds a JWT in the middle of a word, and after words that only begin like one', () => {
    const vault = new Vault();
    expect(vault.redact(`session-${JWT}.`)).toBe(`session-${redacted(JWT)}.`);
    expect(vault.redact(`eyJ.eyJa.eyJ${JWT}`)).toBe(`eyJ.eyJa.${redacted(`eyJ${JWT}`)}`);
  });

  test('knows secrets with halves of characters, which no address can hold', () => {
    const secret = 'half-\ud83d-of-somebody-0815';
    const vault = new Vault();
    vault.add(secret);
    expect(vault.redact(`x ${secret} y`)).toBe(`x ${redacted(secret)} y`);
    expect(vault.redact(JSON.stringify({ x: secret }))).toBe(`{"x":"${redacted(secret)}"}`);
  });

  test('finds one of ten thousand secrets', () => {
    const vault = new Vault();
    const secrets = Array.from(
      { length: 10_000 },
      (_, index) => `pool-token-${index}-${index * 7919}x`,
    );
    for (const secret of secrets) vault.add(secret);
    expect(vault.redact(`see ${secrets[7_777]}!`)).toBe(`see ${redacted(secrets[7_777] ?? '')}!`);
  });
});

/** Every pattern, tried without looking first whether it can match. */
function redactedByPatternsAlone(text: string): string {
  return text
    .replaceAll(/eyJ[A-Za-z0-9_-]{5,}\.eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*/g, redacted)
    .replaceAll(
      /("(?:password|passwd|secret|api_?key|access_?token|refresh_?token|id_?token|session_?token|auth_?token|jwt(?:_token)?|ticket(?:_id)?|cookie|authorization|token)"\s*:\s*")((?:[^"\\]|\\.)+)"/gi,
      (whole, before: string, value: string) =>
        value.includes('[redacted:') ? whole : `${before}${redacted(value)}"`,
    )
    .replaceAll(
      /([?&;](?:access_token|refresh_token|token|jwt|auth_token|ticket|auth_ticket|ticket_id|key|api_key|password|secret|code)=)([^&#\s"'<>;]+)/gi,
      (whole, before: string, value: string) =>
        value.includes('[redacted:') ? whole : before + redacted(value),
    )
    .replaceAll(
      /\b((?:Bearer|Basic)\s+)([A-Za-z0-9._~+/=-]{8,})/g,
      (_whole, before: string, value: string) => before + redacted(value),
    );
}

describe('what a hidden value holds of the crowd', () => {
  const marker = mintMarker('xtk01234560001', 'question', 0);
  const ID = '5b0c1f6e-9a3d-4f27-8d11-6f2f5d0c9a71';
  const EMAIL = 'u01.kqzvbn@crosstalk.example.com';
  const knowing = (): Vault => {
    const vault = new Vault();
    vault.tell(ID);
    vault.tell(EMAIL);
    return vault;
  };
  const jwt = (claims: object): string =>
    ['{"alg":"HS256"}', JSON.stringify(claims), 'signature-of-it']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.');

  test.each([
    ['a member', `{"ticket":"Ticket of ${marker} ${EMAIL}"}`, [marker, EMAIL]],
    ['a parameter', `/share?code=${marker}&key=for-${ID}`, [marker, ID]],
    ['an authorization', `{"note":"Bearer ${ID}/x"}`, [ID]],
    ['a percent-encoded value', `/share?token=${encodeURIComponent(`:${EMAIL}:`)}`, [EMAIL]],
    ['base64', `{"secret":"${Buffer.from(`who=${EMAIL}`).toString('base64url')}"}`, [EMAIL]],
    ['a token nobody has claimed', `{"link":"${jwt({ sub: ID, email: EMAIL })}"}`, [ID, EMAIL]],
  ])('is written behind its hash: %s', (_where, text, evidence) => {
    const result = knowing().redact(text);
    for (const word of evidence) expect(result).toContain(word);
    expect(result).toContain('[redacted:');
    if (text.startsWith('{')) expect(() => JSON.parse(result) as unknown).not.toThrow();
    // Once is enough, and nothing is hidden twice.
    expect(knowing().redact(result)).toBe(result);
  });

  test('is kept of headers and cookies', () => {
    const { 'x-api-key': key, 'set-cookie': cookie } = knowing().redactHeaders({
      'x-api-key': `for ${EMAIL}`,
      'set-cookie': `last=${ID}.s3cr3t; Path=/`,
    });
    expect(key).toBe(`${redacted(`for ${EMAIL}`)} ${EMAIL}`);
    expect(cookie).toBe(`last=${redacted(`${ID}.s3cr3t`)} ${ID}; Path=/`);
  });

  test('is not kept of a token that its user works with, nor of what is sent', () => {
    const vault = knowing();
    const own = jwt({ sub: ID });
    vault.claim(own);
    expect(vault.redact(`x ${own} y`)).toBe(`x ${redacted(own)} y`);
    expect(vault.redact(`/ws?token=${ID}-x`, 'out')).toBe(`/ws?token=${redacted(`${ID}-x`)}`);
  });

  test('is no secret itself, even where it was taken for one', () => {
    const vault = new Vault();
    vault.add(ID);
    expect(vault.redact(`{"user_id":"${ID}"}`)).not.toContain(ID);
    vault.tell(ID);
    for (const text of [`{"user_id":"${ID}"}`, `{"token":"${ID}"}`])
      expect(vault.redact(text)).toBe(text);
  });

  test('is told from a longer name, or one in another case, that nobody knows so far', () => {
    const vault = new Vault();
    for (const id of ['maria-schmidt', 'usr_aaaab']) vault.tell(id);
    const hidden = (claims: object) => vault.redact(jwt(claims)).split(' ').slice(1);
    expect(hidden({ sub: 'maria-schmidt-2' })).toEqual(['maria-schmidt-2']);
    expect(hidden({ sub: 'usr_aaaaB' })).toEqual(['usr_aaaaB']);
    expect(hidden({ sub: 'somebody else' })).toEqual([]);
  });

  test('never breaks what it stands in', () => {
    const vault = new Vault();
    for (const word of ['ab"cdefgh', 'ab\\cdefgh', 'ab cdefghi', 'ab;cdefgh']) vault.tell(word);
    expect(vault.redact('{"ticket":"x ab;cdefgh ab cdefghi"}')).toBe(
      `{"ticket":"${redacted('x ab;cdefgh ab cdefghi')}"}`,
    );
  });
});
