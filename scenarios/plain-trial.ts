import { join } from 'node:path';
import { CrowdLost } from '../clients/crowd.ts';
import { NotApplicable } from '../clients/not-applicable.ts';
import type { Transport, TrialPlan } from '../clients/plan.ts';
import { openTrial } from '../clients/trial.ts';
import { resolveAddresses } from '../targets/addresses.ts';
import { loadTarget } from '../targets/load-target.ts';
import {
  startEmbeddedTarget,
  type EmbeddedTarget,
  type EmbeddedTargetOptions,
} from './embedded-target.ts';
import type { Story } from './stories/table.ts';

/** One trial on an embedded target of its own, for scripts that run without Playwright Test. */
export interface PlainTrial {
  readonly plan: TrialPlan;
  readonly story: Story;
  readonly transport: Transport;
  /** Further words of the embedded target's command line. */
  readonly args?: readonly string[];
  /** Starts the target; a process of its own unless given. */
  readonly start?: (options: EmbeddedTargetOptions) => Promise<EmbeddedTarget>;
}

/** What a trial left behind. */
export interface PlainTrialRecord {
  readonly historyPath: string;
  /** Ground truth of the embedded target; the file exists once something was done wrong. */
  readonly truthPath: string;
  /** Why the story does not apply to this target; nothing is to be judged then. */
  readonly notApplicable?: string;
}

/**
 * Records a trial by the same engine that scenario scripts use: a real target as a child process, real
 * connections, the crowd, the quiet window. Judging is left to the caller.
 */
export async function recordPlainTrial(trial: PlainTrial): Promise<PlainTrialRecord> {
  const { plan, story, transport, args = [], start = startEmbeddedTarget } = trial;
  const { faults, variants, pace, seed } = plan;
  const truthPath = join(plan.outDir, 'truth.ndjson');
  const target = await loadTarget(plan.target);
  const { failWord } = target;
  const embedded = await start({
    faults,
    variants,
    pace,
    seed,
    truthPath,
    failWord,
    args,
  });
  try {
    const resolved = resolveAddresses(target, { url: embedded.url, addresses: [], env: {} });
    if (!resolved.ok) throw new Error(resolved.mistakes.join('; '));
    const crowd = await openTrial({
      plan,
      scenario: story.name,
      transport,
      target,
      addresses: resolved.addresses,
      overlapFloor: story.overlapFloor,
      alike: story.alike,
      questions: story.questions,
      restartTarget: () => embedded.restart(),
    });
    try {
      await story.walk(crowd);
    } catch (error) {
      if (error instanceof NotApplicable) {
        await crowd.close('done');
        return { historyPath: crowd.historyPath, truthPath, notApplicable: error.message };
      }
      // Nobody is left to go on: what was recorded so far is what the trial has to say.
      if (!(error instanceof CrowdLost)) {
        await crowd.close('failed');
        throw error;
      }
    }
    await crowd.settle();
    await crowd.close('done');
    return { historyPath: crowd.historyPath, truthPath };
  } finally {
    await embedded.stop();
  }
}
