import { describe, expect, test } from 'vitest';
import {
  AWAITED_IN_VAIN,
  selftestCases,
  unshownFaults,
  wordsToProvoke,
} from '../../cli/selftest-cases.ts';
import type { Transport } from '../../clients/plan.ts';
import { FAULTS, VARIANTS } from '../../reference/catalogue.ts';
import { STORIES } from '../../scenarios/stories/table.ts';
import { crosstalk, temporaryDirectory } from './command-line.ts';
import { errorsIn } from './documents.ts';

describe('the cases of the self-test', () => {
  const cases = selftestCases();

  test('hold every fault on every transport that can see it, and every variant', () => {
    for (const { name, seenBy } of FAULTS) {
      const transports = cases.filter((one) => one.name === name).map((one) => one.transport);
      const expected = { any: ['websocket', 'browser'], socket: ['websocket'], page: ['browser'] };
      expect(transports, name).toEqual(expected[seenBy]);
    }
    const variants = cases.filter(({ kind }) => kind === 'variant').map(({ name }) => name);
    expect(new Set(variants)).toEqual(new Set(VARIANTS.map(({ name }) => name)));
  });

  test('name stories that there are', () => {
    const known = STORIES.map(({ name }) => name);
    for (const { name, story } of cases) expect(known, name).toContain(story);
  });

  test('wait in vain for faults that there are', () => {
    const known = FAULTS.map(({ name }) => name);
    for (const name of AWAITED_IN_VAIN) expect(known).toContain(name);
    for (const { name, waits } of cases) expect(waits, name).toBe(AWAITED_IN_VAIN.has(name));
  });

  test('tell the words with which a user sees a fault', () => {
    const words = (wanted: string): string =>
      FAULTS.filter(({ name }) => name === wanted).map(wordsToProvoke)[0] ?? '';
    expect(words('broadcast')).toBe('--fault broadcast');
    expect(words('prompt-cache')).toBe('--fault prompt-cache --variant equal-questions --rounds 2');
    expect(words('thread-read')).toBe('hostile-access --fault thread-read --pace 1');
    expect(words('storage-residue')).toBe(
      'switch-account --fault storage-residue --transport browser',
    );
  });
});

describe('a run with faults', () => {
  const run = {
    faults: ['prompt-cache'],
    variants: [] as readonly string[],
    rounds: 1,
    transports: ['websocket'] as readonly Transport[],
    scenarios: ['golden-path'],
  };

  test('is told in which run one shows that cannot show in this one', () => {
    expect(unshownFaults(run)).toEqual([
      'the fault "prompt-cache" may not show in this run. Try: npx crosstalk run --fault prompt-cache --variant equal-questions --rounds 2',
    ]);
    expect(unshownFaults({ ...run, faults: ['flash'] }).join('')).toContain('--transport browser');
    expect(unshownFaults({ ...run, faults: ['broadcast', 'thread-read'] })).toHaveLength(1);
  });

  test.each([
    ['whose needs are met', { rounds: 3, variants: ['equal-questions'] }],
    ['that show in any', { faults: ['broadcast', 'swap'], scenarios: ['cancel'] }],
    ['of a page on the one transport that has one', { faults: ['flash'], transports: ['mixed'] }],
    ['of one of its scenarios', { faults: ['thread-read'], scenarios: ['idle', 'hostile-access'] }],
  ] as const)('is told nothing of faults %s', (_which, changes) => {
    expect(unshownFaults({ ...run, ...changes })).toEqual([]);
  });

  test('tells it before the trials', async () => {
    const words = 'run --users 2 --transport websocket --pace 0.1 --fault prompt-cache';
    const { err } = await crosstalk(words.split(' '), { cwd: temporaryDirectory() });
    expect(err).toContain('the fault "prompt-cache" may not show in this run');
  });
});

describe('crosstalk selftest', () => {
  test('prints what was caught as the documented array, and ends with 0', async () => {
    const { code, out } = await crosstalk([
      'selftest',
      '--only',
      'broadcast,parallel-tools',
      '--transport',
      'websocket',
      '--json',
      '--quiet',
    ]);
    expect(JSON.parse(out)).toEqual([
      {
        kind: 'fault',
        name: 'broadcast',
        transport: 'websocket',
        expected: { anyOf: ['isolation/misdelivered-event'] },
        verdict: 'fail',
        rules: expect.arrayContaining(['isolation/misdelivered-event']),
        ok: true,
      },
      {
        kind: 'variant',
        name: 'parallel-tools',
        transport: 'websocket',
        expected: { anyOf: [] },
        verdict: 'pass',
        rules: [],
        ok: true,
      },
    ]);
    expect(code).toBe(0);
  });

  test('lists all mistakes at once', async () => {
    const { code, err } = await crosstalk([
      'selftest',
      'swap',
      '--only',
      'brodcast',
      '--transport',
      'pigeon',
    ]);
    expect(code).toBe(64);
    expect(err).toContain('brodcast');
    expect(err).toContain('pigeon');
    expect(err).toContain('"selftest" takes no argument, got "swap"');
  });

  test('counts nothing as caught that the transport cannot show', async () => {
    const words = 'selftest --only render-only,swap --transport websocket --json';
    const { code, out } = await crosstalk(words.split(' '));
    expect(code).toBe(64);
    expect(errorsIn(out)).toEqual([
      expect.stringMatching(
        /CONFLICT: "--only render-only" shows on browser alone, got .*websocket/,
      ),
    ]);
  });
});
