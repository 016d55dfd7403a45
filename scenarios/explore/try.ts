import { join } from 'node:path';
import { judgeHistory, LiveJudge } from '../../assertions/judge.ts';
import type { Crowd } from '../../clients/crowd.ts';
import type { TrialPlan } from '../../clients/plan.ts';
import { openTrial } from '../../clients/trial.ts';
import { every } from '../../clients/waiting.ts';
import type { Observation, TrialHeader } from '../../history/observation.ts';
import type { Finding, Verdict } from '../../history/verdict.ts';
import type { Target } from '../../targets/target.ts';
import type { FreshTargets, Place } from './fresh-targets.ts';
import type { Possibilities, Script } from './script.ts';
import { walkScript } from './walk.ts';

/** What all tries of an exploration have in common. */
export interface TryGround {
  readonly plan: TrialPlan;
  readonly target: Target;
  readonly can: Possibilities;
  readonly places: FreshTargets;
  /** Each try writes into a directory of its own below this one. */
  readonly directory: string;
}

/** One script, walked by fresh users. */
export interface Attempt {
  readonly script: Script;
  /** Tells it from all other tries of the exploration: its directory, and part of its users' names. */
  readonly name: string;
  /** Ends at the first violation: the rest of the script has nothing to add. */
  readonly untilViolation: boolean;
  /** Ends early when nobody is interested any more. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of a try. */
export interface TryRecord {
  readonly script: Script;
  /** The part of it that was begun before the try ended: what it showed, this part showed. */
  readonly walked: Script;
  readonly dir: string;
  readonly historyPath: string;
  readonly truthPath: string | null;
  readonly verdict: Verdict;
}

const LIVE_EVERY_MS = 100;
/** Any one pair: a try in which no two runs overlapped has shown nothing. */
const OVERLAP_FLOOR = 0.001;
/**
 * Tries run side by side on one machine, so how fast the target was says nothing about the script; gates
 * of the caller's own stay.
 */
const LIFTED_MS = 120_000;
const TIMING_GATES = ['connect', 'first-event', 'delivery', 'api'] as const;

/**
 * Lets fresh users walk a script on a place of its own, and judges what they saw by the whole rulebook. That
 * the detector is live is proven on the try that stands for all, when the trial is judged: the proof is all
 * work, and holds up the tries beside it.
 * @throws PlanInvalid, EmbeddedTargetFailed; never because of what the target did to the users.
 */
export async function tryScript(ground: TryGround, attempt: Attempt): Promise<TryRecord> {
  const place = await ground.places.take();
  try {
    return await record(ground, attempt, place);
  } finally {
    await place.leave();
  }
}

async function record(ground: TryGround, attempt: Attempt, place: Place): Promise<TryRecord> {
  const { script, name, untilViolation, signal } = attempt;
  const dir = join(ground.directory, name);
  const live = untilViolation ? new EarlyEnd() : undefined;
  const crowd = await openTrial({
    plan: planOf(ground.plan, script),
    scenario: 'explore',
    transport: 'websocket',
    target: ground.target,
    addresses: place.addresses,
    dir,
    overlapFloor: OVERLAP_FLOOR,
    trial: `explore-${name}`,
    ...(live && { watch: live.watch }),
  });
  const giveUp = (): void => crowd.abort('nobody is interested in this try any more');
  signal?.addEventListener('abort', giveUp);
  if (signal?.aborted === true) giveUp();
  live?.follow(crowd);
  let walked = script;
  try {
    walked = await walkScript(crowd, script, ground.can);
    if (crowd.abortion === undefined) await crowd.settle();
  } finally {
    live?.stop();
    signal?.removeEventListener('abort', giveUp);
    await crowd.close(crowd.abortion === undefined ? 'done' : 'fail-fast');
  }
  const { historyPath } = crowd;
  const verdict = judgeHistory(historyPath);
  return { script, walked, dir, historyPath, truthPath: place.truthPath, verdict };
}

function planOf(plan: TrialPlan, { users }: Script): TrialPlan {
  const lifted = Object.fromEntries(TIMING_GATES.map((gate) => [gate, { limit: LIFTED_MS }]));
  return { ...plan, users, rounds: 1, transports: ['websocket'], slo: { ...lifted, ...plan.slo } };
}

/** Ends a crowd's trial at its first violation. */
class EarlyEnd {
  #judge: LiveJudge | undefined;
  #waiting: Observation[] = [];
  #stop: (() => void) | undefined;

  readonly watch = (header: TrialHeader): ((observation: Observation) => void) => {
    this.#judge = new LiveJudge(header);
    return (observation) => this.#waiting.push(observation);
  };

  follow(crowd: Crowd): void {
    this.#stop = every(LIVE_EVERY_MS, () => {
      for (const observation of this.#waiting.splice(0)) this.#judge?.observe(observation);
      if (this.#judge?.violated === true) crowd.abort('first violation');
    });
  }

  stop(): void {
    this.#stop?.();
  }
}

/** The violation that says most about a try, or undefined: findings come worst first. */
export function violationIn({ findings }: Verdict): Finding | undefined {
  return findings.find(({ severity }) => severity === 'violation');
}

/** Whether a verdict holds a violation of this rule. */
export function violates({ findings }: Verdict, rule: string): boolean {
  return findings.some((finding) => finding.severity === 'violation' && finding.rule === rule);
}
