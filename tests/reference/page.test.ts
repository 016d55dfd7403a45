import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Visitor, startBrowser } from './browser.ts';
import { call, marker, startTestTarget } from './crowd.ts';
import type { TestTarget } from './crowd.ts';

const FIVE = [
  'agent_started',
  'agent_thinking',
  'tool_executing',
  'tool_completed',
  'agent_completed',
];

let browser: Browser;
let target: TestTarget;

beforeAll(async () => {
  browser = await startBrowser();
  target = await startTestTarget({ failWord: 'kaputt' });
});
afterAll(async () => {
  await browser.close();
  await target.close();
});

async function registered(url = target.url): Promise<Visitor> {
  return (await Visitor.arrive(browser, url)).register();
}

describe('signing in', () => {
  test('registers, shows who came, and keeps the tokens', async () => {
    const anna = await registered();
    expect(new URL(anna.page.url()).pathname).toBe('/chat');
    expect(await anna.by('user-email').textContent()).toBe(`${anna.name} (${anna.email})`);
    expect(await anna.by('connection-state').textContent()).toBe('connected');
    expect(await anna.stored()).toMatchObject({
      jwt_token: expect.any(String),
      refresh_token: expect.any(String),
    });
    expect(anna.errors).toEqual([]);
    await anna.context.close();
  });

  test('says why it failed, and works at the second try', async () => {
    const anna = await Visitor.arrive(browser, target.url);
    await anna.submitSignIn('login-submit');
    const alert = anna.page.getByRole('alert');
    await expect.poll(() => alert.textContent()).toBe('Invalid credentials');
    expect(await anna.stored()).toEqual({});
    await anna.by('register-submit').click();
    await anna.ready();
    await anna.context.close();
  });

  test('is asked for where nobody is signed in', async () => {
    const stranger = await Visitor.arrive(browser, target.url);
    await stranger.page.goto(`${target.url}/chat/thread_nowhere`);
    await stranger.by('login-submit').waitFor();
    await stranger.context.close();
  });

  test('lasts beyond the access token, by the refresh token', async () => {
    const short = await startTestTarget({ tokenTtlSeconds: 1 });
    const anna = await registered(short.url);
    const token = await anna.token();
    await expect
      .poll(async () => (await call(short.url, '/auth/me', { token })).status, { timeout: 5_000 })
      .toBe(401);
    await anna.page.reload();
    await anna.ready();
    expect(await anna.token()).not.toBe(token);
    await anna.context.close();
    await short.close();
  });
});

describe('a question', () => {
  test('is answered, with a line for every event', async () => {
    const anna = await registered();
    const question = await anna.ask();
    await anna.answered();
    expect(await anna.article('user').textContent()).toBe(question);
    expect(await anna.article('assistant').textContent()).toContain(question);
    const run = await anna.article('assistant').getAttribute('data-run');
    expect(await anna.article('user').getAttribute('data-run')).toBe(run);
    expect(await anna.events(run ?? '')).toEqual(FIVE);
    expect(await anna.events()).toHaveLength(5);
    for (const line of await anna.page.locator('[data-event]').all()) {
      expect(await line.isVisible()).toBe(true);
    }
    expect(await anna.page.getByRole('article', { name: 'You' }).count()).toBe(1);
    expect(await anna.page.getByRole('article', { name: 'Agent' }).count()).toBe(1);
    expect(anna.errors).toEqual([]);
    await anna.context.close();
  });

  test('makes a thread, which is listed and opens with its history', async () => {
    const anna = await registered();
    const question = await anna.ask();
    await anna.answered();
    const thread = new URL(anna.page.url()).pathname.split('/')[2] ?? '';
    const item = anna.by(`thread-item-${thread}`);
    expect(await item.textContent()).toBe(question);
    await anna.by('new-chat-button').click();
    await anna.page.waitForURL('**/chat');
    await anna.ready();
    expect(await anna.page.getByRole('article').count()).toBe(0);
    await item.getByRole('link').click();
    await anna.ready();
    expect(await anna.article('user').textContent()).toBe(question);
    expect(await anna.article('assistant').textContent()).toContain(question);
    await anna.context.close();
  });

  test('may have several lines, and a second one follows the first', async () => {
    const anna = await registered();
    await anna.by('message-textarea').pressSequentially('One');
    await anna.by('message-textarea').press('Shift+Enter');
    await anna.by('message-textarea').pressSequentially('two');
    await anna.by('send-button').click();
    await anna.answered();
    expect(await anna.article('user').textContent()).toBe('One\ntwo');
    await anna.ask();
    await anna.answered(2);
    expect(await anna.events()).toEqual([...FIVE, ...FIVE]);
    await anna.context.close();
  });

  test('that fails shows an error and no answer', async () => {
    const anna = await registered();
    await anna.ask('Is it kaputt?');
    await anna.article('error').waitFor();
    expect(await anna.events()).toEqual([...FIVE.slice(0, 3), 'agent_error']);
    expect(await anna.article('assistant').count()).toBe(0);
    expect(await anna.by('agent-processing').isVisible()).toBe(false);
    await anna.context.close();
  });

  test('is under way until it is stopped', async () => {
    const slow = await startTestTarget({ pace: 1 });
    const anna = await registered(slow.url);
    await anna.ask();
    await anna.page.locator('[data-event=agent_started]').waitFor();
    expect(await anna.by('agent-processing').isVisible()).toBe(true);
    expect(await anna.by('send-button').isDisabled()).toBe(true);
    await anna.by('stop-button').click();
    await anna.page.locator('[data-event=agent_stopped]').waitFor();
    await anna.by('agent-processing').waitFor({ state: 'hidden' });
    expect(await anna.article('assistant').count()).toBe(0);
    await anna.context.close();
    await slow.close();
  });

  test('grows into its answer in place while it is streamed', async () => {
    const streaming = await startTestTarget({ variants: ['streamed-answer'] });
    const anna = await registered(streaming.url);
    const grown: string[] = [];
    await anna.page.exposeFunction('drawn', (text: string) => grown.push(text));
    await anna.page.evaluate(() => {
      const watch = new MutationObserver(() => {
        const answer = document.querySelector('[data-role=assistant][aria-busy=true]');
        if (answer !== null) Reflect.get(globalThis, 'drawn')(answer.textContent);
      });
      watch.observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    const question = await anna.ask(`Long ${marker().repeat(4)}`);
    await anna.answered();
    const whole = (await anna.article('assistant').textContent()) ?? '';
    expect(await anna.article('assistant').count()).toBe(1);
    expect(whole).toContain(question);
    expect(new Set(grown).size).toBeGreaterThan(3);
    for (const part of grown) expect(whole.startsWith(part)).toBe(true);
    expect(await anna.page.locator('[aria-busy]').count()).toBe(0);
    await anna.context.close();
    await streaming.close();
  });
});

describe('a lost connection', () => {
  test('is opened again, and the run goes on where it was', async () => {
    // The first connection is closed in the middle of its run.
    const flaky = await startTestTarget({ faults: ['flaky-socket'], pace: 0.2 });
    const anna = await registered(flaky.url);
    await anna.ask();
    // At one look: a moment later it may be open again.
    const isReconnecting = '[data-testid=connection-state][data-state=reconnecting]';
    const isNotReady = '[data-testid=main-chat]:not([data-state])';
    await anna.page.locator(`body:has(${isReconnecting}):has(${isNotReady})`).waitFor();
    await anna.answered();
    expect(await anna.events()).toEqual(FIVE);
    expect(await anna.by('connection-state').textContent()).toBe('connected');
    await anna.context.close();
    await flaky.close();
  });

  test('by a reload in the middle of a run costs nothing either', async () => {
    const slow = await startTestTarget({ pace: 0.5 });
    const anna = await registered(slow.url);
    const question = await anna.ask();
    await anna.page.locator('[data-event=agent_thinking]').waitFor();
    await anna.page.reload();
    expect(await anna.article('user').textContent()).toBe(question);
    await anna.answered();
    expect(await anna.events()).toEqual(FIVE);
    expect(await anna.article('user').count()).toBe(1);
    expect(await anna.article('assistant').count()).toBe(1);
    await anna.context.close();
    await slow.close();
  });
});

describe('a run that ended while the page was away', () => {
  test('is answered once: the history has it already when its events come again', async () => {
    const slow = await startTestTarget({ pace: 0.5 });
    const anna = await registered(slow.url);
    await anna.ask();
    await anna.page.locator('[data-event=agent_thinking]').waitFor();
    const [address, token] = [anna.page.url(), await anna.token()];
    const messages = `/api/threads/${address.split('/').at(-1) ?? ''}/messages`;
    await anna.page.goto(`${slow.url}/login`);
    const answers = async (): Promise<string> =>
      JSON.stringify((await call(slow.url, messages, { token })).body);
    await expect.poll(answers).toContain('"role":"assistant"');
    await anna.page.goto(address);
    await anna.answered();
    await expect.poll(() => anna.events()).toEqual(FIVE);
    expect(await anna.article('assistant').count()).toBe(1);
    expect(await anna.article('user').count()).toBe(1);
    await anna.context.close();
    await slow.close();
  });
});

describe('signing out', () => {
  test('leaves nothing behind for whoever comes next', async () => {
    const anna = await registered();
    const question = await anna.ask();
    await anna.answered();
    const token = await anna.token();
    expect(await anna.stored()).toHaveProperty('chat_state_persistence');
    await anna.by('logout-button').click();
    await anna.by('login-submit').waitFor();
    expect(await anna.stored()).toEqual({});
    expect((await call(target.url, '/auth/me', { token })).status).toBe(401);
    const ben = await anna.handOver().register();
    await ben.ask();
    await ben.answered();
    const everything = (await ben.page.content()) + JSON.stringify(await ben.stored());
    for (const annas of [anna.email, anna.name, question]) expect(everything).not.toContain(annas);
    await anna.context.close();
  });

  test('elsewhere ends this tab too', async () => {
    const anna = await registered();
    const token = await anna.token();
    await call(target.url, '/auth/logout', { method: 'POST', token });
    await anna.by('login-submit').waitFor();
    expect(await anna.stored()).toEqual({});
    await anna.context.close();
  });

  test('or a lost sign-out shows the next user nothing of the transcript', async () => {
    const anna = await registered();
    const question = await anna.ask();
    await anna.answered();
    const ben = await anna.handOver().register();
    expect(await ben.page.content()).not.toContain(question);
    expect(await ben.stored()).not.toHaveProperty('chat_state_persistence');
    await anna.context.close();
  });
});

describe('a second tab', () => {
  test('duplicated from the first has a connection of its own', async () => {
    const anna = await registered();
    const second = await anna.duplicateTab();
    await second.ready();
    const keys = await Promise.all([anna.stored(), second.stored()]);
    expect(keys[0]['connection_key']).not.toBe(keys[1]['connection_key']);
    await anna.ask();
    await anna.answered();
    expect(await anna.by('connection-state').textContent()).toBe('connected');
    expect(await second.events()).toEqual([]);
    await anna.context.close();
  });
});

describe('other revisions of the service', () => {
  test.each(['envelope-flat', 'envelope-data', 'envelope-system', 'handshake-new', 'early-events'])(
    'are understood: %s',
    async (variant) => {
      const other = await startTestTarget({ variants: [variant] });
      const anna = await registered(other.url);
      const question = await anna.ask();
      await anna.answered();
      expect(await anna.events()).toEqual(FIVE);
      expect(await anna.article('assistant').textContent()).toContain(question);
      expect(anna.errors).toEqual([]);
      await anna.context.close();
      await other.close();
    },
  );

  test.each(['token-refresh', 'replay-own', 'same-user-tabs'])(
    'change nothing that a reader sees: %s',
    async (variant) => {
      const other = await startTestTarget({ variants: [variant], pace: 0.3 });
      const anna = await registered(other.url);
      const token = await anna.token();
      await anna.ask();
      await anna.page.locator('[data-event=agent_thinking]').waitFor();
      if (variant === 'token-refresh') await expect.poll(() => anna.token()).not.toBe(token);
      else await anna.page.reload();
      await anna.answered();
      expect(await anna.events()).toEqual(FIVE);
      expect(anna.errors).toEqual([]);
      await anna.context.close();
      await other.close();
    },
  );

  test('nested agents end the run with the outermost', async () => {
    const nested = await startTestTarget({ variants: ['nested-agents'] });
    const anna = await registered(nested.url);
    await anna.ask();
    await anna.answered();
    expect(await anna.article('assistant').count()).toBe(1);
    expect((await anna.events()).filter((type) => type === 'agent_completed')).toHaveLength(2);
    await anna.context.close();
    await nested.close();
  });
});

describe('a page', () => {
  test('draws what it is sent as text, never as HTML', async () => {
    const anna = await registered();
    const question = '<img src=x onerror="document.title=1"> & <b>bold</b>';
    await anna.ask(question);
    await anna.answered();
    expect(await anna.article('user').textContent()).toBe(question);
    expect(await anna.page.locator('main img, main b').count()).toBe(0);
    await anna.context.close();
  });

  test('is refused everything that is not its own', async () => {
    const page = await fetch(`${target.url}/chat`);
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|data:|https?:/);
    expect(await page.text()).not.toMatch(/<style|style=|<script(?![^>]*src=)/);
  });

  test('is told what to do differently only if signed in, and nothing if all is well', async () => {
    const anna = await registered();
    const token = await anna.token();
    const reply = await call(target.url, '/api/page/switches', { token });
    expect(reply.body).toEqual({ switches: [] });
    expect((await call(target.url, '/api/page/switches')).status).toBe(401);
    await anna.context.close();
  });

  test('can be used with the keyboard alone, in the order of reading', async () => {
    const anna = await registered();
    await anna.ask();
    await anna.answered();
    await anna.page.reload();
    await anna.ready();
    const focused = (): Promise<string> =>
      anna.page.evaluate(() => {
        const element = document.activeElement;
        const name = element?.getAttribute('data-testid') ?? element?.className;
        return name || (element?.tagName.toLowerCase() ?? '');
      });
    const order: string[] = [];
    for (let step = 0; step < 8; step += 1) {
      await anna.page.keyboard.press('Tab');
      order.push(await focused());
    }
    expect(order).toEqual([
      'skip',
      'logout-button',
      'new-chat-button',
      'a',
      'a',
      'messages',
      'message-textarea',
      'send-button',
    ]);
    await anna.context.close();
  });

  test('names its landmarks and every control', async () => {
    const anna = await registered();
    for (const landmark of ['banner', 'navigation', 'main'] as const) {
      expect(await anna.page.getByRole(landmark).count()).toBe(1);
    }
    expect(await anna.page.getByRole('log', { name: 'Messages' }).count()).toBe(1);
    await anna.page.getByRole('textbox', { name: 'Message input' }).waitFor();
    await anna.page.getByRole('button', { name: 'Send message' }).waitFor();
    await anna.page.getByRole('button', { name: 'Sign out' }).waitFor();
    await anna.page.getByRole('button', { name: 'New chat' }).waitFor();
    await anna.page.goto(`${target.url}/login`);
    for (const label of ['E-mail', 'Password', 'Name']) {
      await anna.page.getByLabel(label).waitFor();
    }
    await anna.context.close();
  });

  test.each([
    [360, 'light'],
    [360, 'dark'],
    [1_280, 'light'],
    [1_280, 'dark'],
  ] as const)('fits %i px and is readable in %s', async (width, colorScheme) => {
    const viewport = { width, height: 740 };
    const anna = await Visitor.arrive(browser, target.url, { viewport, colorScheme });
    await anna.page.goto(`${target.url}/login`);
    expect(await faintTexts(anna.page)).toEqual([]);
    await anna.register();
    await anna.ask(`Is it kaputt, ${marker().repeat(4)}?`);
    await anna.article('error').waitFor();
    await anna.ask();
    await anna.answered();
    expect(await faintTexts(anna.page)).toEqual([]);
    const widest = await anna.page.evaluate(() => document.documentElement.scrollWidth);
    expect(widest).toBe(width);
    for (const id of ['message-textarea', 'send-button', 'new-chat-button', 'logout-button']) {
      const box = await anna.by(id).boundingBox();
      expect(box?.height).toBeGreaterThanOrEqual(44);
      expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThanOrEqual(viewport.height);
    }
    await anna.context.close();
  });
});

/** Visible texts whose colour is too near to their ground (WCAG AA: 4.5 to 1). */
function faintTexts(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const parts = (color: string): number[] => (color.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (color: string): number => {
      const [red = 0, green = 0, blue = 0] = parts(color).map((value) => {
        const share = value / 255;
        return share <= 0.039_28 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const groundOf = (element: Element | null): string => {
      for (let each = element; each !== null; each = each.parentElement) {
        const { backgroundColor } = getComputedStyle(each);
        if (parts(backgroundColor)[3] !== 0) return backgroundColor;
      }
      return 'rgb(255, 255, 255)';
    };
    const faint: string[] = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement;
      const text = texts.currentNode.nodeValue?.trim() ?? '';
      if (element === null || text === '' || !element.checkVisibility()) continue;
      if (element.closest(':disabled, .visually-hidden') !== null) continue;
      const { color } = getComputedStyle(element);
      const [light = 0, dark = 0] = [luminance(color), luminance(groundOf(element))].toSorted(
        (one, other) => other - one,
      );
      if ((light + 0.05) / (dark + 0.05) < 4.5) faint.push(`${text}: ${color}`);
    }
    return faint;
  });
}
