import { createColors } from 'picocolors';
import type { Outcome } from '../history/verdict.ts';
import { counted, grouped, shareText } from './numbers.ts';

/** One line of the self-test's table. */
export interface SelftestRow {
  readonly kind: 'fault' | 'variant';
  readonly name: string;
  readonly transport: string;
  readonly anyOf: readonly string[];
  /** Null when the trial could not be run. */
  readonly verdict: Outcome | null;
  readonly rules: readonly string[];
  readonly ok: boolean;
  readonly complaints: readonly string[];
  readonly seconds: number;
}

/** Detection power of one rule; shares from 0 to 1. */
export interface PowerRow {
  readonly rule: string;
  readonly deeds: number;
  readonly recall: number;
  readonly findings: number;
  readonly precision: number;
}

const HEAD = ['', 'name', 'transport', 'expected', 'verdict', 'raised', 'seconds'] as const;
const RAISED_SHOWN_MAX = 3;

/** One line of a row while the self-test runs: what, on which transport, whether as expected. */
export function selftestLine(row: SelftestRow, options: { readonly color: boolean }): string {
  const { red, green } = createColors(options.color);
  const said = row.ok ? green(resultOf(row)) : red(resultOf(row));
  const how = [row.verdict ?? 'not run', ...shown(row.rules)].join(', ');
  const lines = [
    `${said} ${row.kind} ${row.name} on ${row.transport} (${how}; ${row.seconds.toFixed(1)} s)`,
  ];
  return [...lines, ...row.complaints.map((complaint) => `    ${complaint}`)].join('\n');
}

/** The whole table, the power of each rule, and the sum in one sentence. */
export function renderSelftest(
  rows: readonly SelftestRow[],
  powers: readonly PowerRow[],
  options: { readonly color: boolean },
): string {
  const { bold, red, green } = createColors(options.color);
  const cells = rows.map((row) => [
    resultOf(row),
    row.name,
    row.transport,
    row.kind === 'variant' ? 'pass' : row.anyOf.map(short).join(' or '),
    row.verdict ?? 'not run',
    shown(row.rules).join(', '),
    row.seconds.toFixed(1),
  ]);
  const failed = rows.filter(({ ok }) => !ok);
  const sentence = sentenceOf(rows, powers);
  return [
    ...columns([HEAD, ...cells]),
    '',
    ...columns([
      ['rule', 'to find', 'recall', 'findings', 'precision'],
      ...powers.map((row) => [
        row.rule,
        grouped(row.deeds),
        shareText(row.recall),
        grouped(row.findings),
        shareText(row.precision),
      ]),
    ]),
    '',
    ...failed.flatMap((row) => [
      red(`${resultOf(row)}: ${row.kind} ${row.name} on ${row.transport}`),
      ...row.complaints.map((complaint) => `  ${complaint}`),
    ]),
    bold(failed.length === 0 ? green(sentence) : red(sentence)),
  ].join('\n');
}

function sentenceOf(rows: readonly SelftestRow[], powers: readonly PowerRow[]): string {
  const of = (kind: SelftestRow['kind']): readonly SelftestRow[] =>
    rows.filter((row) => row.kind === kind);
  const right = (some: readonly SelftestRow[]): number => some.filter(({ ok }) => ok).length;
  const deeds = powers.reduce((sum, row) => sum + row.deeds, 0);
  const found = powers.reduce((sum, row) => sum + row.deeds * row.recall, 0);
  const findings = powers.reduce((sum, row) => sum + row.findings, 0);
  const trueOnes = powers.reduce((sum, row) => sum + row.findings * row.precision, 0);
  const faults = of('fault');
  const variants = of('variant');
  return (
    `${right(faults)} of ${counted(faults.length, 'fault trial')} caught, ` +
    `${right(variants)} of ${counted(variants.length, 'legal variant')} passed; ` +
    `recall ${shareText(deeds === 0 ? 1 : found / deeds)}, ` +
    `precision ${shareText(findings === 0 ? 1 : trueOnes / findings)}`
  );
}

function resultOf({ kind, ok, verdict, complaints }: SelftestRow): string {
  if (verdict === null) return 'not run';
  if (kind === 'variant') return ok ? 'passed' : 'FLAGGED';
  if (ok) return 'caught';
  return complaints.some((complaint) => complaint.includes(' is not true: ')) ? 'UNTRUE' : 'MISSED';
}

function shown(rules: readonly string[]): string[] {
  const names = rules.slice(0, RAISED_SHOWN_MAX).map(short);
  return rules.length > RAISED_SHOWN_MAX
    ? [...names, `${rules.length - RAISED_SHOWN_MAX} more`]
    : names;
}

/** Rules are known by their last part wherever space is short. */
function short(rule: string): string {
  return rule.startsWith('gate/') ? rule : rule.slice(rule.indexOf('/') + 1);
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => (row[at] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
