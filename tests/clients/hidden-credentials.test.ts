import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { judgeOnce } from '../../assertions/history-judge.ts';
import { redacted } from '../../history/redaction.ts';
import { contentIn, holding, pageLab, pageTests, site, WAIT_MS_MAX } from './page-lab.ts';
import { linesOf, openRawTrial, socketServer, tinyTarget, type Line } from './lab.ts';

const { closers, browser } = pageTests();

const base64url = (text: string): string => Buffer.from(text).toString('base64url');
const OPAQUE = 'q7Zk93opaquetokenofsomeone42';
const PASSWORD = 'Xq7-w3R9_kkLm0zAbP~8';
const JWT = [
  base64url('{"alg":"HS256"}'),
  base64url('{"sub":"somebody"}'),
  'c2lnbmF0dXJlLW9mLWl0LTEyMzQ',
].join('.');
const SECRETS = [OPAQUE, PASSWORD, JWT];
const GATEWAY = 'gatewaysecretofnobody0815';
const FORM_NAMES = [
  'plain',
  'between letters',
  'cut off',
  'base64',
  'base64url',
  'base64 twice',
  'hexadecimal digits',
  'in upper case',
  'percent-encoded',
  'escaped',
  'gzip',
  'deflate',
].map((name, at) => [name, at] as const);

/** Every form in which a target may write a secret. */
function formsOf(secret: string): string[] {
  const hex = Buffer.from(secret).toString('hex');
  const said = `{"t":"${secret}"}`;
  return [
    secret,
    `Token0${secret}Expires`,
    `${secret.slice(0, -4)}…`,
    Buffer.from(said).toString('base64'),
    base64url(`of ${secret}`),
    base64url(Buffer.from(said).toString('base64')),
    hex,
    hex.toUpperCase(),
    hex.replaceAll(/../g, '%$&'),
    hex.replaceAll(/../g, String.raw`\u00$&`),
    gzipSync(said).toString('base64'),
    deflateSync(said).toString('base64url'),
  ];
}

const ALL = SECRETS.flatMap((secret) => formsOf(secret));
const BYTES = Buffer.concat([
  Buffer.from([0xff, 0xfe, 0x0a]),
  ...SECRETS.map((secret) => Buffer.from(`${String.fromCharCode(secret.length)}${secret}\0`)),
]);

/** What of the secrets can be read in a text, in any form and to more than two thirds. */
function readIn(text: string, secrets: readonly string[] = SECRETS): string[] {
  const found: string[] = [];
  const look = (view: string, how: string): void => {
    for (const secret of secrets)
      if (
        view.toLowerCase().includes(secret.slice(0, Math.ceil(secret.length * 0.7)).toLowerCase())
      )
        found.push(`${how}: ${view.slice(0, 200)}`);
  };
  const runs = text.match(/[\w+/=-]{10,}/g) ?? [];
  look(text, 'plain');
  look(decode(text), 'escaped');
  for (const run of runs) {
    for (const from of [0, 1, 2, 3]) {
      const bytes = Buffer.from(run.slice(from), 'base64');
      look(bytes.toString('latin1'), 'base64');
      look(Buffer.from(bytes.toString('latin1'), 'base64').toString('latin1'), 'base64 twice');
    }
    for (const from of [0, 1]) look(Buffer.from(run.slice(from), 'hex').toString('latin1'), 'hex');
  }
  return found;
}

function decode(text: string): string {
  return text.replaceAll(/(?:\\+u00|%)([0-9a-f]{2})/gi, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}

const PAGE = `<!doctype html><title>t</title><body><div id=shown></div><script>
const all = ${JSON.stringify(ALL)};
const forged = all.map((one, at) => '/say?n=' + at + '&q=' + encodeURIComponent(one));
document.getElementById('shown').textContent = all.join(' | ');
document.title = all[4];
for (const [at, one] of all.entries()) {
  localStorage.setItem('k' + at, one);
  sessionStorage.setItem(one.slice(0, 60), 'v' + at);
  console.log('said ' + one, { inner: one });
}
document.cookie = 'seen=' + encodeURIComponent(all[3]);
document.cookie = 'note=' + encodeURIComponent(all[6]);
const socket = new WebSocket(location.href.replace('http', 'ws') + '?q=' + encodeURIComponent(all[4]), [all[3].replaceAll('=', '').replaceAll('/', '').replaceAll('+', '')]);
socket.binaryType = 'arraybuffer';
const told = new Promise((resolve) => { let count = 0; socket.onmessage = () => { count += 1; if (count === ${ALL.length * 3 + 2}) resolve(); }; });
socket.onopen = () => { for (const one of all) socket.send(JSON.stringify({ one })); socket.send(new Uint8Array([255, 254, ...new TextEncoder().encode(all[0])])); };
Promise.all([told, ...[...forged, '/bytes', '/packed', '/headers'].map((path) => fetch(path).then((reply) => reply.text()))]).then(() => {
  location.hash = 'q=' + all[4];
  setTimeout(() => { throw new Error('thrown ' + all.join(' ')); });
});
</script></body>`;

describe('no credential can be read', () => {
  test('in what is recorded of a page, in whatever form it shows it', async () => {
    const { url } = await site(closers, {
      files: { '/': PAGE },
      serve: (request, response) => {
        const path = request.url ?? '';
        if (path === '/bytes')
          response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(BYTES);
        else if (path === '/packed')
          response.writeHead(200, { 'content-type': 'application/gzip' }).end(gzipSync(BYTES));
        else if (path === '/headers') {
          for (const [at, one] of ALL.entries())
            response.setHeader(`x-said-${at}`, one.replaceAll(/[^ -~]/g, ''));
          response.setHeader('set-cookie', `trace=${ALL[4] ?? ''}; Path=/`);
          response.setHeader(`x-${OPAQUE}`, 'named');
          response.writeHead(200).end('x');
        } else response.writeHead(200).end(decodeURIComponent(path));
      },
      socket: (socket) => {
        for (const one of ALL) socket.send(JSON.stringify({ type: 'note', one }));
        for (const one of ALL)
          socket.send(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(one)]));
        socket.send(BYTES);
        socket.send(gzipSync(BYTES));
        for (const one of ALL) socket.send(one);
      },
    });
    const lab = await pageLab(closers, browser);
    for (const secret of SECRETS) lab.pen.vault.claim(secret);
    await lab.open(`${url}/`);
    await expect
      .poll(async () => holding(await lab.lines(), 'thrown '), { timeout: WAIT_MS_MAX })
      .not.toEqual([]);
    const lines = await lab.lines();
    expect(leftIn(lines)).toEqual([]);
    expect(readIn(readFileSync(join(lab.directory, 'history.ndjson'), 'utf8'))).toEqual([]);
    const whole = lines.map((line) => JSON.stringify(line) + bytesIn(line)).join('\n');
    for (const secret of SECRETS) expect(whole).toContain(redacted(secret));
  }, 60_000);

  test.each(FORM_NAMES)('in the history and verdict of raw users: %s', async (_form, at) => {
    const tokens: string[] = [];
    const closes: Promise<unknown>[] = [];
    const url = await socketServer(closers, (socket, { headers }) => {
      tokens.push(String(headers['sec-websocket-protocol']));
      const forms = [...tokens, gatewayOf(headers)].map((token) => formsOf(token)[at] ?? '');
      socket.send('{"type":"hello"}');
      for (const one of forms) {
        socket.send(JSON.stringify({ type: 'note', note: one }));
        socket.send(`{"type":"note","note":"${one}"}`);
        socket.send(one);
        socket.send(Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from(one)]));
        socket.ping(one.slice(0, 120));
      }
      socket.close(1008, forms[0]?.slice(0, 120));
      closes.push(once(socket, 'close'));
    });
    const crowd = await openRawTrial(closers, tinyTarget(), {
      url,
      users: 2,
      headers: [['authorization', `Basic ${Buffer.from(`gate:${GATEWAY}`).toString('base64')}`]],
    });
    await crowd.each('sign in', (user) => user.signIn());
    for (const only of crowd.users)
      await crowd.each('connect', (user) => user.connect(), { only: (user) => user === only });
    await Promise.all(closes);
    await crowd.close('done');
    const verdict = judgeOnce(crowd.historyPath);
    const written = readFileSync(crowd.historyPath, 'utf8');
    const lines = linesOf(crowd.historyPath);
    for (const artifact of [
      written,
      JSON.stringify(verdict),
      ...lines.map((line) => bytesIn(line)),
    ])
      expect(readIn(artifact, [...tokens, GATEWAY])).toEqual([]);
    const foreign = verdict.findings.filter(({ rule }) => rule === 'isolation/foreign-credential');
    expect(foreign.map(({ observer, owner }) => [observer, owner])).toContainEqual(['u01', 'u00']);
  });
});

/** What the gateway in front is given with each request, taken apart by the target. */
function gatewayOf({
  authorization = '',
}: {
  readonly authorization?: string | undefined;
}): string {
  return Buffer.from(authorization.slice('Basic '.length), 'base64')
    .toString()
    .slice('gate:'.length);
}

function bytesIn({ base64 }: Line): string {
  return typeof base64 === 'string' ? Buffer.from(base64, 'base64').toString('latin1') : '';
}

function leftIn(lines: readonly Line[]): string[] {
  return lines.flatMap((line) =>
    [JSON.stringify(line), contentIn(line), bytesIn(line)]
      .flatMap((text) => readIn(text))
      .map((left) => `${String(line['surface'])} ${String(line['kind'])} ${left}`),
  );
}
