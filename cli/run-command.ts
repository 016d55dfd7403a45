import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createProgressView, SILENT_VIEW, type ProgressView } from '../reports/progress.ts';
import { watchInterrupt } from './interrupt.ts';
import type { Output } from './output.ts';
import { createOutDirectory } from './out-directory.ts';
import type { CommandCall } from './program.ts';
import { readRunSettings } from './run-options.ts';
import { startRunner } from './runner.ts';

/** `crosstalk run …`: runs scenarios, judges their histories, writes the artifacts, prints the verdict. */
export async function runCommand(call: CommandCall): Promise<number> {
  const settings = await readRunSettings(call);
  const { output } = call;
  createOutDirectory(settings.plan.outDir);
  const view = progressView(output);
  const runner = startRunner(
    {
      plan: settings.plan,
      specs: settings.scenarios.map(({ path }) => path),
      transports: settings.plan.transports,
      tag: settings.tag,
    },
    { progress: (progress) => view.receive(progress), output: (line) => view.remark(line) },
  );
  // Judging needs much that starting does not; it is loaded while the runner starts.
  const judging = import('./conclude.ts');
  const interrupt = watchInterrupt(() => runner.kill());
  const stopping = new Promise<void>((resolve, reject) => {
    interrupt.signal.addEventListener('abort', () => {
      view.remark('interrupted: stopping, then judging what was recorded');
      runner.stop().then(resolve, reject);
    });
  });
  const end = await runner.ended;
  // The group may outlive the process that leads it; nothing may write a history that is being judged.
  if (interrupt.signal.aborted) await stopping;
  view.stop();
  // What Playwright Test keeps of a failure stands in the history and in what is printed.
  rmSync(join(settings.plan.outDir, 'playwright'), { recursive: true, force: true });
  const { conclude } = await judging;
  return conclude({ settings, end, output, interrupted: interrupt.signal });
}

function progressView(output: Output): ProgressView {
  return output.quiet
    ? SILENT_VIEW
    : createProgressView({ stream: process.stderr, color: output.color.err });
}
