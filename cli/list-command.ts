import { FAULTS, VARIANTS } from '../reference/catalogue.ts';
import { RULES } from '../history/rules.ts';
import { EXIT } from './exit-codes.ts';
import { didYouMean } from './nearest.ts';
import type { CommandCall } from './program.ts';
import { builtInScenarios } from './scenarios.ts';

interface Listed {
  readonly name: string;
  readonly text: string;
}

/** What can be listed, and how to find it. Profiles are loaded only when they are asked for. */
const LISTS: Readonly<Record<string, () => Promise<readonly Listed[]>>> = {
  scenarios: async () => builtInScenarios(),
  targets: async () => (await import('../targets/load-target.ts')).BUILT_IN_TARGETS,
  rules: async () => RULES,
  faults: async () => FAULTS.map(({ name, does }) => ({ name, text: does })),
  variants: async () => VARIANTS.map(({ name, does }) => ({ name, text: does })),
};

/** `crosstalk list …`: names with one sentence each. */
export async function listCommand({ args, mistakes, output }: CommandCall): Promise<number> {
  const kinds = Object.keys(LISTS);
  const [kind, ...others] = args;
  const list = kind === undefined ? undefined : LISTS[kind];
  if (kind === undefined)
    mistakes.add('MISSING_ARGUMENT', `"list" needs one of ${kinds.join(', ')}, got nothing.`);
  else if (list === undefined)
    mistakes.add(
      'UNKNOWN_NAME',
      `"list" needs one of ${kinds.join(', ')}, got "${kind}". ${didYouMean(kind, kinds)}`.trim(),
    );
  for (const other of others)
    mistakes.add('UNEXPECTED_ARGUMENT', `"list" takes one argument, got "${other}" as well.`);
  mistakes.throwIfAny();
  const entries = ((await list?.()) ?? []).map(({ name, text }) => ({ name, text }));
  output.document(entries);
  const width = Math.max(0, ...entries.map(({ name }) => name.length));
  output.text(
    entries.map(({ name, text }) => `${name.padEnd(width)}  ${text}`.trimEnd()).join('\n'),
  );
  return EXIT.pass;
}
