import { chromium, type Browser, type BrowserContext, type LaunchOptions } from 'playwright';
import { messageOf } from '../history/message-of.ts';
import type { Addresses } from '../targets/target.ts';
import type { FoundBrowser } from './browser-finder.ts';
import { obtainBrowser } from './browser-install.ts';
import { isRoot, tellingLine } from './browser-machine.ts';
import type { BrowserPool, ProfileState } from './browser-parts.ts';
import type { TrialPlan } from './plan.ts';
import { openProxyGate, type ProxyGate } from './proxy-gate.ts';
import { StepFailure } from './step-failure.ts';
import { within } from './waiting.ts';

const LAUNCH_MS_MAX = 30_000;
const CLOSE_MS_MAX = 5_000;
const KILLED_MS_MAX = 2_000;
/** As large as a laptop's window, and the same for everybody. */
const VIEWPORT = { width: 1280, height: 800 };

/**
 * What Playwright's own switches leave running that would contact somebody else than the target, or
 * carry something past the resolver's rules.
 */
const QUIET_SWITCHES = [
  '--disable-domain-reliability',
  '--disable-client-side-phishing-detection',
  '--no-pings',
  '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
];

/** What the processes of a trial are started with. */
export interface PoolSettings {
  readonly browser: FoundBrowser;
  /** Processes over which users are spread in turn. */
  readonly processes: number;
  /** Whose hosts are the only ones that a page can reach. */
  readonly addresses: Addresses;
  readonly headed: boolean;
  /** Slows every action on a page down, milliseconds. */
  readonly slowMoMs: number;
  /** Where requests have to go through a proxy. */
  readonly gate?: ProxyGate | undefined;
}

/** What a pool needs beside the plan. */
export interface PoolSurroundings {
  readonly addresses: Addresses;
  /** Names the proxy, if there is one. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told what is being tried where there is no browser yet. */
  readonly tell?: ((text: string) => void) | undefined;
}

/**
 * A pool as a plan wants it, with a browser that is fetched now if there is none. No process is started
 * before the first user needs it.
 * @throws BrowserMissing
 */
export async function openBrowserPool(
  { headed, browsers, slowMoMs }: Pick<TrialPlan, 'headed' | 'browsers' | 'slowMoMs'>,
  { addresses, env, tell }: PoolSurroundings,
): Promise<ChromiumPool> {
  const browser = await obtainBrowser({ headed, tell });
  const gate = await openProxyGate({ hosts: hostsOf(addresses), env });
  return new ChromiumPool({ browser, processes: browsers, addresses, headed, slowMoMs, gate });
}

/** One browser process, started when the first user needs it. */
interface Seat {
  starting: Promise<Browser> | undefined;
  pid: number | undefined;
  /** Why the process is gone, until another one is started. */
  gone: string | undefined;
  /** By the position of the user who listens: a user goes through many profiles, and is told once. */
  readonly tells: Map<number, (reason: string) => void>;
}

/** Chromium processes that can reach the target and nothing else. */
export class ChromiumPool implements BrowserPool {
  readonly #settings: PoolSettings;
  readonly #seats: readonly Seat[];
  #closing: Promise<void> | undefined;

  constructor(settings: PoolSettings) {
    this.#settings = settings;
    this.#seats = Array.from({ length: settings.processes }, () => ({
      starting: undefined,
      pid: undefined,
      gone: undefined,
      tells: new Map(),
    }));
  }

  /** The browser that the processes are of. */
  get browser(): FoundBrowser {
    return this.#settings.browser;
  }

  /** Ids of the processes that have been started and are still there. */
  get pids(): number[] {
    return this.#seats.flatMap(({ pid }) => pid ?? []);
  }

  /**
   * @throws StepFailure (`browser-lost`) when the process does not start or is gone.
   */
  async open(index: number, storageState?: ProfileState): Promise<BrowserContext> {
    const seat = this.#seatOf(index);
    try {
      const browser = await this.#started(seat);
      return await browser.newContext({
        viewport: VIEWPORT,
        ...(storageState !== undefined && { storageState }),
      });
    } catch (error) {
      const why = seat.gone ?? startProblem(error, this.#settings.browser);
      throw new StepFailure(why, { reason: 'browser-lost', cause: error });
    }
  }

  onGone(index: number, tell: (reason: string) => void): void {
    const seat = this.#seatOf(index);
    if (seat.gone === undefined) seat.tells.set(index, tell);
    else tell(seat.gone);
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all(this.#seats.map((seat) => end(seat))).then(() =>
      this.#settings.gate?.close(),
    );
    return this.#closing;
  }

  #seatOf(index: number): Seat {
    const seat = this.#seats[index % this.#seats.length];
    if (seat === undefined) throw new Error('a pool has at least one browser process');
    return seat;
  }

  #started(seat: Seat): Promise<Browser> {
    if (this.#closing !== undefined)
      throw new StepFailure('the browsers are being closed', { reason: 'browser-lost' });
    seat.starting ??= this.#start(seat);
    return seat.starting;
  }

  async #start(seat: Seat): Promise<Browser> {
    try {
      const browser = await chromium.launch(launchOptions(this.#settings));
      seat.gone = undefined;
      browser.once('disconnected', () => this.#left(seat));
      seat.pid = await processIdOf(browser);
      return browser;
    } catch (error) {
      // The next user may have better luck: a machine can be short of memory for a moment.
      seat.starting = undefined;
      throw error;
    }
  }

  #left(seat: Seat): void {
    seat.starting = undefined;
    seat.pid = undefined;
    if (this.#closing !== undefined) return;
    const reason = 'the browser process ended in the middle of the trial';
    seat.gone = reason;
    const tells = [...seat.tells.values()];
    seat.tells.clear();
    for (const tell of tells) tell(reason);
  }
}

/** Switches and settings of one process. */
function launchOptions(settings: PoolSettings): LaunchOptions {
  const { browser, addresses, headed, slowMoMs, gate } = settings;
  const reachable = new Set(hostsOf(addresses));
  if (gate !== undefined) reachable.add(hostOf(gate.url));
  return {
    executablePath: browser.path,
    headless: !headed,
    slowMo: slowMoMs,
    // Chromium's sandbox cannot be had by root, and nobody else may go without.
    chromiumSandbox: !isRoot(),
    args: [...QUIET_SWITCHES, `--host-resolver-rules=${resolverRules(reachable)}`],
    // Playwright sends loopback addresses there, too.
    ...(gate !== undefined && { proxy: { server: gate.url } }),
    timeout: LAUNCH_MS_MAX,
    // Who started the trial decides how it ends.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  };
}

/** No host exists but these; addresses in numbers are hosts, too. */
function resolverRules(hosts: ReadonlySet<string>): string {
  return ['MAP * ~NOTFOUND', ...[...hosts].map((host) => `EXCLUDE ${host}`)].join(' , ');
}

/** The hosts that a target's addresses name, without ports and brackets. */
export function hostsOf({ api, auth, socket, page }: Addresses): ReadonlySet<string> {
  return new Set([api, auth, socket, page].map((url) => hostOf(url)));
}

function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
}

/** What Playwright started may be a script in front of the browser, so the browser itself is asked. */
async function processIdOf(browser: Browser): Promise<number | undefined> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.find(({ type }) => type === 'browser')?.id;
}

async function end(seat: Seat): Promise<void> {
  const { starting } = seat;
  if (starting === undefined) return;
  const browser = await starting.catch(() => undefined);
  if (browser === undefined) return;
  const { pid } = seat;
  const closed = browser.close().catch(() => undefined);
  await within(closed, CLOSE_MS_MAX, () => {
    if (pid !== undefined && browser.isConnected()) kill(pid);
  });
  await within(closed, KILLED_MS_MAX, () => undefined);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended at the last moment.
  }
}

function startProblem(error: unknown, { path }: FoundBrowser): string {
  const text = messageOf(error);
  const why = /no usable sandbox/i.test(text)
    ? 'this system does not let it have its sandbox. Allow unprivileged user namespaces, or run as root in a container'
    : tellingLine(text);
  return `${path} does not start or does not answer: ${why}`;
}
