import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { openDispatcher, RecordedHttp, retryAfterMs, upgradeHeaders } from '../../clients/http.ts';
import { Recorder } from '../../clients/recorder.ts';
import { startClock } from '../../history/clock.ts';
import { JournalWriter } from '../../history/journal-writer.ts';
import { credentialHash, Vault } from '../../history/redaction.ts';
import type { HttpRequest } from '../../targets/target.ts';
import {
  Closers,
  freePort,
  headerFor,
  tinyTarget,
  httpServer,
  linesOf,
  PREFIX,
  temporaryDirectory,
} from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

const GET: HttpRequest = { address: 'api', method: 'GET', path: '/thing', purpose: 'api' };

function httpLab(base: string, changes: { timeoutMs?: number; bytesMax?: number } = {}) {
  const path = join(temporaryDirectory(closers), 'history.ndjson');
  const journal = new JournalWriter({ path, clock: startClock(), header: headerFor(tinyTarget()) });
  const dispatcher = openDispatcher({});
  closers.add(() => dispatcher.destroy());
  const recorder = new Recorder(journal, new Vault(), PREFIX);
  const http = new RecordedHttp(
    {
      dispatcher,
      addresses: { api: base, auth: base, page: base, socket: base },
      recorder,
      headers: { 'x-gateway': 'open-sesame' },
      timeoutMs: 1_000,
      bytesMax: 10_000,
      ...changes,
    },
    'u00',
  );
  return {
    http,
    recorder,
    text: async () => {
      await journal.end('done');
      return readFileSync(path, 'utf8');
    },
    lines: async () => {
      await journal.end('done');
      return linesOf(path);
    },
  };
}

const serving = (serve: (request: IncomingMessage, response: ServerResponse) => void) =>
  httpServer(closers, serve);

describe('an exchange', () => {
  test('is a request and a response line, timed to the end of the reply', async () => {
    const lab = httpLab(
      await serving((_request, response) => {
        response.writeHead(201, { 'content-type': 'application/json', 'set-cookie': 'a=b1234567' });
        response.write('{"a":');
        setTimeout(() => response.end('1}'), 50);
      }),
    );
    const reply = await lab.http.request({ ...GET, method: 'POST', json: { x: 1 } });
    expect(reply).toMatchObject({ status: 201, json: { a: 1 } });
    const [request, response] = await lab.lines();
    expect(request).toMatchObject({
      user: 'u00',
      surface: 'http',
      dir: 'out',
      kind: 'request',
      method: 'POST',
      purpose: 'api',
      frame: { x: 1 },
    });
    expect(response).toMatchObject({ dir: 'in', kind: 'response', status: 201, frame: { a: 1 } });
    expect(response?.['took']).toBeGreaterThanOrEqual(45);
    expect(JSON.stringify(response)).not.toContain('b1234567');
  });

  test('carries the campaign and gateway headers, and records neither', async () => {
    let headers: IncomingMessage['headers'] = {};
    const lab = httpLab(
      await serving((request, response) => {
        headers = request.headers;
        response.end();
      }),
    );
    await lab.http.request(GET);
    expect(headers).toMatchObject({
      'x-crosstalk-campaign': PREFIX,
      'x-gateway': 'open-sesame',
      'user-agent': 'crosstalk',
    });
    expect(await lab.text()).not.toContain('open-sesame');
  });

  test('records no key that only its headers or its fields hold, when the target tells it', async () => {
    const keys = ['end-to-end-key-0815', 'client-secret-4711-x'];
    const lab = httpLab(
      await serving((request, response) => {
        const told = [`invalid key ${keys.join(' or ')}`, ...keys.map((key) => btoa(`of ${key}`))];
        response.writeHead(401, { 'x-was': String(request.headers['x-e2e-bypass-key']) });
        response.end(told.join(' '));
      }),
    );
    const request = { ...GET, method: 'POST', purpose: 'sign-in' } as const;
    const headers = { 'X-E2E-Bypass-Key': keys[0] ?? '' };
    await lab.http.request({ ...request, headers, json: { client_secret: keys[1] } });
    const text = await lab.text();
    for (const key of keys) {
      expect(text).not.toContain(key);
      expect(text).not.toContain(btoa(`of ${key}`));
      expect(text).toContain(credentialHash(key));
    }
  });

  test.each(['Bearer %', '%', 'v1.%', 'session=%; theme=dark'])(
    'signed in with "%s" leaves the token known by its own hash: by that the judge knows whose it is',
    async (header) => {
      const token = 'opaque-token-of-somebody-0815';
      const lab = httpLab(
        await serving((request, response) => {
          const told = { debug: { authorization: request.headers.authorization } };
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(JSON.stringify(told));
        }),
      );
      lab.recorder.vault.add(token);
      const headers = { authorization: header.replace('%', token) };
      await lab.http.request({ ...GET, headers });
      const text = await lab.text();
      expect(text).toContain(credentialHash(token));
      expect(text).not.toContain(token);
    },
  );

  test('of a form leaves as a page would send it, and is written down by its fields', async () => {
    const came: string[] = [];
    const lab = httpLab(
      await serving((request, response) => {
        came.push(request.headers['content-type'] ?? '');
        request.on('data', (bytes: Buffer) => came.push(bytes.toString()));
        request.on('end', () => response.end());
      }),
    );
    const form = { password: 'open & sesame=1', email: 'ä@b.example' };
    await lab.http.request({ ...GET, method: 'POST', form, purpose: 'sign-in' });

    expect(came).toEqual([
      'application/x-www-form-urlencoded',
      'password=open+%26+sesame%3D1&email=%C3%A4%40b.example',
    ]);
    const [request] = await lab.lines();
    expect(request).toMatchObject({
      kind: 'request',
      frame: { password: `[redacted:${credentialHash(form.password)}]`, email: form.email },
    });
  });

  test('of a sign-in is written with the credentials it brought already known', async () => {
    const token = 'opaque-token-without-any-shape';
    const lab = httpLab(
      await serving((_request, response) =>
        response.end(JSON.stringify({ access_token: token, note: `keep ${token} safe` })),
      ),
    );
    await lab.http.request({ ...GET, purpose: 'sign-in' });
    const text = await lab.text();
    expect(text).not.toContain(token);
    expect(text).toContain(`keep [redacted:${credentialHash(token)}] safe`);
  });

  test('is written with what came beside it: early hints, trailers, an own reason phrase', async () => {
    const lab = httpLab(
      await serving((_request, response) => {
        response.writeEarlyHints({ link: '</hint-of-somebody>; rel=preload' });
        response.writeEarlyHints({ link: '</another>; rel=preload' });
        response.writeHead(200, 'Fine For Somebody', { trailer: 'x-last' });
        response.write('{}');
        response.addTrailers({ 'x-last': 'trailer-of-somebody' });
        response.end();
      }),
    );
    const reply = await lab.http.request(GET);
    expect(Object.keys(reply.headers)).not.toContain('(reason phrase)');
    const [, response] = await lab.lines();
    expect(response?.['headers']).toMatchObject({
      '(103) link': '</hint-of-somebody>; rel=preload, </another>; rel=preload',
      '(reason phrase)': 'Fine For Somebody',
      '(trailer) x-last': 'trailer-of-somebody',
    });
  });

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('is unpacked where it comes as %s', async (encoding, pack) => {
    const lab = httpLab(
      await serving((_request, response) => {
        response.setHeader('content-encoding', encoding);
        response.end(pack('{"title":"of somebody"}'));
      }),
    );
    expect((await lab.http.request(GET)).json).toEqual({ title: 'of somebody' });
    expect((await lab.lines())[1]).toMatchObject({ frame: { title: 'of somebody' } });
  });

  test('counts as not read where it cannot be unpacked', async () => {
    const lab = httpLab(
      await serving((_request, response) => {
        response.setHeader('content-encoding', 'gzip');
        response.end('no gzip');
      }),
    );
    await lab.http.request(GET);
    expect((await lab.lines())[1]).toMatchObject({ cut: 1 });
  });

  test('is read in the character set that it names', async () => {
    const lab = httpLab(
      await serving((_request, response) => {
        response.setHeader('content-type', 'application/json; charset=utf-16le');
        response.end(Buffer.from('{"title":"of somebody"}', 'utf16le'));
      }),
    );
    expect((await lab.http.request(GET)).json).toEqual({ title: 'of somebody' });
  });

  test('of a sign-in may speak of a token without being one', async () => {
    const lab = httpLab(
      await serving((_request, response) =>
        response.end(
          JSON.stringify({ token_subject: 'user-id-4711-abcd', x: 'user-id-4711-abcd' }),
        ),
      ),
    );
    await lab.http.request({ ...GET, purpose: 'sign-in' });
    expect(await lab.text()).not.toContain('[redacted:');
  });

  test('that is too long is read up to the limit and marked as cut', async () => {
    const lab = httpLab(await serving((_request, response) => response.end('x'.repeat(50_000))), {
      bytesMax: 1_000,
    });
    const reply = await lab.http.request(GET);
    expect(reply.text).toHaveLength(1_000);
    const [, response] = await lab.lines();
    expect(response).toMatchObject({ cut: 1 });
  });

  test('without a reply in time is a time-out, and the request stays in the record', async () => {
    const lab = httpLab(await serving(() => undefined), { timeoutMs: 80 });
    await expect(lab.http.request(GET)).rejects.toMatchObject({
      name: 'StepFailure',
      reason: 'timeout',
      unreachable: false,
    });
    expect((await lab.lines()).map(({ kind }) => kind)).toEqual(['request']);
  });

  test('with a target that is not there says so', async () => {
    const lab = httpLab(`http://127.0.0.1:${await freePort()}`);
    await expect(lab.http.request(GET)).rejects.toMatchObject({
      reason: 'refused',
      unreachable: true,
    });
  });

  test('over TLS to an address without it says so, in words for people', async () => {
    const plain = await serving((_request, response) => void response.end());
    const lab = httpLab(plain.replace('http:', 'https:'));
    await expect(lab.http.request(GET)).rejects.toThrow(
      /^"GET \/thing" got no reply: there is no TLS at the address; try http:\/\/ \(a socket: ws:\/\/\)$/,
    );
  });

  test('answered with 429 is repeated after the time the target asks for', async () => {
    let requests = 0;
    const lab = httpLab(
      await serving((_request, response) => {
        requests += 1;
        response.writeHead(requests < 3 ? 429 : 200, { 'retry-after': '0.05' }).end();
      }),
    );
    expect(await lab.http.request(GET)).toMatchObject({ status: 200 });
    expect((await lab.lines()).flatMap(({ status }) => status ?? [])).toEqual([429, 429, 200]);
  });
});

test('Retry-After is read as seconds or as a date, and is bounded', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(retryAfterMs('2', now)).toBe(2_000);
  expect(retryAfterMs('Thu, 01 Jan 2026 00:00:05 GMT', now)).toBe(5_000);
  expect(retryAfterMs('86400', now)).toBe(30_000);
  expect(retryAfterMs('soon', now)).toBe(1_000);
  expect(retryAfterMs(undefined, now)).toBe(1_000);
});

test('the answer to an upgrade is told with every value of a repeated header', () => {
  const rawHeaders = ['Server', 'edge', 'Sec-WebSocket-Accept', 'x', 'server', 'for somebody'];
  const headers = (statusCode: number, statusMessage: string) =>
    upgradeHeaders({ rawHeaders, statusCode, statusMessage });
  expect(headers(101, 'Switching Protocols')).toEqual({ server: 'edge, for somebody' });
  expect(headers(101, 'Hello Somebody')).toMatchObject({ '(reason phrase)': 'Hello Somebody' });
});
