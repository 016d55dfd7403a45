import { TargetHost } from '../scenarios/target-host.ts';
import type { SelftestCase } from './selftest-cases.ts';
import { runCase, type SelftestResult } from './selftest-trial.ts';

/** What comes back for a case: how it ended, or why it could not be run at all. */
export type WorkerAnswer = { readonly result: SelftestResult } | { readonly defect: string };

const host = new TargetHost();

// Whoever started this process is gone: there is nobody left to tell.
process.on('disconnect', () => {
  host.end();
  process.exit(0);
});

process.on('message', (one: SelftestCase) => {
  void answer(one).then((said) => process.send?.(said));
});

async function answer(one: SelftestCase): Promise<WorkerAnswer> {
  try {
    return { result: await runCase(one, (options) => host.start(options)) };
  } catch (error) {
    return { defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
