import { BrowserMissing } from '../clients/browser-finder.ts';
import { obtainBrowser } from '../clients/browser-install.ts';

/**
 * Before any test: a machine without a browser gets one as a user of the harness would. Where it gets
 * none, the tests that need one say so themselves, and all others can be run.
 */
export default async function setup(): Promise<void> {
  const tell = (text: string): void => void process.stderr.write(`${text}\n`);
  try {
    await obtainBrowser({ headed: false, tell });
  } catch (error) {
    if (!(error instanceof BrowserMissing)) throw error;
    tell(error.message);
  }
}
