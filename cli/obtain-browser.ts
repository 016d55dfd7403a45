import { BrowserMissing } from '../clients/browser-finder.ts';
import { obtainBrowser } from '../clients/browser-install.ts';
import { EXIT } from './exit-codes.ts';

/** `npm run browser`: sees to it that there is a browser for trials, and prints its path. */
const tell = (text: string): void => void process.stderr.write(`${text}\n`);
try {
  const { path } = await obtainBrowser({ headed: false, tell });
  process.stdout.write(`${path}\n`);
} catch (error) {
  if (!(error instanceof BrowserMissing)) throw error;
  tell(error.message);
  process.exitCode = EXIT.inconclusive;
}
