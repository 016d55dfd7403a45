import { FAULTS } from '../reference/catalogue.ts';
import { RULES } from '../history/rules.ts';
import { EXIT } from './exit-codes.ts';
import {
  explainedFaults,
  explainedRules,
  partsOf,
  type FaultExplanation,
  type RuleExplanation,
} from './explanations.ts';
import { didYouMean } from './nearest.ts';
import type { CommandCall } from './program.ts';

/** `crosstalk explain …`: a rule (its short name will do) or a fault. */
export async function explainCommand({ args, mistakes, output }: CommandCall): Promise<number> {
  const [name, ...others] = args;
  const explained = name === undefined ? [] : explanationsOf(name);
  const [first] = explained;
  if (name === undefined)
    mistakes.add('MISSING_ARGUMENT', '"explain" needs the name of a rule or a fault, got nothing.');
  else if (first === undefined) {
    const known = [...RULES, ...FAULTS].map((entry) => entry.name);
    mistakes.add(
      'UNKNOWN_NAME',
      `"${name}" is no rule and no fault. ${didYouMean(name, known)}Run "crosstalk list rules" or "crosstalk list faults".`,
    );
  }
  for (const other of others)
    mistakes.add('UNEXPECTED_ARGUMENT', `"explain" takes one name, got "${other}" as well.`);
  mistakes.throwIfAny();
  output.document(first);
  output.text(explained.map(explanationText).join('\n\n'));
  return EXIT.pass;
}

/** A rule and a fault may have one name (`after-completion`): both are explained. */
function explanationsOf(name: string): readonly (RuleExplanation | FaultExplanation)[] {
  return [
    ...explainedRules().filter((rule) => [rule.name, shortNameOf(rule)].includes(name)),
    ...explainedFaults().filter((fault) => fault.name === name),
  ];
}

function shortNameOf({ name }: RuleExplanation): string {
  return name.slice(name.indexOf('/') + 1);
}

function explanationText(explained: RuleExplanation | FaultExplanation): string {
  const parts = partsOf(explained);
  const width = Math.max(...parts.map(([heading]) => heading.length)) + 2;
  const lines = parts.flatMap(([heading, texts]) =>
    texts.map((text, at) => `  ${(at === 0 ? heading : '').padEnd(width)}${text}`),
  );
  const what = explained.kind === 'rule' ? 'a rule' : 'a fault of the reference target';
  return [`${explained.name}: ${what}`, ...lines].join('\n');
}
