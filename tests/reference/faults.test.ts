import { describe, expect, test } from 'vitest';
import { FAULTS } from '../../reference/catalogue.ts';
import { FAULT_SWITCHES } from '../../reference/faults/table.ts';
import type { TargetOptions } from '../../reference/options.ts';
import { TestUser, call, marker, startTestTarget, until } from './crowd.ts';
import type { Json, TestSocket } from './crowd.ts';
import { sightings } from './sightings.ts';

/** A crowd that walked the golden path twice, and what the target says it did wrong. */
interface Walk {
  readonly users: readonly TestUser[];
  readonly sockets: readonly TestSocket[];
  readonly truth: readonly Json[];
  /** Run ids by user and round. */
  readonly runs: readonly (readonly string[])[];
}

const USERS = 4;
const ROUNDS = 2;
const RUN_MS_MAX = 10_000;
/** Faults whose victims never see the end; the others have long seen it by then. */
const ENDLESS = new Set(['drop-agent_completed', 'stall', 'other-envelope', 'flaky-socket']);
const ENDLESS_MS = 700;

// With this seed one of the first events of `rare-leak` is the unlucky one.
const SEEDS: Readonly<Record<string, string>> = { 'rare-leak': 'rare-13' };
const EQUAL_QUESTION = 'What do I like best?';

async function walk(
  fault: string | null,
  enough: (truth: readonly Json[]) => boolean,
): Promise<Walk> {
  const options: Partial<TargetOptions> = {
    faults: fault === null ? [] : [fault],
    seed: SEEDS[fault ?? ''] ?? 'tests',
  };
  const target = await startTestTarget(options);
  const users: TestUser[] = [];
  // One after the other, because faults choose their victims by the order of sign-ins.
  // oxlint-disable-next-line no-await-in-loop
  for (let index = 0; index < USERS; index += 1) users.push(await TestUser.register(target.url));
  await Promise.all(users.map((user) => user.settle()));
  await call(target.url, '/health');
  const sockets = await Promise.all(users.map((user) => user.connect()));
  const runs: string[][] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    // oxlint-disable-next-line no-await-in-loop
    runs.push(await askTogether(users, sockets, fault));
  }
  await until(() => enough(target.truth()));
  await Promise.all(users.map((user) => user.call('/api/threads')));
  await Promise.all(users.map((user) => user.call(`/api/threads/${user.threadId}/messages`)));
  // Whatever was sent has arrived once the sockets are closed.
  await target.close();
  await Promise.all(sockets.map(({ closed }) => closed));
  const truth = target.truth();
  return {
    users,
    sockets,
    truth,
    runs: users.map((_, index) => runs.map((round) => round[index] ?? '')),
  };
}

function questionFor(fault: string | null): () => string {
  return fault === 'prompt-cache' ? () => EQUAL_QUESTION : () => `What do I ${marker()} like?`;
}

async function askTogether(
  users: readonly TestUser[],
  sockets: readonly TestSocket[],
  fault: string | null,
): Promise<string[]> {
  const question = questionFor(fault);
  const withinMs = ENDLESS.has(fault ?? '') ? ENDLESS_MS : RUN_MS_MAX;
  const asked = users.map((user, index) => {
    const socket = sockets[index];
    if (socket === undefined || socket.socket.readyState !== socket.socket.OPEN) return '';
    return user.ask(socket, question());
  });
  await Promise.allSettled(
    asked.map(async (run, index) => sockets[index]?.event(run, 'agent_completed', withinMs)),
  );
  return asked;
}

// Faults whose lines say that two people are mixed up, or that show nobody's content at all.
const UNSEEN = new Set(['address-keyed', 'anonymous-empty', 'outsider']);

function isIsolation(name: string): boolean {
  return FAULTS.some((fault) => fault.name === name && fault.rules[0]?.startsWith('isolation/'));
}

const pairOf = (observer: unknown, owner: unknown): string => JSON.stringify([observer, owner]);

test('every fault of the catalogue can be switched on, and no other', () => {
  expect(FAULTS.map(({ name }) => name).toSorted()).toEqual(Object.keys(FAULT_SWITCHES).toSorted());
});

test('a clean target shows nobody anything of another and logs nothing', async () => {
  const { users, truth, sockets, runs } = await walk(null, () => true);
  expect(truth).toEqual([]);
  expect(sightings(users)).toEqual([]);
  for (const [index, socket] of sockets.entries()) {
    for (const run of runs[index] ?? []) expect(socket.typesOf(run)).toHaveLength(5);
  }
});

/** What the walk above does; the others are provoked one by one. */
const WALKED = FAULTS.filter(
  ({ needs, seenBy }) =>
    seenBy !== 'page' &&
    needs.split(', ').every((need) => ['gp', 'r2', 'eq', 'barrier'].includes(need)),
);

describe.concurrent('each fault', () => {
  test.each(WALKED.map(({ name }) => name))(
    '%s writes what it does, and explains all that anybody sees of another',
    async (name) => {
      const { users, truth } = await walk(name, (lines) =>
        lines.some((line) => line['fault'] === name),
      );
      const emails = new Set<unknown>(users.map(({ email }) => email));
      for (const line of truth) {
        expect(Object.keys(line)).toEqual([
          't',
          'fault',
          'observer',
          'owner',
          'run',
          'event',
          'how',
        ]);
        expect(line['fault']).toBe(name);
        if (name !== 'unhealthy') expect(emails).toContain(line['observer']);
        expect([...emails, 'outside', null]).toContain(line['owner']);
        if (line['owner'] !== null) expect(line['owner']).not.toBe(line['observer']);
      }
      const seen = new Set(sightings(users).map(([observer, owner]) => pairOf(observer, owner)));
      const written = new Set(
        truth
          .filter(({ owner }) => emails.has(owner))
          .map(({ observer, owner }) => pairOf(observer, owner)),
      );
      expect([...seen].filter((pair) => !written.has(pair))).toEqual([]);
      if (!UNSEEN.has(name)) expect([...written].filter((pair) => !seen.has(pair))).toEqual([]);
      if (isIsolation(name) && !UNSEEN.has(name)) expect(seen.size).toBeGreaterThan(0);
      if (!isIsolation(name)) expect(seen.size + written.size).toBe(0);
    },
  );
});
