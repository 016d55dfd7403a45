import { readFileSync } from 'node:fs';
import { STORIES, type Story } from '../scenarios/stories/table.ts';
import {
  parseScenarioTrials,
  SCENARIO_TRIALS_FILE,
  type ScenarioTrial,
} from './scenario-trials.ts';
import { builtInScenarios, type ScenarioFile } from './scenarios.ts';

const TRANSPORTS = ['websocket', 'browser'] as const;

const HEAD = `# Scenarios

Each file in \`scenarios/\` is one situation, told as a story that every user of the crowd takes part in. Whatever a
script asserts, the whole rulebook is judged. How to write one: [writing-scenarios.md](writing-scenarios.md).
\`explore\` is not in the table: it makes up its stories itself, see [explore.md](explore.md).

The table is made from real runs (\`node --import tsx bench/scenario-trials.ts\`, kept in
[scenarios.json](scenarios.json)): a transport is named where the clean embedded target passed on it, and a fault where
the scenario caught it by one of the fault's own rules; in brackets the only transport that shows the fault. \`mixed\`
is both at once.`;

/** `docs/scenarios.md`, from the scenario files and from what real runs of them showed. */
export function scenariosDoc(): string {
  const trials = parseScenarioTrials(
    readFileSync(new URL(`../${SCENARIO_TRIALS_FILE}`, import.meta.url), 'utf8'),
  );
  const rows = builtInScenarios().flatMap((file) => {
    const story = STORIES.find(({ name }) => name === file.name);
    return story === undefined ? [] : [rowOf(file, story, trials)];
  });
  const head = ['Scenario', 'What it provokes', 'Passes clean on', 'Tags', 'Faults caught'];
  return `${HEAD}\n\n${tableOf([head, ...rows])}\n`;
}

/** A Markdown table; columns are as wide as their widest cell, as the formatter has them. */
function tableOf(rows: readonly (readonly string[])[]): string {
  const [head = []] = rows;
  const widths = head.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const lineOf = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [first = '', ...others] = rows.map(lineOf);
  return [first, lineOf(widths.map((width) => '-'.repeat(width))), ...others].join('\n');
}

function rowOf(
  file: ScenarioFile,
  { reveals }: Story,
  trials: readonly ScenarioTrial[],
): readonly string[] {
  const own = trials.filter(({ scenario }) => scenario === file.name);
  const passes = TRANSPORTS.filter((transport) =>
    own.some((one) => one.fault === null && one.transport === transport && one.outcome === 'pass'),
  );
  const caught = reveals.flatMap((fault) => {
    const on = TRANSPORTS.filter((transport) =>
      own.some(
        (one) => one.fault === fault && one.transport === transport && one.outcome === 'fail',
      ),
    );
    if (on.length === 0) return [];
    return [on.length === passes.length ? `\`${fault}\`` : `\`${fault}\` (${on.join(', ')})`];
  });
  const tags = file.tags.map((tag) => `@${tag}`).join(' ');
  return [`\`${file.name}\``, file.text, passes.join(', '), tags, caught.join(', ')];
}
