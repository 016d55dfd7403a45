import { z } from 'zod';
import { observationFieldsSchema, trialEndSchema, trialHeaderSchema } from '../history/schemas.ts';
import { summarySchema, verdictSchema } from '../history/verdict.ts';
import {
  explainedFaults,
  explainedRules,
  partsOf,
  type FaultExplanation,
  type RuleExplanation,
} from './explanations.ts';
import { scenariosDoc } from './scenarios-doc.ts';
import { MISTAKES } from './usage-error.ts';

/** A file that is made from the code and must stay in step with it. */
export interface GeneratedDoc {
  /** Relative to the project's directory. */
  readonly path: string;
  readonly text: string;
}

const SCHEMAS = {
  'history-header': { schema: trialHeaderSchema, title: 'First line of a history' },
  'history-observation': { schema: observationFieldsSchema, title: 'Observation in a history' },
  'history-end': { schema: trialEndSchema, title: 'Last line of a complete history' },
  verdict: { schema: verdictSchema, title: 'verdict.json' },
  summary: { schema: summarySchema, title: 'summary.json' },
} as const;

/** All generated files: `npm run schemas` writes them, a test compares them. */
export function generatedDocs(): GeneratedDoc[] {
  const schemas = Object.entries(SCHEMAS).map(([name, { schema, title }]) => ({
    path: `docs/schemas/${name}.schema.json`,
    text: `${JSON.stringify(jsonSchema(schema, title), null, 2)}\n`,
  }));
  return [
    ...schemas,
    { path: 'docs/rules.md', text: rulesDoc() },
    { path: 'docs/faults.md', text: faultsDoc() },
    { path: 'docs/mistakes.md', text: mistakesDoc() },
    { path: 'docs/scenarios.md', text: `${GENERATED}\n\n${scenariosDoc()}` },
  ];
}

function jsonSchema(schema: z.ZodType, title: string): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
  return { $schema, title, ...rest };
}

const GENERATED = '<!-- Made by `npm run schemas` from the code. Edit the code instead. -->';

const FAMILIES: Readonly<Record<string, string>> = {
  isolation: 'Nothing of one user may reach another.',
  order: 'The events of a run come whole and in the order that the profile agrees on.',
  delivery: 'Every user gets an answer.',
  evidence: 'What was seen allows a verdict. These rules never fail, they make it inconclusive.',
  gate: 'Service levels: see `gates` in [verdict.md](verdict.md).',
};

function rulesDoc(): string {
  const rules = explainedRules();
  const sections = Object.entries(FAMILIES).flatMap(([family, text]) => [
    `## ${family}`,
    text,
    ...rules.filter(({ name }) => name.startsWith(`${family}/`)).map(section),
  ]);
  return `${[GENERATED, '# Rules', ...sections].join('\n\n')}\n`;
}

function faultsDoc(): string {
  const head =
    'What the reference target can break on purpose (`--fault NAME`), and the rule that must catch it: `crosstalk selftest` tries them all. How a finding reads and how to fix its cause stands with the [rules](rules.md).';
  return `${[GENERATED, '# Faults', head, ...explainedFaults().map(section)].join('\n\n')}\n`;
}

/** What stands with the rule that catches a fault is not said again with the fault. */
const OF_THE_RULE: ReadonlySet<string> = new Set([
  'Why it matters',
  'A finding says',
  'Likely causes',
  'How to fix',
  'Standards',
]);

function section(explained: RuleExplanation | FaultExplanation): string {
  const parts = partsOf(explained).filter(
    ([heading]) => explained.kind === 'rule' || !OF_THE_RULE.has(heading),
  );
  const lines = parts.map(([heading, texts]) =>
    texts.length === 1
      ? `- ${heading}: ${texts[0]}`
      : [`- ${heading}:`, ...texts.map((text) => `  - ${text}`)].join('\n'),
  );
  return `### ${explained.name}\n\n${lines.join('\n')}`;
}

function mistakesDoc(): string {
  const lines = Object.entries(MISTAKES).map(([code, text]) => `- \`${code}\`: ${text}`);
  const head =
    'Codes of the mistakes that end a command with 64. Each mistake is one line: the code, what, the rule, what came and what to do.';
  return `${[GENERATED, '# Usage mistakes', head, lines.join('\n')].join('\n\n')}\n`;
}
