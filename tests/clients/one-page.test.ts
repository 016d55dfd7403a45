import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { judgeHistory } from '../../assertions/judge.ts';
import { openTrial } from '../../clients/trial.ts';
import { switchAccount } from '../../scenarios/stories/switch-account.ts';
import { resolveAddresses } from '../../targets/addresses.ts';
import { Closers, linesOf, planFor, temporaryDirectory } from './lab.ts';
import { onePageChat, onePageTarget, type Kept } from './one-page-chat.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

/** How fast a busy machine is says nothing of pages. */
const UNHURRIED = Object.fromEntries(
  ['connect', 'first-event', 'delivery', 'api'].map((gate) => [gate, { limit: 60_000 }]),
);

test.each<{ kept: Kept; verdict: string; rules: string[] }>([
  { kept: 'nothing', verdict: 'pass', rules: [] },
  { kept: 'line', verdict: 'pass', rules: [] },
  { kept: 'answer', verdict: 'fail', rules: ['isolation/residue'] },
  { kept: 'socket', verdict: 'fail', rules: ['isolation/misdelivered-event'] },
])(
  'one user after the other on a page that stays, and that keeps of the first: $kept',
  async ({ kept, verdict, rules }) => {
    const dir = temporaryDirectory(closers);
    // Where nothing is amiss a busy machine must not be taken for deaf.
    const target = onePageTarget(verdict === 'pass' ? 1_500 : 100);
    const url = await onePageChat(closers, kept);
    const resolved = resolveAddresses(target, { url, addresses: [], env: {} });
    if (!resolved.ok) throw new Error(resolved.mistakes.join('\n'));
    const crowd = await openTrial({
      plan: planFor(dir, { users: 2, timeoutMs: 30_000, slo: UNHURRIED }),
      scenario: 'switch-account',
      transport: 'browser',
      target,
      addresses: resolved.addresses,
      dir,
      overlapFloor: 0,
    });
    closers.add(() => crowd.close('failed'));
    await switchAccount(crowd);
    await crowd.settle();
    await crowd.close('done');

    const path = join(dir, 'history.ndjson');
    expect(linesOf(path).filter(({ kind }) => kind === 'failure')).toEqual([]);
    const judged = judgeHistory(path);
    const broken = judged.findings.filter(
      ({ rule, severity }) => severity === 'violation' && !rule.startsWith('gate/'),
    );
    expect([...new Set(broken.map(({ rule }) => rule))]).toEqual(rules);
    for (const { observer, owner } of broken) expect([observer, owner]).toEqual(['u01', 'u00']);
    expect(judged.verdict, judged.reasons.join('\n')).toBe(verdict);
  },
  60_000,
);
