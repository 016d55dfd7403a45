import type { EmbeddedTarget, EmbeddedTargetOptions } from '../scenarios/embedded-target.ts';
import { TargetHost } from '../scenarios/target-host.ts';

/** Shared by all test files of this process, and gone with it. */
const idle: TargetHost[] = [];

/**
 * Starts an embedded target with a world of its own, in a process that has served others before: starting one
 * takes longer than most of what is asked of it.
 */
export async function serveTarget(options?: EmbeddedTargetOptions): Promise<EmbeddedTarget> {
  const host = idle.pop() ?? new TargetHost();
  const target = await host.start(options);
  let stopped: Promise<void> | undefined;
  return {
    ...target,
    stop: () => {
      stopped ??= target.stop().then(() => void idle.push(host));
      return stopped;
    },
  };
}
