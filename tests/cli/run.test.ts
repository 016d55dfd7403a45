import { createServer } from 'node:net';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { z } from 'zod';
import { beforeAll, describe, expect, it } from 'vitest';
import { crosstalk, startConfined, temporaryDirectory, type Ended } from './command-line.ts';
import { patientIn } from '../patient.ts';
import { printedIn, type Printed } from './documents.ts';

const TRIAL = 'trials/golden-path-websocket';

function schema(name: string): (value: unknown) => string {
  const url = new URL(`../../docs/schemas/${name}.schema.json`, import.meta.url);
  const ajv = new Ajv2020({ strict: false });
  const document = z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(url, 'utf8')));
  const validate = ajv.compile(document);
  return (value) => (validate(value) ? 'valid' : ajv.errorsText(validate.errors));
}

describe('run on the embedded target', () => {
  const cwd = temporaryDirectory();
  const read = (path: string): string => readFileSync(join(cwd, 'out', path), 'utf8');
  const secret = 'value-of-a-gateway-header';
  let ended: Ended;
  let printed: Printed;

  beforeAll(async () => {
    const words =
      'run --users 4 --pace 0.1 --seed a-test --out out --json --transport websocket ' +
      `--header X-Gateway=${secret}`;
    ended = await crosstalk([...words.split(' '), ...patientIn(cwd)], { cwd });
    printed = printedIn(ended.out);
  });

  it('passes a target without a fault, and says on what evidence', () => {
    expect(ended.code).toBe(0);
    expect(printed).toMatchObject({ schema: 1, verdict: 'pass', cause: null, seed: 'a-test' });
    expect(printed.verdicts).toHaveLength(1);
    expect(printed.verdicts[0]?.evidence).toMatchObject({ pairs: 6, pairsOverlapping: 6 });
    const calibration = printed.verdicts[0]?.evidence.calibration;
    expect(calibration?.planted).toBeGreaterThan(0);
    expect(calibration?.caught).toBe(calibration?.planted);
  });

  it('tells progress on standard error, one line per phase', () => {
    expect(ended.err).toMatch(/sign in +4\/4/);
    expect(ended.err).toMatch(/read the answer.* +4\/4/);
  });

  it('writes exactly the documented artifacts, for their owner alone', () => {
    expect(readdirSync(join(cwd, 'out')).toSorted()).toEqual([
      'allure-results',
      'ctrf-report.json',
      'junit.xml',
      'report.html',
      'summary.json',
      'summary.md',
      'trials',
    ]);
    for (const path of ['summary.json', 'junit.xml', `${TRIAL}/verdict.json`])
      expect(statSync(join(cwd, 'out', path)).mode & 0o777).toBe(0o600);
    expect(statSync(join(cwd, 'out', TRIAL, 'history.ndjson')).mode & 0o777).toBe(0o600);
  });

  it('writes artifacts that the published schemas accept', () => {
    const [first = '', ...rest] = read(`${TRIAL}/history.ndjson`).trimEnd().split('\n');
    const last = rest.pop() ?? '';
    expect(schema('history-header')(JSON.parse(first))).toBe('valid');
    expect(schema('history-end')(JSON.parse(last))).toBe('valid');
    const observation = schema('history-observation');
    for (const line of rest) expect(observation(JSON.parse(line))).toBe('valid');
    expect(schema('verdict')(JSON.parse(read(`${TRIAL}/verdict.json`)))).toBe('valid');
    expect(schema('summary')(JSON.parse(read('summary.json')))).toBe('valid');
  });

  it('prints what summary.json holds, with the verdicts', () => {
    const { verdicts, ...summary } = printed;
    expect(JSON.parse(read('summary.json'))).toEqual(summary);
    expect(JSON.parse(read(`${TRIAL}/verdict.json`))).toEqual(verdicts[0]);
  });

  it('keeps secrets out of artifacts and of what it prints', () => {
    const all = ['summary.json', 'summary.md', `${TRIAL}/history.ndjson`].map(read).join('\n');
    for (const text of [all, ended.out, ended.err]) {
      expect(text).not.toContain(secret);
      expect(text).not.toMatch(/eyJ[\w-]+\.eyJ/);
    }
    expect(printed.command).toContain("--header 'X-Gateway=…'");
  });

  it('judges the kept history to the same verdict, and never passes it without its end', async () => {
    const again = await crosstalk(['judge', 'out', '--json'], { cwd });
    expect(again.code).toBe(0);
    const [verdict] = printedIn(again.out).verdicts;
    expect(verdict?.findings).toEqual(printed.verdicts[0]?.findings);
    expect(verdict?.rules).toEqual(printed.verdicts[0]?.rules);

    const lines = read(`${TRIAL}/history.ndjson`).trimEnd().split('\n');
    writeFileSync(join(cwd, 'cut.ndjson'), `${lines.slice(0, -1).join('\n')}\n`);
    expect((await crosstalk(['judge', 'cut.ndjson'], { cwd })).code).toBe(2);
  });
});

describe('run against others', () => {
  it('is soon inconclusive when nothing answers, and names what it could not reach', async () => {
    const free = await freePort();
    const { code, out } = await crosstalk([
      ...'run --json --transport websocket --url'.split(' '),
      `http://127.0.0.1:${free}`,
    ]);
    const printed = printedIn(out);
    expect(code).toBe(2);
    expect(printed).toMatchObject({ verdict: 'inconclusive', cause: 'unavailable' });
    expect(printed.reasons.join()).toContain(`127.0.0.1:${free}`);
  }, 30_000);

  it('points artifacts/latest to the newest campaign', async () => {
    const cwd = temporaryDirectory();
    const url = `http://127.0.0.1:${await freePort()}`;
    const words = 'run --users 2 --seed newest --quiet --transport websocket --url';
    await crosstalk([...words.split(' '), url], { cwd });
    expect(existsSync(join(cwd, 'artifacts/latest/summary.json'))).toBe(true);
    expect(readdirSync(join(cwd, 'artifacts'))).toContainEqual(
      expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-newest$/),
    );
  });

  it('says what kept its history from being written, and does not pass', async () => {
    const cwd = temporaryDirectory();
    const words = 'run --users 2 --pace 0.1 --transport websocket --out out --json'.split(' ');
    const { code, out, err } = await startConfined(words, { cwd, blocksMax: 40 }).ended;
    expect(code, err).toBe(2);
    const { reasons } = printedIn(out);
    expect(reasons).toContainEqual(expect.stringContaining('golden path: Error: EFBIG'));
    expect(reasons).toContainEqual(expect.stringContaining('evidence/incomplete-history'));
  });

  it('reports a script that does not load, and does not pass', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'broken.spec.mts'), "throw new Error('no such luck');\n");
    const { code, err, out } = await crosstalk(
      ['run', 'broken.spec.mts', '--transport', 'websocket', '--json'],
      { cwd },
    );
    expect(code).toBe(2);
    expect(err).toContain('no such luck');
    expect(JSON.parse(out)).toMatchObject({ verdict: 'inconclusive', trials: [] });
  });
});

/** A port on which nothing listens. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
