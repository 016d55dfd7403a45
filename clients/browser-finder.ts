import { join, posix, win32 } from 'node:path';
import { z } from 'zod';
import type { BrowserMachine } from './browser-machine.ts';

/** Environment variable with the path of the browser to use. */
export const BROWSER_VARIABLE = 'CROSSTALK_BROWSER';

/** A browser that browser users can act through. */
export interface FoundBrowser {
  readonly path: string;
  /** A headless shell has no window, and costs a sixth of the processor time. */
  readonly kind: 'headless-shell' | 'full';
  /** Who put it there. */
  readonly source: 'CROSSTALK_BROWSER' | 'Playwright' | 'the system';
}

/** There is no browser to use; the message says what was tried and the ways to get one. */
export class BrowserMissing extends Error {
  override readonly name = 'BrowserMissing';
  readonly code = 'BROWSER_MISSING';
  constructor(problem: string) {
    super(`no browser: ${problem}`);
  }
}

/** Names under which systems install Chromium, in the order of preference. */
const SHELL_COMMANDS = ['chromium-headless-shell'];
const FULL_COMMANDS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC_APPLICATIONS = [
  'Google Chrome.app/Contents/MacOS/Google Chrome',
  'Chromium.app/Contents/MacOS/Chromium',
];
const WINDOWS_PROGRAMS = ['Google\\Chrome\\Application\\chrome.exe'];
/** Names of the program within what Playwright unpacks, by kind. */
const PLAYWRIGHT_PROGRAMS = {
  'headless-shell': /^(chrome-headless-shell|headless_shell)(\.exe)?$/,
  full: /^chrome(\.exe)?$/,
} as const;
const MAC_PROGRAM = /\.app$/;

const buildsSchema = z.object({
  browsers: z.array(z.object({ name: z.string(), revision: z.string() })),
});

/**
 * All browsers of a machine, the one to use first: what {@link BROWSER_VARIABLE} names and nothing else
 * if it is set; else Playwright's own and the system's headless shells, then full Chromium or Chrome.
 * With `headed` only those that have windows.
 * @throws BrowserMissing when the variable names what cannot be used.
 */
export function findBrowsers(
  machine: BrowserMachine,
  { headed }: { readonly headed: boolean },
): FoundBrowser[] {
  const given = machine.env[BROWSER_VARIABLE];
  if (given !== undefined && given !== '') return [chosenBrowser(machine, given, headed)];
  const full = [
    ...ownBrowsers(machine, 'full'),
    ...systemPaths(machine, FULL_COMMANDS).map((path) => system(path, 'full')),
    ...applicationPaths(machine).map((path) => system(path, 'full')),
  ];
  if (headed) return full;
  return [
    ...ownBrowsers(machine, 'headless-shell'),
    ...systemPaths(machine, SHELL_COMMANDS).map((path) => system(path, 'headless-shell')),
    ...full,
  ];
}

function chosenBrowser(machine: BrowserMachine, path: string, headed: boolean): FoundBrowser {
  if (!machine.isExecutable(path))
    throw new BrowserMissing(
      `"${BROWSER_VARIABLE}" must be the path of a Chromium that can be started, got "${path}", which is no program. Correct it, or unset it to have one looked for.`,
    );
  const kind = /headless[-_]shell/.test(path) ? 'headless-shell' : 'full';
  if (headed && kind === 'headless-shell')
    throw new BrowserMissing(
      `"${BROWSER_VARIABLE}" must be a Chromium with windows under --headed, got "${path}", a headless shell, which has none. Leave --headed out, or name a full Chromium or Chrome.`,
    );
  return { path, kind, source: BROWSER_VARIABLE };
}

function system(path: string, kind: FoundBrowser['kind']): FoundBrowser {
  return { path, kind, source: 'the system' };
}

/** Commands found along the search path, the order of the commands first. */
function systemPaths(machine: BrowserMachine, commands: readonly string[]): string[] {
  const { platform, env } = machine;
  if (platform === 'win32') return [];
  const directories = (env['PATH'] ?? '').split(posix.delimiter).filter((dir) => dir !== '');
  return commands.flatMap((command) => {
    const candidates = directories.map((directory) => join(directory, command));
    return candidates.find((path) => machine.isExecutable(path)) ?? [];
  });
}

/** Browsers that are applications, and on no search path. */
function applicationPaths(machine: BrowserMachine): string[] {
  const { platform, env, home } = machine;
  const candidates: string[] = [];
  if (platform === 'darwin')
    for (const application of MAC_APPLICATIONS)
      candidates.push(
        `/Applications/${application}`,
        posix.join(home, 'Applications', application),
      );
  if (platform === 'win32')
    for (const variable of ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'])
      for (const program of WINDOWS_PROGRAMS)
        if (env[variable] !== undefined) candidates.push(win32.join(env[variable], program));
  return candidates.filter((path) => machine.isExecutable(path));
}

/**
 * What `playwright install` put into Playwright's cache, of the build that this Playwright was made for.
 * Found by looking, because asking Playwright would load all of it.
 */
function ownBrowsers(machine: BrowserMachine, kind: FoundBrowser['kind']): FoundBrowser[] {
  const name = kind === 'full' ? 'chromium' : 'chromium-headless-shell';
  const { browsers } = buildsSchema.parse(JSON.parse(machine.playwrightBuilds));
  const build = browsers.find((browser) => browser.name === name);
  if (build === undefined) return [];
  const root = join(playwrightCache(machine), `${name.replaceAll('-', '_')}-${build.revision}`);
  return machine
    .list(root)
    .flatMap((directory) => programsIn(machine, join(root, directory), kind))
    .map((path) => ({ path, kind, source: 'Playwright' as const }));
}

function programsIn(
  machine: BrowserMachine,
  directory: string,
  kind: FoundBrowser['kind'],
): string[] {
  const names = machine.list(directory);
  const applications = names.filter((name) => kind === 'full' && MAC_PROGRAM.test(name));
  return [
    ...names
      .filter((name) => PLAYWRIGHT_PROGRAMS[kind].test(name))
      .map((name) => join(directory, name)),
    ...applications.map((name) =>
      join(directory, name, 'Contents', 'MacOS', name.replace(MAC_PROGRAM, '')),
    ),
  ].filter((path) => machine.isExecutable(path));
}

function playwrightCache({ platform, env, home, playwrightCli }: BrowserMachine): string {
  const given = env['PLAYWRIGHT_BROWSERS_PATH'];
  // Playwright's word for "beside the package".
  if (given === '0') return join(playwrightCli, '../../playwright-core/.local-browsers');
  if (given !== undefined && given !== '') return given;
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'ms-playwright');
  if (platform === 'win32')
    return join(env['LOCALAPPDATA'] || join(home, 'AppData', 'Local'), 'ms-playwright');
  return join(env['XDG_CACHE_HOME'] || join(home, '.cache'), 'ms-playwright');
}
