import { describe, expect, test } from 'vitest';
import { credentialHash, redacted, Vault } from '../../history/redaction.ts';

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
