import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { takeBucketLock, type HeldLock } from '../../deploy/bucket-lock.ts';
import { startStorage, type StorageServer } from './storage-server.ts';

const NAME = 'locks/users';
let storage: StorageServer;
let now = 1_000_000;
beforeAll(async () => {
  storage = await startStorage();
});
afterAll(() => storage.close());
beforeEach(() => storage.objects.clear());

function take(seconds = 60): Promise<HeldLock | undefined> {
  return takeBucketLock({
    bucket: 'nights',
    name: NAME,
    seconds,
    now: () => now,
    storage: storage.url,
    token: async () => 'a-token',
  });
}

it('is held by one at a time, and free again when it is given back', async () => {
  const first = await take();
  expect(first).toBeDefined();
  expect(await take()).toBeUndefined();
  await first?.release();
  expect(storage.objects.size).toBe(0);
  expect(await take()).toBeDefined();
});

it('is got by exactly one of many who want it at once', async () => {
  const takers = await Promise.all(Array.from({ length: 20 }, () => take()));
  expect(takers.filter((held) => held !== undefined)).toHaveLength(1);
});

it('is taken over from a holder that died, by exactly one', async () => {
  const dead = await take(60);
  now += 61_000;
  const heirs = await Promise.all(Array.from({ length: 20 }, () => take()));
  expect(heirs.filter((held) => held !== undefined)).toHaveLength(1);
  // The dead one comes back to life: it must not take the lock away from its heir.
  await dead?.release();
  expect(await take()).toBeUndefined();
});

it('is an error where the storage does not answer as it should', async () => {
  const token = async (): Promise<string> => 'a-token';
  const options = { name: NAME, seconds: 60, now: () => now, token };
  await expect(
    takeBucketLock({ ...options, bucket: 'broken', storage: storage.url }),
  ).rejects.toThrow('answered 503');
  await expect(
    takeBucketLock({ ...options, bucket: 'nights', storage: 'http://127.0.0.1:1' }),
  ).rejects.toThrow('fetch failed');
});
