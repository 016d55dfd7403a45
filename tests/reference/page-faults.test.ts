import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FAULTS } from '../../reference/catalogue.ts';
import { Visitor, startBrowser } from './browser.ts';
import { startTestTarget } from './crowd.ts';
import type { TestTarget } from './crowd.ts';

interface Scene {
  readonly target: TestTarget;
  /** The first user. */
  readonly anna: Visitor;
  /** True if the target wrote that this happened to the observer. */
  readonly wrote: (observer: Visitor, owner: Visitor | null, run?: string | null) => boolean;
}

type Play = (scene: Scene) => Promise<void>;

let browser: Browser;

beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

/** The second user, whom faults with victims hit, in a browser profile of their own. */
async function joined({ target }: Scene): Promise<Visitor> {
  return (await Visitor.arrive(browser, target.url)).register();
}

/** The next user of the first one's browser. */
async function takesOver({ anna }: Scene): Promise<Visitor> {
  await anna.by('logout-button').click();
  await anna.by('login-submit').waitFor();
  return anna.handOver().register();
}

async function asked(visitor: Visitor): Promise<string> {
  const question = await visitor.ask();
  await visitor.answered();
  return question;
}

async function watchFor(visitor: Visitor, text: string): Promise<() => Promise<boolean>> {
  await visitor.page.evaluate((wanted) => {
    const watch = new MutationObserver((changes) => {
      const texts = changes.flatMap(({ addedNodes }) => [...addedNodes].map((n) => n.textContent));
      if (texts.some((added) => added?.includes(wanted))) Reflect.set(globalThis, 'seen', true);
    });
    watch.observe(document.body, { subtree: true, childList: true });
  }, text);
  return () => visitor.page.evaluate(() => Reflect.get(globalThis, 'seen') === true);
}

const PLAYS: Readonly<Record<string, Play>> = {
  'filter-only': async (scene) => {
    const ben = await joined(scene);
    const question = await asked(scene.anna);
    await asked(ben);
    expect(ben.frames.join()).toContain(question);
    expect(await ben.page.content()).not.toContain(question);
    expect(scene.wrote(ben, scene.anna)).toBe(true);
  },

  'render-only': async (scene) => {
    const question = await asked(scene.anna);
    const ben = await joined(scene);
    await ben.ask();
    await ben.page.getByText(question).first().waitFor();
    await ben.answered(2);
    expect(ben.frames.join()).not.toContain(question);
    expect(scene.wrote(ben, scene.anna)).toBe(true);
    expect(await scene.anna.article('assistant').count()).toBe(1);
  },

  flash: async (scene) => {
    const question = await asked(scene.anna);
    const ben = await joined(scene);
    const wasShown = await watchFor(ben, question);
    await asked(ben);
    await expect.poll(wasShown).toBe(true);
    await expect.poll(() => ben.page.getByText(question).count()).toBe(0);
    expect(ben.frames.join()).not.toContain(question);
    expect(scene.wrote(ben, scene.anna)).toBe(true);
  },

  'storage-residue': async (scene) => {
    const question = await asked(scene.anna);
    const ben = await takesOver(scene);
    await ben.page.getByText(question).first().waitFor();
    await expect.poll(() => scene.wrote(ben, scene.anna)).toBe(true);
    expect(await asked(ben)).not.toBe(question);
    expect(ben.frames.join()).not.toContain(question);
  },

  'cache-residue': async (scene) => {
    const question = await asked(scene.anna);
    const ben = await takesOver(scene);
    await expect.poll(() => ben.by('thread-list').textContent()).toContain(question);
    await expect.poll(() => scene.wrote(ben, scene.anna)).toBe(true);
    await asked(ben);
    await expect.poll(() => ben.by('thread-list').textContent()).not.toContain(question);
  },

  'not-shown': async (scene) => {
    const ben = await joined(scene);
    const question = await ben.ask();
    await ben.page.locator('[data-event=agent_completed]').waitFor();
    await ben.by('agent-processing').waitFor({ state: 'hidden' });
    expect(await ben.article('assistant').count()).toBe(0);
    expect(ben.frames.join()).toContain(`You asked: ${question}`);
    expect(await ben.page.content()).not.toContain(`You asked: ${question}`);
    const run = await ben.article('user').getAttribute('data-run');
    expect(scene.wrote(ben, null, run)).toBe(true);
    await asked(scene.anna);
  },

  'shows-success-on-error': async (scene) => {
    const ben = await joined(scene);
    await asked(ben);
    expect(await ben.article('assistant').textContent()).toBe('All done.');
    expect(await ben.events()).not.toContain('agent_error');
    expect(await ben.article('error').count()).toBe(0);
    expect(ben.frames.join()).toContain('agent_error');
    expect(ben.frames.join()).not.toContain('agent_completed');
    const run = await ben.article('user').getAttribute('data-run');
    expect(scene.wrote(ben, null, run)).toBe(true);
    await asked(scene.anna);
  },

  'tab-clone': async (scene) => {
    const { anna } = scene;
    await anna.ask();
    await anna.page.locator('[data-event=agent_started]').waitFor();
    const second = await anna.duplicateTab();
    await second.ready();
    await expect.poll(() => anna.by('connection-state').textContent()).toMatch(/^disconnected/);
    const run = await anna.article('user').getAttribute('data-run');
    expect(scene.wrote(anna, null, run)).toBe(true);
    await asked(second.handOver());
  },
};

/** Slow enough to act in the middle of a run, on a busy machine as well. */
const PACE: Readonly<Record<string, number>> = { 'tab-clone': 3 };

test('every fault that only a page shows is played here', () => {
  const shown = FAULTS.filter(({ seenBy }) => seenBy === 'page').map(({ name }) => name);
  expect(Object.keys(PLAYS).toSorted()).toEqual([...shown, 'filter-only'].toSorted());
});

test.each(Object.entries(PLAYS))('%s happens, and is written down', async (name, play) => {
  const target = await startTestTarget({ faults: [name], pace: PACE[name] ?? 0.1 });
  const anna = await (await Visitor.arrive(browser, target.url)).register();
  const wrote: Scene['wrote'] = (observer, owner, run) =>
    target
      .truth()
      .some(
        (line) =>
          line['fault'] === name &&
          line['observer'] === observer.email &&
          line['owner'] === (owner?.email ?? null) &&
          (run === undefined || line['run'] === run),
      );
  await play({ target, anna, wrote });
  expect(anna.errors).toEqual([]);
  await Promise.all(browser.contexts().map((context) => context.close()));
  await target.close();
});
