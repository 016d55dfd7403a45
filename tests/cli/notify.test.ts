import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { digestOf, postDigest } from '../../cli/notify.ts';
import { campaignOf, failureOf, findingOf, HOSTILE } from '../reports/verdicts.ts';
import { crosstalk, temporaryDirectory } from './command-line.ts';
import { errorsIn } from './documents.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A real server on a free port; resolves to the address of a secret path on it. */
async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}/hooks/secret-of-the-hook`;
}

const { summary, trials } = campaignOf(failureOf([findingOf({ message: HOSTILE })]));
const digest = digestOf(summary, trials);

describe('the digest', () => {
  it('says the outcome in our own words, and shows those of a target as harmless lines', () => {
    expect(digest).toMatchObject({
      verdict: 'fail',
      cause: 'leak',
      signoff: null,
      trials: { pass: 0, inconclusive: 0, fail: 1 },
      violations: 1,
      targets: ['reference'],
      startedAt: '2026-01-01T00:00:00.000Z',
    });
    expect(digest.text).toBe(
      'Crosstalk: fail (leak). Failed: users received data of other users, or could reach it.',
    );
    expect(JSON.stringify(digest)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
  });

  it('is posted as JSON', async () => {
    let body = '';
    const url = await serve((request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => response.writeHead(204).end());
    });
    expect(await postDigest(url, digest)).toBeUndefined();
    expect(JSON.parse(body)).toEqual(digest);
  });
});

describe('a receiver that does not receive', () => {
  it('is a sentence when it answers 500', async () => {
    const url = await serve((_request, response) => response.writeHead(500).end());
    expect(await postDigest(url, digest)).toMatch(/^127\.0\.0\.1:\d+ answered 500$/);
  });

  it('is given up on when it hangs, also in the middle of its answer', async () => {
    const silent = await serve(() => undefined);
    expect(await postDigest(silent, digest, 200)).toMatch(/did not answer within 200 ms$/);
    const dripping = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('x');
    });
    expect(await postDigest(dripping, digest, 5000)).toBeUndefined();
  });

  it('is a sentence when nobody listens', async () => {
    const url = await serve(() => undefined);
    const [server] = servers.splice(0);
    await new Promise((resolve) => server?.close(resolve));
    expect(await postDigest(url, digest)).toMatch(/could not be reached: ECONNREFUSED$/);
  });

  it('cannot send the digest elsewhere', async () => {
    let visits = 0;
    const elsewhere = await serve((_request, response) => {
      visits += 1;
      response.end();
    });
    const url = await serve((_request, response) =>
      response.writeHead(307, { location: elsewhere }).end(),
    );
    expect(await postDigest(url, digest)).toMatch(/answered 307$/);
    expect(visits).toBe(0);
  });
});

describe('run --notify', () => {
  it('ends as it would have, and keeps the address out of everything it writes', async () => {
    const cwd = temporaryDirectory();
    let posted = 0;
    const url = await serve((_request, response) => {
      posted += 1;
      response.writeHead(500).end('no');
    });
    const words = `run --users 3 --transport websocket --pace 0.1 --fault broadcast --out o --notify ${url}`;
    const { code, out, err } = await crosstalk(words.split(' '), { cwd });
    expect(code, err).toBe(1);
    expect(posted).toBe(1);
    expect(err).toMatch(/--notify: 127\.0\.0\.1:\d+ answered 500/);
    const files = readdirSync(join(cwd, 'o'), { recursive: true, encoding: 'utf8' })
      .map((path) => join(cwd, 'o', path))
      .filter((path) => statSync(path).isFile());
    const everything = [out, err, ...files.map((path) => readFileSync(path, 'latin1'))];
    expect(files.length).toBeGreaterThan(5);
    expect(everything.filter((text) => text.includes('secret-of-the-hook'))).toEqual([]);
  });

  it('refuses what is no address, without repeating it', async () => {
    const { code, out } = await crosstalk(['run', '--notify', 'file:///hooks/secret', '--json']);
    expect(code).toBe(64);
    expect(errorsIn(out)).toEqual([expect.stringMatching(/BAD_VALUE: "--notify" must be an http/)]);
    expect(out).not.toContain('secret');
  });
});
