import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { judgeHistory } from '../../assertions/judge.ts';
import type { Crowd } from '../../clients/crowd.ts';
import { openTrial } from '../../clients/trial.ts';
import { resolveAddresses } from '../../targets/addresses.ts';
import type { Verdict } from '../../history/verdict.ts';
import type { Target } from '../../targets/target.ts';
import { Closers, linesOf, planFor, temporaryDirectory, type Line } from './lab.ts';
import {
  beginning,
  ending,
  said,
  streamChat,
  streamTarget,
  type Asked,
  type StreamKind,
} from './stream-chat.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

/** How fast a busy machine is says nothing of streams. */
const UNHURRIED = Object.fromEntries(
  ['first-event', 'delivery', 'api'].map((gate) => [gate, { limit: 60_000 }]),
);

async function openTrialOf(
  target: Target,
  { url, timeoutMs }: { readonly url: string; readonly timeoutMs: number },
): Promise<{ readonly crowd: Crowd; readonly path: string }> {
  const dir = temporaryDirectory(closers);
  const resolved = resolveAddresses(target, { url, addresses: [], env: {} });
  if (!resolved.ok) throw new Error(resolved.mistakes.join('\n'));
  const crowd = await openTrial({
    plan: planFor(dir, { users: 2, timeoutMs, slo: UNHURRIED }),
    scenario: 's',
    transport: 'browser',
    target,
    addresses: resolved.addresses,
    dir,
  });
  closers.add(() => crowd.close('failed'));
  return { crowd, path: join(dir, 'history.ndjson') };
}

/** The verdict and the history of two users who ask at once in a chat that answers like this. */
async function trialOf(
  kind: StreamKind,
  answer: (asked: Asked) => void,
  { aborts = false, timeoutMs = 30_000 } = {},
): Promise<{ readonly verdict: Verdict; readonly lines: readonly Line[] }> {
  const url = await streamChat(closers, { kind, users: 2, aborts, answer });
  const { crowd, path } = await openTrialOf(streamTarget(), { url, timeoutMs });
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  await crowd.together('ask', (user) => user.ask());
  await crowd.each('read the answer', (user) => user.answered());
  await crowd.settle();
  await crowd.close('done');
  return { verdict: judgeHistory(path), lines: linesOf(path) };
}

function rulesIn({ findings }: Verdict): string[] {
  const broken = findings.filter(({ severity }) => severity === 'violation');
  return [...new Set(broken.map(({ rule }) => rule))];
}

const runOf = ({ user }: Asked): { run: string; user: string } => ({
  run: `run-7f3a91c2-of-${user}`,
  user: `id-of-${user}`,
});

/** Answers, with something in between. */
function answering(between: (asked: Asked) => string): (asked: Asked) => void {
  return (asked) => {
    asked.write(beginning(runOf(asked), asked.content));
    asked.write(between(asked));
    asked.write(ending(runOf(asked), asked.content));
  };
}

describe.each(['reply', 'source'] as const)('a chat whose events stream (%s)', (kind) => {
  test('passes, every event of every user seen, whatever is legal in a stream', async () => {
    const { verdict, lines } = await trialOf(
      kind,
      answering(() => ': keep-alive\r\n\r\nretry: 5000\n\ndata: [DONE]\n\n'),
    );
    expect(verdict.reasons).toEqual([]);
    expect(verdict.verdict).toBe('pass');
    for (const { events } of verdict.users)
      expect(events).toEqual({
        agent_started: 1,
        agent_thinking: 1,
        tool_executing: 1,
        tool_completed: 1,
        agent_completed: 1,
      });
    const streamed = lines.filter(({ surface, user }) => surface === 'sse' && user === 'u00');
    expect(streamed.map(({ kind: what, event, frame }) => event ?? frame ?? what)).toEqual([
      'open',
      'agent_started',
      'agent_thinking',
      'tool_executing',
      'tool_completed',
      { comment: 'keep-alive' },
      { retry: '5000' },
      { data: '[DONE]' },
      'agent_completed',
      'close',
    ]);
  }, 60_000);

  test.each<[string, (marker: string) => string]>([
    // Every other part of a stream is read as a comment is.
    ['a comment', (text) => `: ${text}\n\n`],
    ['an event that the page does not listen to', (text) => said('notice', { text })],
  ])(
    "fails for another user's question in %s",
    async (_where, leak) => {
      const { verdict } = await trialOf(
        kind,
        answering(({ others }) => leak(others[0] ?? '')),
      );
      expect(rulesIn(verdict)).toEqual(['isolation/foreign-marker']);
      expect(verdict.findings[0]?.surface).toBe('sse');
    },
    60_000,
  );

  test("fails for another user's event", async () => {
    const { verdict } = await trialOf(
      kind,
      answering(({ user, others }) => {
        const neighbour = { run: 'run-of-nobody-here', user: 'id-of-somebody-else' };
        return others.length === 0 || user === '' ? '' : said('agent_thinking', neighbour);
      }),
    );
    expect(rulesIn(verdict)).toContain('isolation/misdelivered-event');
  }, 60_000);
});

test('what a page wanted no more of is recorded as far as it read', async () => {
  const { verdict, lines } = await trialOf(
    'reply',
    answering(() => ''),
    { aborts: true },
  );
  expect(verdict.reasons).toEqual([]);
  expect(verdict.verdict).toBe('pass');
  const closes = lines.filter(({ surface, kind }) => surface === 'sse' && kind === 'close');
  expect(closes).toMatchObject([{ by: 'us' }, { by: 'us' }]);
}, 60_000);

test('events need no ids in the reply to what they answer', async () => {
  const { verdict } = await trialOf('reply', (asked) => {
    asked.write(beginning({}, asked.content));
    asked.write(ending({}, asked.content));
  });
  expect(verdict.reasons).toEqual([]);
  expect(verdict.verdict).toBe('pass');
}, 60_000);

test('the run is that of the reply, where its events say nothing else', async () => {
  const { verdict } = await trialOf('reply', (asked) => {
    const { run } = runOf(asked);
    asked.write(beginning({ run }, asked.content));
    asked.write(ending({ run }, asked.content));
  });
  expect(verdict.reasons).toEqual([]);
  expect(verdict.verdict).toBe('pass');
}, 60_000);

test('one run in the replies to two users is shared', async () => {
  const { verdict } = await trialOf('reply', (asked) => {
    const run = 'run-5b1e77d0-of-both';
    asked.write(beginning({ run }, asked.content));
    asked.write(ending({ run }, asked.content));
  });
  expect(rulesIn(verdict)).toContain('isolation/shared-identifier');
}, 60_000);

test('a reply that breaks off before its run ends is an unexpected close', async () => {
  const { verdict } = await trialOf(
    'reply',
    (asked) => {
      asked.write(beginning(runOf(asked), asked.content));
      if (asked.others.length === 1 && asked.content < (asked.others[0] ?? '')) asked.cut();
      else asked.write(ending(runOf(asked), asked.content));
    },
    { timeoutMs: 15_000 },
  );
  expect(rulesIn(verdict)).toContain('delivery/unexpected-close');
}, 60_000);

test('what must be refused is tried over HTTP alone', async () => {
  const url = await streamChat(closers, { kind: 'reply', users: 2, answer: () => undefined });
  const own = { verb: 'GET /', needs: 'nothing' } as const;
  const request = { address: 'api', method: 'GET', path: '/' } as const;
  const probes = { http: [{ ...own, request: () => request }], socket: [] };
  const { crowd, path } = await openTrialOf(streamTarget({ probes }), { url, timeoutMs: 30_000 });
  await crowd.each('sign in', (user) => user.signIn());
  const [first, second] = crowd.users;
  if (first === undefined || second === undefined) throw new Error('nobody is there');
  await first.probe('opens', second);
  await first.probe('credentials', second);
  await first.stale();
  await crowd.close('done');
  const lines = linesOf(path);
  expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([]);
  const tried = lines.filter(({ act }) => act === 'probe').map(({ place }) => place);
  expect([...new Set(tried)]).toEqual(['http GET /']);
}, 60_000);
