import { afterEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import type { Crowd } from '../../clients/crowd.ts';
import type { TrialPlan } from '../../clients/plan.ts';
import { openTrial } from '../../clients/trial.ts';
import { pause } from '../../clients/waiting.ts';
import {
  Closers,
  fieldsOf,
  linesOf,
  planFor,
  socketServer,
  temporaryDirectory,
  tinyTarget,
  type Line,
} from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

/** Long enough for everybody to sign in and ask more than once, however busy the machine. */
const USUAL_MS = 2_000;

/** A crowd of three at a tiny chat that answers every question at once. */
async function crowdOf(changes: Partial<TrialPlan>, questionsMax: number | null): Promise<Crowd> {
  const url = await socketServer(closers, (socket: WebSocket) => {
    socket.send(JSON.stringify({ type: 'hello' }));
    socket.on('message', (data: Buffer) => {
      const asked: unknown = JSON.parse(data.toString());
      const run_id = String(fieldsOf(asked)['run_id']);
      for (const type of ['agent_started', 'agent_completed'])
        socket.send(JSON.stringify({ type, run_id }));
    });
  });
  const api = url.replace('ws:', 'http:');
  const target = tinyTarget();
  const crowd = await openTrial({
    plan: planFor(temporaryDirectory(closers), { users: 3, ...changes }),
    scenario: 'made-up',
    transport: 'websocket',
    target: { ...target, limits: { ...target.limits, questionsMax } },
    addresses: { api, auth: api, page: api, socket: url },
    env: {},
  });
  closers.add(() => crowd.close('interrupted'));
  return crowd;
}

interface Lasted {
  /** When the phase began, on the clock of the trial. */
  readonly beganAt: number;
  readonly asks: readonly Line[];
  /** When each user began to sign in, in the order of the crowd. */
  readonly arrivals: readonly number[];
  readonly tookMs: number;
}

async function lasting(
  changes: Partial<TrialPlan>,
  questionsMax: number | null = null,
): Promise<Lasted> {
  const crowd = await crowdOf(changes, questionsMax);
  const began = performance.now();
  await crowd.throughout('ask again and again', {
    usualMs: USUAL_MS,
    first: async (user) => {
      await user.signIn();
      await user.openChat();
    },
    again: async (user) => {
      await user.ask();
      await user.answered();
      await pause(20);
    },
  });
  const tookMs = performance.now() - began;
  await crowd.close('done');
  const lines = linesOf(crowd.historyPath);
  const signIns = lines.filter(({ act }) => act === 'sign-in');
  return {
    tookMs,
    beganAt: Number(lines.find(({ mark }) => mark === 'begin')?.['t']),
    asks: lines.filter(({ act }) => act === 'ask'),
    arrivals: signIns.map(({ t }) => Number(t)).toSorted((a, b) => a - b),
  };
}

describe('a phase that lasts', () => {
  test('goes on as long as the script says where nobody else does', async () => {
    const { asks, tookMs } = await lasting({});
    expect(tookMs).toBeGreaterThanOrEqual(USUAL_MS);
    expect(new Set(asks.map(({ user }) => user)).size).toBe(3);
    expect(asks.length).toBeGreaterThan(3);
  });

  test('goes on as long as the plan says, and begins no round after that', async () => {
    const { asks, tookMs, arrivals } = await lasting({ forMs: 900 });
    expect(tookMs).toBeGreaterThanOrEqual(900);
    const [began = 0] = arrivals;
    // A round that has just begun may ask a moment later.
    const late = asks.filter(({ t }) => Number(t) - began >= 900);
    expect(new Set(late.map(({ user }) => user)).size).toBe(late.length);
  });

  test('lets users come evenly over the ramp', async () => {
    const { beganAt, arrivals } = await lasting({ forMs: 900, rampMs: 600 });
    // Nobody comes before it is due; how long after that is the machine's affair.
    const [, second = 0, third = 0] = arrivals;
    expect(second - beganAt).toBeGreaterThanOrEqual(190);
    expect(third - beganAt).toBeGreaterThanOrEqual(390);
  });

  test('has time for those who come last where nobody says how long it lasts', async () => {
    const { asks } = await lasting({ rampMs: 3 * USUAL_MS });
    expect(new Set(asks.map(({ user }) => user)).size).toBe(3);
  });

  test("ends with the target's budget of questions", async () => {
    const { asks, tookMs } = await lasting({ forMs: 30_000 }, 7);
    expect(asks).toHaveLength(7);
    expect(tookMs).toBeLessThan(30_000);
  });
});
