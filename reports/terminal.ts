import { createColors } from 'picocolors';
import type { Finding, GateResult, Outcome, Summary, Verdict } from '../history/verdict.ts';
import { headlineOf, outcomeWord } from './headline.ts';
import type { JudgedTrial } from './judged-trial.ts';
import { decidingFindings, worstFindings } from './judged-trial.ts';
import { matrixLines } from './terminal-matrix.ts';
import { counted, durationText, gateNumber, grouped, shareText } from './numbers.ts';
import { showUntrusted, showUntrustedUpTo } from './untrusted.ts';

/** Findings shown per trial; all of them stand in verdict.json. */
const FINDINGS_SHOWN_MAX = 6;
const EXCERPT_CHARACTERS_MAX = 160;
const MESSAGE_CHARACTERS_MAX = 400;
const REASONS_SHOWN_MAX = 5;
/** Beside findings, what else could not be examined is mostly their consequence. */
const REASONS_BESIDE_FINDINGS_MAX = 2;

export interface TerminalOptions {
  readonly color: boolean;
}

/** What a terminal is told of a campaign. */
export interface CampaignView {
  readonly summary: Summary;
  readonly trials: readonly JudgedTrial[];
  /** The campaign's directory as the reader would type it, or null when nothing was written. */
  readonly out: string | null;
}

/**
 * A campaign as plain lines: first the outcome of each trial, then the worst findings with a line of
 * the history each, how to reproduce them and where the evidence lies; last, where the eye is, what it
 * came to as a whole. Nothing from a target reaches the terminal unescaped.
 */
export function renderCampaign(view: CampaignView, options: TerminalOptions): string {
  const paint = painter(options);
  const { summary, trials } = view;
  const [only] = trials.length === 1 ? trials : [];
  const isWhole = only !== undefined && only.verdict.verdict === summary.verdict;
  const own = ownReasons(view);
  const blocks = isWhole
    ? [renderTrial(only, { paint, more: own })]
    : [...renderTrials(trials, paint), campaignLines(view, { paint, own })];
  if (summary.signoff !== null) blocks.push(`${decisionLine(summary, paint)}\n`);
  if (view.out !== null) blocks.push(`${row('Artifacts', showUntrusted(view.out))}\n`);
  return blocks.join('\n');
}

/** Reasons of the trials stand with the trials; what is left concerns the campaign as a whole. */
function ownReasons({ summary, trials }: CampaignView): string[] {
  const known = new Set(trials.flatMap((trial) => trial.verdict.reasons));
  return summary.reasons.filter((reason) => !known.has(withoutTrial(reason, trials)));
}

/** A line for each trial that passed, and all there is to say of the others. */
function renderTrials(trials: readonly JudgedTrial[], paint: Painter): string[] {
  const passed = trials.filter(({ verdict }) => verdict.verdict === 'pass');
  const others = trials.filter(({ verdict }) => verdict.verdict !== 'pass');
  const lines = passed.map((trial) => passedLine(trial, paint));
  return [
    ...(lines.length === 0 ? [] : [`${lines.join('\n')}\n`]),
    ...others.map((trial) => renderTrial(trial, { paint, more: [] })),
  ];
}

function passedLine({ verdict, dir }: JudgedTrial, paint: Painter): string {
  const { trial, evidence } = verdict;
  const name = showUntrusted(`${trial.scenario} on ${trial.transport}`);
  const overlap = `${grouped(evidence.pairsOverlapping)} of ${grouped(evidence.pairs)} pairs`;
  const numbers = [counted(trial.users, 'user'), overlap, durationText(trial.durationMs)];
  return `${paint.outcome('pass', 'PASS')}  ${name}: ${numbers.join(', ')}  ${paint.dim(showUntrusted(dir))}`;
}

function campaignLines(
  { summary, trials }: CampaignView,
  { paint, own }: { readonly paint: Painter; readonly own: readonly string[] },
): string {
  const head = paint.outcome(summary.verdict, `${word(summary.verdict)}${cause(summary)}`);
  const passed = summary.trials.filter(({ verdict }) => verdict === 'pass').length;
  const counts = `${grouped(passed)} of ${counted(trials.length, 'trial')} passed`;
  // Where no history could be read, nobody knows the seed.
  const seed = summary.seed === '' ? '' : `, seed ${showUntrusted(summary.seed)}`;
  const lines = [`${head}  ${counts}${seed}`];
  lines.push(...own.slice(0, REASONS_SHOWN_MAX).map((reason) => `  ${message(reason)}`));
  if (own.length > REASONS_SHOWN_MAX)
    lines.push(`  and ${counted(own.length - REASONS_SHOWN_MAX, 'more reason')}`);
  return `${lines.join('\n')}\n`;
}

/** `NO-GO  Do not ship: …` */
function decisionLine(summary: Summary, paint: Painter): string {
  return `${paint.outcome(summary.verdict, outcomeWord(summary))}  ${headlineOf(summary)}`;
}

/** One line that says how a campaign ended (`--quiet`). */
export function renderOutcome(summary: Summary, options: TerminalOptions): string {
  const violations = summary.trials.reduce((sum, trial) => sum + trial.findings, 0);
  const decision = summary.signoff === null ? '' : `${summary.signoff}, `;
  const head = `${decision}${word(summary.verdict)}${cause(summary)}`;
  const tail = [
    counted(summary.trials.length, 'trial'),
    ...(violations > 0 ? [counted(violations, 'violation')] : []),
    ...(summary.verdict === 'pass' ? [] : summary.reasons.slice(0, 1).map(message)),
  ];
  return `${painter(options).outcome(summary.verdict, head)}  ${tail.join(', ')}\n`;
}

interface TrialContext {
  readonly paint: Painter;
  /** Reasons of the campaign that stand beside those of its only trial. */
  readonly more: readonly string[];
}

function renderTrial(trial: JudgedTrial, { paint, more }: TrialContext): string {
  const { verdict } = trial;
  const head = paint.outcome(verdict.verdict, `${word(verdict.verdict)}${cause(verdict)}`);
  const lines = [`${head}  ${trialName(verdict)}: ${headline(verdict)}`, ''];
  const why = [...findingLines(verdict, paint), ...reasonLines(verdict, more)];
  if (why.length > 0) lines.push(...why, '');
  const matrix = matrixLines(verdict);
  if (matrix.length > 0) lines.push(...matrix, '');
  lines.push(...numberLines(verdict), ...noteLines(verdict, paint), '');
  lines.push(row('Reproduce', showUntrusted(verdict.trial.reproduce)));
  lines.push(row('Evidence', showUntrusted(trial.history)));
  if (trial.verdictFile !== null) lines.push(row('', showUntrusted(trial.verdictFile)));
  const explained = worstFindings(verdict, 1)[0];
  if (explained !== undefined)
    lines.push(row('Explain', `npx crosstalk explain ${showUntrusted(explained.rule)}`));
  return `${lines.join('\n')}\n`;
}

function trialName({ trial }: Verdict): string {
  const where = trial.url === '' ? '' : ` at ${trial.url}`;
  return showUntrusted(`${trial.scenario} on ${trial.transport}, target ${trial.target}${where}`);
}

function headline(verdict: Verdict): string {
  const users = counted(verdict.trial.users, 'user');
  const violations = decidingFindings(verdict).length + verdict.findingsOmitted;
  const headlines: Readonly<Record<Outcome, string>> = {
    pass: `${users} saw every event in order, and nothing of each other`,
    inconclusive: `nothing is proven for ${users}`,
    fail: `${counted(violations, 'violation')} among ${users}`,
  };
  return headlines[verdict.verdict];
}

function findingLines(verdict: Verdict, paint: Painter): string[] {
  const shown = worstFindings(verdict, FINDINGS_SHOWN_MAX);
  if (shown.length === 0) return [];
  const total = decidingFindings(verdict).length + verdict.findingsOmitted;
  const lines = shown.flatMap((finding) => [findingLine(finding, paint), ...witnessLine(finding)]);
  if (total > shown.length) lines.push(`  and ${grouped(total - shown.length)} more`);
  return lines;
}

function findingLine(finding: Finding, paint: Painter): string {
  const times = finding.count > 1 ? `, ${grouped(finding.count)} times` : '';
  return `  ${message(finding.message)} ${paint.dim(`[${showUntrusted(finding.rule)}${times}]`)}`;
}

function witnessLine(finding: Finding): string[] {
  const witness = finding.witness[0];
  if (witness === undefined) return [];
  return [
    `    line ${witness.line}: ${showUntrustedUpTo(witness.excerpt, EXCERPT_CHARACTERS_MAX)}`,
  ];
}

/** Reasons say what findings do not; those that repeat a shown finding are left out. */
function reasonLines(verdict: Verdict, more: readonly string[]): string[] {
  const told = new Set(verdict.findings.map(({ rule, message: text }) => `${rule}: ${text}`));
  const reasons = [...more, ...verdict.reasons.filter((reason) => !told.has(reason))];
  if (verdict.verdict === 'pass') return [];
  const shownMax = told.size > 0 ? REASONS_BESIDE_FINDINGS_MAX : REASONS_SHOWN_MAX;
  return reasons.slice(0, shownMax).map((reason) => `  ${message(reason)}`);
}

function numberLines(verdict: Verdict): string[] {
  const { evidence, metrics } = verdict;
  const events = verdict.users.reduce(
    (sum, user) => sum + Object.values(user.events).reduce((a, b) => a + b, 0),
    0,
  );
  const lines = [
    row('Users', `${grouped(verdict.trial.users)} in ${durationText(verdict.trial.durationMs)}`),
    row('Events', `${grouped(events)} (${counted(evidence.observations, 'observation')})`),
    row('Overlap', `${grouped(evidence.pairsOverlapping)} of ${grouped(evidence.pairs)} pairs`),
  ];
  if (evidence.calibration !== null) {
    const { caught, planted } = evidence.calibration;
    lines.push(row('Calibration', `caught ${grouped(caught)} of ${grouped(planted)} planted`));
  }
  if (verdict.verdict === 'pass' && evidence.leakRateUpperBound95 !== null)
    lines.push(
      row(
        'Upper bound',
        `leak rate at most ${shareText(evidence.leakRateUpperBound95)} (95 %, ${grouped(evidence.opportunities)} opportunities)`,
      ),
    );
  const delay = metrics.harnessDelayMs;
  const beside = delay === null ? '' : `, harness delay p99 ${grouped(Math.round(delay.p99))} ms`;
  lines.push(...gateLines(verdict.gates, beside));
  return lines;
}

function gateLines(gates: readonly GateResult[], beside: string): string[] {
  const judged = gates.filter(({ outcome }) => outcome !== 'not-applicable');
  if (judged.length === 0) return [];
  const measured = judged.filter(({ actual }) => actual !== null);
  const met = measured.filter(({ outcome }) => outcome === 'pass').length;
  const unmeasured = judged.length - measured.length;
  const counts = `${met} of ${judged.length} met${unmeasured > 0 ? `, ${unmeasured} not measured` : ''}`;
  const unmet = measured.filter(({ outcome }) => outcome !== 'pass');
  return [row('Gates', `${counts}${beside}`), ...unmet.map((gate) => row('', gateText(gate)))];
}

/** `connect 912 ms, limit 500 ms: fail`. */
function gateText(gate: GateResult): string {
  const actual = gate.actual === null ? 'not measured' : gateNumber(gate.name, gate.actual);
  return `${gate.name} ${actual}, limit ${gateNumber(gate.name, gate.limit)}: ${gate.outcome}`;
}

/** Notes never change a verdict; one line says that there are some. */
function noteLines(verdict: Verdict, paint: Painter): string[] {
  const notes = verdict.findings.filter(({ severity }) => severity === 'note');
  const first = notes[0];
  if (first === undefined) return [];
  const more = notes.length > 1 ? ` (and ${grouped(notes.length - 1)} more)` : '';
  return [paint.dim(row('Notes', `${message(first.message)}${more}`))];
}

const LABEL_WIDTH = 12;

function row(label: string, text: string): string {
  return `  ${label.padEnd(LABEL_WIDTH)} ${text}`;
}

function message(text: string): string {
  return showUntrustedUpTo(text, MESSAGE_CHARACTERS_MAX);
}

function withoutTrial(reason: string, trials: readonly JudgedTrial[]): string {
  const prefix = trials
    .map(({ verdict }) => `${verdict.trial.scenario} on ${verdict.trial.transport}: `)
    .find((candidate) => reason.startsWith(candidate));
  return prefix === undefined ? reason : reason.slice(prefix.length);
}

function word(outcome: Outcome): string {
  return outcome.toUpperCase();
}

function cause(of: { readonly cause: string | null }): string {
  return of.cause === null ? '' : ` (${of.cause})`;
}

interface Painter {
  outcome(outcome: Outcome, text: string): string;
  dim(text: string): string;
}

const COLORS = { pass: 'green', inconclusive: 'yellow', fail: 'red' } as const;

function painter({ color }: TerminalOptions): Painter {
  const colors = createColors(color);
  return {
    outcome: (outcome, text) => colors.bold(colors[COLORS[outcome]](text)),
    dim: (text) => colors.dim(text),
  };
}
