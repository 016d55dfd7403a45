import type { Browser } from 'playwright';
import { DevToolsChannel } from './page-channel.ts';

type Tell = (newcomer: DevToolsChannel) => void;

/**
 * Finds the windows and shared workers of a browser's profiles as they come up. They belong to no page,
 * so no page's session brings them; one session of the whole browser does, for all its profiles.
 */
class Newcomers {
  readonly #tells = new Map<string, Tell>();

  async begin(browser: Browser): Promise<this> {
    const session = await browser.newBrowserCDPSession();
    const channel = DevToolsChannel.over(session, { type: 'browser', url: '' });
    channel.onChild((newcomer) =>
      this.#tells.get(newcomer.target.browserContextId ?? '')?.(newcomer),
    );
    channel.on('Target.targetCreated', ({ targetInfo }) => {
      // One that is gone before it is reached had nothing to tell.
      if (this.#tells.has(targetInfo.browserContextId ?? ''))
        channel.attachTo(targetInfo).catch(() => undefined);
    });
    await channel.send('Target.setDiscoverTargets', {
      discover: true,
      filter: [{ type: 'shared_worker' }, { type: 'page' }, { exclude: true }],
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

const known = new WeakMap<Browser, Promise<Newcomers>>();

/**
 * Calls back with every new page and shared worker of one profile from now on, until the returned
 * function is called.
 * @param profile the browser's own id of the profile.
 */
export async function onNewcomer(
  browser: Browser,
  profile: string,
  tell: Tell,
): Promise<() => void> {
  const begun = known.get(browser) ?? new Newcomers().begin(browser);
  known.set(browser, begun);
  const newcomers = await begun;
  newcomers.of(profile, tell);
  return () => newcomers.forget(profile);
}
