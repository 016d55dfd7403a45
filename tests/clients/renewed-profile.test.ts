import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { judgeHistory } from '../../assertions/judge.ts';
import { openTrial } from '../../clients/trial.ts';
import { soak } from '../../scenarios/stories/soak.ts';
import { resolveAddresses } from '../../targets/addresses.ts';
import reference from '../../targets/reference.ts';
import { serveTarget } from '../served-target.ts';
import { Closers, linesOf, planFor, temporaryDirectory } from './lab.ts';
import { pageTrial } from './page-trial.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

/** How fast a busy machine is says nothing of profiles. */
const UNHURRIED = Object.fromEntries(
  ['connect', 'first-event', 'delivery', 'api'].map((gate) => [gate, { limit: 60_000 }]),
);

async function service(faults: readonly string[] = []): Promise<string> {
  const target = await serveTarget({ pace: 0.1, faults });
  closers.add(() => target.stop());
  return target.url;
}

test('a new profile takes over what the old one kept, and the old one is closed', async () => {
  const { crowd, pool, lines } = await pageTrial(closers, reference, { url: await service() });
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  const [before] = pool.contexts;
  await before?.pages()[0]?.evaluate("sessionStorage.setItem('draft', 'half a question')");
  await crowd.each('go on elsewhere', (user) => user.renewProfile());
  await crowd.each('ask', (user) => user.ask());
  await crowd.each('read the answer', (user) => user.answered());
  await crowd.each('go on elsewhere', (user) => user.renewProfile());

  expect(pool.contexts).toHaveLength(3);
  expect(pool.openProfiles).toBe(1);
  const [page] = pool.contexts[2]?.pages() ?? [];
  expect(await page?.evaluate("sessionStorage.getItem('draft')")).toBe('half a question');

  const all = await lines();
  expect(all.filter(({ kind }) => kind === 'failure')).toEqual([]);
  expect(all.filter(({ act }) => act === 'sign-in')).toHaveLength(1);
  const acts = all.map(({ act }) => act).filter((act) => act === 'drop' || act === 'reconnect');
  expect(acts).toEqual(['drop', 'reconnect', 'drop', 'reconnect']);
});

test('a soak gives its browser users a new profile now and then', async () => {
  // The budget of questions ends it, however long they take.
  const target = { ...reference, limits: { ...reference.limits, questionsMax: 26 } };
  const { crowd, pool, lines } = await pageTrial(closers, target, {
    url: await service(),
    plan: { forMs: 110_000 },
  });
  await soak(crowd);
  expect(pool.contexts).toHaveLength(2);
  expect(pool.openProfiles).toBe(1);
  const all = await lines();
  expect(all.filter(({ kind }) => kind === 'failure')).toEqual([]);
  expect(all.filter(({ act }) => act === 'ask')).toHaveLength(26);
}, 120_000);

test.each([
  { faults: [], verdict: 'pass', rules: [] },
  // What it held against the crowd in its old profile is held against it still.
  { faults: ['replay-on-connect'], verdict: 'fail', rules: ['isolation/misdelivered-event'] },
])('what was seen in each profile is judged, with $faults', async ({ faults, verdict, rules }) => {
  const dir = temporaryDirectory(closers);
  const url = await service(faults);
  const resolved = resolveAddresses(reference, { url, addresses: [], env: {} });
  if (!resolved.ok) throw new Error(resolved.mistakes.join('\n'));
  const crowd = await openTrial({
    plan: planFor(dir, { users: 2, timeoutMs: 30_000, slo: UNHURRIED }),
    scenario: 'soak',
    transport: 'browser',
    target: reference,
    addresses: resolved.addresses,
    dir,
  });
  closers.add(() => crowd.close('failed'));
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  for (const round of [1, 2]) {
    await crowd.together('ask', (user) => user.ask(), { round });
    await crowd.each('read the answer', (user) => user.answered(), { round });
    await crowd.each('go on elsewhere', (user) => user.renewProfile(), { round });
  }
  await crowd.settle();
  await crowd.close('done');

  const path = join(dir, 'history.ndjson');
  const judged = judgeHistory(path);
  expect(judged.reasons.filter(() => verdict === 'pass')).toEqual([]);
  expect(judged.verdict).toBe(verdict);
  const found = new Set(judged.findings.map(({ rule }) => rule));
  expect([...found]).toEqual(expect.arrayContaining([...rules]));
  const opened = linesOf(path).filter(({ kind, user }) => kind === 'open' && user === 'u00');
  const names = opened.map(({ conn }) => conn);
  expect(names.length).toBeGreaterThanOrEqual(3);
  expect(new Set(names).size).toBe(names.length);
});
