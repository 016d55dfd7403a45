import { BrowserMissing, BROWSER_VARIABLE } from '../clients/browser-finder.ts';
import { obtainBrowser, type BrowserWish } from '../clients/browser-install.ts';
import type { Transport } from '../clients/plan.ts';

/** The transports that can be run with the browser at hand, and why the others cannot. */
export interface BrowserReadiness {
  readonly transports: readonly Transport[];
  /** For the process that runs the trials: names the browser, so that it need not look again. */
  readonly env: Readonly<Record<string, string>>;
  /** Why there is no browser, where one is needed. */
  readonly missing: string | undefined;
}

/**
 * Sees to it that there is a browser before the first trial starts, where one is needed; see
 * `obtainBrowser`. Without one, what needs none is run all the same.
 */
export async function readyBrowser(
  transports: readonly Transport[],
  wish: BrowserWish,
): Promise<BrowserReadiness> {
  if (transports.every((transport) => transport === 'websocket'))
    return { transports, env: {}, missing: undefined };
  try {
    const { path } = await obtainBrowser(wish);
    return { transports, env: { [BROWSER_VARIABLE]: path }, missing: undefined };
  } catch (error) {
    if (!(error instanceof BrowserMissing)) throw error;
    const others = transports.filter((transport) => transport === 'websocket');
    return { transports: others, env: {}, missing: error.message };
  }
}
