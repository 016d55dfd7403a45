import { casesOfRule, caseOf, type KnownCase } from '../history/cases.ts';
import { RULES, type RuleName, type RuleText } from '../history/rules.ts';
import { STANDARDS, type StandardEntries } from '../history/standards.ts';
import { FAULTS, type FaultEntry } from '../reference/catalogue.ts';
import { wordsToProvoke } from './selftest-cases.ts';

/** What a reader of a rule and a reader of a fault both want to know. */
interface Explanation {
  readonly why: string;
  /** The message of a finding. */
  readonly example: string;
  readonly causes: string;
  readonly fix: string;
  /** Where it, or something like it, has happened; never empty. */
  readonly cases: readonly KnownCase[];
  readonly standards: StandardEntries;
  /** The command that shows it on the reference target; null where no fault provokes it. */
  readonly provoke: string | null;
}

/** Everything there is to say about a rule. */
export interface RuleExplanation extends Explanation, Omit<RuleText, 'name'> {
  readonly kind: 'rule';
  readonly name: RuleName;
  /** Names of the faults that it catches. */
  readonly faults: readonly string[];
}

/** Everything there is to say about a fault of the reference target. */
export interface FaultExplanation extends Explanation {
  readonly kind: 'fault';
  readonly name: string;
  readonly does: string;
  /** What some user has to do for it to show. */
  readonly needs: readonly string[];
  readonly seenBy: FaultEntry['seenBy'];
  /** Rules that catch it; one of them is enough. */
  readonly rules: readonly string[];
  readonly mechanism?: string;
}

const RUN = 'npx crosstalk run';

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

/** Faults that raise a rule without being there for it, and what raises it without any fault. */
const RAISED_BY: Readonly<Partial<Record<RuleName, string>>> = {
  'evidence/no-overlap': '--users 1',
  'gate/routing': '--fault broadcast',
  'gate/delivery-rate': '--fault drop-agent_completed',
  'gate/error-rate': '--fault double-completion',
};

/** All rules, explained, in the order of the registry. */
export function explainedRules(): readonly RuleExplanation[] {
  return RULES.map((rule) => {
    const faults = FAULTS.filter((fault) => fault.rules.includes(rule.name));
    const [shown] = faults;
    const words = shown === undefined ? RAISED_BY[rule.name] : wordsToProvoke(shown);
    return {
      kind: 'rule',
      ...rule,
      cases: casesOfRule(rule.name),
      standards: STANDARDS[rule.name],
      faults: faults.map(({ name }) => name),
      provoke: words === undefined ? null : `${RUN} ${words}`,
    };
  });
}

/** All faults of the reference target, explained, in the order of the catalogue. */
export function explainedFaults(): readonly FaultExplanation[] {
  return FAULTS.map((fault) => {
    const { after, needs, rules, ...rest } = fault;
    const catcher = RULES.find(({ name }) => name === rules[0]);
    if (catcher === undefined) throw new RangeError(`no rule catches the fault "${fault.name}"`);
    const { why, example, causes, fix } = catcher;
    return {
      kind: 'fault',
      ...rest,
      needs: needs.split(', ').map((need) => NEEDS[need] ?? need),
      rules,
      why,
      example,
      causes,
      fix,
      // What is modelled on nothing in particular is like what its rule has been seen to catch.
      cases: after.length > 0 ? after.map((code) => caseOf(code)) : casesOfRule(catcher.name),
      standards: STANDARDS[catcher.name],
      provoke: `${RUN} ${wordsToProvoke(fault)}`,
    };
  });
}

/** A heading and what stands under it, in one or several lines. */
export type Part = readonly [heading: string, lines: readonly string[]];

/** The parts of an explanation in the order in which they are read; what there is nothing of is left out. */
export function partsOf(explained: RuleExplanation | FaultExplanation): readonly Part[] {
  const { why, causes, fix, example, cases, standards, provoke } = explained;
  const parts: readonly Part[] = [
    ...(explained.kind === 'rule' ? ruleParts(explained) : faultParts(explained)),
    ['Why it matters', [why]],
    ['It has happened', cases.map(caseLine)],
    ['A finding says', [example]],
    ['Likely causes', [causes]],
    ['How to fix', [fix]],
    ['Standards', standardLines(standards)],
    ['Try it', [provoke ?? 'no single fault of the reference target raises it']],
  ];
  return parts.filter(([, lines]) => lines.length > 0);
}

function ruleParts({ text, severity, cause, faults }: RuleExplanation): Part[] {
  return [
    ['Violated when', [`${text}.`]],
    ['Severity', [`${severity}, cause ${cause}`]],
    ['Faults', faults.length === 0 ? [] : [faults.join(', ')]],
  ];
}

function faultParts({ does, needs, seenBy, rules, mechanism }: FaultExplanation): Part[] {
  const how = mechanism === undefined ? '' : `, mechanism ${mechanism}`;
  return [
    ['Does', [does]],
    ['Needs', [needs.join(' and ')]],
    ['Seen by', [seenBy === 'any' ? 'socket and page' : seenBy]],
    ['Caught by', [`${rules.join(' or ')}${how}`]],
  ];
}

function caseLine({ text, source }: KnownCase): string {
  return `${text} (${source ?? "seen in a customer's system"})`;
}

function standardLines({ asvs, wstg, cwe }: StandardEntries): string[] {
  const named = asvs.length === 0 ? [] : [`ASVS ${asvs.join(', ')}`];
  const all = [...named, ...wstg, ...cwe];
  return all.length === 0 ? [] : [all.join('; ')];
}
