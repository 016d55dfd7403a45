import { FAULTS, type FaultEntry } from '../reference/catalogue.ts';
import { RULES, type RuleText } from '../history/rules.ts';
import { EXIT } from './exit-codes.ts';
import { didYouMean } from './nearest.ts';
import type { CommandCall } from './program.ts';
import { wordsToProvoke } from './selftest-cases.ts';

const NEEDS: Readonly<Record<string, string>> = {
  gp: 'the golden path',
  r2: 'a second round (--rounds 2)',
  eq: 'equal questions (--variant equal-questions)',
  barrier: 'users released at one moment',
  'ask at once': 'a user who asks right after the first frame',
  cancel: 'a user who stops a run',
  'equal titles': 'users whose threads have one title',
  error: 'a user whose tool fails',
  expiry: 'a token that is past its expiry',
  late: 'a user who joins late',
  'many rounds': 'many rounds (docs/statistics.md derives how many)',
  'prefix names': 'a user whose name is the beginning of another’s',
  probe: 'a user who tries what is not theirs',
  reconnect: 'a user who loses the connection in the middle of a run',
  'sign-out': 'a user who signs out',
  switch: 'two users, one after the other, at the same browser',
  tabs: 'a user with two tabs',
};

/** `crosstalk explain …`: a rule (its short name will do) or a fault. */
export async function explainCommand({ args, mistakes, output }: CommandCall): Promise<number> {
  const [name, ...others] = args;
  const rules = name === undefined ? [] : RULES.filter((rule) => isNamed(rule, name));
  const fault = FAULTS.find((candidate) => candidate.name === name);
  if (name === undefined)
    mistakes.add('MISSING_ARGUMENT', '"explain" needs the name of a rule or a fault, got nothing.');
  else if (rules.length === 0 && fault === undefined) {
    const known = [...RULES, ...FAULTS].map((entry) => entry.name);
    mistakes.add(
      'UNKNOWN_NAME',
      `"${name}" is no rule and no fault. ${didYouMean(name, known)}Run "crosstalk list rules" or "crosstalk list faults".`,
    );
  }
  for (const other of others)
    mistakes.add('UNEXPECTED_ARGUMENT', `"explain" takes one name, got "${other}" as well.`);
  mistakes.throwIfAny();
  const faults = fault === undefined ? [] : [fault];
  output.document(
    [...rules.map((rule) => ruleDocument(rule)), ...faults.map((entry) => faultDocument(entry))][0],
  );
  output.text([...rules.map(ruleText), ...faults.map(faultText)].join('\n\n'));
  return EXIT.pass;
}

function isNamed(rule: RuleText, name: string): boolean {
  return rule.name === name || rule.name.slice(rule.name.indexOf('/') + 1) === name;
}

function ruleDocument(rule: RuleText): Record<string, unknown> {
  return { kind: 'rule', ...rule, faults: faultsCaughtBy(rule) };
}

function faultDocument(fault: FaultEntry): Record<string, unknown> {
  return { kind: 'fault', ...fault, needs: needsOf(fault) };
}

function ruleText(rule: RuleText): string {
  const shown = FAULTS.find((fault) => fault.rules.includes(rule.name));
  return [
    `${rule.name} (${rule.severity}, ${rule.cause})`,
    `  Violated when  ${rule.text}.`,
    `  Why            ${rule.why}`,
    `  Example        ${rule.example}`,
    `  How to fix     ${rule.fix}`,
    ...(rule.implemented
      ? []
      : ['  Note           not examined by this version: listed as not-applicable']),
    ...(shown === undefined ? [] : [`  Try it         npx crosstalk run ${wordsToProvoke(shown)}`]),
  ].join('\n');
}

function faultText(fault: FaultEntry): string {
  return [
    `${fault.name} (fault of the reference target)`,
    `  Does           ${fault.does}`,
    `  After          ${fault.after}`,
    `  Needs          ${needsOf(fault).join(' and ')}`,
    `  Seen by        ${fault.seenBy === 'any' ? 'socket and page' : fault.seenBy}`,
    `  Caught by      ${fault.rules.join(' or ')}${fault.mechanism === undefined ? '' : `, mechanism ${fault.mechanism}`}`,
    `  Try it         npx crosstalk run ${wordsToProvoke(fault)}`,
  ].join('\n');
}

function faultsCaughtBy(rule: RuleText): string[] {
  return FAULTS.filter((fault) => fault.rules.includes(rule.name)).map(({ name }) => name);
}

function needsOf(fault: FaultEntry): string[] {
  return fault.needs.split(', ').map((need) => NEEDS[need] ?? need);
}
