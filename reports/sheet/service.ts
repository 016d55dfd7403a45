import { GATE_NAMES, type GateName } from '../../history/profile-data.ts';
import type { GateResult, Percentiles } from '../../history/verdict.ts';
import type { JudgedTrial } from '../judged-trial.ts';
import { cell, code, section, table } from '../markdown.ts';
import { counted, gateNumber, grouped, shareText } from '../numbers.ts';
import { outcomeCell, ruleOutcome, trialCells, type Sheet } from './sheet.ts';

/** What was examined: the target as the harness knew it, and the harness itself. */
export function deploymentSection({ summary, trials }: Sheet): string[] {
  const about = trials.map(({ verdict }) => verdict.trial);
  const build = summary.environment['targetBuild'];
  const [first] = about.map(({ startedAt }) => startedAt).toSorted();
  return section('Deployment under test', [
    `- Target: ${unique(about.map(({ target }) => target))}`,
    `- URL: ${unique(about.map(({ url }) => url))}`,
    `- Build: ${typeof build === 'string' ? code(build) : 'the target does not tell'}`,
    `- Started: ${first === undefined ? 'never' : code(first)}`,
    `- Users: ${[...new Set(about.map(({ users }) => counted(users, 'user')))].join(', ') || 'none'}`,
    `- Transports: ${unique(about.map(({ transport }) => transport))}`,
    `- Command: ${code(summary.command)}`,
    `- Seed: ${summary.seed === '' ? 'unknown' : code(summary.seed)}`,
    `- Commit of the working directory: ${summary.commit === null ? 'none' : code(summary.commit)}`,
    `- Environment: ${code(pairs(summary.environment))}`,
    `- Versions: ${code(pairs(summary.versions))}`,
  ]);
}

/** The embedded target has an address of its own in each trial. */
const VALUES_SHOWN_MAX = 4;

function unique(values: readonly string[]): string {
  const different = [...new Set(values)];
  const shown = different.slice(0, VALUES_SHOWN_MAX).map((value) => code(value));
  const more = different.length - shown.length;
  if (more > 0) shown.push(`${grouped(more)} more`);
  return shown.join(', ') || 'unknown';
}

/** Whether the service was well while it was examined. */
export function healthSection({ trials }: Sheet): string[] {
  return section(
    'Service health',
    table(
      ['Scenario', 'Transport', 'Health endpoints', 'Error events', 'Time-outs', 'Error rate'],
      trials.map((trial) => {
        const { errorRate } = trial.verdict.metrics;
        return [
          ...trialCells(trial),
          gateCell(gateOf(trial, 'health')),
          outcomeCell(ruleOutcome(trial, 'delivery/error-event')),
          outcomeCell(ruleOutcome(trial, 'delivery/timeout')),
          errorRate === null ? 'not measured' : shareText(errorRate),
        ];
      }),
    ),
  );
}

/** Whether everybody could connect, how fast, and whether connections held. */
export function connectivitySection({ trials }: Sheet): string[] {
  return section('WebSocket connectivity', [
    'Milliseconds from the moment a connection was due to its first frame.',
    '',
    ...table(
      ['Scenario', 'Transport', 'Users', 'p50', 'p95', 'p99', 'max', 'Connected', 'Held'],
      trials.map((trial) => [
        ...trialCells(trial),
        grouped(trial.verdict.trial.users),
        ...percentileCells(trial.verdict.metrics.connectMs),
        outcomeCell(ruleOutcome(trial, 'delivery/connect-failed')),
        outcomeCell(ruleOutcome(trial, 'delivery/unexpected-close')),
      ]),
    ),
  ]);
}

/** Each service level as it was measured, with the harness's own delay beside it. */
export function performanceSection({ trials }: Sheet): string[] {
  const names = GATE_NAMES.filter((name) => trials.some((trial) => gateOf(trial, name)));
  const limits = names.map((name) => {
    const [gate] = trials.flatMap((trial) => gateOf(trial, name) ?? []);
    return gate === undefined ? name : `${name} (limit ${gateNumber(name, gate.limit)})`;
  });
  return section('Performance against service levels', [
    ...table(
      ['Scenario', 'Transport', ...limits, 'Harness delay p99'],
      trials.map((trial) => [
        ...trialCells(trial),
        ...names.map((name) => gateCell(gateOf(trial, name))),
        trial.verdict.metrics.harnessDelayMs === null
          ? 'not measured'
          : `${ms(trial.verdict.metrics.harnessDelayMs.p99)} ms`,
      ]),
    ),
    ...(trials.length === 0
      ? ['No trial was judged.']
      : ['', 'A dash: the gate was not enforced, or the target does not tell what it needs.']),
  ]);
}

/** `p50 | p95 | p99 | max`. */
export function percentileCells(percentiles: Percentiles | null): string[] {
  if (percentiles === null) return ['–', '–', '–', '–'];
  const { p50, p95, p99, max } = percentiles;
  return [p50, p95, p99, max].map(ms);
}

function ms(value: number): string {
  return grouped(Math.round(value * 10) / 10);
}

function gateOf({ verdict }: JudgedTrial, name: GateName): GateResult | undefined {
  return verdict.gates.find((gate) => gate.name === name);
}

/** What was measured; with the outcome where it is not a pass. */
function gateCell(gate: GateResult | undefined): string {
  if (gate === undefined) return '–';
  const actual = gate.actual === null ? 'not measured' : gateNumber(gate.name, gate.actual);
  if (gate.outcome === 'not-applicable') return gate.actual === null ? '–' : `${actual} (–)`;
  return gate.outcome === 'pass' ? actual : `**${actual}: ${gate.outcome}**`;
}

function pairs(record: Readonly<Record<string, unknown>>): string {
  return Object.entries(record)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

/** Hostile access: what was tried with whose authority, and what came of it. */
export function accessSection({ trials }: Sheet): string[] {
  const rows = trials.flatMap(({ verdict }) => verdict.access);
  const kinds = new Map<string, (typeof rows)[number][]>();
  for (const row of rows) {
    const key = `${row.verb}\n${row.source}\n${row.expected}`;
    kinds.set(key, [...(kinds.get(key) ?? []), row]);
  }
  const lines = [...kinds.values()].flatMap((tries) => {
    const [first] = tries;
    if (first === undefined) return [];
    const got = (what: typeof first.got): number => tries.filter((one) => one.got === what).length;
    const wrong = first.expected === 'refused' ? 'accepted' : 'refused';
    const bad = got(wrong);
    return [
      [
        cell(first.verb),
        cell(first.source),
        first.expected,
        `${grouped(got(first.expected))} of ${grouped(tries.length)}`,
        bad === 0 ? '0' : `**${grouped(bad)} ${wrong}**`,
        grouped(got('unclear')),
      ],
    ];
  });
  return section(
    'Hostile access',
    lines.length === 0
      ? ['Nothing was tried that must be refused.']
      : table(['Tried', 'With', 'Expected', 'As expected', 'Otherwise', 'Unclear'], lines),
  );
}
