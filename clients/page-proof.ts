import { randomInt } from 'node:crypto';
import { messageOf } from '../history/message-of.ts';
import { DevToolsFailure, type DevToolsChannel } from './page-channel.ts';
import type { PagePen } from './page-pen.ts';
import { ownWorldOf } from './page-world.ts';

/** Surfaces on which something is planted, so that their watchers prove that they see. */
const PROVEN = ['console', 'dom', 'storage', 'cookie'] as const;
type Proven = (typeof PROVEN)[number];

const NONCE_LETTERS = 16;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** How long the planted text is on the page, milliseconds; a flash is no longer. */
const SHOWN_MS = 20;
const PLANT_MS_MAX = 5_000;
/** A page may go on to the next in the middle of it: then the same is planted there. */
const TRIES_MAX = 3;
/** Under which name it is planted where things have names. */
export const PROOF_NAME = 'crosstalk-proof';
/** A path that no request has: the planted cookie never leaves the browser. */
const COOKIE_PATH = '/crosstalk-proof';

/**
 * Plants a text of our own on every surface that has a watcher beside the page's own traffic (DESIGN
 * §3.5), each announced before: a watcher that does not bring it back is blind.
 * @param look reads storage and cookies while the planted entries are there.
 */
export async function plantProofs(
  pen: PagePen,
  channel: DevToolsChannel,
  look: () => Promise<void>,
): Promise<void> {
  const planted: Partial<Record<Proven, string>> = {};
  for (const surface of PROVEN) {
    const nonce = `proof-${Array.from({ length: NONCE_LETTERS }, () => LETTERS[randomInt(LETTERS.length)]).join('')}`;
    planted[surface] = nonce;
    pen.recorder.act(pen.observer(), 'prove', { place: surface, message: nonce });
  }
  for (let tries = 1; ; tries += 1)
    try {
      await plantOnce(channel, planted, look);
      return;
    } catch (error) {
      const isLate = error instanceof DevToolsFailure && error.late;
      if (!isLate && tries < TRIES_MAX) continue;
      pen.recorder.remark(
        pen.observer(),
        `nothing could be planted on the page: ${messageOf(error)}`,
      );
      return;
    }
}

async function plantOnce(
  channel: DevToolsChannel,
  planted: Partial<Record<Proven, string>>,
  look: () => Promise<void>,
): Promise<void> {
  const run = await worldOf(channel);
  await run(plantingOf(planted));
  await look();
  await run(
    `try { localStorage.removeItem('${PROOF_NAME}') } catch {}
    try { document.cookie = '${PROOF_NAME}=; path=${COOKIE_PATH}; max-age=0' } catch {}`,
  );
}

/** What runs expressions on the page out of sight of the page's own scripts. */
async function worldOf(channel: DevToolsChannel): Promise<(expression: string) => Promise<void>> {
  const { frameTree } = await channel.send('Page.getFrameTree');
  const contextId = await ownWorldOf(channel, frameTree.frame.id);
  return async (expression) => {
    const { exceptionDetails } = await channel.send(
      'Runtime.evaluate',
      { contextId, expression, awaitPromise: true },
      PLANT_MS_MAX,
    );
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
  };
}

/**
 * Statements that do not stop each other: a page may be denied its storage. A page's cookie is still on
 * its way to the browser when it has been written, and whoever asks the browser itself may come before
 * it; the page that reads its cookies waits until what it wrote has arrived.
 */
function plantingOf(planted: Partial<Record<Proven, string>>): string {
  return `(async () => {
    console.debug('${planted.console ?? ''}');
    try { localStorage.setItem('${PROOF_NAME}', '${planted.storage ?? ''}') } catch {}
    try {
      document.cookie = '${PROOF_NAME}=${planted.cookie ?? ''}; path=${COOKIE_PATH}; SameSite=Strict';
      void document.cookie;
    } catch {}
    const text = document.createElement('p');
    text.hidden = true;
    text.textContent = '${planted.dom ?? ''}';
    document.documentElement.append(text);
    await new Promise((resolve) => setTimeout(resolve, ${SHOWN_MS}));
    text.remove();
  })()`;
}
