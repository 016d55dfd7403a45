import { create } from 'xmlbuilder2';
import type { Finding, Summary, Verdict } from '../history/verdict.ts';
import type { JudgedTrial } from './judged-trial.ts';
import { showUntrustedUpTo } from './untrusted.ts';

const FINDINGS_SHOWN_MAX = 20;
const TEXT_CHARACTERS_MAX = 1000;
const FAMILIES = ['isolation', 'order', 'delivery', 'evidence', 'gate'] as const;

type CaseOutcome =
  | { readonly kind: 'pass' | 'skipped' }
  | {
      readonly kind: 'failure' | 'error';
      readonly type: string;
      readonly lines: readonly string[];
    };

interface Case {
  readonly name: string;
  readonly outcome: CaseOutcome;
}

/**
 * `junit.xml`: a suite per scenario and transport, a test case per family of rules. A violation is a
 * `failure`; a family that could not be judged is an `error`; one that does not apply is `skipped`.
 */
export function renderJunit(summary: Summary, trials: readonly JudgedTrial[]): string {
  const document = create({
    version: '1.0',
    encoding: 'UTF-8',
    invalidCharReplacement: '\u{fffd}',
  });
  const root = document.ele('testsuites', { name: 'crosstalk' });
  for (const { verdict } of trials) {
    const { scenario, transport, durationMs, startedAt } = verdict.trial;
    addSuite(root, {
      name: xmlText(`${scenario} on ${transport}`),
      classname: xmlText(`crosstalk.${scenario}.${transport}`),
      seconds: durationMs / 1000,
      startedAt: xmlText(startedAt),
      cases: casesOf(verdict),
    });
  }
  // What keeps a campaign from passing although no trial says so must not be lost in a green report.
  const said = trials.some(({ verdict }) => verdict.verdict === summary.verdict);
  if (!said && summary.verdict !== 'pass')
    addSuite(root, {
      name: 'campaign',
      classname: 'crosstalk.campaign',
      seconds: 0,
      startedAt: null,
      cases: [{ name: 'evidence', outcome: unproven(summary.reasons) }],
    });
  return `${document.end({ prettyPrint: true })}\n`;
}

interface Suite {
  readonly name: string;
  readonly classname: string;
  readonly seconds: number;
  readonly startedAt: string | null;
  readonly cases: readonly Case[];
}

function addSuite(root: ReturnType<ReturnType<typeof create>['ele']>, suite: Suite): void {
  const count = (kind: CaseOutcome['kind']): number =>
    suite.cases.filter(({ outcome }) => outcome.kind === kind).length;
  const element = root.ele('testsuite', {
    name: suite.name,
    tests: suite.cases.length,
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
    time: suite.seconds.toFixed(3),
    ...(suite.startedAt === null ? {} : { timestamp: suite.startedAt }),
  });
  for (const { name, outcome } of suite.cases) {
    const testcase = element.ele('testcase', { classname: suite.classname, name, time: '0.000' });
    if (outcome.kind === 'skipped') testcase.ele('skipped');
    if (outcome.kind === 'failure' || outcome.kind === 'error')
      testcase
        .ele(outcome.kind, { type: xmlText(outcome.type), message: outcome.lines[0] ?? '' })
        .txt(outcome.lines.join('\n'));
  }
}

function casesOf(verdict: Verdict): Case[] {
  const cases = FAMILIES.map((family) => ({
    name: family,
    outcome: familyOutcome(verdict, family),
  }));
  const unsaid =
    verdict.verdict !== 'pass' &&
    !cases.some(({ outcome }) => outcome.kind === 'failure' || outcome.kind === 'error');
  if (!unsaid) return cases;
  return cases.map((entry) =>
    entry.name === 'evidence' ? { ...entry, outcome: unproven(verdict.reasons) } : entry,
  );
}

function familyOutcome(verdict: Verdict, family: string): CaseOutcome {
  const mine = <T extends { readonly rule: string }>(entries: readonly T[]): readonly T[] =>
    entries.filter(({ rule }) => rule.startsWith(`${family}/`));
  const rules = mine(verdict.rules);
  const findings = mine(verdict.findings);
  if (rules.some(({ outcome }) => outcome === 'fail'))
    return broken(
      'failure',
      findings.filter(({ severity }) => severity === 'violation'),
      rules,
    );
  if (rules.some(({ outcome }) => outcome === 'inconclusive'))
    return broken(
      'error',
      findings.filter(({ severity }) => severity === 'inconclusive'),
      rules,
    );
  return { kind: rules.every(({ outcome }) => outcome === 'not-applicable') ? 'skipped' : 'pass' };
}

function broken(
  kind: 'failure' | 'error',
  findings: readonly Finding[],
  rules: readonly Verdict['rules'][number][],
): CaseOutcome {
  const lines = findings.slice(0, FINDINGS_SHOWN_MAX).map((finding) => {
    const witness = finding.witness[0];
    const at = witness === undefined ? '' : ` (line ${witness.line})`;
    return xmlText(`${finding.rule}: ${finding.message}${at}`);
  });
  if (findings.length > FINDINGS_SHOWN_MAX)
    lines.push(`and ${findings.length - FINDINGS_SHOWN_MAX} more`);
  const blind = rules.filter(({ outcome }) => outcome === 'inconclusive').map(({ rule }) => rule);
  if (lines.length === 0) lines.push(xmlText(`could not be judged: ${blind.join(', ')}`));
  return { kind, type: findings[0]?.rule ?? blind[0] ?? kind, lines };
}

function unproven(reasons: readonly string[]): CaseOutcome {
  const lines = reasons.map(xmlText);
  return {
    kind: 'error',
    type: 'inconclusive',
    lines: lines.length === 0 ? ['nothing is proven'] : lines,
  };
}

function xmlText(text: string): string {
  return showUntrustedUpTo(text, TEXT_CHARACTERS_MAX);
}
