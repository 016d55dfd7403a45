import { afterEach, expect, test, vi } from 'vitest';
import type { User } from '../../clients/user.ts';
import reference from '../../targets/reference.ts';
import type { Target } from '../../targets/target.ts';
import { serveTarget } from '../served-target.ts';
import { Closers, linesOf, openRawTrial } from './lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

/** As a profile does that expects a reply of another shape. */
const stumble = (): never => {
  throw new TypeError('no such member');
};

const listing = vi.fn<() => Promise<string[]>>(() => Promise.resolve([]));

interface Stumble {
  readonly name: string;
  readonly step: string;
  readonly profile: Partial<Target>;
  readonly act: (user: User) => Promise<void>;
}

const { threads } = reference;

test.each<Stumble>([
  {
    name: 'threads.list',
    step: 'own-threads',
    // Opening the chat lists them as well.
    profile: { threads: { ...threads, list: listing } },
    act: (user) => {
      listing.mockImplementation(async () => stumble());
      return user.ownThreads();
    },
  },
  {
    name: 'threads.read',
    step: 'read-thread',
    profile: { threads: { ...threads, read: async () => stumble() } },
    act: (user) => user.ask().then(() => user.answered()),
  },
  {
    name: 'refresh',
    step: 'refresh-token',
    profile: { refresh: async () => stumble() },
    act: (user) => user.refreshToken(),
  },
  {
    name: 'revoke',
    step: 'revoke',
    profile: { revoke: async () => stumble() },
    act: (user) => user.revoke(),
  },
  {
    name: 'signOut',
    step: 'sign-out',
    profile: { signOut: async () => stumble() },
    act: (user) => user.signOut(),
  },
])('a step fails where $name of the profile stumbles over a reply', async (of) => {
  const served = await serveTarget({ pace: 0.1 });
  closers.add(() => served.stop());
  const target = { ...reference, ...of.profile };
  const crowd = await openRawTrial(closers, target, { url: served.url, users: 1 });
  await crowd.each('sign in', (user) => user.signIn());
  await crowd.each('open chat', (user) => user.openChat());
  await expect(crowd.each('act', of.act)).rejects.toThrow('all 1 users are out');
  await crowd.close('failed');
  expect(linesOf(crowd.historyPath).filter(({ kind }) => kind === 'failure')).toMatchObject([
    { step: of.step, message: `the profile's ${of.name} threw: no such member` },
  ]);
});
