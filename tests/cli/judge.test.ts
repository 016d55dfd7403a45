import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  crosstalk,
  start,
  startConfined,
  startUnprinted,
  temporaryDirectory,
} from './command-line.ts';
import { printedIn } from './documents.ts';
import { handMadeHistory } from './histories.ts';

function directoryWith(files: Readonly<Record<string, string>>): string {
  const cwd = temporaryDirectory();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, path)), { recursive: true });
    writeFileSync(join(cwd, path), text);
  }
  return cwd;
}

async function judge(words: readonly string[], cwd: string) {
  const { code, out } = await crosstalk(['judge', ...words, '--json'], { cwd });
  return { code, printed: printedIn(out) };
}

const quiet = handMadeHistory().receives({ type: 'heartbeat' });
const leaking = handMadeHistory();
const leaked = leaking.receives({ type: 'notice', text: `see ${leaking.foreignMarker}` });

describe('judge', () => {
  it('fails a history with a leak although it was interrupted', async () => {
    const cwd = directoryWith({ 'one/history.ndjson': leaked.text });
    const { code, printed } = await judge(['one'], cwd);
    expect(code).toBe(1);
    expect(printed).toMatchObject({ verdict: 'fail', cause: 'leak', trials: [{ findings: 1 }] });
    expect(printed.verdicts[0]?.findings).toContainEqual(
      expect.objectContaining({ rule: 'isolation/foreign-marker', observer: 'u01', owner: 'u00' }),
    );
    expect(readdirSync(cwd)).toEqual(['one']);
  });

  it('judges a history with members of another writer as it does one without', async () => {
    const whole = leaked.ends();
    const [header = '', ...rest] = whole.lines;
    const noted = rest.map((line) => line.replace(/}$/, ',"note":{"by":"another"}}'));
    const cwd = directoryWith({
      'plain/history.ndjson': whole.text,
      'noted/history.ndjson': `${[header, ...noted].join('\n')}\n`,
    });
    const [plain, other] = [await judge(['plain'], cwd), await judge(['noted'], cwd)];
    expect(other.code).toBe(1);
    const told = ({ printed }: typeof plain) =>
      printed.verdicts[0]?.findings.map(({ rule, place, message }) => ({ rule, place, message }));
    expect(told(other)).toEqual(told(plain));
    expect(other.printed.verdicts[0]?.rules).toEqual(plain.printed.verdicts[0]?.rules);
  });

  it('never passes a history without its last line, nor one that is cut off', async () => {
    const cwd = directoryWith({
      'no-end/history.ndjson': quiet.text,
      'cut/history.ndjson': quiet.ends().text.slice(0, -20),
    });
    for (const path of ['no-end', 'cut']) {
      const { code, printed } = await judge([path], cwd);
      expect(code).toBe(2);
      expect(printed).toMatchObject({ verdict: 'inconclusive', cause: 'blind' });
    }
  });

  it('lets the worst of several histories decide, and reports what it could not read', async () => {
    const cwd = directoryWith({
      'campaign/trials/a-websocket/history.ndjson': quiet.text,
      'campaign/trials/b-websocket/history.ndjson': leaked.text,
      'campaign/trials/c-websocket/history.ndjson': 'not a history\n',
    });
    const { code, printed } = await judge(['campaign'], cwd);
    expect(code).toBe(1);
    expect(printed.trials.map(({ dir, verdict }) => [dir, verdict])).toEqual([
      ['trials/a-websocket', 'inconclusive'],
      ['trials/b-websocket', 'fail'],
    ]);
    expect(printed.reasons[0]).toContain('c-websocket/history.ndjson');
  });

  it('passes over no history of a directory, wherever it lies', async () => {
    const cwd = directoryWith({
      'kept/1/2/3/4/5/6/7/8/history.ndjson': leaked.text,
      'elsewhere/history.ndjson': leaked.text,
      'campaign/trials/a-websocket/history.ndjson': quiet.text,
      'linked/file/note.txt': '',
      'linked/trials/b-websocket/history.ndjson': quiet.text,
    });
    symlinkSync(join(cwd, 'elsewhere/history.ndjson'), join(cwd, 'linked/file/history.ndjson'));
    symlinkSync(join(cwd, 'campaign'), join(cwd, 'linked/other'));
    symlinkSync(join(cwd, 'linked'), join(cwd, 'linked/latest'));
    expect(await judge(['kept'], cwd)).toMatchObject({ code: 1 });
    const { code, printed } = await judge(['linked'], cwd);
    expect(code).toBe(1);
    expect(printed.trials.map(({ dir }) => dir)).toEqual([
      'file',
      'trials/b-websocket',
      'other/trials/a-websocket',
    ]);
  });

  it('reports trials of a campaign that left no history, and histories that are no files', async () => {
    const cwd = directoryWith({
      'campaign/trials/a-websocket/history.ndjson': quiet.text,
      'campaign/trials/b-websocket/verdict.json': '{}',
    });
    mkdirSync(join(cwd, 'campaign/trials/c-websocket/history.ndjson'), { recursive: true });
    mkdirSync(join(cwd, 'gone'));
    symlinkSync('nowhere', join(cwd, 'gone/history.ndjson'));
    const { printed } = await judge(['campaign'], cwd);
    expect(printed.reasons.slice(0, 2)).toEqual([
      '"campaign/trials/c-websocket/history.ndjson" is no file that can be read',
      '"campaign/trials/b-websocket" must hold a history.ndjson, and holds none',
    ]);
    expect(await judge(['gone'], cwd)).toMatchObject({
      code: 2,
      printed: { trials: [], reasons: ['"gone/history.ndjson" is no file that can be read'] },
    });
  });

  it('takes a trial that did not apply for what its campaign took it, unless it saw a leak', async () => {
    const cause = { scenario: 'cancel', transport: 'websocket', reason: 'no way to stop a run' };
    const note = JSON.stringify(cause);
    const cwd = directoryWith({
      'one/history.ndjson': quiet.ends().text,
      'one/not-applicable.json': note,
      'leak/history.ndjson': leaked.text,
      'leak/not-applicable.json': note,
      'damaged/history.ndjson': quiet.ends().text,
      'damaged/not-applicable.json': '{',
    });
    const { code, printed } = await judge(['one'], cwd);
    expect(code).toBe(2);
    expect(printed).toMatchObject({ trials: [], notApplicable: [cause] });
    expect(await judge(['leak'], cwd)).toMatchObject({ code: 1, printed: { notApplicable: [] } });
    const damaged = await judge(['damaged'], cwd);
    expect(damaged).toMatchObject({ code: 2, printed: { notApplicable: [] } });
    expect(damaged.printed.trials).toHaveLength(1);
  });

  it('ends with 2 if no history can be read, with 64 if there is none', async () => {
    const cwd = directoryWith({ 'empty.ndjson': '', 'folder/readme.txt': '' });
    expect(await judge(['empty.ndjson'], cwd)).toMatchObject({ code: 2, printed: { trials: [] } });
    const { code, out } = await crosstalk(['judge', 'folder', '--json'], { cwd });
    expect(code).toBe(64);
    expect(out).toContain('NO_HISTORY');
  });

  it('writes verdicts and reports only with --out', async () => {
    const cwd = directoryWith({ 'kept/one.ndjson': leaked.text, 'kept/truth.ndjson': '{}\n' });
    const { code } = await judge(['kept', '--out', 'judged'], cwd);
    expect(code).toBe(1);
    expect(readdirSync(join(cwd, 'judged')).toSorted()).toEqual([
      'allure-results',
      'ctrf-report.json',
      'junit.xml',
      'report.html',
      'summary.json',
      'summary.md',
      'trials',
    ]);
    const verdict = join(cwd, 'judged/trials/golden-path-websocket/verdict.json');
    expect(existsSync(verdict)).toBe(true);
    expect(JSON.parse(readFileSync(verdict, 'utf8'))).toMatchObject({ verdict: 'fail' });
  });

  it('hides no verdict where its artifacts cannot be written', async () => {
    const cwd = directoryWith({ 'leak/history.ndjson': leaked.text });
    const words = ['judge', 'leak', '--out', 'out', '--json'];
    const { code, out } = await startConfined(words, { cwd, blocksMax: 4 }).ended;
    expect(code).toBe(1);
    const { verdicts, ...summary } = printedIn(out);
    expect(verdicts).toHaveLength(1);
    expect(summary).toMatchObject({ verdict: 'fail', cause: 'leak' });
    expect(summary.reasons[0]).toContain('artifacts could not be written: EFBIG');
    expect(JSON.parse(readFileSync(join(cwd, 'out/summary.json'), 'utf8'))).toEqual(summary);
  });

  it('keeps its exit code where nobody reads standard error any more', async () => {
    const cwd = temporaryDirectory();
    const { child, ended } = start(['judge', 'nothing'], { cwd });
    child.stderr?.destroy();
    expect((await ended).code).toBe(64);
  });

  it.runIf(existsSync('/dev/full'))('ends in no success that could not be printed', async () => {
    const cwd = directoryWith({
      'leak/history.ndjson': leaked.text,
      'quiet/history.ndjson': quiet.text,
    });
    const { code, err } = await startUnprinted(['list', 'rules'], { cwd }).ended;
    expect(code).toBe(2);
    expect(err).toContain('NOT_WRITTEN: standard output: ENOSPC');
    for (const [name, judged] of [['leak', 1] as const, ['quiet', 2] as const])
      expect((await startUnprinted(['judge', name], { cwd }).ended).code, name).toBe(judged);
    expect((await startUnprinted(['judge', '--json'], { cwd }).ended).code).toBe(64);
  });

  it('says first what happened, then shows the witness and how to reproduce it', async () => {
    const cwd = directoryWith({ 'history.ndjson': leaked.text });
    const { out } = await crosstalk(['judge', 'history.ndjson'], { cwd });
    expect(out.split('\n')[0]).toMatch(/^FAIL \(leak\) {2}golden-path on websocket/);
    expect(out).toContain('[isolation/foreign-marker]');
    expect(out).toContain('line 2: ');
    expect(out).toContain('npx crosstalk run golden-path --seed by-hand');
  });

  it('names no seed where no history tells one', async () => {
    const cwd = directoryWith({ 'history.ndjson': 'no history\n' });
    const { code, out } = await crosstalk(['judge', '.', '--out', 'judged'], { cwd });
    expect(code).toBe(2);
    expect(out).toMatch(/^INCONCLUSIVE \(blind\) {2}0 of 0 trials passed\n/);
    expect(readFileSync(join(cwd, 'judged', 'summary.md'), 'utf8')).toContain('- Seed: unknown\n');
  });

  it('keeps verdicts of scenarios with names that no file system takes', async () => {
    const long = quiet.text.replaceAll('"golden-path"', JSON.stringify(`a${'é/x'.repeat(200)}`));
    const cwd = directoryWith({ 'one/history.ndjson': long, 'two/history.ndjson': long });
    const { printed } = await judge(['one', 'two', '--out', 'judged'], cwd);
    expect(printed.reasons.join()).not.toContain('could not be written');
    for (const { dir } of printed.trials)
      expect(existsSync(join(cwd, 'judged', dir, 'verdict.json'))).toBe(true);
    expect(new Set(printed.trials.map(({ dir }) => dir)).size).toBe(2);
  });

  it('is not coloured where nobody looks, whatever the environment says of CI', async () => {
    const cwd = directoryWith({ 'history.ndjson': leaked.text });
    const { out, err } = await crosstalk(['judge', 'history.ndjson'], { cwd, env: { CI: 'true' } });
    // oxlint-disable-next-line no-control-regex -- escape codes are what must not be there
    expect(out + err).not.toMatch(/\u001B/);
  });

  it('says of the example what the README says it does', async () => {
    const root = fileURLToPath(new URL('../../', import.meta.url));
    const { code, out } = await crosstalk(['judge', 'docs/example'], { cwd: root });
    const said = out.split('\n').slice(0, 4).join('\n');
    expect(code).toBe(1);
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`\n${said}\n`);
  });
});
