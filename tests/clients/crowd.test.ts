import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { CrowdLost, TrialAborted, type Crowd } from '../../clients/crowd.ts';
import { PlanInvalid, type TrialPlan } from '../../clients/plan.ts';
import { SocketUser } from '../../clients/socket-user.ts';
import { openTrial, type TrialOptions } from '../../clients/trial.ts';
import type { Observation } from '../../history/observation.ts';
import type { Progress } from '../../history/progress.ts';
import type { Target } from '../../targets/target.ts';
import {
  Closers,
  fieldsOf,
  freePort,
  linesOf,
  planFor,
  socketServer,
  temporaryDirectory,
  tinyTarget,
} from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

interface Asked {
  readonly run_id: string;
  readonly user_id: string;
}

/** A tiny chat that greets everybody; `answer` decides what happens to a question. */
function chat(answer: (socket: WebSocket, asked: Asked) => void = complete): Promise<string> {
  return socketServer(closers, (socket, request) => {
    const token = request.headers['sec-websocket-protocol'] ?? '';
    const user_id = `id-${token.slice('token-of-'.length).slice(0, 4)}`;
    socket.send(JSON.stringify({ type: 'hello', user_id }));
    socket.on('message', (data: Buffer) => {
      const asked: unknown = JSON.parse(data.toString());
      answer(socket, { run_id: String(fieldsOf(asked)['run_id']), user_id });
    });
  });
}

function complete(socket: WebSocket, asked: Asked): void {
  for (const type of ['agent_started', 'agent_completed'])
    socket.send(JSON.stringify({ type, ...asked }));
}

async function trial(
  url: string,
  changes: Partial<TrialPlan> = {},
  options: Partial<TrialOptions> & { readonly target?: Target } = {},
): Promise<Crowd> {
  const api = url.replace('ws:', 'http:');
  const crowd = await openTrial({
    plan: planFor(temporaryDirectory(closers), { users: 3, ...changes }),
    scenario: 'made-up',
    transport: 'websocket',
    target: tinyTarget(),
    addresses: { api, auth: api, page: api, socket: url },
    env: {},
    ...options,
  });
  closers.add(() => crowd.close('failed'));
  return crowd;
}

async function signInAndOpen(crowd: Crowd): Promise<void> {
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
}

async function goldenPath(crowd: Crowd): Promise<void> {
  await signInAndOpen(crowd);
  await crowd.together('ask', (user) => user.ask());
  await crowd.each('read the answer', (user) => user.answered());
}

test('the header of a mixed trial says who acts through what', async () => {
  const createUser: TrialOptions['createUser'] = (context, persona, name) =>
    new SocketUser(context, persona, name);
  const crowd = await trial(await chat(), {}, { transport: 'mixed', createUser });
  await crowd.close('done');
  const [header = ''] = readFileSync(crowd.historyPath, 'utf8').split('\n');
  expect(JSON.parse(header)).toMatchObject({
    transport: 'mixed',
    users: [{ transport: 'browser' }, { transport: 'browser' }, { transport: 'websocket' }],
  });
});

test('a trial in browsers is refused where the profile describes no page', async () => {
  await expect(trial(await chat(), {}, { transport: 'browser' })).rejects.toThrow(/needs a page/);
});

describe('together', () => {
  test('everybody asks in one go, and is due at the same moment', async () => {
    const crowd = await trial(await chat(), { users: 20 });
    await goldenPath(crowd);
    await crowd.close('done');
    const lines = linesOf(crowd.historyPath);
    const acts = lines.filter(({ act }) => act === 'ask');
    expect(acts).toHaveLength(20);
    expect(new Set(acts.map(({ intended }) => intended)).size).toBe(1);
    const first = lines.findIndex(({ act }) => act === 'ask');
    const last = lines.findLastIndex(({ act }) => act === 'ask');
    expect(lines.slice(first, last).filter(({ dir }) => dir === 'in')).toEqual([]);
    for (const act of acts) expect(act['t']).toBeGreaterThanOrEqual(Number(act['intended']));
  });

  test('the act and the own run id are written before the frame that asks', async () => {
    const crowd = await trial(await chat(), { users: 2 });
    await goldenPath(crowd);
    await crowd.close('done');
    const mine = linesOf(crowd.historyPath).filter(({ user }) => user === 'u01');
    const at = mine.findIndex(({ act }) => act === 'ask');
    expect(mine[at - 1]).toMatchObject({
      kind: 'identity',
      source: 'ask',
      ids: { run: mine[at]?.['run'] },
    });
    expect(mine[at + 1]).toMatchObject({ dir: 'out', kind: 'frame', run: mine[at]?.['run'] });
  });
});

test('what stops a run, or goes on with it, is told whose it is and in which thread', async () => {
  const told: unknown[] = [];
  const target = tinyTarget({
    socket: {
      ...tinyTarget().socket,
      stop: (run, context) => {
        told.push(['stop', context.session.userId, context.thread]);
        return { type: 'stop', run_id: run };
      },
      resume: (run, _after, context) => {
        told.push(['resume', context.session.userId, context.thread]);
        return { type: 'resume', run_id: run };
      },
    },
    threads: { create: ({ session }) => Promise.resolve(`thread-of-${session.userId}`) },
  });
  const begun = new Set<string>();
  const url = await chat((socket, asked) => {
    const type = begun.has(asked.run_id) ? 'agent_completed' : 'agent_started';
    begun.add(asked.run_id);
    socket.send(JSON.stringify({ type, ...asked }));
  });
  const crowd = await trial(url, { users: 1 }, { target });
  await signInAndOpen(crowd);
  await crowd.each('ask', (user) => user.ask());
  await crowd.each('come back', (user) => user.reconnect({ at: 'agent_started' }));
  await crowd.each('read the answer', (user) => user.answered());
  await crowd.each('ask again', (user) => user.ask());
  await crowd.each('stop', (user) => user.cancel({ at: 'agent_started' }));
  await crowd.close('done');
  expect(told).toEqual([
    ['resume', expect.stringMatching(/^id-/), expect.stringMatching(/^thread-of-id-/)],
    ['stop', expect.stringMatching(/^id-/), expect.stringMatching(/^thread-of-id-/)],
  ]);
});

describe('each', () => {
  test('a step that fails takes its user out, is recorded once, and the others go on', async () => {
    const crowd = await trial(
      await chat((socket, asked) => {
        if (asked.user_id === 'id-0001') socket.close(1011, 'mid-run');
        else complete(socket, asked);
      }),
    );
    await goldenPath(crowd);
    await crowd.together('ask', (user) => user.ask());
    await crowd.close('done');
    const lines = linesOf(crowd.historyPath);
    expect(crowd.users.map(({ isOut }) => isOut)).toEqual([false, true, false]);
    expect(lines.filter(({ kind }) => kind === 'failure')).toEqual([
      expect.objectContaining({ user: 'u01', step: 'answer', reason: 'unexpected-close' }),
    ]);
    expect(lines.filter(({ act, user }) => act === 'ask' && user === 'u01')).toHaveLength(1);
    expect(lines.filter(({ act, user }) => act === 'ask' && user === 'u00')).toHaveLength(2);
  });

  test('whoever is not done within the time limit is out, with the step that took too long', async () => {
    const silent = await chat((socket, asked) => {
      if (asked.user_id !== 'id-0002') complete(socket, asked);
    });
    // The limit is that of each step; those before the answer must not come near it on a busy machine.
    const crowd = await trial(silent, { timeoutMs: 3_000 });
    await goldenPath(crowd);
    await crowd.close('done');
    expect(linesOf(crowd.historyPath)).toContainEqual(
      expect.objectContaining({
        kind: 'failure',
        user: 'u02',
        step: 'answer',
        reason: 'timeout',
      }),
    );
  });

  test('a crowd of which nobody is left is lost, and the history says why', async () => {
    const crowd = await trial(`ws://127.0.0.1:${await freePort()}`);
    await crowd.each('sign in', (user) => user.signIn());
    await expect(crowd.each('open chat', (user) => user.openChat())).rejects.toThrow(CrowdLost);
    await crowd.close('done');
    const failures = linesOf(crowd.historyPath).filter(({ kind }) => kind === 'failure');
    expect(failures).toHaveLength(3);
    expect(failures[0]).toMatchObject({ step: 'connect', reason: 'refused', unreachable: true });
  });

  test('a mistake in the script itself is thrown, once all users are done', async () => {
    const crowd = await trial(await chat());
    await expect(
      crowd.each('sign in', (user) => {
        if (user.index === 1) throw new TypeError('no such function');
        return user.signIn();
      }),
    ).rejects.toThrow('no such function');
    expect(crowd.users.filter(({ isOut }) => isOut)).toHaveLength(1);
  });

  test('a limit bounds how many users are at work at once', async () => {
    const crowd = await trial(await chat(), { users: 12 });
    let working = 0;
    let most = 0;
    await crowd.each(
      'work',
      async () => {
        working += 1;
        most = Math.max(most, working);
        await new Promise((resolve) => {
          setTimeout(resolve, 5);
        });
        working -= 1;
      },
      { limit: 4 },
    );
    expect(most).toBe(4);
  });

  test('rounds number the phases where there are several', async () => {
    const crowd = await trial(await chat(), { rounds: 2 });
    await signInAndOpen(crowd);
    for (const round of crowd.rounds) {
      await crowd.together('ask', (user) => user.ask(), { round });
      await crowd.each('read', (user) => user.answered(), { round });
    }
    await crowd.close('done');
    const lines = linesOf(crowd.historyPath);
    const begun = lines.filter(({ mark }) => mark === 'begin').map(({ phase }) => phase);
    expect(begun).toEqual(['sign in', 'open chat', 'ask 1', 'read 1', 'ask 2', 'read 2']);
    expect(lines.filter(({ act }) => act === 'ask').map(({ question }) => question)).toEqual([
      1, 1, 1, 2, 2, 2,
    ]);
  });

  test('progress counts who is done and who is not', async () => {
    const told: Progress[] = [];
    const crowd = await trial(await chat(), {}, { onProgress: (progress) => told.push(progress) });
    await crowd.each('sign in', (user) => user.signIn());
    expect(told[0]).toMatchObject({ kind: 'trial', users: 3, scenario: 'made-up' });
    expect(told.at(-1)).toMatchObject({ phase: 'sign in', done: 3, failed: 0, over: true });
  });
});

const QUIET_MS_MAX = 1_000;
/** Longer than the quiet window. */
const STANDSTILL_MS = 300;

function settlingMs(crowd: Crowd): number {
  const marks = linesOf(crowd.historyPath).filter(({ phase }) => phase === 'settle');
  const [begin, end] = marks.map(({ t }) => Number(t));
  return (end ?? NaN) - (begin ?? NaN);
}

/** Milliseconds from the last late event to the end of settling. */
function settledAfterLate(crowd: Crowd): number {
  const lines = linesOf(crowd.historyPath);
  const late = lines.findLast(({ event }) => event === 'late');
  const settled = lines.findLast(({ phase, mark }) => phase === 'settle' && mark === 'end');
  return Number(settled?.['t']) - Number(late?.['t']);
}

describe('the end', () => {
  test('settling waits for the quiet window after the last event', async () => {
    const crowd = await trial(
      await chat((socket, asked) => {
        complete(socket, asked);
        setTimeout(() => socket.send(JSON.stringify({ type: 'late', ...asked })), 60);
      }),
    );
    await goldenPath(crowd);
    await crowd.settle();
    expect(crowd.isSettled).toBe(true);
    const lines = linesOf(crowd.historyPath);
    expect(lines.filter(({ event }) => event === 'late')).toHaveLength(3);
    expect(settledAfterLate(crowd)).toBeGreaterThanOrEqual(99);
  });

  test.for([
    // Not in a timer: behind those the event loop reads first.
    ['during', (act: () => void): unknown => setTimeout(() => setImmediate(act), 50)],
    ['before', (act: () => void): unknown => act()],
  ] as const)(
    'what came while the harness stood still %s settling is read before silence is believed',
    async ([, provoke]) => {
      let sayMore = (): void => {};
      const crowd = await trial(
        await chat((socket, asked) => {
          complete(socket, asked);
          sayMore = () => socket.send(JSON.stringify({ type: 'late', ...asked }));
        }),
      );
      await goldenPath(crowd);
      provoke(() => {
        sayMore();
        const from = performance.now();
        while (performance.now() - from < STANDSTILL_MS);
      });
      await crowd.settle();
      expect(settledAfterLate(crowd)).toBeGreaterThanOrEqual(99);
    },
  );

  test('settling ends at its longest even if the target never stops talking', async () => {
    const crowd = await trial(
      await chat((socket, asked) => {
        complete(socket, asked);
        // At each turn of the loop, so that something waits to be read whenever this thread, which is the
        // harness's too, has stood still: a timer's next word would come only after the quiet window.
        const talk = (): void => {
          if (socket.readyState !== socket.OPEN) return;
          socket.send('{"type":"chatter"}');
          setImmediate(talk);
        };
        talk();
      }),
    );
    await goldenPath(crowd);
    await crowd.settle();
    expect(settlingMs(crowd)).toBeGreaterThanOrEqual(QUIET_MS_MAX);
  });

  test('heartbeats do not count as noise', async () => {
    const crowd = await trial(
      await chat((socket, asked) => {
        complete(socket, asked);
        const timer = setInterval(() => socket.send('{"type":"heartbeat"}'), 20);
        socket.once('close', () => clearInterval(timer));
      }),
    );
    await goldenPath(crowd);
    await crowd.settle();
    expect(settlingMs(crowd)).toBeLessThan(QUIET_MS_MAX);
  });

  test("settling compares the target's clock once more, with all its runs behind it", async () => {
    const url = await chat((socket, asked) => {
      if (asked.run_id === 'undefined') socket.send('{"type":"pong"}');
      else complete(socket, asked);
    });
    const target = tinyTarget({
      socket: { ...tinyTarget().socket, ping: () => ({ type: 'ping' }) },
    });
    const crowd = await trial(url, {}, { target });
    await goldenPath(crowd);
    await crowd.settle();
    await crowd.close('done');
    const lines = linesOf(crowd.historyPath);
    const settling = lines.slice(lines.findIndex(({ phase }) => phase === 'settle'));
    const sampled = settling.filter(({ kind }) => kind === 'ping').map(({ user }) => user);
    expect(new Set(sampled)).toEqual(new Set(['u00', 'u01', 'u02']));
  });

  test('closing closes every connection from our side and writes the last line', async () => {
    const crowd = await trial(await chat());
    await goldenPath(crowd);
    await crowd.close('done');
    const lines = linesOf(crowd.historyPath);
    expect(lines.filter(({ kind }) => kind === 'close')).toEqual(
      Array.from({ length: 3 }, () => expect.objectContaining({ by: 'us', code: 1000 })),
    );
    expect(lines.some(({ kind }) => kind === 'delay')).toBe(true);
    expect(readFileSync(crowd.historyPath, 'utf8')).toMatch(/"reason":"done"\}\n$/);
  });

  test('while the journal presses nobody reads, and everybody goes on after it', async () => {
    const crowd = await trial(await chat());
    await signInAndOpen(crowd);
    crowd.press(true);
    await crowd.together('ask', (user) => user.ask());
    const reading = crowd.each('read the answer', (user) => user.answered());
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    await crowd.settle();
    const events = (): number =>
      linesOf(crowd.historyPath).filter(({ event }) => event === 'agent_completed').length;
    expect(events()).toBe(0);
    crowd.press(false);
    await reading;
    await crowd.close('done');
    expect(events()).toBe(3);
  });

  test('an abort ends the phase under way and those to come', async () => {
    const crowd = await trial(await chat(() => undefined));
    await signInAndOpen(crowd);
    await crowd.together('ask', (user) => user.ask());
    const reading = crowd.each('read the answer', (user) => user.answered());
    crowd.abort('enough');
    await expect(reading).rejects.toThrow(TrialAborted);
    await expect(crowd.each('more', (user) => user.ask())).rejects.toThrow('enough');
    await crowd.close('fail-fast');
    const failures = linesOf(crowd.historyPath).filter(({ kind }) => kind === 'failure');
    expect(failures).toEqual([]);
  });
});

describe('opening a trial', () => {
  test('a plan beyond the limits of the target sends nothing and tells all mistakes', async () => {
    let connections = 0;
    const url = await socketServer(closers, () => {
      connections += 1;
    });
    await expect(
      trial(url, { users: 5_000, signIn: 'password', headers: [['bad name', 'x']] }),
    ).rejects.toThrow(PlanInvalid);
    expect(connections).toBe(0);
  });

  test('whoever watches sees every line as it is written', async () => {
    const seen: Observation[] = [];
    const crowd = await trial(
      await chat(),
      {},
      { watch: (header) => (observation) => header.users.length === 3 && seen.push(observation) },
    );
    await goldenPath(crowd);
    await crowd.close('done');
    expect(seen.map(({ n }) => n)).toEqual(linesOf(crowd.historyPath).map(({ n }) => n));
  });

  test('neither tokens nor passwords nor gateway headers are in the history', async () => {
    const crowd = await trial(await chat(), { headers: [['x-gateway', 'gateway-secret-value']] });
    await goldenPath(crowd);
    await crowd.close('done');
    const text = readFileSync(crowd.historyPath, 'utf8');
    expect(text).not.toMatch(/token-of-|Xq7-|gateway-secret/);
    expect(text).toMatch(/"sec-websocket-protocol":"\[redacted:[0-9a-f]{16}\]"/);
  });
});
