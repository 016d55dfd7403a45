import { describe, expect, it } from 'vitest';
import { RUN } from '../../cli/campaign-kind.ts';
import { OptionReader } from '../../cli/option-reader.ts';
import { outputFor } from '../../cli/output.ts';
import { readRunSettings } from '../../cli/run-options.ts';
import { Mistakes, UsageError } from '../../cli/usage-error.ts';
import { crosstalk, temporaryDirectory } from './command-line.ts';
import { errorsIn } from './documents.ts';

const LIMITS = { msMin: 1_000, msMax: 3_600_000, example: '5m' };

function durationOf(text: unknown): { ms: number | null; mistakes: readonly string[] } {
  const mistakes = new Mistakes();
  const ms = new OptionReader({ for: text }, mistakes).duration('for', LIMITS);
  try {
    mistakes.throwIfAny();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { ms, mistakes: error.message.split('\n') };
  }
  return { ms, mistakes: [] };
}

describe('a duration', () => {
  it.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['1h', 3_600_000],
    ['1500ms', 1_500],
    ['1.5m', 90_000],
  ])('%s is read as %i ms', (text, ms) => {
    expect(durationOf(text)).toEqual({ ms, mistakes: [] });
  });

  it.each(['90', 's', '-5m', '5 m', '5min', '999ms', '61m', '1e3s'])('%s is refused', (text) => {
    const { ms, mistakes } = durationOf(text);
    expect(ms).toBeNull();
    expect(mistakes.join('\n')).toContain(`got "${text}". Pass for example --for 5m`);
  });

  it('that is absent is none, and one without a value is a mistake', () => {
    expect(durationOf(undefined)).toEqual({ ms: null, mistakes: [] });
    expect(durationOf(true).mistakes.join('\n')).toContain('"--for" needs a value');
  });
});

async function settingsOf(words: string, options: Readonly<Record<string, unknown>>) {
  const mistakes = new Mistakes();
  const output = outputFor(['--quiet']);
  return readRunSettings({ args: words.split(' '), options, mistakes, output }, RUN);
}

describe('a scenario that lasts', () => {
  it('gets its durations, and they stand in the command that repeats it', async () => {
    const { plan } = await settingsOf('soak', { for: '30m', ramp: '90s', seed: 'a' });
    expect(plan).toMatchObject({ forMs: 1_800_000, rampMs: 90_000 });
    expect(plan.reproduce).toContain('run soak --seed a');
    expect(plan.reproduce).toContain('--for 30m --ramp 90s');
  });

  it('goes on as long as it says itself where nobody says anything', async () => {
    expect((await settingsOf('soak', {})).plan).toMatchObject({ forMs: null, rampMs: 0 });
  });

  it('of which no user comes over a ramp refuses one', async () => {
    const words = 'run explore --for 1m --ramp 30s --json'.split(' ');
    const { code, out } = await crosstalk(words, { cwd: temporaryDirectory() });
    expect(code).toBe(64);
    expect(errorsIn(out)).toEqual([
      'CONFLICT: "--ramp" is for scenarios whose users come over a time, but those of "explore" do not. Run soak, or leave it out.',
    ]);
    expect((await settingsOf('explore soak', { ramp: '30s' })).plan.rampMs).toBe(30_000);
  });

  it('that is for raw sockets alone is not applicable in browsers', async () => {
    const { plan, notApplicable } = await settingsOf('explore', { for: '5m' });
    expect(plan.transports).toEqual(['websocket']);
    expect(notApplicable).toEqual([
      { scenario: 'explore', transport: 'browser', reason: 'the scenario is for websocket' },
    ]);
  });

  it('is refused with all mistakes at once', async () => {
    const cwd = temporaryDirectory();
    const words = 'run golden-path --for 5 --ramp 1m --users 0 --json'.split(' ');
    const { code, out } = await crosstalk(words, { cwd });
    expect(code).toBe(64);
    const errors = errorsIn(out).join('\n');
    expect(errors).toMatch(/BAD_VALUE: "--for" must be a duration/);
    expect(errors).toMatch(
      /CONFLICT: "--for" is for scenarios that last, but "golden-path" does not\. Run explore or soak, or/,
    );
    expect(errors).toMatch(/CONFLICT: "--ramp" is for scenarios whose users come over a time/);
    expect(errors).toMatch(/BAD_VALUE: "--users"/);
  });

  it('cannot have users coming after its end, nor a transport it is not for', async () => {
    const cwd = temporaryDirectory();
    const words = 'run explore --for 1m --ramp 2m --transport browser --json'.split(' ');
    const { code, out } = await crosstalk(words, { cwd });
    expect(code).toBe(64);
    const errors = errorsIn(out).join('\n');
    expect(errors).toMatch(/CONFLICT: "--ramp" must be over before "--for" is, got 2m and 1m/);
    expect(errors).toMatch(/CONFLICT: "explore" is for websocket, got browser/);
  });
});
