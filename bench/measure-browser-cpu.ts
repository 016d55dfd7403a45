import { join } from 'node:path';
import { startEmbeddedTarget } from '../scenarios/embedded-target.ts';
import { crowdResultSchema, type CrowdVariant } from './jobs.ts';
import { LIMITS } from './limits.ts';
import { ProcessTree } from './process-tree.ts';
import { runChild } from './processes.ts';
import type { Measurement, Workbench } from './report.ts';
import { interleaved, median, ratios, spreadOf } from './statistics.ts';

const CLIENT_MS_MAX = 120_000;
const VARIANTS = ['bare', 'trial'] as const satisfies readonly CrowdVariant[];
const USERS = 10;
const PACE = 0.2;

/** What a trial in browsers costs beside a bare Playwright script that makes the same inputs. */
export async function measureBrowserCpu(bench: Workbench): Promise<Measurement> {
  const target = await startEmbeddedTarget({ pace: PACE });
  const parts = new Map<CrowdVariant, { harness: number[]; browser: number[]; wall: number[] }>(
    VARIANTS.map((variant) => [variant, { harness: [], browser: [], wall: [] }]),
  );
  try {
    const whole = await interleaved(VARIANTS, bench.rounds, async (variant, round) => {
      bench.progress(`${variant}, round ${round + 1} of ${bench.rounds}`);
      let tree: ProcessTree | undefined;
      const answer = await runChild({
        entry: new URL('./browser-crowd.ts', import.meta.url),
        job: {
          variant,
          url: target.url,
          users: USERS,
          dir: join(bench.dir, `crowd-${variant}-${round}`),
        },
        limitMs: CLIENT_MS_MAX,
        profileDir: bench.profileDir,
        started: (pid) => {
          tree = new ProcessTree(pid);
        },
      }).finally(() => tree?.stop());
      const { cpuSeconds, wallSeconds } = crowdResultSchema.parse(answer);
      const browserCpuSeconds = tree?.seconds() ?? 0;
      parts.get(variant)?.harness.push(cpuSeconds);
      parts.get(variant)?.browser.push(browserCpuSeconds);
      parts.get(variant)?.wall.push(wallSeconds);
      return cpuSeconds + browserCpuSeconds;
    });
    const factors = ratios(whole.get('trial') ?? [], whole.get('bare') ?? []);
    return {
      title: `Browser users: a golden path of ${USERS}, CPU seconds of all processes`,
      notes: [
        'bare: a Playwright script that fills, presses and waits for the answer; trial: ours, judging',
        'excluded. harness: the Node process; browser: all processes of Chromium; the target in neither',
      ],
      rows: [...parts].map(([name, { harness, browser, wall }]) => ({
        name,
        values: {
          's in all': spreadOf(whole.get(name) ?? []),
          harness: spreadOf(harness),
          browser: spreadOf(browser),
          's wall': spreadOf(wall),
        },
      })),
      judged: [{ ...LIMITS.browserTrial, actual: median(factors) }],
    };
  } finally {
    await target.stop();
  }
}
