import type { DevToolsChannel } from './page-channel.ts';

const WORLD = 'reader';
/** What Playwright calls the world of its own scripts begins so. */
const DRIVER_WORLD = '__playwright_utility_world';

/** Contexts of frames that no script of a page sees, by the frame. */
type Worlds = Map<string, number>;

const WORLDS = new WeakMap<DevToolsChannel, Worlds>();

/** From now on it is known which contexts the documents of a target have. */
export function watchWorlds(channel: DevToolsChannel): void {
  const worlds: Worlds = new Map();
  WORLDS.set(channel, worlds);
  channel.on('Runtime.executionContextCreated', ({ context: { id, name, auxData } }) => {
    const isOwn = name === WORLD || name.startsWith(DRIVER_WORLD);
    if (isOwn && auxData?.frameId !== undefined) worlds.set(auxData.frameId, id);
  });
  channel.on('Runtime.executionContextDestroyed', ({ executionContextId }) => {
    for (const [frameId, id] of worlds) if (id === executionContextId) worlds.delete(frameId);
  });
  channel.on('Runtime.executionContextsCleared', () => worlds.clear());
}

/**
 * The script context of a frame in which our own scripts run: the page cannot have changed what is there. The
 * driver's serves as well; a frame that has none gets one.
 */
export async function ownWorldOf(channel: DevToolsChannel, frameId: string): Promise<number> {
  const known = WORLDS.get(channel)?.get(frameId);
  if (known !== undefined) return known;
  const { executionContextId } = await channel.send('Page.createIsolatedWorld', {
    frameId,
    worldName: WORLD,
  });
  return executionContextId;
}
