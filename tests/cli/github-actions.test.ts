import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { crosstalk, temporaryDirectory } from './command-line.ts';

const WORDS = 'run --users 3 --transport websocket --pace 0.1 --fault broadcast';

it('in GitHub Actions a leak is annotated, and the sheet is the summary of the step', async () => {
  const cwd = temporaryDirectory();
  const summary = join(cwd, 'step-summary');
  writeFileSync(summary, '');
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary };
  const { code, out } = await crosstalk([...WORDS.split(' '), '--out', 'o'], { cwd, env });
  expect(code).toBe(1);
  expect(out).toMatch(/^::error title=Crosstalk%3A fail \(leak\)::Failed: users received data/m);
  expect(out).toMatch(/^::error title=golden-path on websocket%3A no event of another user::/m);
  expect(readFileSync(summary, 'utf8')).toMatch(/^# Crosstalk: fail \(leak\)\n/);
});
