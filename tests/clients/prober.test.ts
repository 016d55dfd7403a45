import { afterEach, describe, expect, test } from 'vitest';
import { judgeOnce } from '../../assertions/history-judge.ts';
import type { User } from '../../clients/user.ts';
import {
  guardedChat,
  guardedTarget,
  LENIENT,
  STRICT,
  ticketTarget,
  type Guard,
} from './guarded-chat.ts';
import { Closers, linesOf, openRawTrial, type Line } from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

type Play = (attacker: User, victim: User, finishRuns: () => void) => Promise<void>;

interface Played {
  readonly lines: readonly Line[];
  readonly path: string;
  /** What came of the attacker's probes: `place: source` to the result. */
  readonly results: Readonly<Record<string, unknown>>;
}

/** Two raw users sign in at a chat with such a guard, both ask, and one tries what it must not. */
async function played(guard: Guard, play: Play, target = guardedTarget()): Promise<Played> {
  const chat = await guardedChat(closers, guard);
  const crowd = await openRawTrial(closers, target, { url: chat.url, users: 2 });
  const [attacker, victim] = crowd.users;
  if (attacker === undefined || victim === undefined) throw new Error('two users were planned');
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  await crowd.together('ask', (user) => user.ask());
  await crowd.each('see it start', (user) => user.until('agent_started'));
  await crowd.each('probe', async (user) => {
    if (user === attacker) await play(attacker, victim, () => chat.finishRuns());
  });
  await crowd.close('done');
  const lines = linesOf(crowd.historyPath);
  return { lines, path: crowd.historyPath, results: resultsIn(lines, attacker.name) };
}

function resultsIn(lines: readonly Line[], name: string): Record<string, unknown> {
  const results = lines.filter(({ act, user }) => act === 'probe-result' && user === name);
  return Object.fromEntries(
    results.map(({ place, source, reason }) => [`${String(place)}: ${String(source)}`, reason]),
  );
}

const threads: Play = (attacker, victim) => attacker.probe('threads', victim);
const foreignRun: Play = (attacker, victim) => attacker.probe('foreign run', victim);
const opens: Play = (attacker, victim) => attacker.probe('opens', victim);

describe("a neighbour's thread", () => {
  test('is refused by a target that checks owners, and the own one is not', async () => {
    const { results, lines } = await played(STRICT, threads);
    expect(results).toEqual({
      'http GET /threads/{id}: own id': 'accepted',
      'http GET /threads/{id}: foreign id': 'refused',
      'socket ask: foreign id': 'refused',
    });
    expect(lines.filter(({ event }) => event === 'error')).toHaveLength(1);
  });

  test('is accepted by one that does not, with effect, and the judge says so', async () => {
    const { results, lines, path } = await played(LENIENT, threads);
    expect(results).toMatchObject({
      'http GET /threads/{id}: foreign id': 'accepted',
      'socket ask: foreign id': 'accepted',
    });
    // The question was taken up: a run began that is neither user's planned one.
    const asked = new Set(lines.filter(({ act }) => act === 'ask').map(({ run }) => run));
    const begun = lines.filter(({ event, run }) => event === 'agent_started' && !asked.has(run));
    expect(begun.map(({ user }) => user)).toEqual(expect.arrayContaining(['u00']));
    const { findings } = judgeOnce(path);
    const accused = findings.filter(({ rule }) => rule === 'isolation/unauthorized-access');
    expect(accused.map(({ observer, owner }) => `${observer} of ${owner}`)).toContain('u00 of u01');
  });

  test('is neither where the target fails', async () => {
    const { results } = await played({ ...STRICT, owners: 'broken' }, threads);
    expect(results).toMatchObject({ 'http GET /threads/{id}: foreign id': 'unclear' });
  });

  test.each(['in words', 'with nothing'] as const)(
    'is refused %s, with a good status',
    async (how) => {
      const { results } = await played({ ...STRICT, refuses: how }, async (attacker, victim) => {
        await attacker.probe('threads', victim);
        await attacker.probe('credentials', victim);
      });
      expect(results).toEqual({
        'http GET /threads/{id}: own id': 'accepted',
        'http GET /threads/{id}: foreign id': 'refused',
        'http GET /threads/{id}: no token': 'refused',
        'http GET /threads/{id}: unsigned token': 'refused',
        'http GET /threads/{id}: tampered token': 'refused',
        'http GET /threads/{id}: expired token': 'refused',
        'socket ask: foreign id': 'refused',
      });
    },
  );

  test('is not known to be refused by one that serves nobody just now', async () => {
    const { results } = await played({ ...STRICT, refuses: 'as too busy' }, threads);
    expect(results).toMatchObject({ 'http GET /threads/{id}: foreign id': 'unclear' });
  });

  test('names in the record what was tried, whose it is, and what must come of it', async () => {
    const { lines } = await played(STRICT, threads);
    const tried = lines.filter(({ act, source }) => act === 'probe' && source === 'foreign id');
    expect(tried).toHaveLength(2);
    for (const line of tried)
      expect(line).toMatchObject({ user: 'u00', owner: 'u01', message: 'must be refused' });
    const replies = lines.filter(({ purpose, dir }) => purpose === 'refusal-probe' && dir === 'in');
    expect(replies.map(({ status }) => status)).toEqual([200, 403]);
  });
});

describe("a neighbour's thread that is to be deleted", () => {
  const deletion: Play = (attacker, victim) => attacker.probe('foreign deletion', victim);
  const PLACE = 'http DELETE /threads/{id}: foreign id';

  test('stays where the target refuses', async () => {
    const { results } = await played(STRICT, deletion);
    expect(results).toEqual({ [PLACE]: 'refused' });
  });

  test('is gone although the target refused: that is no refusal', async () => {
    const { results, path } = await played({ ...STRICT, deletions: 'refused and done' }, deletion);
    expect(results).toEqual({ [PLACE]: 'accepted' });
    const { findings } = judgeOnce(path);
    const accused = findings.filter(({ rule }) => rule === 'isolation/unauthorized-access');
    expect(accused).toMatchObject([{ severity: 'violation', observer: 'u00', owner: 'u01' }]);
  });

  test("that was gone before is nobody else's deed", async () => {
    const { results } = await played(STRICT, async (attacker, victim) => {
      await victim.probe('own deletion', victim);
      await attacker.probe('foreign deletion', victim);
    });
    expect(results).toEqual({ [PLACE]: 'refused' });
  });

  test('is looked at by its owner: what that one sees nobody else has received', async () => {
    const guard = { ...STRICT, deletions: 'agreed and not done' } as const;
    const { results, lines, path } = await played(guard, deletion);
    expect(results).toEqual({ [PLACE]: 'unclear' });
    const seen = lines.filter(({ purpose, dir }) => purpose === 'refusal-probe' && dir === 'in');
    expect(seen.map(({ user }) => user)).toEqual(['u01', 'u00', 'u01']);
    expect(judgeOnce(path).findings.filter(({ rule }) => /foreign/.test(rule))).toEqual([]);
  });
});

describe("a neighbour's run", () => {
  test('goes on where the target refuses to stop it', async () => {
    const { results, lines } = await played(STRICT, foreignRun);
    expect(results).toEqual({ 'socket stop: foreign id': 'refused' });
    expect(lines.filter(({ event }) => event === 'agent_stopped')).toEqual([]);
  });

  test('stopped without a word to the prober is seen on the side of its owner', async () => {
    const { results, lines } = await played(LENIENT, foreignRun);
    expect(results).toEqual({ 'socket stop: foreign id': 'accepted' });
    const stopped = lines.filter(({ event }) => event === 'agent_stopped');
    expect(stopped.map(({ user }) => user)).toEqual(['u01']);
  });

  test('left alone without any answer counts as refused', async () => {
    const { results } = await played({ ...STRICT, owners: 'broken' }, foreignRun);
    expect(results).toEqual({ 'socket stop: foreign id': 'refused' });
  });

  test('that is over can be stopped by nobody: its refusal is unclear', async () => {
    const { results } = await played(STRICT, async (attacker, victim, finishRuns) => {
      finishRuns();
      await victim.until('agent_completed');
      await attacker.probe('foreign run', victim);
    });
    expect(results).toEqual({ 'socket stop: foreign id': 'unclear' });
  });
});

describe('a socket that nobody has a right to', () => {
  test('stays shut at a target that checks tokens and origins', async () => {
    const { results } = await played(STRICT, opens);
    expect(results).toEqual({
      'socket open: own id': 'accepted',
      'socket open: no token': 'refused',
      'socket open: unsigned token': 'refused',
      'socket open: tampered token': 'refused',
      'socket open: expired token': 'refused',
      'socket open by cookie: own id': 'accepted',
      'socket open by cookie: foreign origin': 'refused',
    });
  });

  test('opens at one that does not', async () => {
    const { results, path } = await played(LENIENT, opens);
    expect(new Set(Object.values(results))).toEqual(new Set(['accepted']));
    const rules = judgeOnce(path).findings.map(({ rule }) => rule);
    expect(rules).toContain('isolation/unauthorized-access');
    expect(rules).toContain('isolation/stale-authority');
  });

  test('stays shut where a ticket opens it that only a cookie gets', async () => {
    const { results } = await played(STRICT, opens, ticketTarget());
    expect(results).toEqual({
      'socket open: own id': 'accepted',
      'socket open: no token': 'refused',
      'socket open: unsigned token': 'refused',
      'socket open: tampered token': 'refused',
    });
  });

  test('keeps every token it tried out of the record', async () => {
    const { lines } = await played(STRICT, opens);
    expect(JSON.stringify(lines)).not.toMatch(/eyJ[\w-]+\.eyJ/);
  });
});

test('the own question is the control for every verb that asks', async () => {
  const { results } = await played(STRICT, (attacker) => attacker.probe('own question', attacker));
  expect(results).toEqual({ 'socket ask: own id': 'accepted' });
});
