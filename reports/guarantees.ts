import type { RuleName } from '../history/rules.ts';
import type { Cause, Outcome, Severity, Verdict } from '../history/verdict.ts';

/** What kind of promise a guarantee is; reports sort what went wrong by it. */
export const CATEGORIES = ['leak', 'order', 'delivery', 'evidence', 'infrastructure'] as const;
export type Category = (typeof CATEGORIES)[number];

/** One promise to the users of a target, and the rules that hold it up. */
export interface Guarantee {
  /** Unique, in words that need no other document. */
  readonly name: string;
  readonly category: Exclude<Category, 'infrastructure'>;
  readonly rules: readonly RuleName[];
}

/** Every rule belongs to exactly one guarantee. */
export const GUARANTEES: readonly Guarantee[] = [
  {
    name: 'no event of another user',
    category: 'leak',
    rules: [
      'isolation/misdelivered-event',
      'isolation/unsolicited-run',
      'isolation/unattributable-event',
    ],
  },
  {
    name: 'no content of another user',
    category: 'leak',
    rules: ['isolation/foreign-marker', 'isolation/wrong-answer'],
  },
  {
    name: 'no identity, id or credential of another user',
    category: 'leak',
    rules: [
      'isolation/foreign-run',
      'isolation/foreign-identity',
      'isolation/foreign-credential',
      'isolation/shared-identifier',
      'isolation/shared-token',
    ],
  },
  {
    name: 'nothing of a former user in the browser',
    category: 'leak',
    rules: ['isolation/residue'],
  },
  {
    name: 'page and wire show the same user',
    category: 'leak',
    rules: ['isolation/wire-page-mismatch'],
  },
  {
    name: 'others are refused',
    category: 'leak',
    rules: ['isolation/unauthorized-access', 'isolation/stale-authority'],
  },
  {
    name: 'nobody disturbs another user',
    category: 'leak',
    rules: ['isolation/interference'],
  },
  {
    name: 'every event of a run arrives',
    category: 'order',
    rules: [
      'order/missing-event',
      'order/unclosed-tool',
      'order/stalled-run',
      'order/double-completion',
      'order/drift',
    ],
  },
  {
    name: 'events arrive in order, once and readable',
    category: 'order',
    rules: [
      'order/out-of-order',
      'order/duplicate-event',
      'order/after-completion',
      'order/orphan-event',
      'order/sequence-regression',
      'order/malformed-event',
      'order/wrong-run',
    ],
  },
  {
    name: 'every user gets an answer',
    category: 'delivery',
    rules: [
      'delivery/error-event',
      'delivery/connect-failed',
      'delivery/timeout',
      'delivery/unexpected-close',
      'delivery/not-shown',
    ],
  },
  {
    name: 'service levels are met',
    category: 'delivery',
    rules: [
      'gate/connect',
      'gate/first-event',
      'gate/delivery',
      'gate/api',
      'gate/routing',
      'gate/delivery-rate',
      'gate/error-rate',
      'gate/health',
    ],
  },
  {
    name: 'the evidence allows a verdict',
    category: 'evidence',
    rules: [
      'evidence/nothing-observed',
      'evidence/no-overlap',
      'evidence/marker-not-echoed',
      'evidence/blind-surface',
      'evidence/detector-missed',
      'evidence/incomplete-history',
      'evidence/missing-part',
      'evidence/harness-overloaded',
    ],
  },
];

/** What a verdict says of one guarantee. */
export interface Kept {
  readonly guarantee: Guarantee;
  /** The worst of its rules; `not-applicable` when none of them applied. */
  readonly outcome: Outcome | 'not-applicable';
  /** Rules with that outcome, in the order of the registry. */
  readonly rules: readonly string[];
  /** Findings that decide the outcome; notes are never among them. */
  readonly findings: Verdict['findings'];
  readonly category: Category;
}

const WORST_FIRST = ['fail', 'inconclusive', 'pass', 'not-applicable'] as const;
const DECIDING: Readonly<Record<Kept['outcome'], Severity | null>> = {
  fail: 'violation',
  inconclusive: 'inconclusive',
  pass: null,
  'not-applicable': null,
};

/** What a verdict says of each guarantee, in the order of {@link GUARANTEES}. */
export function guaranteesOf(verdict: Verdict): readonly Kept[] {
  return GUARANTEES.map((guarantee) => {
    const names: ReadonlySet<string> = new Set(guarantee.rules);
    const rules = verdict.rules.filter(({ rule }) => names.has(rule));
    const outcome =
      WORST_FIRST.find((worst) => rules.some((one) => one.outcome === worst)) ?? 'not-applicable';
    return {
      guarantee,
      outcome,
      rules: rules.filter((one) => one.outcome === outcome).map(({ rule }) => rule),
      findings: verdict.findings.filter(
        ({ rule, severity }) => names.has(rule) && severity === DECIDING[outcome],
      ),
      category: categoryOf(guarantee, verdict.cause, outcome),
    };
  });
}

/** What an outage leaves unproven is the infrastructure's, whichever guarantee it hits. */
function categoryOf(guarantee: Guarantee, cause: Cause | null, outcome: Kept['outcome']): Category {
  return cause === 'unavailable' && outcome === 'inconclusive'
    ? 'infrastructure'
    : guarantee.category;
}
