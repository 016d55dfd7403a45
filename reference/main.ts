/** Entry of the reference target as a process of its own. */
import { parseOptions, USAGE } from './options.ts';
import type { TargetOptions } from './options.ts';
import { startTarget } from './service.ts';
import type { RunningTarget } from './service.ts';

const EXIT_USAGE = 64;
const EXIT_UNAVAILABLE = 70;

const parsed = parseOptions(process.argv.slice(2));
switch (parsed.kind) {
  case 'help':
    process.stdout.write(USAGE);
    break;
  case 'errors':
    for (const error of parsed.errors) process.stderr.write(`${error}\n`);
    process.exitCode = EXIT_USAGE;
    break;
  case 'options':
    await serve(parsed.options);
    break;
}

async function serve(options: TargetOptions): Promise<void> {
  let target: RunningTarget | null = null;
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    // Before it listens there is nothing to close.
    void (target?.close() ?? Promise.resolve()).finally(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  // Started as a child: whatever becomes of the parent, do not outlive it.
  if (process.send !== undefined) process.on('disconnect', stop);
  try {
    target = await startTarget(options);
    process.stdout.write(`${JSON.stringify({ url: target.url })}\n`);
  } catch (error) {
    process.stderr.write(`The target could not start: ${String(error)}\n`);
    process.exit(EXIT_UNAVAILABLE);
  }
}
