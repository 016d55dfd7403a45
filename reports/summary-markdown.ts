import type { Outcome, Summary, Verdict } from '../history/verdict.ts';
import type { JudgedTrial } from './judged-trial.ts';
import { decidingFindings, violationCount, worstFindings } from './judged-trial.ts';
import { counted, durationText, gateNumber, grouped, shareText } from './numbers.ts';
import { showUntrustedUpTo } from './untrusted.ts';

const FINDINGS_SHOWN_MAX = 20;
const TEXT_CHARACTERS_MAX = 400;

const SENTENCES: Readonly<Record<Outcome, string>> = {
  pass: 'Every user saw every event in order, and nothing of any other user.',
  inconclusive: 'Nothing is proven: the evidence does not allow a verdict.',
  fail: 'The target violated what this campaign checks.',
};

/**
 * `summary.md`: the outcome in a sentence, the trials, their findings, gates, evidence, and how to
 * reproduce them. Texts of a target appear only in code spans, where neither Markdown nor HTML acts.
 */
export function renderSummaryMarkdown(summary: Summary, trials: readonly JudgedTrial[]): string {
  const cause = summary.cause === null ? '' : ` (${summary.cause})`;
  const lines = [
    `# Crosstalk: ${summary.verdict}${cause}`,
    '',
    SENTENCES[summary.verdict],
    '',
    ...summary.reasons.map((reason) => `- ${code(reason)}`),
    ...(summary.reasons.length > 0 ? [''] : []),
    ...trialTable(trials),
    ...notApplicableList(summary),
    ...trials.flatMap((trial) => trialSection(trial)),
    '## Campaign',
    '',
    `- Command: ${code(summary.command)}`,
    `- Seed: ${code(summary.seed)}`,
    ...(summary.commit === null ? [] : [`- Commit: ${code(summary.commit)}`]),
    `- Environment: ${code(pairs(summary.environment))}`,
    `- Versions: ${code(pairs(summary.versions))}`,
  ];
  return `${lines.join('\n')}\n`;
}

function trialTable(trials: readonly JudgedTrial[]): string[] {
  if (trials.length === 0) return [];
  return [
    '| Scenario | Transport | Target | Verdict | Violations | Duration |',
    '| --- | --- | --- | --- | --- | --- |',
    ...trials.map(({ verdict }) => {
      const { scenario, transport, target, durationMs } = verdict.trial;
      const outcome =
        verdict.cause === null ? verdict.verdict : `${verdict.verdict} (${verdict.cause})`;
      const count = violationCount(verdict);
      const cells = [cell(scenario), cell(transport), cell(target), outcome, grouped(count)];
      return `| ${[...cells, durationText(durationMs)].join(' | ')} |`;
    }),
    '',
  ];
}

function notApplicableList({ notApplicable }: Summary): string[] {
  if (notApplicable.length === 0) return [];
  const lines = notApplicable.map(
    ({ scenario, transport, reason }) =>
      `- ${code(`${scenario} on ${transport}`)} was not run: ${code(reason)}`,
  );
  return [...lines, ''];
}

function decidingCount(verdict: Verdict): number {
  return decidingFindings(verdict).length + verdict.findingsOmitted;
}

function trialSection(trial: JudgedTrial): string[] {
  const { verdict } = trial;
  return [
    `## ${verdict.verdict}: ${code(`${verdict.trial.scenario} on ${verdict.trial.transport}`)}`,
    '',
    ...findingList(verdict),
    ...gateTable(verdict),
    ...evidenceList(trial),
    '',
  ];
}

function findingList(verdict: Verdict): string[] {
  const shown = worstFindings(verdict, FINDINGS_SHOWN_MAX);
  if (shown.length === 0) return [];
  const lines = shown.map((finding) => {
    const times = finding.count > 1 ? ` (${grouped(finding.count)} times)` : '';
    const witness = finding.witness[0];
    const line = witness === undefined ? '' : `, line ${witness.line}: ${code(witness.excerpt)}`;
    return `- **${finding.rule}**${times}: ${code(finding.message)}${line}`;
  });
  const total = decidingCount(verdict);
  if (total > shown.length) lines.push(`- and ${grouped(total - shown.length)} more`);
  return ['### Findings', '', ...lines, ''];
}

function gateTable(verdict: Verdict): string[] {
  const judged = verdict.gates.filter(({ outcome }) => outcome !== 'not-applicable');
  if (judged.length === 0) return [];
  return [
    '### Gates',
    '',
    '| Gate | Actual | Limit | Outcome |',
    '| --- | --- | --- | --- |',
    ...judged.map((gate) => {
      const actual = gate.actual === null ? 'not measured' : gateNumber(gate.name, gate.actual);
      return `| ${gate.name} | ${actual} | ${gateNumber(gate.name, gate.limit)} | ${gate.outcome} |`;
    }),
    '',
  ];
}

function evidenceList(trial: JudgedTrial): string[] {
  const { evidence, trial: about } = trial.verdict;
  const lines = [
    `- ${counted(about.users, 'user')}, ${counted(evidence.observations, 'observation')}, ${grouped(evidence.bytes)} bytes`,
    `- Overlap: ${grouped(evidence.pairsOverlapping)} of ${grouped(evidence.pairs)} pairs of users`,
  ];
  if (evidence.calibration !== null)
    lines.push(
      `- Calibration: caught ${grouped(evidence.calibration.caught)} of ${grouped(evidence.calibration.planted)} planted leaks and breaks`,
    );
  if (evidence.leakRateUpperBound95 !== null)
    lines.push(
      `- Leak rate at most ${shareText(evidence.leakRateUpperBound95)} (95 %, ${grouped(evidence.opportunities)} opportunities)`,
    );
  const beside = `${trial.dir}/history.ndjson`;
  lines.push(`- History: ${code(trial.history.endsWith(beside) ? beside : trial.history)}`);
  if (trial.verdictFile !== null) lines.push(`- Verdict: ${code(`${trial.dir}/verdict.json`)}`);
  lines.push(`- Reproduce: ${code(about.reproduce)}`);
  return ['### Evidence', '', ...lines];
}

/**
 * Untrusted text as a code span: one line, a fence longer than any run of backticks in it, and no `<`,
 * so that not even a renderer that knows nothing of code spans sees a tag.
 */
function code(text: string): string {
  const shown = showUntrustedUpTo(text, TEXT_CHARACTERS_MAX).replaceAll('<', '&lt;');
  if (shown === '') return '(empty)';
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = /^[` ]|[` ]$/.test(shown) ? ' ' : '';
  return `${fence}${pad}${shown}${pad}${fence}`;
}

/** {@link code} inside a table, where a bar ends the cell even in a code span. */
function cell(text: string): string {
  return code(text.replaceAll('|', '\\|'));
}

function pairs(record: Readonly<Record<string, unknown>>): string {
  return Object.entries(record)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}
