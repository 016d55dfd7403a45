import type { Summary } from '../../history/verdict.ts';
import { headlineOf, outcomeWord } from '../headline.ts';
import { counted, durationText, grouped, shareText } from '../numbers.ts';
import { cell, code, section, table } from '../markdown.ts';
import type { Sheet } from './sheet.ts';

const REASONS_FIRST_MAX = 5;

/** What a release manager reads first: the decision, why, and what it rests on. */
export function executiveSummary({ summary, trials }: Sheet): string[] {
  const reasons = summary.reasons.slice(0, REASONS_FIRST_MAX).map((reason) => `- ${code(reason)}`);
  const more = summary.reasons.length - reasons.length;
  if (more > 0) reasons.push(`- and ${counted(more, 'more reason')}, see Verdict`);
  return section('Executive summary', [
    `**${outcomeWord(summary)}.** ${headlineOf(summary)}`,
    '',
    ...(reasons.length === 0 ? [] : [...reasons, '']),
    ...restsOn({ summary, trials }),
    ...table(
      ['Scenario', 'Transport', 'Users', 'Verdict', 'Violations', 'Duration'],
      summary.trials.map((listed, index) => [
        cell(listed.scenario),
        cell(listed.transport),
        grouped(trials[index]?.verdict.trial.users ?? 0),
        listed.verdict === 'pass'
          ? 'pass'
          : `**${listed.verdict}**${listed.cause === null ? '' : ` (${listed.cause})`}`,
        grouped(listed.findings),
        durationText(listed.durationMs),
      ]),
    ),
  ]);
}

/** The weakest trial says how much all of them are worth. */
function restsOn({ summary, trials }: Pick<Sheet, 'summary' | 'trials'>): string[] {
  const passed = summary.trials.filter(({ verdict }) => verdict === 'pass').length;
  const lines = [`- ${passed} of ${counted(summary.trials.length, 'trial')} passed`];
  const pairs = trials
    .map(({ verdict }) => verdict.evidence)
    .filter((evidence) => evidence.pairs > 0)
    .toSorted((a, b) => a.pairsOverlapping / a.pairs - b.pairsOverlapping / b.pairs)[0];
  if (pairs !== undefined)
    lines.push(
      `- Concurrency: ${grouped(pairs.pairsOverlapping)} of ${grouped(pairs.pairs)} pairs of users were active at the same time in the trial with the least overlap`,
    );
  const bounds = trials.flatMap(({ verdict }) => verdict.evidence.leakRateUpperBound95 ?? []);
  if (bounds.length > 0 && bounds.length === trials.length)
    lines.push(
      `- Leak rate: at most ${shareText(Math.max(...bounds))} in the trial with the fewest opportunities (95 % confidence)`,
    );
  const calibrated = trials.filter(({ verdict }) => verdict.evidence.calibration !== null).length;
  lines.push(
    `- Detector proven on the recorded history of ${grouped(calibrated)} of ${counted(trials.length, 'trial')}`,
  );
  return [...lines, ''];
}

const NOT_A_SIGN_OFF =
  'This campaign was no sign-off. `crosstalk signoff` runs every scenario that a release needs, and decides.';

/** The decision with all its reasons. */
export function verdictSection({ summary, trials }: Sheet): string[] {
  const why =
    summary.reasons.length === 0
      ? ['Nothing stands against it.']
      : summary.reasons.map((reason) => `- ${code(reason)}`);
  return section('Verdict', [
    `**${outcomeWord(summary)}.** ${headlineOf(summary)}`,
    '',
    ...why,
    ...(summary.signoff === null ? ['', NOT_A_SIGN_OFF] : []),
    '',
    'To see it again:',
    '',
    ...reproductions(trials),
  ]);
}

/** Each command once, with the trials it repeats. */
function reproductions(trials: Sheet['trials']): string[] {
  const commands = new Map<string, string[]>();
  for (const { verdict } of trials) {
    const { reproduce, scenario, transport } = verdict.trial;
    const name = `${scenario} on ${transport}`;
    commands.set(reproduce, [...(commands.get(reproduce) ?? []), name]);
  }
  return [...commands].map(([command, names]) =>
    names.length === trials.length
      ? `- ${code(command)}`
      : `- ${code(command)}: ${names.map((name) => code(name)).join(', ')}`,
  );
}

/** SHA-256 of everything beside this sheet, so that what was signed can be told from what was not. */
export function manifestSection({ manifest }: Sheet): string[] {
  if (manifest.length === 0) return [];
  return section(
    'Manifest',
    table(
      ['Artifact', 'Bytes', 'SHA-256'],
      manifest.map(({ path, bytes, sha256 }) => [cell(path), grouped(bytes), code(sha256)]),
    ),
  );
}

/** What a sheet is called, by what it decides. */
export function titleOf(summary: Summary): string {
  const kind = summary.signoff === null ? 'Crosstalk' : 'Crosstalk sign-off';
  return `# ${kind}: ${outcomeWord(summary)}`;
}
