/**
 * Entry of a process that serves reference targets one after another: as the entry for a single one, but
 * told over the channel of its parent what to serve. Loading the modules takes longer than most of the
 * trials that need a target of their own.
 */
import { parseOptions } from './options.ts';
import { startTarget } from './service.ts';
import type { RunningTarget } from './service.ts';

/** `serve`: a command line of the target; `stop`: the target that is served now. */
export type HostOrder = { readonly serve: readonly string[] } | { readonly stop: true };

/** What each order is answered with. */
export type HostAnswer =
  { readonly url: string } | { readonly stopped: true } | { readonly failed: string };

let target: RunningTarget | null = null;

process.on('disconnect', () => process.exit(0));
process.on('message', (order: HostOrder) => {
  void carryOut(order)
    .catch((error: unknown): HostAnswer => ({ failed: String(error) }))
    .then((answer) => process.send?.(answer));
});

async function carryOut(order: HostOrder): Promise<HostAnswer> {
  const former = target;
  target = null;
  await former?.close();
  if ('stop' in order) return { stopped: true };
  const parsed = parseOptions(order.serve);
  if (parsed.kind === 'help') return { failed: 'it was asked for help' };
  if (parsed.kind === 'errors') return { failed: parsed.errors.join('; ') };
  target = await startTarget(parsed.options);
  return { url: target.url };
}
