import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { powerByRule, unnamed, type Power } from '../assertions/detection-power.ts';
import { readDeeds, unexplained } from '../assertions/ground-truth.ts';
import { judgeHistory } from '../assertions/judge.ts';
import { defaultPlan, type TrialPlan } from '../clients/plan.ts';
import type { Outcome, Verdict } from '../history/verdict.ts';
import { recordPlainTrial, type PlainTrial } from '../scenarios/plain-trial.ts';
import { storyOf } from '../scenarios/stories/table.ts';
import type { SelftestCase } from './selftest-cases.ts';

/** How one trial of the self-test ended. Plain data: it travels between processes. */
export interface SelftestResult {
  readonly verdict: Outcome;
  /** Rules with a violation, and those that found the evidence wanting. */
  readonly rules: readonly string[];
  readonly ok: boolean;
  /** Why it is not as expected; empty when it is. */
  readonly complaints: readonly string[];
  /** Whether the machine was too slow for the trial to say anything. */
  readonly overloaded: boolean;
  readonly seconds: number;
  /** Per rule, what was found of what the target did, and how much of it is true. */
  readonly power: readonly (readonly [rule: string, power: Power])[];
}

const COMPLAINTS_MAX = 5;
const TIMEOUT_MS = 15_000;
/** Several browsers on few cores are slow, and what is slow is not yet hung. */
const TIMEOUT_IN_BROWSER_MS = 60_000;
const OVERLOADED = 'evidence/harness-overloaded';
/** Several trials share the machine, and a busy machine is slow: no timing gate is judged by that. */
const LIFTED_MS = 120_000;
const TIMING_GATES = ['connect', 'first-event', 'delivery', 'api'] as const;

/**
 * Runs one case on an embedded target of its own and compares the verdict with the ground truth.
 * @param start starts that target; in a process of its own unless given
 */
export async function runCase(
  one: SelftestCase,
  start?: PlainTrial['start'],
): Promise<SelftestResult> {
  const started = performance.now();
  const dir = mkdtempSync(join(tmpdir(), 'crosstalk-selftest-'));
  try {
    const { historyPath, truthPath } = await recordPlainTrial({
      plan: planOf(one, dir),
      story: storyOf(one.story),
      transport: one.transport,
      ...(start !== undefined && { start }),
    });
    const verdict = judgeHistory(historyPath, { calibrate: true });
    const deeds = readDeeds(truthPath);
    const complaints = complaintsAbout(one, { verdict, deeds });
    return {
      verdict: verdict.verdict,
      rules: rulesRaised(verdict),
      ok: complaints.length === 0,
      complaints: complaints.slice(0, COMPLAINTS_MAX),
      overloaded: verdict.findings.some(({ rule }) => rule === OVERLOADED),
      seconds: (performance.now() - started) / 1000,
      power: [...powerByRule(verdict, deeds, one.anyOf)],
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function planOf(one: SelftestCase, dir: string): TrialPlan {
  // A gate that must catch the fault stays as it is.
  const lifted = TIMING_GATES.filter((gate) => !one.anyOf.includes(`gate/${gate}`));
  return {
    ...defaultPlan({}, dir),
    target: one.target,
    signIn: one.target === 'netra' ? 'register' : null,
    pace: one.pace,
    rounds: one.rounds,
    users: one.users,
    timeoutMs: one.transport === 'browser' ? TIMEOUT_IN_BROWSER_MS : TIMEOUT_MS,
    outDir: dir,
    faults: one.kind === 'fault' ? [one.name] : [],
    variants: [...one.variants],
    slo: Object.fromEntries(lifted.map((gate) => [gate, { limit: LIFTED_MS }])),
  };
}

function rulesRaised({ findings }: Verdict): string[] {
  const raised = findings.filter(({ severity }) => severity !== 'note').map(({ rule }) => rule);
  return [...new Set(raised)].toSorted();
}

function complaintsAbout(
  { kind, anyOf }: SelftestCase,
  { verdict, deeds }: { verdict: Verdict; deeds: ReturnType<typeof readDeeds> },
): string[] {
  const lies = unexplained(verdict, deeds).map(
    ({ finding, why }) => `${finding.rule} is not true: ${finding.message} (${why})`,
  );
  const expected = kind === 'variant' ? 'pass' : 'fail';
  const wrong =
    verdict.verdict === expected
      ? []
      : [`verdict ${verdict.verdict}, expected ${expected}: ${verdict.reasons.join('; ')}`];
  if (kind === 'variant') return [...wrong, ...lies];
  const named = verdict.findings.some(
    ({ rule, severity }) => severity === 'violation' && anyOf.includes(rule),
  );
  const missed = unnamed(verdict, deeds).map(
    ({ observer, owner, how }) => `no finding names ${observer} and ${owner}: ${how}`,
  );
  return [
    ...(deeds.length === 0 ? ['the target never did it'] : []),
    ...(named ? [] : [`not caught by ${anyOf.join(' or ')}`]),
    ...wrong,
    ...missed,
    ...lies,
  ];
}
