import type { Finding, Verdict } from '../../history/verdict.ts';
import { decidingFindings, type JudgedTrial } from '../judged-trial.ts';
import type { TrialRecord } from './trial-record.ts';

/** A trial as the report shows it. */
export interface TrialView {
  /** Unique in the page: `t0`. Ids of its parts and findings begin with it. */
  readonly id: string;
  /** `golden-path on websocket`. */
  readonly name: string;
  readonly judged: JudgedTrial;
  readonly verdict: Verdict;
  /** Null when there is no readable history beside the verdict. */
  readonly record: TrialRecord | null;
  /** Findings shown as cards, with their witnesses. */
  readonly cards: readonly Finding[];
  readonly pictures: ReadonlyMap<string, Picture>;
}

/** A picture of a user's page. Several findings may have the same. */
export type Picture =
  /** Shown in the page itself, with the card of this finding and no other. */
  | { readonly kind: 'inlined'; readonly dataUri: string; readonly card: Finding }
  /** Too large for the page's budget, or unreadable: named only. */
  | { readonly kind: 'named' };

/** The id of a finding's card. */
export function findingId(view: Pick<TrialView, 'id' | 'verdict'>, finding: Finding): string {
  return `${view.id}-finding-${view.verdict.findings.indexOf(finding)}`;
}

/**
 * At most so many users of a trial, in the crowd's order: first those that findings of the verdict name,
 * then the others.
 */
export function usersThatMatter(verdict: Verdict, countMax: number): readonly string[] {
  const all = verdict.users.map(({ user }) => user);
  if (all.length <= countMax) return all;
  const involved = new Set<string>();
  for (const { observer, owner } of decidingFindings(verdict)) {
    if (observer !== null) involved.add(observer);
    if (owner !== null) involved.add(owner);
  }
  const rest = all.filter((user) => !involved.has(user));
  const chosen = new Set([...all.filter((user) => involved.has(user)), ...rest].slice(0, countMax));
  return all.filter((user) => chosen.has(user));
}
