import type { Outcome, Summary, Verdict } from '../../history/verdict.ts';
import { decidingFindings } from '../judged-trial.ts';
import type { MarkedOutcome } from './figures.tsx';

/** How the rules of one family came out in a campaign. */
export interface FamilyOutcome {
  readonly name: string;
  readonly outcome: MarkedOutcome;
  /** What the outcome means here, in a few words. */
  readonly word: string;
}

const FAMILIES = [
  { family: 'isolation', name: 'Isolation', broken: 'violated' },
  { family: 'order', name: 'Events in order', broken: 'violated' },
  { family: 'delivery', name: 'Delivery', broken: 'violated' },
  { family: 'gate', name: 'Service levels', broken: 'not met' },
  { family: 'evidence', name: 'Evidence', broken: 'violated' },
] as const;
type Family = (typeof FAMILIES)[number]['family'];

/** The worst outcome of each family over all trials. */
export function familyOutcomes(summary: Summary, verdicts: readonly Verdict[]): FamilyOutcome[] {
  return FAMILIES.map(({ family, name, broken }) => {
    const outcome = worstOf(family, verdicts);
    return { name, outcome, word: wordOf(outcome, { broken, campaign: summary.verdict, family }) };
  });
}

function worstOf(family: Family, verdicts: readonly Verdict[]): MarkedOutcome {
  const outcomes = new Set(
    verdicts.flatMap(({ rules }) =>
      rules.filter(({ rule }) => rule.startsWith(`${family}/`)).map(({ outcome }) => outcome),
    ),
  );
  return SEVEREST_FIRST.find((outcome) => outcomes.has(outcome)) ?? 'not-applicable';
}

const SEVEREST_FIRST: readonly MarkedOutcome[] = ['fail', 'inconclusive', 'pass'];

function wordOf(
  outcome: MarkedOutcome,
  { broken, campaign, family }: { broken: string; campaign: Outcome; family: Family },
): string {
  if (outcome === 'fail') return broken;
  if (outcome === 'inconclusive') return family === 'evidence' ? 'incomplete' : 'not proven';
  if (outcome === 'not-applicable') return 'not examined';
  if (family === 'evidence') return 'complete';
  if (family === 'gate') return 'met';
  // Only a campaign that passed as a whole has proven anything.
  return campaign === 'pass' ? 'kept' : 'no violation seen';
}

/** The outcome for somebody who has never seen the tool. */
export interface Banner {
  /** `FAIL`, or the word of the release gate. */
  readonly word: string;
  /** What happened, in one sentence. */
  readonly sentence: string;
  /** What follows for a release. */
  readonly advice: string;
  /** What the outcome is not, or null. */
  readonly caveat: string | null;
}

/** The top of the report, from the summary and its verdicts alone. */
export function bannerOf(summary: Summary, verdicts: readonly Verdict[]): Banner {
  return {
    word: summary.signoff ?? summary.verdict.toUpperCase(),
    sentence: sentenceOf(summary, verdicts),
    advice: adviceOf(summary),
    caveat:
      summary.signoff === null && summary.verdict === 'pass'
        ? 'This was a run, not the release gate: that is “crosstalk signoff”.'
        : null,
  };
}

const BROKEN: Readonly<Record<Family, string>> = {
  isolation: 'Users were shown what belongs to other users.',
  order: 'Users did not get every event of their own runs, in order.',
  delivery: 'Users did not get an answer to what they asked.',
  gate: 'The target is slower or less reliable than its service levels allow.',
  evidence: 'The evidence is incomplete.',
};

function sentenceOf(summary: Summary, verdicts: readonly Verdict[]): string {
  switch (summary.verdict) {
    case 'pass':
      return 'Every user saw every event of their own runs, in order, and nothing of any other user.';
    case 'inconclusive':
      return `Nothing is proven: ${obstacleOf(summary, verdicts)}.`;
    case 'fail': {
      const rules = verdicts
        .filter(({ verdict }) => verdict === 'fail')
        .flatMap((verdict) => decidingFindings(verdict).map(({ rule }) => rule));
      const worst = FAMILIES.find(({ family }) => rules.some((r) => r.startsWith(`${family}/`)));
      return worst === undefined ? 'The target broke what was checked.' : BROKEN[worst.family];
    }
  }
}

/** What kept an inconclusive campaign from a verdict. */
function obstacleOf({ cause }: Summary, verdicts: readonly Verdict[]): string {
  if (cause !== 'unavailable') return 'the evidence does not allow a verdict';
  const rules = verdicts.flatMap((verdict) => decidingFindings(verdict).map(({ rule }) => rule));
  return rules.some((rule) => rule.startsWith('delivery/'))
    ? 'the target could not be used'
    : 'what is needed to examine the target was not available';
}

function adviceOf({ verdict, signoff }: Summary): string {
  if (signoff === 'GO') return 'Ship.';
  if (signoff === 'NO-GO' || verdict === 'fail') return 'Do not ship.';
  if (signoff === 'INCONCLUSIVE' || verdict === 'inconclusive')
    return 'Do not ship on this: it says neither yes nor no.';
  return 'Nothing here speaks against shipping.';
}
