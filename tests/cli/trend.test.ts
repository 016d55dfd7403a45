import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeReports } from '../../cli/publish.ts';
import type { Verdict } from '../../history/verdict.ts';
import { writeJsonArtifact } from '../../reports/write-artifact.ts';
import { campaignOf, failureOf, findingOf, verdictOf } from '../reports/verdicts.ts';
import { crosstalk, temporaryDirectory } from './command-line.ts';
import { errorsIn } from './documents.ts';

/** Writes a campaign as `run` does, as if it had started at this time. */
function writeCampaign(folder: string, startedAt: string, verdict: Verdict): string {
  const { summary, trials } = campaignOf({ ...verdict, trial: { ...verdict.trial, startedAt } });
  const out = join(folder, `${startedAt.slice(0, 19).replaceAll(':', '-')}Z-41`);
  for (const trial of trials)
    writeJsonArtifact(join(out, trial.dir, 'verdict.json'), trial.verdict);
  writeReports(out, summary, trials);
  return out;
}

describe('trend', () => {
  it('reads the campaigns of a folder, and writes a page and a JSON file into it', async () => {
    const folder = temporaryDirectory();
    writeCampaign(folder, '2026-01-01T02:00:00.000Z', verdictOf());
    const last = writeCampaign(folder, '2026-01-04T02:00:00.000Z', failureOf([findingOf()]));
    const cut = writeCampaign(folder, '2026-01-03T02:00:00.000Z', verdictOf());
    rmSync(join(cut, 'summary.json'));
    symlinkSync(last, join(folder, 'latest'));
    mkdirSync(join(folder, 'something else'));

    const { code, out, err } = await crosstalk([
      'trend',
      folder,
      '--until',
      '2026-01-05',
      '--json',
    ]);
    expect(code, err).toBe(0);
    const trend: unknown = JSON.parse(out);
    expect(trend).toMatchObject({
      nights: [
        { date: '2026-01-01', outcome: 'pass' },
        { date: '2026-01-02', outcome: 'none' },
        { date: '2026-01-03', outcome: 'unreadable' },
        { date: '2026-01-04', outcome: 'fail', campaigns: ['2026-01-04T02-00-00Z-41'] },
        { date: '2026-01-05', outcome: 'none' },
      ],
      findings: [{ firstNight: '2026-01-04', lastGood: { date: '2026-01-01' } }],
    });
    expect(JSON.parse(readFileSync(join(folder, 'trend.json'), 'utf8'))).toEqual(trend);
    expect(readFileSync(join(folder, 'trend.html'), 'utf8')).toMatch(/^<!doctype html>/);
  });

  it('passes over no campaign whose name or start tells a day that there is not', async () => {
    const folder = temporaryDirectory();
    const names = ['2026-02-30T00-00-00Z-a', '2026-13-45T00-00-00Z-b'];
    for (const name of names) mkdirSync(join(folder, name));
    const { code, out } = await crosstalk(['trend', folder, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      nights: [{ outcome: 'unreadable', campaigns: names }],
    });
    const until = await crosstalk(['trend', folder, '--until', '2026-02-30', '--json']);
    expect(errorsIn(until.out)).toEqual([expect.stringMatching(/^BAD_VALUE: "--until"/)]);
  });

  it('refuses what is no folder of campaigns, with all mistakes at once', async () => {
    const folder = temporaryDirectory();
    const { code, out } = await crosstalk(['trend', folder, '--until', 'yesterday', '--json']);
    expect(code).toBe(64);
    expect(errorsIn(out)).toEqual([
      expect.stringMatching(/BAD_VALUE: "--until" must be a day/),
      expect.stringMatching(/BAD_FILE: .* holds none/),
    ]);
    expect((await crosstalk(['trend'])).code).toBe(64);
  });
});
