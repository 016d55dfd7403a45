import { posix } from 'node:path';
import {
  BrowserMissing,
  BROWSER_VARIABLE,
  findBrowsers,
  type FoundBrowser,
} from './browser-finder.ts';
import { tellingLine, thisMachine, type BrowserMachine } from './browser-machine.ts';

const PACKAGE = 'chromium-headless-shell';
const DOWNLOAD_HOST = 'cdn.playwright.dev';
const START_MS_MAX = 20_000;
const DOWNLOAD_MS_MAX = 180_000;
const PACKAGE_LISTS_MS_MAX = 90_000;
const PACKAGE_MS_MAX = 300_000;
/** Where any of these is set, the way to Playwright's builds does not begin with a look-up of ours. */
const OTHER_WAYS = [
  'PLAYWRIGHT_DOWNLOAD_HOST',
  'PLAYWRIGHT_CHROMIUM_DOWNLOAD_HOST',
  'HTTPS_PROXY',
  'https_proxy',
  'ALL_PROXY',
  'all_proxy',
];

/** What kind of browser is wanted, and who hears of what takes time. */
export interface BrowserWish {
  /** With windows: a headless shell will not do, and nothing is installed. */
  readonly headed: boolean;
  /** Told in a sentence whatever is being tried. */
  readonly tell?: ((text: string) => void) | undefined;
  /** Ends what is being tried; then there is no browser. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A browser that starts: one that is there, else one that is fetched now. Fetching is tried once each by
 * Playwright's own command and, as root where there is apt, from the system's packages.
 * @throws BrowserMissing
 */
export async function obtainBrowser(
  wish: BrowserWish,
  machine: BrowserMachine = thisMachine(),
): Promise<FoundBrowser> {
  if (wish.headed && !hasDisplay(machine))
    throw new BrowserMissing(
      '--headed needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set. Leave --headed out, or run the command with xvfb-run.',
    );
  const failed: string[] = [];
  const found = await firstThatStarts(wish, machine, failed);
  if (found !== undefined) return found;
  if (wish.headed) throw new BrowserMissing(missingWindows(machine, failed));
  for (const fetch of [downloadShell, installPackage]) {
    if (wish.signal?.aborted === true) break;
    const problem = await fetch(wish, machine);
    if (problem === undefined) {
      const fetched = await firstThatStarts(wish, machine, failed);
      if (fetched !== undefined) return fetched;
    } else failed.push(problem);
  }
  throw new BrowserMissing(missingBrowser(failed));
}

async function firstThatStarts(
  wish: BrowserWish,
  machine: BrowserMachine,
  failed: string[],
): Promise<FoundBrowser | undefined> {
  for (const browser of findBrowsers(machine, wish)) {
    // A choice is not second-guessed; and Chrome on Windows opens a window instead of answering.
    if (browser.source === BROWSER_VARIABLE || machine.platform === 'win32') return browser;
    const { signal } = wish;
    const { ok, output } = await machine.run([browser.path, '--version'], {
      ms: START_MS_MAX,
      signal,
    });
    if (ok) return browser;
    failed.push(`${browser.path} does not start (${tellingLine(output)})`);
  }
  return undefined;
}

/** Undefined when Playwright's command succeeded, else why there is no browser from there. */
async function downloadShell(
  { tell, signal }: BrowserWish,
  machine: BrowserMachine,
): Promise<string | undefined> {
  const words = ['npx', 'playwright', 'install', '--only-shell', 'chromium'];
  const name = `"${words.join(' ')}"`;
  const { env, playwrightCli } = machine;
  if (isOn(env['PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD']))
    return `${name} was not tried, because PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD is set`;
  const direct = OTHER_WAYS.every((variable) => (env[variable] ?? '') === '');
  // Playwright would take a quarter of a minute to find out.
  if (direct && !(await machine.resolves(DOWNLOAD_HOST)))
    return `${name} was not tried, because ${DOWNLOAD_HOST} cannot be reached from here`;
  tell?.(`no browser found: trying ${name}, once`);
  const { ok, output } = await machine.run([process.execPath, playwrightCli, ...words.slice(2)], {
    ms: DOWNLOAD_MS_MAX,
    signal,
  });
  return ok ? undefined : `${name} failed (${tellingLine(output)})`;
}

/** Undefined when the system's package was installed, else why it was not. */
async function installPackage(
  { tell, signal }: BrowserWish,
  machine: BrowserMachine,
): Promise<string | undefined> {
  const name = `"apt-get install ${PACKAGE}"`;
  const directories = (machine.env['PATH'] ?? '').split(posix.delimiter);
  const apt = directories
    .map((directory) => posix.join(directory, 'apt-get'))
    .find((path) => machine.isExecutable(path));
  if (apt === undefined) return `${name} was not tried, because there is no apt-get`;
  if (!machine.isRoot) return `${name} was not tried, because only root may do that`;
  tell?.(`no browser found: trying ${name}, once`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  // What is listed already may do where the lists cannot be renewed.
  await machine.run([apt, '-q', 'update'], { ms: PACKAGE_LISTS_MS_MAX, signal, env });
  const { ok, output } = await machine.run(
    [apt, '-q', 'install', '-y', '--no-install-recommends', PACKAGE],
    { ms: PACKAGE_MS_MAX, signal, env },
  );
  return ok ? undefined : `${name} failed (${tellingLine(output)})`;
}

function missingBrowser(failed: readonly string[]): string {
  return `none is there, and none could be fetched. Run "npx playwright install --with-deps --only-shell chromium", install ${PACKAGE}, Chromium or Chrome, set ${BROWSER_VARIABLE} to the path of one, or pass --transport websocket.${triedBefore(failed)}`;
}

function missingWindows(machine: BrowserMachine, failed: readonly string[]): string {
  const [shell] = findBrowsers(machine, { headed: false });
  const instead =
    shell === undefined ? 'there is no browser at all' : `there is only ${shell.path}, without any`;
  return `--headed needs a Chromium or Chrome with windows, and ${instead}. Leave --headed out, run "npx playwright install --with-deps chromium", install Chromium or Chrome, or set ${BROWSER_VARIABLE} to the path of one.${triedBefore(failed)}`;
}

function triedBefore(failed: readonly string[]): string {
  return failed.length === 0 ? '' : ` Tried: ${failed.join('; ')}.`;
}

function hasDisplay({ platform, env }: BrowserMachine): boolean {
  return platform !== 'linux' || Boolean(env['DISPLAY'] || env['WAYLAND_DISPLAY']);
}

/** As Playwright reads such variables. */
function isOn(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value);
}
