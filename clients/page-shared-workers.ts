import type { Browser } from 'playwright';
import { DevToolsChannel } from './page-channel.ts';

type Tell = (worker: DevToolsChannel) => void;

/**
 * Finds the shared workers of a browser's profiles. They belong to no page, so no page's session brings
 * them; one session of the whole browser does, for all its profiles.
 */
class SharedWorkers {
  readonly #tells = new Map<string, Tell>();

  async begin(browser: Browser): Promise<this> {
    const session = await browser.newBrowserCDPSession();
    const channel = DevToolsChannel.over(session, { type: 'browser', url: '' });
    channel.onChild((worker) => this.#tells.get(worker.target.browserContextId ?? '')?.(worker));
    channel.on('Target.targetCreated', ({ targetInfo }) => {
      // One that is gone before it is reached had nothing to tell.
      if (this.#tells.has(targetInfo.browserContextId ?? ''))
        channel.attachTo(targetInfo).catch(() => undefined);
    });
    await channel.send('Target.setDiscoverTargets', {
      discover: true,
      filter: [{ type: 'shared_worker' }, { exclude: true }],
    });
    return this;
  }

  of(profile: string, tell: Tell): void {
    this.#tells.set(profile, tell);
  }

  forget(profile: string): void {
    this.#tells.delete(profile);
  }
}

const known = new WeakMap<Browser, Promise<SharedWorkers>>();

/**
 * Calls back with every shared worker of one profile from now on, until the returned function is called.
 * @param profile the browser's own id of the profile.
 */
export async function onSharedWorker(
  browser: Browser,
  profile: string,
  tell: Tell,
): Promise<() => void> {
  const begun = known.get(browser) ?? new SharedWorkers().begin(browser);
  known.set(browser, begun);
  const workers = await begun;
  workers.of(profile, tell);
  return () => workers.forget(profile);
}
