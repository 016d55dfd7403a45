import { randomBytes, randomUUID, webcrypto } from 'node:crypto';
import { SignJWT } from 'jose';
import type { JWTPayload } from 'jose';
import { expect, test } from 'vitest';
import { createClock } from '../../reference/clock.ts';
import { Tokens } from '../../reference/tokens.ts';

const key = await webcrypto.subtle.importKey(
  'raw',
  randomBytes(32),
  { name: 'HMAC', hash: 'SHA-256' },
  false,
  ['sign', 'verify'],
);
const tokens = new Tokens(createClock(), key);
const nowSeconds = Math.floor(Date.now() / 1_000);

const GOOD: JWTPayload = {
  sub: 'user-1',
  email: 'ada@crowd.test',
  token_type: 'access',
  iss: 'netra-auth-service',
  aud: 'netra-platform',
  iat: nowSeconds,
  exp: nowSeconds + 60,
  jti: randomUUID(),
  sid: randomUUID(),
};

const isAccepted = async (claims: JWTPayload): Promise<boolean> => {
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(key);
  return tokens.verify(token, 'access').then(
    () => true,
    () => false,
  );
};

test('a token with all its claims is accepted', async () => {
  expect(await isAccepted(GOOD)).toBe(true);
});

test.each<[string, JWTPayload]>([
  ['for another audience', { ...GOOD, aud: 'elsewhere' }],
  ['from another issuer', { ...GOOD, iss: 'elsewhere' }],
  ['that has expired', { ...GOOD, exp: nowSeconds - 1 }],
  ['older than a day', { ...GOOD, iat: nowSeconds - 25 * 3_600 }],
  ['of the refresh kind', { ...GOOD, token_type: 'refresh' }],
  ['without an expiry', withoutClaim('exp')],
  ['without an id', withoutClaim('jti')],
  ['without a session', withoutClaim('sid')],
  ['without an e-mail', withoutClaim('email')],
])('a well-signed token %s is refused', async (_kind, claims) => {
  expect(await isAccepted(claims)).toBe(false);
});

test('the end of a session ends all its tokens: refreshed ones and the refresh token too', async () => {
  const user = { id: 'user-1', email: 'ada@crowd.test', name: 'Ada', ordinal: 1 };
  const rest = { permissions: [], note: '', lastToken: null };
  const pair = await tokens.issue({ ...user, ...rest }, 60);
  const { sessionId } = await tokens.redeem(pair.refresh);
  const next = await tokens.issue({ ...user, ...rest }, 60, sessionId);
  const other = await tokens.issue({ ...user, ...rest }, 60);
  tokens.end(sessionId);
  for (const token of [pair.access, next.access]) {
    await expect(tokens.verify(token, 'access')).rejects.toMatchObject({ statusCode: 401 });
  }
  await expect(tokens.redeem(next.refresh)).rejects.toMatchObject({ statusCode: 401 });
  expect(await tokens.verify(other.access, 'access')).toMatchObject({ userId: 'user-1' });
});

function withoutClaim(name: string): JWTPayload {
  return Object.fromEntries(Object.entries(GOOD).filter(([claim]) => claim !== name));
}
