import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { getPriority } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import {
  EmbeddedTargetFailed,
  preferToBrowsers,
  startEmbeddedTarget,
} from '../../scenarios/embedded-target.ts';
import { Closers } from '../clients/lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

test('announces an address that answers, and is gone after it was stopped', async () => {
  const target = await startEmbeddedTarget({ pace: 0.05, seed: '-seed' });
  closers.add(() => target.stop());
  expect((await fetch(`${target.url}/health`)).status).toBe(200);
  await target.stop();
  await expect(fetch(`${target.url}/health`)).rejects.toThrow();
});

test('may be stopped twice', async () => {
  const target = await startEmbeddedTarget();
  await Promise.all([target.stop(), target.stop()]);
  await target.stop();
});

test('that does not start says why', async () => {
  const started = startEmbeddedTarget({ faults: ['no-such-fault'] });
  await expect(started).rejects.toThrow(EmbeddedTargetFailed);
  await expect(started).rejects.toThrow('no-such-fault');
});

test('comes before the browsers on the processor, where that is allowed', async () => {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], {
    stdio: 'ignore',
  });
  await once(child, 'spawn');
  preferToBrowsers(child);
  const priority = getPriority(child.pid);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(priority).toBe(process.getuid?.() === 0 ? -10 : getPriority());
  // Gone already: nothing to prefer, and nothing to complain of.
  expect(() => preferToBrowsers(child)).not.toThrow();
});
