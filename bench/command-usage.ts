import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { commandUsageSchema, type CommandUsage } from './jobs.ts';

const COMMAND = fileURLToPath(new URL('../cli/crosstalk.mjs', import.meta.url));
const TELLING = new URL('./tell-usage.mjs', import.meta.url).href;

/**
 * Runs `crosstalk` with these words, and tells what its process has used from its start to its end.
 *
 * @throws Error if it does not exit with 0.
 */
export async function usageOf(
  words: readonly string[],
  profileDir: string | undefined,
): Promise<CommandUsage> {
  const profiling = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
  const child = spawn(process.execPath, [...profiling, '--import', TELLING, COMMAND, ...words], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const ended = once(child, 'exit');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a pipe, as `stdio` says
  const told = await text(child.stdio[3] as Readable);
  const [code]: unknown[] = await ended;
  if (code !== 0) throw new Error(`crosstalk ${words.join(' ')} ended with ${String(code)}`);
  return commandUsageSchema.parse(JSON.parse(told));
}
