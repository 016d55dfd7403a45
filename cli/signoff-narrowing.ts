import { TRANSPORTS, type TrialPlan } from '../clients/plan.ts';
import type { Summary } from '../history/verdict.ts';

/** Users without whom a sign-off proves too little (DESIGN §5). */
const USERS_MIN = 10;

/** What a sign-off was asked for, as far as it can be less than the whole. */
export interface SignoffScope {
  /** Scenarios named on the command line. */
  readonly named: readonly string[];
  /** `--tag`. */
  readonly tag: string | undefined;
  readonly plan: Pick<TrialPlan, 'transports' | 'users' | 'faults'>;
  /** Path of `--slo`. */
  readonly slo: string | undefined;
  readonly notApplicable: Summary['notApplicable'];
}

/**
 * In what a sign-off is less than the whole: a phrase each, empty for a whole one. Such a sign-off may
 * say NO-GO, but never GO.
 */
export function narrowingsOf(scope: SignoffScope): string[] {
  const { named, tag, plan, slo } = scope;
  const found: string[] = [];
  if (named.length > 0) found.push(`only the scenarios ${named.join(', ')}`);
  if (tag !== undefined) found.push(`only the scenarios tagged ${tag}`);
  for (const transport of TRANSPORTS)
    if (!plan.transports.includes(transport)) {
      const [why] = scope.notApplicable.filter((absent) => absent.transport === transport);
      found.push(`no trial on ${transport}${why === undefined ? '' : `: ${why.reason}`}`);
    }
  if (plan.users < USERS_MIN) found.push(`${plan.users} of at least ${USERS_MIN} users`);
  if (plan.faults.length > 0) found.push(`a target with faults: ${plan.faults.join(', ')}`);
  if (slo !== undefined) found.push(`service levels of ${slo} instead of the profile's`);
  return found.map((text) => `partial: ${text}`);
}

/** A trial that a campaign should have: a scenario on a transport. */
export interface ExpectedTrial {
  readonly scenario: string;
  readonly transport: string;
}

/** The trials that were neither judged nor declared not applicable, a sentence each. */
export function missingTrials(
  expected: readonly ExpectedTrial[],
  present: readonly ExpectedTrial[],
): string[] {
  const there = new Set(present.map(nameOf));
  return expected
    .filter((trial) => !there.has(nameOf(trial)))
    .map((trial) => `no trial of ${nameOf(trial)}`);
}

function nameOf({ scenario, transport }: ExpectedTrial): string {
  return `${scenario} on ${transport}`;
}
