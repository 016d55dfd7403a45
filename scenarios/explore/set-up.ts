import { join } from 'node:path';
import type { TestInfo } from 'playwright/test';
import { planFromEnvironment } from '../../clients/plan.ts';
import { loadTarget } from '../../targets/load-target.ts';
import { directoryOf, judgeTrial, tell } from '../trial-fixture.ts';
import { explore, type ExplorationSummary } from './exploration.ts';
import { EXPLORERS_MAX } from './random-scripts.ts';

/** An exploration in a test. */
export interface ExplorationFixture {
  readonly explore: (usualMs: number) => Promise<ExplorationSummary>;
  /** Judges what it left unless the parent does; resolves to why the test fails, if it does. */
  conclude(testInfo: TestInfo): Promise<Error | undefined>;
}

/** Makes the exploration of a test, with the plan of its campaign. */
export async function setUpExploration(testInfo: TestInfo): Promise<ExplorationFixture> {
  const plan = planFromEnvironment(process.env);
  const dir = directoryOf(plan, 'websocket', testInfo);
  const target = await loadTarget(plan.target);
  return {
    explore: (usualMs) => {
      tell({
        kind: 'trial',
        scenario: 'explore',
        transport: 'websocket',
        target: target.name,
        url: plan.url ?? '',
        users: Math.min(EXPLORERS_MAX, plan.users),
        seed: plan.seed,
        dir,
      });
      const durationMs = plan.forMs ?? usualMs;
      return explore({ plan, target, durationMs, dir, onProgress: tell });
    },
    conclude: async (info) =>
      plan.judgeInParent ? undefined : judgeTrial(join(dir, 'history.ndjson'), dir, info),
  };
}
