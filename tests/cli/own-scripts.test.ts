import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { patientIn } from '../patient.ts';
import { crosstalk, temporaryDirectory } from './command-line.ts';
import { printedIn } from './documents.ts';

const moduleOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const IMPORTS = `import { expect, test } from '${moduleOf('scenarios/fixtures.ts')}';
import { goldenPath } from '${moduleOf('scenarios/stories/golden-path.ts')}';
`;

/** Runs scripts of the caller's own, each a body by its name, and perhaps built-in scenarios, over sockets. */
async function run(scripts: Readonly<Record<string, string>>, ...scenarios: readonly string[]) {
  const cwd = temporaryDirectory();
  const paths = Object.entries(scripts).map(([name, body]) => {
    writeFileSync(join(cwd, `${name}.spec.mts`), `${IMPORTS}${body}\n`);
    return `./${name}.spec.mts`;
  });
  const quick = '--users 2 --pace 0.1 --transport websocket --json --quiet --out out'.split(' ');
  const words = ['run', ...scenarios, ...paths, ...quick, ...patientIn(cwd)];
  // There, too, `--json` prints one document: annotations would be lines beside it.
  const env = { GITHUB_ACTIONS: 'true' };
  const { code, out, err } = await crosstalk(words, { cwd, env });
  return { code, err, printed: printedIn(out) };
}

describe('a campaign with scripts of the caller', () => {
  it('lacks what its scripts leave out or skip on the way', async () => {
    const { code, err, printed } = await run(
      {
        skipped: `test.skip('later', async ({ crowd }) => goldenPath(crowd));`,
        crowdless: `test('nobody', () => expect(1).toBe(1));`,
        midway: `test('midway', async ({ crowd }) => {
          await goldenPath(crowd);
          await crowd.settle();
          test.skip(true, 'the rest does not matter');
        });`,
      },
      'golden-path',
    );
    expect(code, err).toBe(2);
    expect(printed).toMatchObject({ verdict: 'inconclusive', cause: 'blind' });
    expect(printed.reasons).toEqual(
      expect.arrayContaining([
        'no trial of skipped on websocket',
        'no trial of crowdless on websocket',
        expect.stringContaining('evidence/incomplete-history'),
      ]),
    );
    const passed = printed.trials.filter(({ verdict }) => verdict === 'pass');
    expect(passed.map(({ scenario }) => scenario)).toEqual(['golden-path']);
  });

  it('does not pass when one script keeps the others from being run', async () => {
    const { code, err, printed } = await run(
      { alone: `test['only']('alone', async ({ crowd }) => goldenPath(crowd));` },
      'golden-path',
    );
    expect(code, err).toBe(2);
    expect(printed.reasons).toEqual(['no trial of golden-path on websocket']);
  });

  it('does not pass when a script failed as it was expected to', async () => {
    const { code, err, printed } = await run({
      expected: `test.fail('expected', async ({ crowd }) => {
        await goldenPath(crowd);
        await crowd.settle();
        throw new Error('a known fault');
      });`,
    });
    expect(code, err).toBe(2);
    expect(printed.reasons).toEqual([expect.stringContaining('a known fault')]);
  });

  it('says with what a script broke off, which its history cannot', async () => {
    const { code, err, printed } = await run({
      broken: `test('broken', async ({ crowd }) => {
        await crowd.each('sign in', (user) => user.signIn());
        throw new Error('no such luck');
      });`,
    });
    expect(code, err).toBe(2);
    expect(printed.reasons[0]).toMatch(/broken\.spec\.mts › broken: Error: no such luck/);
    expect(printed.reasons).toContain(
      'evidence/incomplete-history: the trial was cut short: failed',
    );
  });
});
