import { REQUIRED_EVENTS } from '../../history/profile-data.ts';
import { STANDARDS } from '../../history/standards.ts';
import type { Finding } from '../../history/verdict.ts';
import { GUARANTEES, guaranteesOf, type Guarantee } from '../guarantees.ts';
import { decidingFindings, worstFindings, type JudgedTrial } from '../judged-trial.ts';
import { cell, code, section, table } from '../markdown.ts';
import { grouped, shareText } from '../numbers.ts';
import { percentileCells } from './service.ts';
import {
  goldenTrials,
  outcomeCell,
  ruleOutcome,
  trialCells,
  worstOf,
  type Sheet,
} from './sheet.ts';

const FINDINGS_PER_TRIAL_MAX = 5;
const FINDINGS_MAX = 40;

/** The five agent events: how many came of how many that were owed. */
export function eventSection({ trials }: Sheet): string[] {
  const golden = goldenTrials(trials);
  return section('Agent event suite', [
    ...table(
      ['Event, delivered / expected', ...golden.map((trial) => trialCells(trial).join(' on '))],
      golden.length === 0
        ? []
        : REQUIRED_EVENTS.map((event) => [
            `\`${event}\``,
            ...golden.map((trial) => deliveredCell(trial, event)),
          ]),
    ),
    '',
    ...table(
      ['Scenario', 'Transport', 'Required events delivered', 'All arrived', 'In order'],
      trials.map((trial) => [
        ...trialCells(trial),
        trial.verdict.metrics.deliveryRate === null
          ? 'not measured'
          : shareText(trial.verdict.metrics.deliveryRate),
        ...['every event of a run arrives', 'events arrive in order, once and readable'].map(
          (name) => outcomeCell(outcomeOf(trial, name)),
        ),
      ]),
    ),
  ]);
}

/** An event that came twice does not make up for one that did not come. */
function deliveredCell({ verdict }: JudgedTrial, event: string): string {
  const owed = verdict.users.reduce((sum, { runs }) => sum + runs, 0);
  const came = verdict.users.reduce(
    (sum, { runs, events }) => sum + Math.min(runs, events[event] ?? 0),
    0,
  );
  const text = `${grouped(came)} / ${grouped(owed)}`;
  return came < owed ? `**${text}**` : text;
}

/** The whole way of a user, from sign-in to the answer. */
export function goldenPathSection({ trials }: Sheet): string[] {
  return section('End-to-end golden path', [
    'Milliseconds from the question to the last event of its run.',
    '',
    ...table(
      ['Scenario', 'Transport', 'Verdict', 'p50', 'p95', 'p99', 'max', 'Answers shown'],
      goldenTrials(trials).map((trial) => [
        ...trialCells(trial),
        outcomeCell(trial.verdict.verdict),
        ...percentileCells(trial.verdict.metrics.runMs),
        outcomeCell(ruleOutcome(trial, 'delivery/not-shown')),
      ]),
    ),
  ]);
}

/** Each promise of isolation by transport, then what broke it, with a line of the history each. */
export function isolationSection({ trials }: Sheet): string[] {
  const transports = [...new Set(trials.map(({ verdict }) => verdict.trial.transport))];
  const rows = GUARANTEES.filter(({ category }) => category === 'leak').map(({ name }) => [
    name,
    ...transports.map((transport) =>
      transportCell(
        trials.filter(({ verdict }) => verdict.trial.transport === transport),
        name,
      ),
    ),
  ]);
  return section('Multi-user isolation', [
    'In brackets: trials on the transport that came to this outcome.',
    '',
    ...table(['Guarantee', ...transports.map((name) => cell(name))], rows),
    '',
    ...findingLines(trials),
  ]);
}

function transportCell(trials: readonly JudgedTrial[], name: string): string {
  const outcomes = trials.map((trial) => outcomeOf(trial, name));
  const worst = worstOf(outcomes);
  const text = keptCell(worst, trials);
  if (worst === 'not-applicable') return text;
  const same = outcomes.filter((outcome) => outcome === worst).length;
  return `${text} (${grouped(same)} of ${grouped(trials.length)})`;
}

/** Only trials that passed have proven anything; of the others no more than this can be said. */
function keptCell(worst: ReturnType<typeof worstOf>, trials: readonly JudgedTrial[]): string {
  const proven = trials.every(({ verdict }) => verdict.verdict === 'pass');
  return worst === 'pass' && !proven ? 'no violation seen' : outcomeCell(worst);
}

function findingLines(trials: readonly JudgedTrial[]): string[] {
  const chosen = trials.flatMap((trial) =>
    worstFindings(trial.verdict, FINDINGS_PER_TRIAL_MAX).map((finding) => ({ trial, finding })),
  );
  const shown = chosen.slice(0, FINDINGS_MAX);
  const all = trials.reduce(
    (sum, { verdict }) => sum + decidingFindings(verdict).length + verdict.findingsOmitted,
    0,
  );
  if (all === 0) return ['No finding decides against the target.'];
  const lines = shown.map(({ trial, finding }) => findingLine(trial, finding));
  const more = all - shown.length;
  if (more > 0) lines.push(`- and ${grouped(more)} more, see each verdict.json`);
  return ['### Findings', '', ...lines];
}

function findingLine({ verdict, dir, history }: JudgedTrial, finding: Finding): string {
  const times = finding.count > 1 ? ` (${grouped(finding.count)} times)` : '';
  const [witness] = finding.witness;
  const beside = `${dir}/history.ndjson`;
  const file = history.endsWith(beside) ? beside : history;
  const seen =
    witness === undefined ? '' : `, ${code(file)} line ${witness.line}: ${code(witness.excerpt)}`;
  const where = code(`${verdict.trial.scenario} on ${verdict.trial.transport}`);
  return `- **${finding.rule}**${times} in ${where}: ${code(finding.message)}${seen}`;
}

function outcomeOf({ verdict }: JudgedTrial, name: string): ReturnType<typeof worstOf> {
  return (
    guaranteesOf(verdict).find(({ guarantee }) => guarantee.name === name)?.outcome ??
    'inconclusive'
  );
}

/** Which requirements, tests and weaknesses of public standards each promise answers. */
export function standardsSection({ trials }: Sheet): string[] {
  return section('Standards', [
    'Requirements of OWASP ASVS 5.0, tests of the OWASP WSTG and weaknesses of the CWE that the rules of a guarantee answer. An examined guarantee supports a requirement; it does not fulfil it alone.',
    '',
    ...table(
      ['Guarantee', 'ASVS 5.0', 'WSTG', 'CWE', 'Outcome'],
      GUARANTEES.flatMap((guarantee) => {
        const entries = standardsOf(guarantee);
        if (entries.every((texts) => texts === '–')) return [];
        const outcomes = trials.map((trial) => outcomeOf(trial, guarantee.name));
        return [[guarantee.name, ...entries, keptCell(worstOf(outcomes), trials)]];
      }),
    ),
  ]);
}

function standardsOf({ rules }: Guarantee): string[] {
  return (['asvs', 'wstg', 'cwe'] as const).map((kind) => {
    const entries = new Set(rules.flatMap((rule) => STANDARDS[rule][kind]));
    return (
      [...entries].toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).join(', ') || '–'
    );
  });
}
