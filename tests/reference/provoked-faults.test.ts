import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FAULTS } from '../../reference/catalogue.ts';
import { DEFAULT_OPTIONS } from '../../reference/options.ts';
import { startTarget } from '../../reference/service.ts';
import {
  TestSocket,
  TestUser,
  call,
  payloadOf,
  startTestTarget,
  text,
  until,
  upgradeStatus,
} from './crowd.ts';
import type { Json, TestTarget } from './crowd.ts';
import { sightings } from './sightings.ts';

const FIVE = [
  'agent_started',
  'agent_thinking',
  'tool_executing',
  'tool_completed',
  'agent_completed',
];
const FAIL_WORD = 'kaputt';

/** Three users with threads and notes, in the order of their sign-ins. */
interface Scene {
  readonly target: TestTarget;
  readonly anna: TestUser;
  readonly ben: TestUser;
  readonly cora: TestUser;
  /** True if the target wrote that this happened to the observer. */
  readonly wrote: (observer: TestUser | null, owner: TestUser | null, run?: string) => boolean;
}

type Play = (scene: Scene) => Promise<void>;

const PLAYS: Readonly<Record<string, Play>> = {
  // Cancelling, and failing.
  shift: async ({ anna, ben, cora, wrote }) => {
    const [annas, bens, coras] = await Promise.all([anna.connect(), ben.connect(), cora.connect()]);
    await stopped(anna, annas);
    const run = ben.ask(bens);
    expect(answerIn(await bens.event(run, 'agent_completed'))).toContain(anna.note);
    const next = cora.ask(coras);
    expect(answerIn(await coras.event(next, 'agent_completed'))).toContain(ben.note);
    expect(wrote(ben, anna, run) && wrote(cora, ben, next)).toBe(true);
    const own = ben.ask(bens);
    expect(answerIn(await bens.event(own, 'agent_completed'))).toContain(cora.note);
  },

  'cancel-kills-neighbour': async ({ anna, ben, cora, wrote }) => {
    const [annas, bens, coras] = await Promise.all([anna.connect(), ben.connect(), cora.connect()]);
    const spared = cora.ask(coras);
    const killed = ben.ask(bens);
    await bens.event(killed, 'agent_started');
    await stopped(anna, annas);
    await bens.event(killed, 'agent_stopped');
    expect(wrote(ben, anna, killed)).toBe(true);
    await coras.event(spared, 'agent_completed');
    expect(bens.typesOf(killed)).not.toContain('agent_completed');
  },

  'error-kills-neighbour': async ({ anna, ben, cora, wrote }) => {
    const [annas, bens, coras] = await Promise.all([anna.connect(), ben.connect(), cora.connect()]);
    const failing = anna.ask(annas, `Is it ${FAIL_WORD}?`);
    const spared = cora.ask(coras);
    const killed = ben.ask(bens);
    await annas.event(failing, 'agent_error');
    await bens.event(killed, 'agent_error');
    expect(wrote(ben, anna, killed)).toBe(true);
    await coras.event(spared, 'agent_completed');
  },

  // Probes.
  'thread-name-key': async ({ target, anna, wrote }) => {
    const dora = new TestUser(target.url);
    await enter(dora);
    const made = await dora.call('/api/threads', { body: { title: anna.title } });
    dora.threadId = text(made.body['id']);
    const annas = await anna.connect();
    const run = anna.ask(annas);
    await annas.event(run, 'agent_completed');
    const { body } = await dora.call(`/api/threads/${dora.threadId}/messages`);
    expect(JSON.stringify(body)).toContain(anna.note);
    expect(wrote(dora, anna, run)).toBe(true);
  },

  'thread-read': async ({ anna, ben, wrote }) => {
    const annas = await anna.connect();
    await annas.event(anna.ask(annas), 'agent_completed');
    const path = `/api/threads/${anna.threadId}`;
    expect((await ben.call(path)).body['title']).toBe(anna.title);
    expect(JSON.stringify((await ben.call(`${path}/messages`)).body)).toContain(anna.note);
    expect((await ben.call(path, { method: 'DELETE' })).status).toBe(403);
    expect((await ben.call('/api/threads/thread_nowhere')).status).toBe(404);
    expect(wrote(ben, anna)).toBe(true);
  },

  'socket-foreign-thread': async ({ anna, ben, wrote }) => {
    const [annas, bens] = await Promise.all([anna.connect(), ben.connect()]);
    await annas.event(anna.ask(annas), 'agent_completed');
    const own = ben.threadId;
    ben.threadId = anna.threadId;
    const run = ben.ask(bens);
    expect(answerIn(await bens.event(run, 'agent_completed'))).toContain(anna.note);
    ben.threadId = own;
    const { body } = await anna.call(`/api/threads/${anna.threadId}/messages`);
    expect(JSON.stringify(body)).toContain(ben.note);
    expect(wrote(ben, anna) && wrote(anna, ben)).toBe(true);
    expect(wrote(ben, anna, run)).toBe(true);
    await bens.event(ben.ask(bens), 'agent_completed');
  },

  'socket-foreign-stop': async ({ anna, ben, wrote }) => {
    const [annas, bens] = await Promise.all([anna.connect(), ben.connect()]);
    const run = anna.ask(annas);
    await annas.event(run, 'agent_started');
    bens.send({ type: 'stop_agent', payload: { run_id: run } });
    await annas.event(run, 'agent_stopped');
    expect(wrote(ben, anna, run) && wrote(anna, ben, run)).toBe(true);
  },

  'resume-by-id': async ({ anna, ben, wrote }) => {
    const [annas, bens] = await Promise.all([anna.connect(), ben.connect()]);
    const run = anna.ask(annas);
    await annas.event(run, 'agent_thinking');
    bens.send({ type: 'resume', payload: { run_id: run, after: 0 } });
    await bens.event(run, 'agent_completed');
    expect(bens.typesOf(run)).toEqual(FIVE);
    expect(wrote(ben, anna, run)).toBe(true);
  },

  'expired-token': async ({ target, wrote }) => {
    const short = new TestUser(target.url);
    await enter(short, { ttl_seconds: 1 });
    const expiresAtMs = expiryOf(short.token) * 1_000;
    await until(() => Date.now() > expiresAtMs);
    const socket = await short.connect();
    await socket.event(short.ask(socket), 'agent_completed');
    expect(wrote(short, null)).toBe(true);
    const other = await TestUser.register(target.url);
    await other.call('/auth/logout', { method: 'POST' });
    expect(await upgradeStatus(target.url, ['jwt-auth', `jwt.${other.token}`])).toBe(401);
    expect(await upgradeStatus(target.url, ['jwt-auth', `jwt.${unsigned(short.token)}`])).toBe(401);
  },

  'unsigned-token': async ({ target, anna, ben, wrote }) => {
    for (const token of [unsigned(anna.token), brokenSignature(ben.token)]) {
      const socket = new TestSocket(target.url, ['jwt-auth', `jwt.${token}`]);
      await socket.frame('connection_established');
      socket.close();
    }
    expect(wrote(anna, null) && wrote(ben, null)).toBe(true);
    await ben.call('/auth/logout', { method: 'POST' });
    expect(await upgradeStatus(target.url, ['jwt-auth', `jwt.${brokenSignature(ben.token)}`])).toBe(
      401,
    );
  },

  'no-token': async ({ target, wrote }) => {
    const [one, other] = [new TestSocket(target.url), new TestSocket(target.url)];
    const greetings = [
      await one.frame('connection_established'),
      await other.frame('connection_established'),
    ];
    for (const { data } of greetings) expect(data).toMatchObject({ user_id: 'e2e-default-user' });
    one.send({ type: 'user_message', payload: { content: 'Who am I?' } });
    await one.frame('agent_completed');
    expect(wrote(null, null)).toBe(true);
    expect(await upgradeStatus(target.url, ['jwt-auth', 'jwt.a.b.c'])).toBe(401);
  },

  'cross-origin-socket': async ({ target, anna, wrote }) => {
    const cookie = `reference_session=${anna.token}`;
    const status = (origin: string): Promise<number> =>
      upgradeStatus(target.url, [], { headers: { cookie, origin } });
    expect(await status(target.url)).toBe(101);
    expect(wrote(anna, null)).toBe(false);
    expect(await status('http://evil.test')).toBe(101);
    expect(wrote(anna, null)).toBe(true);
    expect(await upgradeStatus(target.url, [], { headers: { origin: 'http://evil.test' } })).toBe(
      401,
    );
  },

  'stale-after-logout': async ({ target, anna, wrote }) => {
    const annas = await anna.connect();
    const run = anna.ask(annas);
    await annas.event(run, 'agent_started');
    await anna.call('/auth/logout', { method: 'POST' });
    await annas.event(run, 'agent_completed');
    await annas.event(anna.ask(annas), 'agent_completed');
    expect(wrote(anna, null)).toBe(true);
    expect(await upgradeStatus(target.url, ['jwt-auth', `jwt.${anna.token}`])).toBe(401);
  },

  // Coming late, and coming back.
  'replay-on-connect': async ({ anna, ben, cora, wrote }) => {
    const annas = await anna.connect();
    expect(annas.frames).toHaveLength(1);
    const run = anna.ask(annas);
    await annas.event(run, 'agent_completed');
    const bens = await ben.connect();
    await bens.event(run, 'agent_completed');
    expect(bens.typesOf(run)).toEqual(FIVE);
    expect(wrote(ben, anna, run)).toBe(true);
    const again = await anna.connect();
    await again.event(anna.ask(again), 'agent_completed');
    expect(again.typesOf(run)).toEqual([]);
    expect(wrote(cora, anna)).toBe(false);
  },

  'reconnect-race': async ({ anna, ben, wrote }) => {
    const [annas, bens] = await Promise.all([anna.connect(), ben.connect()]);
    const calm = anna.ask(annas);
    await annas.event(calm, 'agent_completed');
    const run = anna.ask(annas);
    await annas.event(run, 'tool_executing');
    bens.socket.terminate();
    const back = await ben.connect();
    await back.event(run, 'tool_completed');
    await annas.event(run, 'agent_completed');
    await back.event(ben.ask(back), 'agent_completed');
    expect(back.typesOf(run)).toEqual(['tool_completed']);
    expect(back.typesOf(calm)).toEqual([]);
    expect(wrote(ben, anna, run)).toBe(true);
  },

  'replay-disorder': async ({ anna, wrote }) => {
    const { back, run } = await reconnected(anna);
    await back.event(run, 'agent_completed');
    await back.event(run, 'agent_thinking');
    const types = back.typesOf(run);
    expect(types.toSorted()).toEqual(FIVE.slice(1).toSorted());
    expect(types.indexOf('agent_thinking')).toBeGreaterThan(0);
    const numbers = back.frames.filter((frame) => frame['run_id'] === run).map(sequenceOf);
    expect(numbers).not.toEqual(numbers.toSorted((one, other) => one - other));
    expect(wrote(anna, null, run)).toBe(true);
  },

  'lost-on-reconnect': async ({ anna, wrote }) => {
    const { back, run } = await reconnected(anna);
    await back.event(run, 'agent_completed');
    expect(back.typesOf(run)).not.toContain('agent_thinking');
    expect(wrote(anna, null, run)).toBe(true);
  },

  'handshake-race': async ({ anna, ben, wrote }) => {
    const annas = await anna.connect();
    const lost = anna.ask(annas);
    await until(() => wrote(anna, null, lost));
    const bens = await ben.connect();
    // As long as the target is in a hurry, what is asked of it is lost.
    const heard = await askUntilHeard(ben, bens);
    await bens.event(heard, 'agent_completed');
    expect(annas.frames).toHaveLength(1);
  },

  'name-prefix': async ({ target, cora, wrote }) => {
    const [short, long, near] = ['dora', 'dora-b', 'dorabella'].map(
      (name) => new TestUser(target.url, `${name}@crowd.test`),
    );
    if (short === undefined || long === undefined || near === undefined) throw new Error('names');
    await enter(short);
    await enter(long);
    await enter(near);
    const [shorts, longs, nears] = await Promise.all([
      short.connect(),
      long.connect(),
      near.connect(),
    ]);
    const run = long.ask(longs);
    await shorts.event(run, 'agent_completed');
    expect(shorts.typesOf(run)).toEqual(FIVE);
    const [shortsRun, nearsRun] = [short.ask(shorts), near.ask(nears)];
    await shorts.event(shortsRun, 'agent_completed');
    await nears.event(nearsRun, 'agent_completed');
    expect(longs.typesOf(shortsRun)).toEqual([]);
    expect(shorts.typesOf(nearsRun)).toEqual([]);
    expect(wrote(short, long, run)).toBe(true);
    expect(wrote(cora, long)).toBe(false);
  },

  // Time, absence and coming back.
  'stale-after-revocation': async ({ target, anna, ben, wrote }) => {
    const [annas, bens] = await Promise.all([anna.connect(), ben.connect()]);
    const run = anna.ask(annas);
    expect((await anna.call('/auth/revoke', { method: 'POST' })).status).toBe(200);
    expect((await anna.call('/auth/me')).status).toBe(401);
    expect(await upgradeStatus(target.url, ['jwt-auth', `jwt.${anna.token}`])).toBe(401);
    await annas.event(run, 'agent_completed');
    expect(wrote(anna, null)).toBe(true);
    // Whoever signs out is not kept.
    await ben.call('/auth/logout', { method: 'POST' });
    expect(await bens.closed).toBe(1008);
  },

  'thread-delete': async ({ anna, ben, wrote }) => {
    const path = `/api/threads/${anna.threadId}`;
    expect((await ben.call(path)).status).toBe(403);
    expect((await ben.call(path, { method: 'DELETE' })).body).toMatchObject({ deleted: true });
    expect((await anna.call(path)).status).toBe(404);
    expect(wrote(ben, anna) && wrote(anna, ben)).toBe(true);
  },

  'ticket-replay': async ({ target, anna, wrote }) => {
    const { body } = await anna.call('/api/websocket/ticket', { method: 'POST', body: {} });
    const query = `?ticket=${text(body['ticket_id'])}`;
    expect(await upgradeStatus(target.url, [], { query })).toBe(101);
    expect(wrote(anna, null)).toBe(false);
    expect(await upgradeStatus(target.url, [], { query })).toBe(101);
    expect(wrote(anna, null)).toBe(true);
    expect(await upgradeStatus(target.url, [], { query: '?ticket=ticket_nowhere' })).toBe(401);
  },

  'refresh-mixup': async ({ target, anna, ben, wrote }) => {
    const refreshed = async ({ refreshToken }: TestUser): Promise<Json> => {
      const body = { refresh_token: refreshToken };
      return (await call(target.url, '/auth/refresh', { body })).body;
    };
    expect(await refreshed(anna)).toMatchObject({ user: { email: anna.email } });
    expect(await refreshed(ben)).toMatchObject({ user: { email: anna.email } });
    expect(wrote(ben, anna)).toBe(true);
  },

  'thread-list-cache': async ({ target, anna, ben, wrote }) => {
    const again = ({ email, password }: TestUser): ReturnType<typeof call> =>
      call(target.url, '/auth/login', { body: { email, password } });
    await again(anna);
    expect(JSON.stringify((await anna.call('/api/threads')).body)).toContain(anna.title);
    await again(ben);
    const listed = JSON.stringify((await ben.call('/api/threads')).body);
    expect(listed).toContain(anna.title);
    expect(listed).not.toContain(ben.title);
    expect(wrote(ben, anna)).toBe(true);
  },

  'ids-restart': async () => {
    const truth = join(mkdtempSync(join(tmpdir(), 'reference-')), 'truth.ndjson');
    const lives: { readonly email: string; readonly thread: string }[] = [];
    for (const email of ['first@crowd.test', 'second@crowd.test']) {
      const target = await startTarget({ ...DEFAULT_OPTIONS, faults: ['ids-restart'], truth });
      const user = await enter(new TestUser(target.url, email));
      lives.push({ email, thread: user.threadId });
      await target.close();
    }
    const [first, second] = lives;
    expect(second?.thread).toBe(first?.thread);
    const written = readFileSync(truth, 'utf8');
    expect(written).toContain(`"observer":"${second?.email}","owner":"${first?.email}"`);
    expect(written).toContain(`"observer":"${first?.email}","owner":"${second?.email}"`);
  },

  'heartbeat-roster': async () => {
    const target = await startTestTarget({ faults: ['heartbeat-roster'], heartbeatSeconds: 0.2 });
    const anna = await TestUser.register(target.url);
    const ben = await TestUser.register(target.url);
    const [annas] = await Promise.all([anna.connect(), ben.connect()]);
    const named = (frame: Json): boolean => JSON.stringify(frame).includes(ben.email);
    const heartbeat = await annas.wait((frame) => frame['type'] === 'heartbeat' && named(frame));
    expect(JSON.stringify(heartbeat)).toContain(ben.id);
    expect(target.truth()).toContainEqual(
      expect.objectContaining({ observer: anna.email, owner: ben.email, event: 'heartbeat' }),
    );
    await target.close();
  },

  'slow-reader-starves': async ({ anna, ben, wrote }) => {
    const [annas, bens] = await Promise.all([anna.connect(), ben.connect()]);
    const before = ben.ask(bens);
    await bens.event(before, 'agent_completed');
    expect(bens.typesOf(before)).toEqual(FIVE);
    annas.socket.pause();
    // Until it is noticed that she does not read, nothing is lost.
    let run = before;
    while (bens.typesOf(run).includes('tool_completed')) {
      run = ben.ask(bens);
      await bens.event(run, 'agent_completed');
    }
    expect(bens.typesOf(run)).toEqual(FIVE.filter((type) => type !== 'tool_completed'));
    expect(wrote(ben, anna, run)).toBe(true);
    annas.socket.resume();
  },
};

/** Slow enough to act in the middle of a run. */
const PACE = 1;

test('every fault that needs more than questions is played here or at a browser', () => {
  const walked = new Set(['gp', 'r2', 'eq', 'barrier', 'many rounds']);
  const others = FAULTS.filter(
    ({ needs, seenBy }) => seenBy !== 'page' && needs.split(', ').some((need) => !walked.has(need)),
  );
  expect(Object.keys(PLAYS).toSorted()).toEqual(others.map(({ name }) => name).toSorted());
});

describe.concurrent('when it is provoked', () => {
  test.each(Object.entries(PLAYS))(
    '%s happens, is written down, and explains all that anybody sees of another',
    async (name, play) => {
      const target = await startTestTarget({ faults: [name], pace: PACE, failWord: FAIL_WORD });
      const anna = await enter(new TestUser(target.url));
      const ben = await enter(new TestUser(target.url));
      const cora = await enter(new TestUser(target.url));
      await play({ target, anna, ben, cora, wrote: reader(target, name) });
      await target.close();
      const explained = new Set(
        target.truth().map(({ observer, owner }) => JSON.stringify([observer, owner])),
      );
      const unexplained = sightings([anna, ben, cora])
        .map((pair) => JSON.stringify(pair))
        .filter((pair) => !explained.has(pair));
      expect(unexplained).toEqual([]);
      for (const line of target.truth()) {
        expect(line['fault']).toBe(name);
        if (line['owner'] !== null) expect(line['owner']).not.toBe(line['observer']);
      }
    },
  );
});

function reader(target: TestTarget, fault: string): Scene['wrote'] {
  return (observer, owner, run) =>
    target
      .truth()
      .some(
        (line) =>
          line['fault'] === fault &&
          line['observer'] === (observer?.email ?? null) &&
          line['owner'] === (owner?.email ?? null) &&
          (run === undefined || line['run'] === run),
      );
}

async function enter(user: TestUser, extra: Json = {}): Promise<TestUser> {
  await user.register(extra);
  await user.settle();
  return user;
}

/** Asks, and stops the run as soon as it has started. */
async function stopped(user: TestUser, socket: TestSocket): Promise<void> {
  const run = user.ask(socket);
  await socket.event(run, 'agent_started');
  socket.send({ type: 'stop_agent', payload: { run_id: run } });
  await socket.event(run, 'agent_stopped');
}

/** Loses the connection after the first event, misses at least the second, and resumes. */
async function reconnected(user: TestUser): Promise<{ back: TestSocket; run: string }> {
  const [leaving, watching] = [await user.connect(), await user.connect()];
  const run = user.ask(leaving);
  await leaving.frame('ack');
  // A second tab, which has missed nothing so far, shows when the thought has passed.
  watching.send({ type: 'resume', payload: { run_id: run, after: 0 } });
  await leaving.event(run, 'agent_started');
  leaving.socket.terminate();
  await watching.event(run, 'agent_thinking');
  const back = await user.connect();
  back.send({ type: 'resume', payload: { run_id: run, after: 1 } });
  return { back, run };
}

async function askUntilHeard(user: TestUser, socket: TestSocket): Promise<string> {
  let run = user.ask(socket);
  const isHeard = (): boolean =>
    socket.frames.some(
      ({ type, payload }) => type === 'ack' && JSON.stringify(payload).includes(run),
    );
  await until(() => {
    if (!isHeard()) run = user.ask(socket);
    return isHeard();
  });
  return run;
}

const answerIn = (frame: Json): string => text(payloadOf(frame)['response']);
const sequenceOf = (frame: Json): number => Number(frame['sequence']);

function expiryOf(token: string): number {
  const claims: unknown = JSON.parse(
    Buffer.from(token.split('.')[1] ?? '', 'base64url').toString(),
  );
  if (typeof claims !== 'object' || claims === null || !('exp' in claims))
    throw new Error('no exp');
  return Number(claims.exp);
}

function unsigned(token: string): string {
  const head = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
  return `${head}.${token.split('.')[1] ?? ''}.`;
}

function brokenSignature(token: string): string {
  const [head = '', claims = '', signature = ''] = token.split('.');
  return `${head}.${claims}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
}
