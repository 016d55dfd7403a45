import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { BrowserMissing, findBrowsers } from '../../clients/browser-finder.ts';
import { obtainBrowser } from '../../clients/browser-install.ts';
import {
  thisMachine,
  type BrowserMachine,
  type CommandEnd,
} from '../../clients/browser-machine.ts';
import { Closers, temporaryDirectory } from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

const BUILDS = JSON.stringify({
  browsers: [
    { name: 'chromium', revision: '7' },
    { name: 'chromium-headless-shell', revision: '8' },
  ],
});
const CACHE = '/somewhere/.cache/ms-playwright';
const OWN_SHELL = `${CACHE}/chromium_headless_shell-8/chrome-headless-shell-linux64/chrome-headless-shell`;
const OWN_FULL = `${CACHE}/chromium-7/chrome-linux64/chrome`;
const SYSTEM_SHELL = '/usr/bin/chromium-headless-shell';

interface MadeUp extends Omit<Partial<BrowserMachine>, 'run'> {
  /** Programs that are there; commands that are run may add to them. */
  readonly programs?: Set<string>;
  readonly run?: (command: string, programs: Set<string>) => CommandEnd;
}

/** A machine that is made up, and the commands that were run on it. */
function machineWith(changes: MadeUp): BrowserMachine & { readonly commands: string[] } {
  const { programs = new Set<string>(), run, ...rest } = changes;
  const commands: string[] = [];
  return {
    platform: 'linux',
    env: { PATH: '/usr/local/bin:/usr/bin' },
    home: '/somewhere',
    isRoot: false,
    playwrightCli: '/project/node_modules/playwright/cli.js',
    playwrightBuilds: BUILDS,
    isExecutable: (path) => programs.has(path),
    list: (directory) => [
      ...new Set(
        [...programs]
          .filter((path) => path.startsWith(`${directory}/`))
          .map((path) => path.slice(directory.length + 1).split('/')[0] ?? ''),
      ),
    ],
    resolves: () => Promise.resolve(true),
    run: (words) => {
      const command = words.join(' ');
      commands.push(command);
      return Promise.resolve(run?.(command, programs) ?? { ok: true, output: '' });
    },
    ...rest,
    commands,
  };
}

const pathsOn = (machine: BrowserMachine, headed = false): string[] =>
  findBrowsers(machine, { headed }).map(({ path }) => path);

describe('the browsers of a machine', () => {
  test('come headless shells first, Playwright’s own before the system’s', () => {
    const programs = new Set([
      '/usr/bin/google-chrome',
      '/usr/bin/chromium',
      OWN_FULL,
      SYSTEM_SHELL,
      OWN_SHELL,
    ]);
    expect(findBrowsers(machineWith({ programs }), { headed: false })).toEqual([
      { path: OWN_SHELL, kind: 'headless-shell', source: 'Playwright' },
      { path: SYSTEM_SHELL, kind: 'headless-shell', source: 'the system' },
      { path: OWN_FULL, kind: 'full', source: 'Playwright' },
      { path: '/usr/bin/chromium', kind: 'full', source: 'the system' },
      { path: '/usr/bin/google-chrome', kind: 'full', source: 'the system' },
    ]);
  });

  test('are those with windows where windows are wanted', () => {
    const programs = new Set([OWN_SHELL, SYSTEM_SHELL, '/usr/local/bin/chromium-browser']);
    expect(pathsOn(machineWith({ programs }), true)).toEqual(['/usr/local/bin/chromium-browser']);
  });

  test('are not those of another Playwright', () => {
    const programs = new Set([OWN_SHELL.replace('shell-8', 'shell-9')]);
    expect(pathsOn(machineWith({ programs }))).toEqual([]);
  });

  test('are found where Playwright was told to keep them', () => {
    const env = { PLAYWRIGHT_BROWSERS_PATH: '/kept' };
    const programs = new Set([OWN_SHELL.replace(CACHE, '/kept')]);
    expect(pathsOn(machineWith({ programs, env }))).toEqual([...programs]);
    const beside = '/project/node_modules/playwright-core/.local-browsers';
    const hermetic = new Set([OWN_SHELL.replace(CACHE, beside)]);
    const zero = { PLAYWRIGHT_BROWSERS_PATH: '0' };
    expect(pathsOn(machineWith({ programs: hermetic, env: zero }))).toEqual([...hermetic]);
  });

  test('are applications on a Mac', () => {
    const own =
      '/elsewhere/Library/Caches/ms-playwright/chromium-7/chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing';
    const chrome = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
    const machine = machineWith({
      platform: 'darwin',
      home: '/elsewhere',
      programs: new Set([chrome, own]),
    });
    expect(pathsOn(machine)).toEqual([own, chrome]);
  });

  test('are programs on Windows', () => {
    const chrome = 'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe';
    const machine = machineWith({
      platform: 'win32',
      env: { PROGRAMFILES: 'C:\\Program Files' },
      programs: new Set([chrome]),
    });
    expect(pathsOn(machine)).toEqual([chrome]);
  });

  test('are the one that was chosen, and no other', () => {
    const programs = new Set([OWN_SHELL, '/chosen/chrome']);
    const env = { CROSSTALK_BROWSER: '/chosen/chrome', PATH: '/usr/bin' };
    expect(findBrowsers(machineWith({ programs, env }), { headed: true })).toEqual([
      { path: '/chosen/chrome', kind: 'full', source: 'CROSSTALK_BROWSER' },
    ]);
  });

  test('are a mistake where the chosen one is none, or has no windows', () => {
    const env = { CROSSTALK_BROWSER: SYSTEM_SHELL };
    expect(() => pathsOn(machineWith({ env }))).toThrow(/"CROSSTALK_BROWSER" must be the path/);
    const programs = new Set([SYSTEM_SHELL]);
    expect(() => pathsOn(machineWith({ env, programs }), true)).toThrow(/has none/);
  });
});

describe('a browser that is obtained', () => {
  const wish = { headed: false };

  test('is the first that starts', async () => {
    const machine = machineWith({
      programs: new Set([OWN_SHELL, SYSTEM_SHELL]),
      run: (command) => ({ ok: command.startsWith('/usr'), output: 'libnss3.so: cannot open' }),
    });
    expect(await obtainBrowser(wish, machine)).toMatchObject({ path: SYSTEM_SHELL });
    expect(machine.commands).toEqual([`${OWN_SHELL} --version`, `${SYSTEM_SHELL} --version`]);
  });

  test('is downloaded by Playwright where there is none, and that is told', async () => {
    const told: string[] = [];
    const machine = machineWith({
      run: (command, programs) => {
        if (command.endsWith('cli.js install --only-shell chromium')) programs.add(OWN_SHELL);
        return { ok: true, output: '' };
      },
    });
    const tell = (text: string): void => void told.push(text);
    expect(await obtainBrowser({ headed: false, tell }, machine)).toMatchObject({
      path: OWN_SHELL,
      source: 'Playwright',
    });
    expect(told.join()).toContain('npx playwright install --only-shell chromium');
  });

  test('comes from the system’s packages where Playwright’s does not start', async () => {
    const machine = machineWith({
      isRoot: true,
      programs: new Set(['/usr/bin/apt-get']),
      run: (command, programs) => {
        if (command.includes('cli.js install')) programs.add(OWN_SHELL);
        if (command.startsWith('/usr/bin/apt-get -q install')) programs.add(SYSTEM_SHELL);
        return { ok: !command.startsWith(OWN_SHELL), output: 'libnss3.so: cannot open' };
      },
    });
    expect(await obtainBrowser(wish, machine)).toMatchObject({ path: SYSTEM_SHELL });
    expect(machine.commands).toContain(
      '/usr/bin/apt-get -q install -y --no-install-recommends chromium-headless-shell',
    );
  });

  test('is missing after one attempt each, and the message says what was tried and what to do', async () => {
    const machine = machineWith({
      isRoot: true,
      programs: new Set(['/usr/bin/apt-get']),
      run: () => ({ ok: false, output: 'Reading…\nE: Unable to locate package\n' }),
    });
    const missing = obtainBrowser(wish, machine);
    await expect(missing).rejects.toBeInstanceOf(BrowserMissing);
    await expect(missing).rejects.toThrow(
      /^no browser: .*CROSSTALK_BROWSER.*--transport websocket\. Tried: .*playwright install.*failed.*apt-get install.*failed \(E: Unable to locate package\)/s,
    );
    expect(machine.commands).toHaveLength(3);
  });

  test('is missing at once where the network is not there and we are not root', async () => {
    const machine = machineWith({
      programs: new Set(['/usr/bin/apt-get']),
      resolves: () => Promise.resolve(false),
    });
    await expect(obtainBrowser(wish, machine)).rejects.toThrow(
      /cdn\.playwright\.dev cannot be reached.*only root may/s,
    );
    expect(machine.commands).toEqual([]);
  });

  test('is never installed for its windows', async () => {
    const env = { PATH: '/usr/bin', DISPLAY: ':0' };
    const machine = machineWith({ env, isRoot: true, programs: new Set([SYSTEM_SHELL]) });
    await expect(obtainBrowser({ headed: true }, machine)).rejects.toThrow(
      /--headed needs a Chromium or Chrome with windows, and there is only \/usr\/bin\/chromium-headless-shell/,
    );
    expect(machine.commands).toEqual([]);
  });

  test('is no use for its windows without a display', async () => {
    const machine = machineWith({ programs: new Set(['/usr/bin/chromium']) });
    await expect(obtainBrowser({ headed: true }, machine)).rejects.toThrow(/DISPLAY/);
  });

  test('is not waited for by who was interrupted', async () => {
    const controller = new AbortController();
    const machine = machineWith({
      isRoot: true,
      programs: new Set(['/usr/bin/apt-get']),
      run: () => {
        controller.abort();
        return { ok: false, output: '' };
      },
    });
    const { signal } = controller;
    await expect(obtainBrowser({ headed: false, signal }, machine)).rejects.toThrow(/failed/);
    expect(machine.commands).toHaveLength(1);
  });
});

describe('this machine', () => {
  test('has Playwright’s own where Playwright itself looks for it', () => {
    const directory = temporaryDirectory(closers);
    const env = { ...process.env, PLAYWRIGHT_BROWSERS_PATH: directory, CROSSTALK_BROWSER: '' };
    const said = spawnSync(
      process.execPath,
      [thisMachine().playwrightCli, 'install', '--dry-run', '--only-shell', 'chromium'],
      { env, encoding: 'utf8' },
    ).stdout;
    const location = /Install location: +(\S*chromium_headless_shell\S*)/.exec(said)?.[1] ?? '';
    const shell = join(location, 'chrome-headless-shell-linux64', 'chrome-headless-shell');
    // Full Chromium has a way to ask for its path.
    const ask = 'import { chromium } from "playwright"; console.log(chromium.executablePath())';
    const full = spawnSync(process.execPath, ['--input-type=module', '-e', ask], {
      env,
      encoding: 'utf8',
    }).stdout.trim();
    for (const path of [shell, full]) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, '#!/bin/sh\necho Chromium 1.2.3\n');
      chmodSync(path, 0o755);
    }
    expect(pathsOn(thisMachine(env))[0]).toBe(shell);
    expect(pathsOn(thisMachine(env), true)[0]).toBe(full);
  });

  test('runs commands to their end, and no longer than they may take', async () => {
    const machine = thisMachine();
    expect(await machine.run(['sh', '-c', 'echo well; exit 0'], { ms: 5_000 })).toEqual({
      ok: true,
      output: 'well',
    });
    expect(await machine.run(['sh', '-c', 'echo ill >&2; exit 3'], { ms: 5_000 })).toEqual({
      ok: false,
      output: 'ill',
    });
    expect(await machine.run(['/no/such/program'], { ms: 5_000 })).toMatchObject({ ok: false });
    const late = await machine.run(['sh', '-c', 'sleep 60 & sleep 60'], { ms: 200 });
    expect(late).toMatchObject({ ok: false, output: expect.stringContaining('ended after') });
  });
});
