import { SignJWT, UnsecuredJWT, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { FORGERIES, withoutToken } from '../../clients/forged-tokens.ts';

const KEY = new TextEncoder().encode('a key that is long enough for HS256');
const token = await new SignJWT({ sub: 'u-1' })
  .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
  .sign(KEY);
const session = { userId: 'u-1', token, secrets: [token] };

test.each(FORGERIES)('$source is a token that must not be accepted', async ({ forge }) => {
  const forged = forge(token) ?? '';
  expect(forged).not.toBe(token);
  await expect(jwtVerify(token, KEY)).resolves.toBeDefined();
  await expect(jwtVerify(forged, KEY)).rejects.toThrow();
});

test('an unsigned token still claims the same', () => {
  const [unsigned] = FORGERIES;
  expect(UnsecuredJWT.decode(unsigned.forge(token) ?? '').payload.sub).toBe('u-1');
});

test('tokens of another kind are not forged', () => {
  const [unsigned] = FORGERIES;
  expect(unsigned.forge('opaque')).toBeUndefined();
});

test('a request without the token carries it nowhere', () => {
  const request = withoutToken(
    {
      url: `wss://chat.example.com/ws?token=${token}&room=1`,
      protocols: ['jwt-auth', `jwt.${token}`],
      headers: { authorization: `Bearer ${token}`, 'x-room': '1' },
    },
    session,
  );
  expect(request).toEqual({
    url: 'wss://chat.example.com/ws?room=1',
    protocols: ['jwt-auth'],
    headers: { 'x-room': '1' },
  });
});
