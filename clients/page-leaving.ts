import type { CDPSession, Page } from 'playwright';

/** One session for all leaves of a page: where one ends, replies that others have not read yet are lost. */
const sessions = new WeakMap<Page, CDPSession>();

/**
 * Leaves a page for an empty one, which ends its connections. Once the browser has turned to the next page
 * nobody is told any more of what the one that goes receives, while its scripts still read it and keep it:
 * so they are told nothing more from before that on. They are still told that the page ends.
 */
export async function leavePage(page: Page): Promise<void> {
  const session = sessions.get(page) ?? (await page.context().newCDPSession(page));
  sessions.set(page, session);
  // Its answer comes after all that was told of what the scripts have read until then.
  await session.send('Emulation.setScriptExecutionDisabled', { value: true });
  try {
    await page.goto('about:blank');
  } finally {
    await session.send('Emulation.setScriptExecutionDisabled', { value: false });
  }
}
