import { SignJWT, UnsecuredJWT, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import {
  FORGERIES,
  sessionWith,
  withoutToken,
  withoutTokenHeaders,
} from '../../clients/forged-tokens.ts';

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

test('nor does it carry a cookie of the session, or a ticket that was fetched for it', () => {
  const request = withoutToken(
    {
      url: 'wss://chat.example.com/ws?ticket=once-0a1b&room=1',
      protocols: [],
      headers: { cookie: 'sid=s%3Aopaque.sig; theme=dark', 'x-csrf': 'csrf-77aa' },
      secrets: ['once-0a1b'],
    },
    { userId: 'u-1', token: 's:opaque.sig', secrets: ['s:opaque.sig', 'csrf-77aa'] },
  );
  expect(request).toEqual({
    url: 'wss://chat.example.com/ws?room=1',
    protocols: [],
    headers: {},
  });
  const plain = { headers: { cookie: 'sid=s%3Aopaque.sig', 'x-room': '1' } };
  const holder = { userId: 'u-1', token: 's:opaque.sig', secrets: [] };
  expect(withoutTokenHeaders(plain, holder)).toEqual({ headers: { 'x-room': '1' } });
});

test('a session with a forged token has it in its cookies, too', () => {
  const cookies = 'sid=s%3Aa.b; again=s:a.b; theme=dark';
  const forged = sessionWith('s:a.c', { userId: 'u-1', token: 's:a.b', cookies, secrets: [] });
  expect(forged).toMatchObject({
    token: 's:a.c',
    cookies: 'sid=s%3Aa.c; again=s:a.c; theme=dark',
  });
});
