import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { mintMarker } from '../../history/markers.ts';
import { redacted, Vault } from '../../history/redaction.ts';

const ID = '5b0c1f6e-9a3d-4f27-8d11-6f2f5d0c9a71';
const OWN_MARKER = mintMarker('xtk01234560001', 'question', 0);

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const base64url = (text: string): string => Buffer.from(text).toString('base64url');
const hex = (text: string): string => Buffer.from(text).toString('hex');
const percent = (text: string): string => hex(text).replaceAll(/../g, '%$&');
const escaped = (text: string): string => hex(text).replaceAll(/../g, String.raw`\u00$&`);
const references = (text: string): string =>
  text.replaceAll(/./g, (one) => `&#${one.charCodeAt(0)};`);
const wrapped = (text: string): string => base64(text).replaceAll(/.{40}/g, '$&\r\n');

const cut = (text: string): string[] => text.match(/.{1,7}/g) ?? [];

const jwt = (claims: object): string =>
  [
    base64url('{"alg":"HS256"}'),
    base64url(JSON.stringify(claims)),
    'c2lnbmF0dXJlLW9mLWl0LTEyMzQ',
  ].join('.');

const SECRETS = {
  'a token of letters': 'q7Zk93opaquetokenofsomeone42',
  'a password': 'Xq7-_w3R9.kk~Lm+z/0=aB',
  'a short password': 'hunter2!x',
  'a JWT': jwt({ sub: 'somebody' }),
} as const;

/** What a target may make of a text, and what is still to be read of it without the secret. */
const FORMS: Readonly<Record<string, (secret: string) => string>> = {
  base64: (secret) => base64(`{"who":"${secret}"}`),
  'base64, a letter further': (secret) => base64(`{"whom":"${secret}"}`),
  'base64, two letters further': (secret) => base64(`{"whose":"${secret}"}`),
  base64url: (secret) => base64url(`${secret} and ??? >>>`),
  'base64 in lines': (secret) => `"${wrapped(`of ${secret} and more of it`)}"`,
  'base64 in lines, within JSON': (secret) => JSON.stringify(wrapped(`of ${secret} and more`)),
  'base64 twice': (secret) => base64(`so ${base64(`of ${secret}.`)}`),
  'base64 in an address': (secret) => `https://host/share/${base64url(`x ${secret}`)}/now`,
  'hexadecimal digits': (secret) => `0x${hex(`of ${secret}`)}`,
  'hexadecimal digits in upper case': (secret) => hex(secret).toUpperCase(),
  'hexadecimal digits in base64': (secret) => base64(hex(secret)),
  'an address': (secret) => `/x?q=${percent(secret)}&y=1`,
  'an address, twice': (secret) => encodeURIComponent(percent(secret)),
  'base64 in an address that escapes it': (secret) => percent(base64(`of ${secret}`)),
  'escapes of JSON': (secret) => `{"note":"${escaped(secret)}"}`,
  'escapes within escapes': (secret) => JSON.stringify({ note: `{"x":"${escaped(secret)}"}` }),
  'references of HTML': (secret) => `<p>${references(secret)}</p>`,
  'bytes, as Node writes them': (secret) => JSON.stringify({ raw: Buffer.from(`of ${secret}`) }),
  'bytes, as JavaScript writes an array of them': (secret) =>
    JSON.stringify({ raw: new Uint8Array(Buffer.from(`of ${secret}`)) }),
  'bytes, as Python writes them': (secret) => `[${[...Buffer.from(secret)].join(', ')}]`,
  'bytes in lines': (secret) => JSON.stringify([...Buffer.from(`of ${secret}`)], null, 2),
  'a long list of bytes': (secret) =>
    JSON.stringify({ raw: Buffer.from(`${'so on '.repeat(700)}${secret} and so on`) }),
  'bytes in base64': (secret) => base64(JSON.stringify([...Buffer.from(secret)])),
  'texts of objects in a list': (secret) =>
    JSON.stringify(cut(`of ${secret} so`).map((insert) => ({ insert, n: 1 }))),
  'texts in lists, with others between': (secret) =>
    JSON.stringify(cut(secret).map((token) => [token, [{ 1: 'so' }]])),
  'texts with spaces between': (secret) => `["${cut(secret).join('", "')}"]`,
  'members called by their places': (secret) =>
    JSON.stringify(Object.assign({}, `of ${secret}`.split(''))),
  'parts in base64': (secret) => base64(JSON.stringify(cut(secret).map((text) => ({ text })))),
  'base64 in parts': (secret) =>
    JSON.stringify(cut(base64(`of ${secret}`)).map((text) => ({ text }))),
  'parts in JSON in JSON': (secret) =>
    JSON.stringify(JSON.stringify(cut(secret).map((text) => ({ text })))),
  'base64 of gzip': (secret) => gzipSync(`{"who":"${secret}"}`.repeat(3)).toString('base64'),
  'gzip in hexadecimal digits': (secret) => gzipSync(`of ${secret}`).toString('hex'),
  'gzip as a list of bytes': (secret) => JSON.stringify({ raw: gzipSync(`of ${secret}`) }),
  'deflate as an array of bytes': (secret) =>
    JSON.stringify(new Uint8Array(deflateSync(`of ${secret}`))),
  'base64 of deflate': (secret) => deflateSync(`{"who":"${secret}"}`).toString('base64url'),
};

const CASES = Object.entries(SECRETS).flatMap(([kind, secret]) =>
  Object.entries(FORMS).map(([form, write]) => ({ kind, secret, form, text: write(secret) })),
);

describe('a secret that is written in another way', () => {
  test.each(CASES)('is hidden and told by its hash: $kind as $form', ({ secret, text }) => {
    const vault = new Vault();
    vault.claim(secret);
    for (const direction of ['in', 'out'] as const) {
      const result = vault.redact(`{"data":"of ${text} so far","n":1}`, direction);
      expect(result).toContain(redacted(secret));
      expect(result).not.toContain(text);
      expect(result.startsWith('{"data":"of ')).toBe(true);
      expect(result.endsWith(' so far","n":1}')).toBe(true);
    }
  });

  test.each(Object.entries(FORMS))(
    'leaves what is evidence beside it readable: %s',
    (form, write) => {
      const vault = new Vault();
      vault.tell(ID);
      const secret = SECRETS['a token of letters'];
      vault.claim(secret);
      const told = write(`${OWN_MARKER} ${ID} ${secret} ${OWN_MARKER} ${ID}`);
      const result = vault.redact(told);
      expect(result).toContain(redacted(secret));
      // What was packed cannot be left as it was; all else still says it in its own way.
      if (!/gzip|deflate/.test(form)) return;
      expect(result).toContain(OWN_MARKER);
      expect(result).toContain(ID);
    },
  );

  test('is hidden between other letters, and told by its hash', () => {
    const vault = new Vault();
    for (const secret of Object.values(SECRETS)) vault.add(secret);
    for (const secret of [SECRETS['a token of letters'], SECRETS['a JWT']])
      expect(vault.redact(`Token0${secret}Expires`)).toBe(`Token0${redacted(secret)}Expires`);
  });

  test('is hidden and told by its hash where it is cut off', () => {
    const vault = new Vault();
    for (const secret of Object.values(SECRETS)) vault.claim(secret);
    for (const secret of [SECRETS['a token of letters'], SECRETS['a JWT']]) {
      const most = secret.slice(0, -4);
      expect(vault.redact(`{"x":"${most}…"}`)).toBe(`{"x":"${redacted(secret)}…"}`);
      expect(vault.redact(base64(`of ${most}`))).toContain(redacted(secret));
    }
  });

  test('is not taken for another’s where it is cut off before they differ', () => {
    const vault = new Vault();
    const [one, other] = ['session-token-of-user-0001', 'session-token-of-user-0002'];
    vault.claim(one);
    vault.claim(other);
    const result = vault.redact(`see session-token-of-user-000`);
    expect(result).toMatch(/^see \[redacted:[0-9a-f]{16}\]$/);
    expect(result).not.toContain(redacted(one));
    expect(result).not.toContain(redacted(other));
    expect(vault.redact(`see ${other}`)).toBe(`see ${redacted(other)}`);
  });

  test('does not take an id for a signed cookie that begins with it', () => {
    const vault = new Vault();
    vault.claim(`${ID}.c2lnbmF0dXJlLW9m`);
    vault.tell(ID);
    for (const text of [`{"user_id":"${ID}"}`, base64(`{"user_id":"${ID}"}`)])
      expect(vault.redact(text)).toBe(text);
  });

  test('is hidden wherever in a long text it stands, of which each character may be encoded', () => {
    const secret = SECRETS['a token of letters'];
    const vault = new Vault();
    vault.add(secret);
    const coded = `${percent(`of ${secret}`)}.${base64(`of ${secret}.`)}`;
    // Read in pieces of one mebibyte that share a sixteenth of it: around the end of the first, and in the third.
    for (const before of [960, 983, 984, 1_024, 2_500]) {
      const text = `${'%41a'.repeat(before * 256)} ${coded} ${'a\\n'.repeat(50_000)}`;
      const hidden = vault.redact(text);
      expect(hidden.split(redacted(secret)), `after ${before} KiB`).toHaveLength(3);
      for (const left of [percent(secret), base64(`of ${secret}.`)])
        expect(hidden).not.toContain(left);
    }
  });

  test('changes nothing where there is none', () => {
    const vault = new Vault();
    for (const secret of Object.values(SECRETS)) vault.claim(secret);
    for (const write of Object.values(FORMS)) {
      const text = write(`${OWN_MARKER} ${ID} and more of no secret`);
      expect(vault.redact(text)).toBe(text);
    }
  });

  test('takes no longer for texts that only look like it', () => {
    const vault = new Vault();
    for (const secret of Object.values(SECRETS)) vault.claim(secret);
    const hostile = [
      base64('\\u0041%41&#65;'.repeat(20_000)),
      `${hex('eyJhbGciOiJIUzI1NiJ9')}g`.repeat(5_000),
      'H4sIeJyb'.repeat(40_000),
      `q7Zk93opaqueto`.repeat(20_000),
      'eyJhbGciOi.'.repeat(20_000),
      'A'.repeat(300_000),
      `${'\\u0041'.repeat(20)} %25`.repeat(5_000),
    ];
    const began = performance.now();
    for (const text of hostile) vault.redact(text);
    expect(performance.now() - began).toBeLessThan(6_000);
  });
});
