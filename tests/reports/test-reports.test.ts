import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnvInfo } from 'allure-js-commons/sdk/reporter';
import { validate } from 'ctrf';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { convert } from 'xmlbuilder2';
import { z } from 'zod';
import type { Summary, Verdict } from '../../history/verdict.ts';
import { writeAllureResults } from '../../reports/allure.ts';
import { renderCtrf } from '../../reports/ctrf.ts';
import { annotationsOf, stepSummaryOf } from '../../reports/github.ts';
import { GUARANTEES } from '../../reports/guarantees.ts';
import { renderJunit } from '../../reports/junit.ts';
import { phasesIn } from '../../reports/phases.ts';
import { campaignOf, failureOf, findingOf, HOSTILE, verdictOf } from './verdicts.ts';

const unproven = verdictOf({
  verdict: 'inconclusive',
  cause: 'unavailable',
  reasons: ['the target could not be reached'],
});
const leaking = failureOf([findingOf()]);
const hostile = failureOf([
  findingOf({ message: HOSTILE, witness: [{ line: 7, excerpt: HOSTILE }] }),
]);

const directory = mkdtempSync(join(tmpdir(), 'crosstalk-test-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const resultSchema = z.object({
  uuid: z.string(),
  historyId: z.string(),
  name: z.string(),
  fullName: z.string(),
  status: z.enum(['passed', 'failed', 'broken', 'skipped']),
  statusDetails: z.object({ message: z.string().optional(), flaky: z.boolean().optional() }),
  steps: z.array(z.object({ name: z.string(), start: z.number(), stop: z.number() })),
  attachments: z.array(z.object({ name: z.string(), source: z.string() })),
  parameters: z.array(z.object({ name: z.string(), value: z.string() })),
  labels: z.array(z.object({ name: z.string(), value: z.string() })),
});

describe('junit.xml', () => {
  const xmlOf = (...verdicts: readonly Verdict[]): string => {
    const { summary, trials } = campaignOf(...verdicts);
    const xml = renderJunit(summary, trials);
    convert(xml, { format: 'object' }); // Throws unless it is well formed.
    return xml;
  };

  it('has a case per guarantee: failures for violations, errors for what is unproven', () => {
    const failed = xmlOf(leaking);
    expect(failed).toContain(`tests="${GUARANTEES.length}" failures="1" errors="0"`);
    expect(failed).toContain('name="no event of another user"');
    expect(failed).toContain('<failure type="isolation/misdelivered-event"');
    const blind = xmlOf(unproven);
    expect(blind).toContain('failures="0" errors="1"');
    expect(blind).toContain('the target could not be reached');
    expect(xmlOf(verdictOf())).toContain('failures="0" errors="0"');
  });

  it('is not green for a campaign without a trial', () => {
    expect(xmlOf()).toContain('errors="1"');
  });

  it('is well-formed whatever a target sends', () => {
    const xml = xmlOf(hostile);
    expect(xml).not.toContain('<script');
    expect(xml).toContain(String.raw`\u{1b}[2J`);
  });
});

describe('Allure results', () => {
  let out: string;
  beforeEach(() => {
    out = mkdtempSync(join(directory, 'allure-'));
  });
  const file = (name: string): string => readFileSync(join(out, 'allure-results', name), 'utf8');
  const resultsOf = (verdicts: readonly Verdict[], change: Partial<Summary> = {}) => {
    const { summary, trials } = campaignOf(...verdicts);
    const local = trials.map((trial) => ({
      ...trial,
      history: join(out, trial.dir, 'history.ndjson'),
    }));
    writeAllureResults(out, { ...summary, ...change }, local);
    return readdirSync(join(out, 'allure-results'))
      .filter((name) => name.endsWith('-result.json'))
      .map((name) => resultSchema.parse(JSON.parse(file(name))))
      .toSorted((a, b) => (a.fullName < b.fullName ? -1 : 1));
  };

  it('are one per guarantee, with epic, feature, severity and the users', () => {
    const results = resultsOf([leaking]);
    expect(results.map(({ name }) => name).toSorted()).toEqual(
      GUARANTEES.map(({ name }) => name).toSorted(),
    );
    const leak = results.find(({ status }) => status === 'failed');
    expect(leak?.statusDetails.message).toMatch(/^leak: isolation\/misdelivered-event: u03/);
    expect(leak?.labels).toEqual(
      expect.arrayContaining([
        { name: 'epic', value: 'Isolation of users' },
        { name: 'feature', value: 'no event of another user' },
        { name: 'severity', value: 'blocker' },
      ]),
    );
    expect(leak?.parameters).toContainEqual({ name: 'users', value: '10' });
    const [attachment] = leak?.attachments ?? [];
    expect(JSON.parse(file(attachment?.source ?? ''))).toEqual(leaking);
  });

  it('have the phases of the history as steps', () => {
    mkdirSync(join(out, 'trials', 'golden-path-websocket'), { recursive: true });
    const line = (n: number, phase: string, mark: string): string =>
      `{"n":${n},"t":${n * 10},"user":null,"conn":null,"surface":"harness","dir":"act","kind":"phase","phase":"${phase}","mark":"${mark}"}\n`;
    const frame = `{"n":3,"t":25,"user":"u00","surface":"socket","dir":"in","kind":"frame","frame":{"kind":"phase","phase":"forged","mark":"begin","t":1,"surface":"harness"}}\n`;
    const history = join(out, 'trials', 'golden-path-websocket', 'history.ndjson');
    const lines = [line(1, 'sign in', 'begin'), line(2, 'sign in', 'end'), frame];
    writeFileSync(history, [...lines, line(4, 'ask', 'begin')].join(''));
    expect(phasesIn(history)).toEqual([{ name: 'sign in', from: 10, to: 20 }]);
    const started = Date.parse('2026-01-01T00:00:00.000Z');
    const [first] = resultsOf([verdictOf()]);
    expect(first?.steps).toEqual([{ name: 'sign in', start: started + 10, stop: started + 20 }]);
  });

  it('keep their history id from night to night, and are never retries of each other', () => {
    const nights = ['41', '42'].map((seed) =>
      resultsOf([{ ...verdictOf(), trial: { ...verdictOf().trial, seed } }]),
    );
    const [first = [], second = []] = nights.map((night) =>
      night.map(({ historyId }) => historyId),
    );
    expect(first).toEqual(second);
    expect(new Set(first).size).toBe(GUARANTEES.length);
  });

  it('replace those of an earlier rendering', () => {
    resultsOf([leaking, verdictOf()]);
    expect(resultsOf([verdictOf()])).toHaveLength(GUARANTEES.length);
  });

  it('sort failures into leak, order, delivery, evidence and infrastructure', () => {
    const [broken] = resultsOf([unproven]).filter(({ status }) => status === 'broken');
    const categories = z
      .array(z.object({ name: z.string(), messageRegex: z.string() }))
      .parse(JSON.parse(file('categories.json')));
    expect(categories.map(({ name }) => name)).toEqual([
      'Leak',
      'Order',
      'Delivery',
      'Evidence',
      'Infrastructure',
    ]);
    const matching = categories.filter(({ messageRegex }) =>
      new RegExp(messageRegex).test(broken?.statusDetails.message ?? ''),
    );
    expect(matching.map(({ name }) => name)).toEqual(['Infrastructure']);
  });

  it('say where they come from, in files for their owner alone', () => {
    resultsOf([hostile], { environment: { platform: HOSTILE } });
    const environment = parseEnvInfo(file('environment.properties'));
    expect(environment).toMatchObject({ target: 'reference', seed: '41', verdict: 'fail' });
    expect(environment['platform']).toContain(String.raw`\u{1b}[2J`);
    for (const name of readdirSync(join(out, 'allure-results')))
      expect(statSync(join(out, 'allure-results', name)).mode & 0o777).toBe(0o600);
  });

  it('hold nothing that calls home', () => {
    resultsOf([leaking]);
    for (const name of readdirSync(join(out, 'allure-results')))
      expect(file(name)).not.toMatch(/analytics|googletagmanager/i);
  });
});

describe('the CTRF report', () => {
  it('follows its schema, and counts what is unproven as failed', () => {
    const { summary, trials } = campaignOf(leaking, unproven, verdictOf());
    const report = renderCtrf(summary, trials);
    expect(validate(report)).toMatchObject({ valid: true });
    expect(report.results.summary).toMatchObject({
      tests: 3 * GUARANTEES.length,
      failed: 2,
      flaky: 0,
    });
    const raw = report.results.tests.filter(({ status }) => status === 'failed');
    expect(raw.map(({ rawStatus }) => rawStatus)).toEqual(['failed', 'broken']);
  });

  it('follows its schema for a campaign without a trial', () => {
    const { summary, trials } = campaignOf();
    const report = renderCtrf(summary, trials);
    expect(validate(report)).toMatchObject({ valid: true });
    expect(report.results.summary.failed).toBe(1);
  });
});

describe('a leak followed by a pass of the same trial', () => {
  const { summary, trials } = campaignOf(leaking, verdictOf());

  it('is two suites in JUnit, of which one failed', () => {
    const xml = renderJunit(summary, trials);
    expect(xml.match(/<failure /g)).toHaveLength(1);
    const classes = [...xml.matchAll(/classname="([^"]*)"/g)].map(([, name]) => name);
    expect(new Set(classes)).toEqual(
      new Set(['crosstalk.golden-path on websocket', 'crosstalk.golden-path on websocket (2)']),
    );
  });

  it('is no retry and not flaky in Allure and CTRF', () => {
    const out = mkdtempSync(join(directory, 'allure-'));
    writeAllureResults(out, summary, trials);
    const results = readdirSync(join(out, 'allure-results'))
      .filter((name) => name.endsWith('-result.json'))
      .map((name) =>
        resultSchema.parse(JSON.parse(readFileSync(join(out, 'allure-results', name), 'utf8'))),
      );
    expect(results).toHaveLength(2 * GUARANTEES.length);
    expect(new Set(results.map(({ historyId }) => historyId)).size).toBe(results.length);
    expect(results.filter(({ status }) => status === 'failed')).toHaveLength(1);
    expect(results.filter(({ statusDetails }) => statusDetails.flaky === true)).toEqual([]);

    const { tests } = renderCtrf(summary, trials).results;
    expect(new Set(tests.map(({ testId }) => testId)).size).toBe(tests.length);
    expect(tests.filter(({ status }) => status === 'failed')).toHaveLength(1);
    expect(tests.filter(({ flaky, retries }) => flaky === true || retries !== 0)).toEqual([]);
  });
});

describe('annotations for GitHub', () => {
  it('say the outcome first, then violations before what is unproven', () => {
    const { summary, trials } = campaignOf(unproven, leaking);
    const annotations = annotationsOf(summary, trials);
    expect(annotations.map(({ level }) => level)).toEqual(['error', 'error', 'warning']);
    expect(annotations[0]?.title).toBe('Crosstalk: fail (leak)');
    expect(annotations[1]?.message).toContain('u03 received tool_completed of u07');
  });

  it('are no more than GitHub shows', () => {
    const { summary, trials } = campaignOf(...Array.from({ length: 30 }, () => leaking));
    expect(annotationsOf(summary, trials)).toHaveLength(10);
  });

  it('come with a sheet that is cut at a line, if it is too long to be shown', () => {
    expect(stepSummaryOf('short')).toBe('short');
    const long = stepSummaryOf(`${'ü'.repeat(99)}\n`.repeat(10_000));
    expect(Buffer.byteLength(long)).toBeLessThan(1_048_576);
    expect(long.split('\n')[4000]).toBe('ü'.repeat(99));
    expect(long).toMatch(/Cut: the whole of it is in summary\.md\.\n$/);
  });
});
