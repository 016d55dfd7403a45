import type { DevToolsChannel } from './page-channel.ts';

const WORLD = 'reader';

/**
 * The script context of a frame in which our own scripts run: the page cannot have changed what is there.
 * A frame has one, however often it is asked for.
 */
export async function ownWorldOf(channel: DevToolsChannel, frameId: string): Promise<number> {
  const { executionContextId } = await channel.send('Page.createIsolatedWorld', {
    frameId,
    worldName: WORLD,
  });
  return executionContextId;
}
