import { describe, expect, test } from 'vitest';
import type { Crowd } from '../../clients/crowd.ts';
import { REQUIRED_EVENTS } from '../../history/profile-data.ts';
import { storyOf } from '../../scenarios/stories/table.ts';
import { walk, type Walk } from './walk.ts';

const actsOf = ({ lines }: Walk, act: string): readonly Readonly<Record<string, unknown>>[] =>
  lines.filter((line) => line['kind'] === 'act' && line['act'] === act);

/** Paces at which something can happen between two events of a run, or many things during one: on a busy machine as well. */
const BETWEEN_EVENTS = 1;
const DURING_A_RUN = 2;

describe.concurrent('disturbances at a chosen event', () => {
  test('a cancel comes at each of the five events, and nobody else is stopped', async () => {
    const result = await walk(storyOf('cancel'));
    expect(result.verdict.verdict, result.verdict.reasons.join('\n')).toBe('pass');
    const cancels = actsOf(result, 'cancel');
    const at = new Set(cancels.map(({ message }) => message));
    expect(at).toEqual(new Set(REQUIRED_EVENTS.map((event) => `at ${event}`)));
    expect(new Set(cancels.map(({ user }) => user))).toEqual(new Set(['u00', 'u03']));
  });

  test('a connection is cut after each of the five events was seen, and nothing is lost', async () => {
    const result = await walk(storyOf('reconnect'));
    expect(result.verdict.verdict, result.verdict.reasons.join('\n')).toBe('pass');
    const drops = actsOf(result, 'drop');
    expect(new Set(drops.map(({ message }) => message))).toEqual(
      new Set(REQUIRED_EVENTS.map((event) => `at ${event}`)),
    );
    for (const { n, user, run, message } of drops) {
      const seen = result.lines.some(
        (line) =>
          line['user'] === user &&
          line['run'] === run &&
          line['dir'] === 'in' &&
          `at ${String(line['event'])}` === message &&
          Number(line['n']) < Number(n),
      );
      expect(seen, `${String(user)} ${String(message)}`).toBe(true);
    }
  });

  test('whoever stalls receives nothing until it goes on, and then everything, late by its own doing', async () => {
    const result = await walk(storyOf('slow-reader'), { pace: BETWEEN_EVENTS });
    expect(result.verdict.verdict, result.verdict.reasons.join('\n')).toBe('pass');
    const [stall] = actsOf(result, 'stall');
    const [goOn] = actsOf(result, 'go-on');
    const heard = result.lines.filter(
      (line) =>
        line['user'] === stall?.['user'] &&
        line['dir'] === 'in' &&
        line['surface'] === 'socket' &&
        line['run'] === stall?.['run'],
    );
    const between = heard.filter(
      ({ n }) => Number(n) > Number(stall?.['n']) && Number(n) < Number(goOn?.['n']),
    );
    // What was read already when the user stopped is still delivered.
    expect(between.length).toBeLessThan(REQUIRED_EVENTS.length - 1);
    expect(heard.filter(({ n }) => Number(n) > Number(goOn?.['n'])).length).toBeGreaterThan(0);
    const asleepMs = Number(goOn?.['t']) - Number(stall?.['t']);
    expect(result.verdict.metrics.deliveryMs?.max ?? 0).toBeLessThan(asleepMs / 2);
    // The others asked twice meanwhile.
    expect(actsOf(result, 'ask').filter(({ user }) => user !== stall?.['user'])).toHaveLength(6);
  });

  test('a moment in an ordinary script is one word of the history', async () => {
    const story = {
      name: 'ad-hoc',
      reveals: [],
      walk: async (crowd: Crowd): Promise<void> => {
        await crowd.each('sign in', (user) => user.signIn());
        await crowd.each('open chat', (user) => user.openChat());
        await crowd.together('ask', (user) => user.ask());
        await crowd.each('disturb', async (user) => {
          if (user.index === 1) await user.refreshToken({ at: 'tool_executing' });
          if (user.index === 2) await user.duplicateTab({ at: 'agent_thinking' });
          if (user.index === 3) await user.signOut('here', { at: 'agent_started' });
          else await user.answered();
        });
      },
    };
    const result = await walk(story);
    expect(result.verdict.verdict, result.verdict.reasons.join('\n')).toBe('pass');
    expect(actsOf(result, 'duplicate-tab')).toMatchObject([
      { user: 'u02', message: 'at agent_thinking' },
    ]);
    expect(actsOf(result, 'refresh-token')).toMatchObject([{ user: 'u01' }]);
    expect(actsOf(result, 'sign-out')).toMatchObject([{ user: 'u03' }]);
  });
});

describe.concurrent('conversations', () => {
  test('several runs of one user are under way at once, each in a thread of its own', async () => {
    const result = await walk(storyOf('interleaved-threads'), { pace: DURING_A_RUN });
    expect(result.verdict.verdict, result.verdict.reasons.join('\n')).toBe('pass');
    const asks = actsOf(result, 'ask').filter(({ user }) => user === 'u02');
    expect(new Set(asks.map(({ thread }) => thread)).size).toBe(3);
    const last = asks.at(-1);
    const firstEnd = result.lines.find(
      (line) => line['event'] === 'agent_completed' && line['run'] === asks[0]?.['run'],
    );
    expect(Number(last?.['n'])).toBeLessThan(Number(firstEnd?.['n']));
  });

  test('two runs of one user that are mixed up are told apart', async () => {
    const result = await walk(storyOf('interleaved-threads'), { faults: ['wrong-run'] });
    expect(result.violated).toContain('order/wrong-run');
    expect(result.untrue).toEqual([]);
  });

  test('whoever comes back finds all conversations; a list of somebody else is a leak', async () => {
    const clean = await walk(storyOf('history'));
    expect(clean.verdict.verdict, clean.verdict.reasons.join('\n')).toBe('pass');
    const faulty = await walk(storyOf('history'), { faults: ['thread-list-cache'] });
    expect(faulty.violated).toEqual(
      expect.arrayContaining(['isolation/foreign-run', 'delivery/error-event']),
    );
    expect(faulty.untrue).toEqual([]);
  });
});

describe.concurrent('authority', () => {
  test('a revoked session is good for nothing; one whose socket lives on is found', async () => {
    const clean = await walk(storyOf('revoked'), { pace: 0.4 });
    expect(clean.verdict.verdict, clean.verdict.reasons.join('\n')).toBe('pass');
    const faulty = await walk(storyOf('revoked'), { pace: 2, faults: ['stale-after-revocation'] });
    expect(faulty.violated).toEqual(['isolation/stale-authority']);
    expect(faulty.untrue).toEqual([]);
  });

  test('every verb of the profile is in the table, for the owner, for others and without a right', async () => {
    const { verdict } = await walk(storyOf('hostile-access'), { users: 2, pace: 1 });
    expect(verdict.verdict, verdict.reasons.join('\n')).toBe('pass');
    const rows = verdict.access.filter(({ user }) => user === 'u00');
    const triedWith = (verb: string): readonly string[] =>
      rows.filter((row) => row.verb === verb).map(({ source }) => source);
    const worthless = ['no token', 'unsigned token', 'tampered token', 'expired token'];
    for (const verb of ['GET /api/threads/{id}', 'GET /api/threads/{id}/messages'])
      expect(triedWith(`http ${verb}`)).toEqual(['own id', 'foreign id', ...worthless]);
    for (const verb of ['GET /api/threads', 'POST /api/websocket/ticket'])
      expect(triedWith(`http ${verb}`)).toEqual(['own id', ...worthless]);
    expect(triedWith('http DELETE /api/threads/{id}')).toEqual(['foreign id', 'own id']);
    for (const verb of ['stop_agent', 'resume'])
      expect(triedWith(`socket ${verb}`).toSorted()).toEqual(['foreign id', 'own id']);
    expect(triedWith('socket open')).toEqual(['own id', ...worthless]);
    expect(triedWith('socket open by ticket')).toEqual(['own id', 'used ticket']);
    expect(triedWith('socket open by cookie')).toEqual(['own id', 'foreign origin']);
    for (const { got, expected } of rows) expect(got).toBe(expected);
  });

  test('a deletion that takes effect and a ticket that works twice are let-ins', async () => {
    const plan = { users: 2, pace: 1, faults: ['thread-delete', 'ticket-replay'] };
    const { verdict, violated, untrue } = await walk(storyOf('hostile-access'), plan);
    expect(violated).toContain('isolation/unauthorized-access');
    expect(untrue).toEqual([]);
    const letIn = verdict.access.filter(
      ({ got, expected }) => got === 'accepted' && got !== expected,
    );
    expect(new Set(letIn.map(({ verb, source }) => `${source}: ${verb}`))).toEqual(
      new Set(['foreign id: http DELETE /api/threads/{id}', 'used ticket: socket open by ticket']),
    );
  });
});
