import { expect, it } from 'vitest';
import { crosstalk } from './command-line.ts';

it('tells a leak while the trial runs, also when another violation came first', async () => {
  const words = 'run --users 3 --transport websocket --pace 0.2 --fault duplicate,late-leak';
  const { code, err } = await crosstalk(words.split(' '));
  expect(code, err).toBe(1);
  const lines = err.split('\n');
  const at = (pattern: RegExp): number => lines.findIndex((line) => pattern.test(line));
  expect(at(/^ {2}violation: .*\[order\/duplicate-event\]$/), err).toBeGreaterThan(0);
  expect(at(/^ {2}LEAK: .*\[isolation\//), err).toBeGreaterThan(at(/^ {2}violation: /));
});
