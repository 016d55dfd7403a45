import type { Finding, Verdict } from '../history/verdict.ts';
import { unexplained, type Deed } from './ground-truth.ts';

/** What was found of what there was to find, and how much of what was found is true. */
export interface Power {
  /** Pairs of observer and owner that the target did something to. */
  readonly deeds: number;
  /** Of these, pairs that a violation names. */
  readonly found: number;
  /** Violations. */
  readonly findings: number;
  /** Of these, violations that the log explains. */
  readonly explained: number;
}

const NOTHING: Power = { deeds: 0, found: 0, findings: 0, explained: 0 };

/** Share from 0 to 1 of the deeds that were found; 1 where there was nothing to find. */
export function recallOf({ deeds, found }: Power): number {
  return deeds === 0 ? 1 : found / deeds;
}

/** Share from 0 to 1 of the findings that are true; 1 where nothing was found. */
export function precisionOf({ findings, explained }: Power): number {
  return findings === 0 ? 1 : explained / findings;
}

/**
 * Compares a verdict with the ground truth, one by one and per rule. A deed counts for the rule that
 * names its observer and owner: one of `anyOf` (the rules that must catch the fault) if possible, else
 * the first of `anyOf`, which a companion may have found in its place.
 */
export function powerByRule(
  verdict: Verdict,
  deeds: readonly Deed[],
  anyOf: readonly string[],
): Map<string, Power> {
  const violations = verdict.findings.filter(({ severity }) => severity === 'violation');
  const wrong = new Set(unexplained(verdict, deeds).map(({ finding }) => finding));
  const powers = new Map<string, Power>();
  const add = (rule: string, more: Partial<Power>): void => {
    powers.set(rule, sum(powers.get(rule) ?? NOTHING, { ...NOTHING, ...more }));
  };
  for (const finding of violations)
    add(finding.rule, { findings: 1, explained: wrong.has(finding) ? 0 : 1 });
  for (const { namedBy } of namings(verdict, deeds)) {
    const rule = namedBy.find((finding) => anyOf.includes(finding.rule))?.rule ?? anyOf[0] ?? '';
    add(rule, { deeds: 1, found: namedBy.length > 0 ? 1 : 0 });
  }
  return powers;
}

/** Of each pair of observer and owner that no violation names, the last deed. */
export function unnamed(verdict: Verdict, deeds: readonly Deed[]): Deed[] {
  return namings(verdict, deeds)
    .filter(({ namedBy }) => namedBy.length === 0)
    .map(({ deed }) => deed);
}

/** Which violations name whom something was done to, and whose doing or data it was. */
function namings(
  verdict: Verdict,
  deeds: readonly Deed[],
): { readonly deed: Deed; readonly namedBy: readonly Finding[] }[] {
  const violations = verdict.findings.filter(({ severity }) => severity === 'violation');
  const identities = new Map(verdict.users.map(({ user, identity }) => [identity, user]));
  const result = [];
  for (const deed of distinct(deeds)) {
    const observer = nameOf(deed.observer, identities);
    const owner = nameOf(deed.owner, identities);
    // What happened to somebody whom the harness did not make is for nobody in the crowd to see.
    if (deed.observer !== null && observer === undefined) continue;
    const namedBy = violations.filter((finding) => names(finding, { observer, owner }));
    result.push({ deed, namedBy });
  }
  return result;
}

/** Adds up two measurements of one rule. */
export function sum(a: Power, b: Power): Power {
  return {
    deeds: a.deeds + b.deeds,
    found: a.found + b.found,
    findings: a.findings + b.findings,
    explained: a.explained + b.explained,
  };
}

/** One deed of each pair: a fault may do the same to somebody hundreds of times. */
function distinct(deeds: readonly Deed[]): Iterable<Deed> {
  return new Map(deeds.map((deed) => [JSON.stringify([deed.observer, deed.owner]), deed])).values();
}

/** Crowd name of an identity; `outside` and null stay; undefined for people of another crowd. */
function nameOf(
  identity: string | null,
  identities: ReadonlyMap<string, string>,
): string | null | undefined {
  return identity === null || identity === 'outside' ? identity : identities.get(identity);
}

/** A finding that names nobody speaks of all; a deed without an owner says nothing of whose data it was. */
function names(
  finding: Finding,
  { observer, owner }: { observer: string | null | undefined; owner: string | null | undefined },
): boolean {
  if (finding.observer === null || observer === null) return true;
  if (finding.observer === observer)
    return owner === null || owner === undefined || owner === observer || finding.owner === null
      ? true
      : finding.owner === owner;
  if (finding.observer !== owner) return false;
  // What an intruder changed has changed for its owner, and the log tells it from either end.
  if (finding.rule === 'isolation/unauthorized-access') return finding.owner === observer;
  // Two users who share an id are told apart only by who came first.
  return finding.rule === 'isolation/shared-identifier';
}
