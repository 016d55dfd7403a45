/** The reference target's page in a real Chromium, and what the tests ask of it. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright';
import type { Browser, BrowserContext, Locator, Page } from 'playwright';
import { marker } from './crowd.ts';

const PLACES = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];
const FLAGS = ['--no-sandbox', '--disable-dev-shm-usage'];

/** Starts Chromium: the one that `CROSSTALK_BROWSER` names, else one that the system has. */
export async function startBrowser(): Promise<Browser> {
  const wanted = process.env['CROSSTALK_BROWSER'];
  const executablePath = wanted ?? PLACES.find((place) => existsSync(place));
  if (executablePath === undefined) {
    throw new Error(
      `No Chromium found at ${PLACES.join(' or ')}: install chromium-headless-shell or set CROSSTALK_BROWSER.`,
    );
  }
  return chromium.launch({ executablePath, args: FLAGS });
}

/** Somebody at a browser. */
export class Visitor {
  readonly email: string;
  readonly name = `Name ${marker()}`;
  readonly context: BrowserContext;
  readonly page: Page;
  /** What went wrong inside the page; stays empty. */
  readonly errors: string[] = [];
  /** Every frame that came over any socket of the page. */
  readonly frames: string[] = [];
  private readonly url: string;

  constructor(url: string, page: Page) {
    this.url = url;
    this.page = page;
    this.context = page.context();
    this.email = `${marker()}@crowd.test`;
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => this.frames.push(String(payload))),
    );
  }

  /** Opens the page in a browser profile of its own. */
  static async arrive(
    browser: Browser,
    url: string,
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<Visitor> {
    const context = await browser.newContext(options);
    return new Visitor(url, await context.newPage());
  }

  /** Another person at the same browser profile, or the same tab handed on. */
  handOver(): Visitor {
    return new Visitor(this.url, this.page);
  }

  by(id: string): Locator {
    return this.page.getByTestId(id);
  }

  article(role: 'user' | 'assistant' | 'error'): Locator {
    return this.page.locator(`[data-testid=main-content] [role=article][data-role=${role}]`);
  }

  /** The types of the events that have a line, in the order of the lines. */
  async events(run?: string): Promise<readonly string[]> {
    const lines = this.page.locator(
      run === undefined ? '[data-event]' : `[data-event][data-run="${run}"]`,
    );
    return lines.evaluateAll((all) => all.map((line) => line.getAttribute('data-event') ?? ''));
  }

  async submitSignIn(button: 'login-submit' | 'register-submit'): Promise<void> {
    await this.page.goto(`${this.url}/login`);
    await this.by('email-input').fill(this.email);
    await this.by('password-input').fill('a password');
    await this.by('name-input').fill(this.name);
    await this.by(button).click();
  }

  /** Registers and waits until questions may be asked. */
  async register(): Promise<this> {
    await this.submitSignIn('register-submit');
    await this.ready();
    return this;
  }

  async ready(): Promise<void> {
    await this.page.locator('[data-testid=main-chat][data-state=ready]').waitFor();
  }

  /** Types a question and sends it; returns its text. */
  async ask(question = `Question ${marker()} please`): Promise<string> {
    await this.by('message-textarea').fill(question);
    await this.by('message-textarea').press('Enter');
    return question;
  }

  async answered(count = 1): Promise<void> {
    await this.article('assistant')
      .nth(count - 1)
      .waitFor();
    await this.by('agent-processing').waitFor({ state: 'hidden' });
  }

  /** Another tab, made from this one as a browser duplicates tabs: with a copy of its storage. */
  async duplicateTab(): Promise<Visitor> {
    const opened = this.context.waitForEvent('page');
    await this.page.evaluate(() => void window.open('/chat'));
    return new Visitor(this.url, await opened);
  }

  /** Everything that the browser keeps for the page. */
  stored(): Promise<Record<string, string>> {
    return this.page.evaluate(() =>
      Object.fromEntries([...Object.entries(localStorage), ...Object.entries(sessionStorage)]),
    );
  }

  /** The access token that the page holds. */
  async token(): Promise<string> {
    return (await this.page.evaluate(() => localStorage.getItem('jwt_token'))) ?? '';
  }
}
