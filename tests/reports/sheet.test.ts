import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeReports } from '../../cli/publish.ts';
import { RULES } from '../../history/rules.ts';
import type { Summary, Verdict } from '../../history/verdict.ts';
import { GUARANTEES } from '../../reports/guarantees.ts';
import { cell } from '../../reports/markdown.ts';
import { durationText, gateNumber, grouped, shareText } from '../../reports/numbers.ts';
import { renderSummaryMarkdown } from '../../reports/summary-markdown.ts';
import { campaignOf, failureOf, findingOf, HOSTILE, verdictOf } from './verdicts.ts';

const SECTIONS = [
  'Executive summary',
  'Deployment under test',
  'Service health',
  'WebSocket connectivity',
  'Agent event suite',
  'End-to-end golden path',
  'Multi-user isolation',
  'Performance against service levels',
  'Hostile access',
  'Evidence and confidence',
  'Standards',
  'Known limits of the method',
  'Verdict',
];

function sheetOf(verdicts: readonly Verdict[], change: Partial<Summary> = {}): string {
  const { summary, trials } = campaignOf(...verdicts);
  return renderSummaryMarkdown({ ...summary, ...change }, trials);
}

/** The part of a sheet under a heading. */
function sectionOf(sheet: string, title: string): string {
  const [, rest = ''] = sheet.split(`\n## ${title}\n`);
  return rest.split('\n## ')[0] ?? '';
}

/** What a reader sees outside of code spans, which hold what is not ours. */
function outsideCode(text: string): string {
  return text.replaceAll(/(`+)[^\n]*?[^`]\1(?!`)/g, '');
}

const user = (name: string, events: Verdict['users'][number]['events'], runs: number) => ({
  user: name,
  identity: `${name}@crosstalk.example.com`,
  transport: 'websocket' as const,
  events,
  runs,
  bytes: { socket: 4711 },
  latencyMs: { connect: 1, firstEvent: 2, run: 3 },
});

describe('the sign-off sheet', () => {
  it('has every section, in order, whatever the outcome', () => {
    for (const verdicts of [[verdictOf()], [failureOf([findingOf()])], []]) {
      const sheet = sheetOf(verdicts);
      const titles = [...sheet.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
      expect(titles).toEqual(SECTIONS);
    }
  });

  it('says the decision and the reason first', () => {
    expect(sheetOf([verdictOf()], { signoff: 'GO' })).toMatch(
      /^# Crosstalk sign-off: GO\n\n## Executive summary\n\n\*\*GO\.\*\* Ship: /,
    );
    const refused = sheetOf([failureOf([findingOf()])], { signoff: 'NO-GO' });
    expect(refused).toMatch(/\*\*NO-GO\.\*\* Do not ship: users received data of other users/);
    const partial = sheetOf([verdictOf()], {
      verdict: 'inconclusive',
      cause: 'blind',
      signoff: 'INCONCLUSIVE',
      reasons: ['partial: only the scenario golden-path'],
    });
    expect(partial).toMatch(/^# Crosstalk sign-off: INCONCLUSIVE/);
    expect(sectionOf(partial, 'Verdict')).toContain('`partial: only the scenario golden-path`');
    expect(partial).not.toContain('Ship:');
  });

  it('counts each of the five events as delivered out of expected', () => {
    const whole = {
      agent_started: 2,
      agent_thinking: 5,
      tool_executing: 2,
      tool_completed: 2,
      agent_completed: 2,
    };
    const users = [user('u00', whole, 2), user('u01', { ...whole, tool_completed: 1 }, 2)];
    const events = sectionOf(sheetOf([verdictOf({ users })]), 'Agent event suite');
    expect(events).toContain('| `agent_thinking` | 4 / 4 |');
    expect(events).toContain('| `tool_completed` | **3 / 4** |');
  });

  it('tells what was tried with foreign authority, and what came of it', () => {
    const row = { user: 'u00', owner: 'u01', verb: 'http GET /threads/{id}' } as const;
    const access: Verdict['access'] = [
      { ...row, source: 'foreign id', expected: 'refused', got: 'refused' },
      { ...row, source: 'foreign id', expected: 'refused', got: 'accepted' },
      { ...row, source: 'own id', expected: 'accepted', got: 'accepted' },
    ];
    const text = sectionOf(sheetOf([verdictOf({ access })]), 'Hostile access');
    expect(text).toContain('| `foreign id` | refused | 1 of 2 | **1 accepted** | 0 |');
    expect(text).toContain('| `own id` | accepted | 1 of 1 | 0 | 0 |');
    expect(sectionOf(sheetOf([verdictOf()]), 'Hostile access')).toContain('Nothing was tried');
  });

  it('names the standards of a guarantee, with its outcome', () => {
    const text = sectionOf(sheetOf([failureOf([findingOf()])]), 'Standards');
    expect(text).toMatch(
      /\| no event of another user \| v5\.0\.0-8\.[^|]*\| WSTG-[^|]*\| CWE-[^|]*\| \*\*fail\*\* \|/,
    );
  });

  it('says of a promise that it was kept only where the trials passed', () => {
    const kept = sheetOf([verdictOf()]);
    expect(sectionOf(kept, 'Multi-user isolation')).toMatch(
      /no content of another user \| pass \(1 of 1\)/,
    );
    const blind = sheetOf([verdictOf(), verdictOf({ verdict: 'inconclusive', cause: 'blind' })]);
    for (const title of ['Multi-user isolation', 'Standards']) {
      expect(sectionOf(blind, title)).toMatch(/no content of another user .*\| no violation seen/);
      expect(sectionOf(blind, title)).not.toMatch(/\| pass/);
    }
  });

  it('lets nothing from a target out of its code spans', () => {
    const hostile = failureOf([
      findingOf({ message: HOSTILE, witness: [{ line: 7, excerpt: HOSTILE }] }),
    ]);
    const trial = { ...hostile.trial, target: HOSTILE, url: HOSTILE, reproduce: HOSTILE };
    const users = [user(HOSTILE, { [HOSTILE]: 3 }, 1)];
    const access: Verdict['access'] = [
      {
        user: HOSTILE,
        owner: HOSTILE,
        verb: HOSTILE,
        source: HOSTILE,
        expected: 'refused',
        got: 'accepted',
      },
    ];
    const text = sheetOf([{ ...hostile, trial, users, access, reasons: [HOSTILE] }], {
      environment: { targetBuild: HOSTILE, platform: HOSTILE },
      notApplicable: [{ scenario: HOSTILE, transport: HOSTILE, reason: HOSTILE }],
    });
    expect(text).not.toMatch(/<script/i);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
    expect(outsideCode(text)).not.toMatch(/alert|javascript:|forged|evil/);
    const columns = (line: string): number => outsideCode(line).split(/(?<!\\)\|/).length;
    const tables = text
      .trim()
      .split('\n\n')
      .map((block) => block.split('\n'));
    for (const lines of tables.filter(([head = '']) => head.startsWith('| ')))
      expect(new Set(lines.map(columns)).size, lines.join('\n')).toBe(1);
  });

  it.each([
    ['a|b', String.raw`a\|b`],
    [String.raw`a\|b`, String.raw`a\\\|b`],
    [String.raw`a\\|b`, String.raw`a\\\|b`],
    ['||', String.raw`\|\|`],
  ])('ends no cell at the bar of %s, whatever is before it', (text, written) => {
    expect(cell(text)).toBe(`\`${written}\``);
  });

  it('shows no number that is not in the JSON, but counts of what is listed there', () => {
    const odd = verdictOf({
      metrics: {
        ...verdictOf().metrics,
        connectMs: { p50: 1013.1, p95: 1019.3, p99: 1021.7, max: 1031.9 },
        runMs: { p50: 2003.1, p95: 2011.3, p99: 2017.7, max: 2027.9 },
        deliveryRate: 0.99871,
        errorRate: 0.00113,
      },
      evidence: {
        ...verdictOf().evidence,
        observations: 7919,
        bytes: 104_729,
        opportunities: 7907,
      },
    });
    const { summary, trials } = campaignOf(odd, {
      ...odd,
      trial: { ...odd.trial, durationMs: 61_234 },
    });
    const known = new Set<string>();
    const collect = (value: unknown): void => {
      if (typeof value === 'number')
        for (const text of [
          grouped(value),
          grouped(Math.round(value * 10) / 10),
          gateNumber('connect', value),
          shareText(value),
          durationText(value),
        ])
          for (const [number] of text.matchAll(/[\d][\d.,]*/g)) known.add(number);
      else if (Array.isArray(value)) {
        known.add(String(value.length));
        value.forEach(collect);
      } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
    };
    collect(summary);
    collect(trials.map(({ verdict }) => verdict));
    const prose = /ASVS 5\.0|v5\.0\.0-[\d.]+|(WSTG|CWE)-[A-Z0-9-]+|95 %|p50|p95|p99/g;
    const sheet = renderSummaryMarkdown(summary, trials);
    const shown = outsideCode(sheet)
      .replaceAll(prose, '')
      .matchAll(/\d[\d.,]*/g);
    const unknown = [...shown]
      .map(([number]) => number.replace(/[.,]$/, ''))
      .filter((n) => !known.has(n));
    expect(unknown).toEqual([]);
    expect(sheet).toContain('1,019.3');
  });
});

describe('guarantees', () => {
  it('hold every rule once', () => {
    const listed = GUARANTEES.flatMap(({ rules }) => rules);
    expect(listed.toSorted()).toEqual(RULES.map(({ name }) => name).toSorted());
  });
});

function digestOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

describe('the manifest', () => {
  const out = mkdtempSync(join(tmpdir(), 'crosstalk-test-'));
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  it('holds the SHA-256 of every other artifact', () => {
    mkdirSync(join(out, 'trials', 'one'), { recursive: true });
    writeFileSync(join(out, 'trials', 'one', 'history.ndjson'), 'x'.repeat(3_000_000));
    const { summary, trials } = campaignOf(verdictOf());
    writeReports(out, summary, trials);
    const text = sectionOf(readFileSync(join(out, 'summary.md'), 'utf8'), 'Manifest');
    const lines = readdirSync(join(out, 'allure-results'))
      .toSorted()
      .map((name) => `${digestOf(readFileSync(join(out, 'allure-results', name)))}  ${name}\n`);
    expect(text).toMatch(
      new RegExp(`\\| \`allure-results/\` \\| [\\d,]+ \\| \`${digestOf(lines.join(''))}\``),
    );
    for (const path of ['summary.json', 'junit.xml', 'report.html', 'trials/one/history.ndjson']) {
      const digest = createHash('sha256')
        .update(readFileSync(join(out, path)))
        .digest('hex');
      expect(text).toContain(`| \`${path}\` |`);
      expect(text).toContain(`\`${digest}\``);
    }
    expect(text).not.toContain('summary.md');
  });
});
