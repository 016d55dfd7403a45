import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { crosstalk, temporaryDirectory } from './command-line.ts';
import { errorsIn } from './documents.ts';
import { handMadeHistory } from './histories.ts';

const RENDERED = ['report.html', 'summary.md', 'junit.xml'] as const;

describe('report', () => {
  const cwd = temporaryDirectory();
  const read = (file: string): string => readFileSync(join(cwd, 'campaign', file), 'utf8');

  /** A campaign as `judge --out` writes it: one leaking trial, judged. */
  beforeAll(async () => {
    const made = handMadeHistory();
    const leak = { type: 'tool_completed', payload: { result: made.foreignMarker } };
    writeFileSync(join(cwd, 'history.ndjson'), made.receives(leak).ends().text);
    const judged = await crosstalk(['judge', 'history.ndjson', '--out', 'campaign'], { cwd });
    expect(judged.code).toBe(1);
  });

  it('is written by every command that writes a campaign, for its owner alone', () => {
    for (const file of RENDERED)
      expect(statSync(join(cwd, 'campaign', file)).mode & 0o777).toBe(0o600);
    expect(read('report.html')).toContain('Users were shown what belongs to other users.');
  });

  it('renders the same again from the JSON files, and judges nothing', async () => {
    const before = RENDERED.map(read);
    for (const file of RENDERED) rmSync(join(cwd, 'campaign', file));
    const json = ['summary.json', 'trials/golden-path-websocket/verdict.json'];
    const untouched = json.map(read);
    const ended = await crosstalk(['report', 'campaign'], { cwd });
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out.trimEnd().split('\n')).toEqual(
      expect.arrayContaining(RENDERED.map((file) => join('campaign', file))),
    );
    expect(json.map(read)).toEqual(untouched);
    expect([read('summary.md'), read('junit.xml')].join('')).toContain('foreign-marker');
    // The history lies elsewhere in this campaign: what was drawn from it is not there again.
    const again = read('report.html');
    expect(again).toContain('No readable history lies beside the verdict');
    expect(before[0]).not.toContain('No readable history lies beside the verdict');
    const [values = [], valuesBefore = []] = [again, before[0] ?? ''].map(
      (html) => html.match(/<data value="[^"]*"/g) ?? [],
    );
    expect(new Set(valuesBefore)).toEqual(new Set([...valuesBefore, ...values]));
  });

  it('names the digest of summary.json as it lies there, whoever wrote it', async () => {
    const dir = join(cwd, 'compact');
    cpSync(join(cwd, 'campaign'), dir, { recursive: true });
    const compact = JSON.stringify(JSON.parse(read('summary.json')));
    writeFileSync(join(dir, 'summary.json'), compact);
    expect((await crosstalk(['report', 'compact'], { cwd })).code).toBe(0);
    const digest = createHash('sha256').update(compact).digest('hex');
    expect(readFileSync(join(dir, 'summary.md'), 'utf8')).toContain(
      `| \`summary.json\` | ${compact.length.toLocaleString('en')} | \`${digest}\` |`,
    );
  });

  it('shows in its mistakes nothing that a terminal obeys', async () => {
    const dir = mkdtempSync(join(cwd, 'forged-'));
    cpSync(join(cwd, 'campaign'), dir, { recursive: true });
    const summary: unknown = JSON.parse(read('summary.json'));
    const trials = [{ ...firstTrial(summary), dir: '../\u001b[2J\u009b31m\u202e' }];
    writeFileSync(join(dir, 'summary.json'), JSON.stringify({ ...Object(summary), trials }));
    const { code, err } = await crosstalk(['report', dir], { cwd });
    expect(code).toBe(64);
    expect(err).toContain(String.raw`got "../\u{1b}[2J\u{9b}31m\u{202e}"`);
    expect((await crosstalk(['report', dir, '--json'], { cwd })).out).toContain(
      String.raw`got \"../\u001b[2J\u009b31m\u202e\"`,
    );
  });

  it('tells with --json what it wrote, and nothing with --quiet', async () => {
    // One after the other: both write the same directory.
    const told = await crosstalk(['report', 'campaign', '--json'], { cwd });
    const quiet = await crosstalk(['report', 'campaign', '--quiet'], { cwd });
    expect(JSON.parse(told.out)).toEqual({
      verdict: 'fail',
      dir: 'campaign',
      written: expect.arrayContaining([...RENDERED]) as unknown,
    });
    expect(quiet).toMatchObject({ code: 0, out: '', err: '' });
  });

  it('ends with 2 and says so when it cannot write', async () => {
    cpSync(join(cwd, 'campaign'), join(cwd, 'full'), { recursive: true });
    rmSync(join(cwd, 'full', 'report.html'));
    mkdirSync(join(cwd, 'full', 'report.html'));
    const ended = await crosstalk(['report', 'full'], { cwd });
    expect(ended).toMatchObject({ code: 2, out: '' });
    expect(ended.err).toMatch(/^NOT_WRITTEN: "full\/report\.html" could not be written: EISDIR/);
    const { code, out } = await crosstalk(['report', 'full', '--json'], { cwd });
    expect({ code, errors: errorsIn(out) }).toEqual({
      code: 2,
      errors: [expect.stringMatching(/^NOT_WRITTEN: /)],
    });
  });

  it('ends with 64 and every mistake where there is no campaign', async () => {
    mkdirSync(join(cwd, 'empty'));
    const [nothing, gone, empty, all] = await Promise.all([
      crosstalk(['report', '--json'], { cwd }),
      crosstalk(['report', 'nowhere', '--json'], { cwd }),
      crosstalk(['report', 'empty', '--json'], { cwd }),
      crosstalk(['report', 'nowhere', 'campaign', '--colour', '--json'], { cwd }),
    ]);
    for (const ended of [nothing, gone, empty, all]) expect(ended.code).toBe(64);
    expect(errorsIn(nothing.out)).toEqual([expect.stringMatching(/^MISSING_ARGUMENT: "report"/)]);
    expect(errorsIn(gone.out)).toEqual([expect.stringMatching(/^UNREADABLE_FILE: "nowhere"/)]);
    expect(errorsIn(empty.out)).toEqual([expect.stringMatching(/^UNREADABLE_FILE: .*summary/)]);
    expect(errorsIn(all.out)).toHaveLength(3);
  });

  it.each(['golden-path-websocket', join('explore-websocket', 'tries', '1')])(
    'says of what a killed run left in trials/%s how it gets its reports',
    async (left) => {
      for (const earlier of ["Ann's run", 'judged'])
        rmSync(join(cwd, earlier), { recursive: true, force: true });
      const trial = join(cwd, "Ann's run", 'trials', left);
      mkdirSync(trial, { recursive: true });
      cpSync(join(cwd, 'history.ndjson'), join(trial, 'history.ndjson'));
      const { code, out } = await crosstalk(['report', "Ann's run", '--json'], { cwd });
      expect({ code, errors: errorsIn(out) }).toEqual({
        code: 64,
        errors: [
          `UNREADABLE_FILE: "Ann's run/summary.json" must be readable, and is not there: the run did not end. Pass what it recorded to "crosstalk judge 'Ann'\\''s run' --out DIR", which writes the reports as well.`,
        ],
      });
      await crosstalk(['judge', "Ann's run", '--out', 'judged'], { cwd });
      expect(existsSync(join(cwd, 'judged', 'report.html'))).toBe(true);
    },
  );

  it('refuses files that are damaged, point elsewhere or contradict each other', async () => {
    const damaged = join(cwd, 'damaged');
    cpSync(join(cwd, 'campaign'), damaged, { recursive: true });
    const summary: unknown = JSON.parse(read('summary.json'));
    const trials = [{ ...firstTrial(summary), dir: '../elsewhere' }, firstTrial(summary)];
    writeFileSync(
      join(damaged, 'summary.json'),
      JSON.stringify({ ...Object(summary), verdict: 'pass', cause: null, trials }),
    );
    const contradicting = await crosstalk(['report', 'damaged', '--json'], { cwd });
    expect(contradicting.code).toBe(64);
    expect(errorsIn(contradicting.out)).toEqual([
      expect.stringMatching(/^BAD_FILE: .*"\.\.\/elsewhere"/),
      expect.stringMatching(/^BAD_FILE: summary\.json says pass, but .* says fail/),
    ]);
    writeFileSync(join(damaged, 'summary.json'), '{"schema":1');
    const cut = await crosstalk(['report', 'damaged'], { cwd });
    expect(cut).toMatchObject({ code: 64, out: '' });
    expect(cut.err).toContain('must hold JSON');
  });

  it.each<[string, object, string]>([
    ['a pass without a trial', { verdict: 'pass', cause: null, trials: [] }, 'names no trial'],
    ['a GO for what is no pass', { signoff: 'GO' }, 'says GO, but also fail'],
  ])('refuses %s', async (_what, change, problem) => {
    const dir = mkdtempSync(join(cwd, 'forged-'));
    cpSync(join(cwd, 'campaign'), dir, { recursive: true });
    const summary: unknown = JSON.parse(read('summary.json'));
    writeFileSync(join(dir, 'summary.json'), JSON.stringify({ ...Object(summary), ...change }));
    const { code, out } = await crosstalk(['report', dir, '--json'], { cwd });
    expect(code).toBe(64);
    expect(errorsIn(out)).toEqual([expect.stringContaining(problem)]);
  });

  it.each([
    { verdict: 'pass', cause: null },
    { cause: 'misbehaviour' },
    { findings: 0 },
    { scenario: 'cancel' },
    { transport: 'browser' },
  ])('refuses a trial of which its campaign says something else: %o', async (change) => {
    const dir = mkdtempSync(join(cwd, 'forged-'));
    cpSync(join(cwd, 'campaign'), dir, { recursive: true });
    const summary: unknown = JSON.parse(read('summary.json'));
    const trials = [{ ...firstTrial(summary), ...change }];
    writeFileSync(join(dir, 'summary.json'), JSON.stringify({ ...Object(summary), trials }));
    const { code, out } = await crosstalk(['report', dir, '--json'], { cwd });
    expect(code).toBe(64);
    expect(errorsIn(out)).toEqual([expect.stringContaining('what its verdict.json says, fail')]);
  });

  it('has examples in its help', async () => {
    const { code, out } = await crosstalk(['report', '--help'], { cwd });
    expect(code).toBe(0);
    expect(out).toContain('npx crosstalk report artifacts/latest');
  });
});

function firstTrial(summary: unknown): object {
  const trials: unknown = Object(summary).trials;
  return Array.isArray(trials) ? Object(trials[0]) : {};
}
