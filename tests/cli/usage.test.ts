import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { crosstalk, start, temporaryDirectory } from './command-line.ts';
import { portOf } from '../clients/lab.ts';
import { errorsIn } from './documents.ts';
import { handMadeHistory } from './histories.ts';
import { PAGE, writeProfile } from './profiles.ts';

async function mistakesOf(words: readonly string[], cwd?: string): Promise<readonly string[]> {
  const { code, out } = await crosstalk([...words, '--json'], cwd === undefined ? {} : { cwd });
  expect(code).toBe(64);
  return errorsIn(out);
}

describe('usage errors', () => {
  it('lists all three mistakes of a call at once and starts nothing', async () => {
    const cwd = temporaryDirectory();
    const words = ['run', '--users', '0', '--target', 'nope', '--transport', 'pigeon'];
    const { code, out, err } = await crosstalk(words, { cwd });
    expect(code).toBe(64);
    expect(out).toBe('');
    expect(err).toContain('3 mistakes, nothing was started');
    expect(err).toMatch(/BAD_VALUE: "--users" must be a whole number from 1 to \d+, got "0"/);
    expect(err).toMatch(/TARGET_UNKNOWN: .*nope/);
    expect(err).toMatch(/UNKNOWN_NAME: .*pigeon/);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('finds every kind of mistake beside the others', async () => {
    const cwd = temporaryDirectory();
    mkdirSync(join(cwd, 'full'));
    writeFileSync(join(cwd, 'full', 'something'), '');
    writeFileSync(join(cwd, 'slo.json'), '{"conect":{"limit":1}}');
    writeFileSync(
      join(cwd, 'users.json'),
      '[{"email":"a@b.c","password":"hush-hush"},{"token":1}]',
    );
    const errors = await mistakesOf(
      (
        'run golden-pat --bogus --seed a/b --rounds 1.5 --timeout 0 --url http://127.0.0.1:9 ' +
        '--fault broadcas,swap --variant nix --transport websocket --out full --slo slo.json ' +
        '--headed --slow-mo slow --trace --browsers 0 --browser-users 3 ' +
        '--pace fast --users-file users.json --sign-in magic --header oops --address'
      ).split(' '),
      cwd,
    );
    for (const expected of [
      /UNKNOWN_OPTION: "--bogus"/,
      /UNKNOWN_NAME: "golden-pat".*Did you mean "golden-path"/,
      /BAD_VALUE: "--seed"/,
      /BAD_VALUE: "--rounds"/,
      /BAD_VALUE: "--timeout"/,
      /BAD_VALUE: "--pace"/,
      /UNKNOWN_NAME: "--fault broadcas".*Did you mean "broadcast"/,
      /UNKNOWN_NAME: "--variant nix"/,
      /CONFLICT: "--fault" is for the embedded target only/,
      /CONFLICT: "--headed" is for users in browsers/,
      /CONFLICT: "--slow-mo" is for users in browsers/,
      /BAD_VALUE: "--slow-mo"/,
      /CONFLICT: "--trace" is for users in browsers/,
      /BAD_VALUE: "--browsers"/,
      /CONFLICT: "--browser-users" is for users in browsers/,
      /OUT_NOT_EMPTY: .*"full"/,
      /UNKNOWN_NAME: "conect".*Did you mean "connect"/,
      /BAD_FILE: "--users-file users.json".*entry 1/,
      /UNKNOWN_NAME: "--sign-in".*"magic"/,
      /BAD_VALUE: "--header" must be NAME=VALUE, got something else/,
      /MISSING_ARGUMENT: "--address" needs a value/,
    ])
      expect(errors).toContainEqual(expect.stringMatching(expected));
    expect(errors.join()).not.toContain('hush-hush');
  });

  it('refuses browsers where the profile describes no page, each transport by name', async () => {
    const cwd = temporaryDirectory();
    writeProfile(cwd, 'pageless', 'page: undefined');
    const words = 'run --target ./pageless.mts --transport browser,mixed --browser-users 11';
    const errors = await mistakesOf(words.split(' '), cwd);
    expect(errors).toEqual([
      expect.stringMatching(/NOT_ALLOWED: transport "browser" needs a page, .*"pageless"/),
      expect.stringMatching(/NOT_ALLOWED: transport "mixed" needs a page/),
      expect.stringMatching(/NOT_ALLOWED: a mixed crowd of 10 must have 1 to 10 .* got 11/),
    ]);
  });

  it('refuses a number of browser users where no crowd is mixed', async () => {
    const cwd = temporaryDirectory();
    writeProfile(cwd, 'paged', PAGE);
    const words = 'run --target ./paged.mts --browser-users 3';
    expect(await mistakesOf(words.split(' '), cwd)).toEqual([
      expect.stringMatching(/CONFLICT: "--browser-users" is for a mixed crowd/),
    ]);
  });

  it('refuses more users than the users file has, and production without consent', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'users.json'), '[{"email":"a@b.c","password":"hush-hush"}]');
    writeFileSync(join(cwd, 'package.json'), '{"type":"module"}');
    writeFileSync(
      join(cwd, 'live.ts'),
      `import reference from '${new URL('../../targets/reference.ts', import.meta.url).href}';
       const judging = { ...reference.judging, name: 'live' };
       export default { ...reference, name: 'live', judging, production: true, embedded: false };`,
    );
    const errors = await mistakesOf(
      ['run', '--target', 'live.ts', '--url', 'http://127.0.0.1:9', '--users-file', 'users.json'],
      cwd,
    );
    expect(errors).toContainEqual(expect.stringMatching(/NOT_ALLOWED: .*an entry for each of 10/));
    expect(errors).toContainEqual(expect.stringMatching(/NOT_ALLOWED: .*--allow-production/));
  });

  it('holds what all trials of a campaign ask at least against the budget of the target', async () => {
    const cwd = temporaryDirectory();
    const limits = 'limits: { ...reference.limits, questionsMax: 30 }';
    writeProfile(cwd, 'tight', `${limits}, embedded: false, ${PAGE}`);
    const words = 'run --target ./tight.mts --url http://127.0.0.1:9 --users 5';
    const asked = async (more: string): Promise<readonly string[]> => {
      // Another mistake, so that what is within the budget starts nothing either.
      const errors = await mistakesOf(`${words} --pace 1 ${more}`.split(' '), cwd);
      return errors.filter((error) => error.includes('questions'));
    };
    expect(await asked('golden-path cancel sign-out --transport websocket,mixed')).toEqual([]);
    expect(await asked('golden-path --rounds 4')).toEqual([
      expect.stringMatching(
        /NOT_ALLOWED: .*at most 30 questions a campaign, got at least 40 \(2 trials of 5 users × 4 rounds\)/,
      ),
    ]);
    expect(await asked('golden-path cancel idle-limit --rounds 2')).toEqual([
      expect.stringMatching(/got at least 50 \(5 trials/),
    ]);
    expect(await asked('golden-path --rounds 7')).toEqual([
      expect.stringContaining('got 35 (5 users × 7 rounds)'),
    ]);
    expect(await asked('soak --rounds 4 --for 5m')).toEqual([]);
  });

  it('lets a whole sign-off and a night of ten users ask what the netra profile allows', async () => {
    const url = '--target netra --url http://127.0.0.1:9 --pace 1';
    const everywhere = 'run --tag nightly --transport websocket,browser,mixed';
    for (const words of ['signoff', 'run --tag nightly', everywhere])
      expect(await mistakesOf(`${words} ${url}`.split(' '))).toEqual([
        expect.stringMatching(/CONFLICT: "--pace"/),
      ]);
    expect(await mistakesOf(`signoff --users 30 ${url}`.split(' '))).toContainEqual(
      expect.stringMatching(/at most 1000 questions a campaign, got at least 1080 \(36 trials/),
    );
  });

  it('reads files that begin with a byte order mark', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'users.json'), '\ufeff[{"email":"a@b.c","password":"hush-hush"}]');
    writeFileSync(join(cwd, 'slo.json'), '\ufeff{"api":{"limit":100}}');
    const words = 'run --users 1 --users-file users.json --slo slo.json --bogus';
    expect(await mistakesOf(words.split(' '), cwd)).toEqual([
      expect.stringMatching(/^UNKNOWN_OPTION/),
    ]);
  });

  it.each([
    ['file', /"[^"]*file" is no directory/],
    ['file/below/it', /"[^"]*file" is no directory/],
    ['dangling', /is a link to nothing/],
    ['dangling/below', /is a link to nothing/],
    ['circle/below', /is a link that leads in a circle/],
    ['n'.repeat(300), /has a name that is too long/],
    [`absent/${'n'.repeat(300)}`, /has a name that is too long/],
    ['/sys/x', /"\/sys" must not be written to/],
    ['/proc/nope/x', /"\/proc" (takes no files|must not be written to)/],
  ])('refuses a place for artifacts that cannot be had: %s', async (place, reason) => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'file'), '');
    symlinkSync('gone', join(cwd, 'dangling'));
    symlinkSync('circle', join(cwd, 'circle'));
    writeFileSync(join(cwd, 'one.ndjson'), handMadeHistory().ends().text);
    const before = readdirSync(cwd);
    const refused = expect.stringMatching(
      new RegExp(`^BAD_VALUE: "--out" must be a directory.*${reason.source}`),
    );
    const other = expect.stringContaining('UNKNOWN_OPTION');
    expect(await mistakesOf(['run', '--out', place, '--bogus'], cwd)).toEqual([other, refused]);
    expect(await mistakesOf(['judge', 'one.ndjson', '--out', place], cwd)).toEqual([refused]);
    expect(await mistakesOf(['trend', cwd, '--out', place], cwd)).toContainEqual(refused);
    expect(readdirSync(cwd)).toEqual(before);
  });

  it('leaves nothing behind of a place that could be had, when another mistake stops it', async () => {
    const cwd = temporaryDirectory();
    expect(await mistakesOf(['run', '--out', 'deep/er/est', '--users', '0'], cwd)).toHaveLength(1);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('lists every mistake of a file of limits, of whatever kind', async () => {
    const cwd = temporaryDirectory();
    const slo = { conect: { limit: 1 }, api: { limit: -1 }, delivery: { limt: 5 } };
    writeFileSync(join(cwd, 'slo.json'), JSON.stringify(slo));
    expect(await mistakesOf(['run', '--slo', 'slo.json'], cwd)).toEqual([
      expect.stringMatching(/UNKNOWN_NAME: "conect"/),
      expect.stringMatching(/BAD_FILE: "api.limit" in "--slo slo.json"/),
      expect.stringMatching(/BAD_FILE: "delivery.limit" in "--slo slo.json"/),
      expect.stringMatching(/BAD_FILE: "delivery" in "--slo slo.json": .*limt/),
    ]);
  });

  it('looks at addresses although the target is unknown, and at what is for the embedded one alone', async () => {
    const words = 'run --target nope --url nowhere --address chat=http://127.0.0.1 --header oops';
    expect(await mistakesOf(words.split(' '))).toEqual([
      expect.stringMatching(/BAD_VALUE: "--header" must be NAME=VALUE/),
      expect.stringMatching(/TARGET_UNKNOWN: .*nope/),
      expect.stringMatching(/BAD_ADDRESS: .*chat/),
      expect.stringMatching(/BAD_ADDRESS: .*--url.*nowhere/),
    ]);
    const known = 'run --fault nope --pace fast --url http://127.0.0.1:9';
    expect(await mistakesOf(known.split(' '))).toEqual([
      expect.stringMatching(/UNKNOWN_NAME: "--fault nope"/),
      expect.stringMatching(/BAD_VALUE: "--pace"/),
      expect.stringMatching(/CONFLICT: "--fault" is for the embedded target only/),
      expect.stringMatching(/CONFLICT: "--pace" is for the embedded target only/),
    ]);
    expect(await mistakesOf(['doctor', '--target', 'nope'])).toHaveLength(1);
  });

  it.each(['nowhere/truth.ndjson', 'folder', 'full.ndjson/below'])(
    'refuses to write the ground truth to %s, beside other mistakes',
    async (truth) => {
      const cwd = temporaryDirectory();
      mkdirSync(join(cwd, 'folder'));
      writeFileSync(join(cwd, 'full.ndjson'), '{}\n');
      expect(await mistakesOf(['target', '--truth', truth, '--port', 'x'], cwd)).toEqual([
        expect.stringMatching(/BAD_VALUE: "--port"/),
        expect.stringMatching(/BAD_VALUE: "--truth" must be a file that can be written to: E/),
      ]);
    },
  );

  it('leaves no ground truth behind, and none changed, when another mistake stops it', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'full.ndjson'), '{}\n');
    for (const truth of ['full.ndjson', 'new.ndjson'])
      expect(await mistakesOf(['target', '--truth', truth, '--port', 'x'], cwd)).toHaveLength(1);
    expect(readdirSync(cwd)).toEqual(['full.ndjson']);
    expect(readFileSync(join(cwd, 'full.ndjson'), 'utf8')).toBe('{}\n');
  });

  it('says what a profile outside of an ES module package lacks, and takes it once it is there', async () => {
    const cwd = temporaryDirectory();
    writeProfile(cwd, 'mine', '');
    renameSync(join(cwd, 'mine.mts'), join(cwd, 'mine.ts'));
    const mistakes = async () => {
      // How modules are loaded is a matter of the command's own process.
      const { code, out } = await start(
        ['run', '--target', './mine.ts', '--users', '0', '--json'],
        { cwd },
      ).ended;
      expect(code).toBe(64);
      return errorsIn(out);
    };
    const users = expect.stringContaining('BAD_VALUE: "--users"');
    expect(await mistakes()).toEqual([
      'TARGET_UNREADABLE: "./mine.ts" must be an ES module. Name it mine.mts, or put {"type":"module"} into a package.json beside it.',
      users,
    ]);
    writeFileSync(join(cwd, 'package.json'), '{"type":"module"}');
    expect(await mistakes()).toEqual([users]);
  });

  it('accepts the profile that the documentation shows', async () => {
    const cwd = temporaryDirectory();
    const root = new URL('../../', import.meta.url);
    const guide = readFileSync(new URL('docs/targets.md', root), 'utf8');
    const [, snippet = ''] = /```ts\n([\s\S]*?)```/.exec(guide) ?? [];
    writeFileSync(join(cwd, 'my-chat.mts'), snippet.replace('../crosstalk/', root.href));
    // It loads, so what is missing is only the address; with one, only the target itself would be.
    const errors = await mistakesOf(['doctor', '--target', './my-chat.mts'], cwd);
    expect(errors).toEqual([expect.stringMatching(/BAD_ADDRESS: .*MY_CHAT_URL/)]);
  });

  it('takes the word after an unknown option for an argument, unless it resembles one with a value', async () => {
    const unknown = expect.stringContaining('UNKNOWN_OPTION');
    const noScenario = (word: string) => expect.stringContaining(`"${word}" is no scenario`);
    expect(await mistakesOf(['run', '--nix', 'nosuch', 'other'])).toEqual([
      unknown,
      noScenario('nosuch'),
      noScenario('other'),
    ]);
    expect(await mistakesOf(['run', '--sed', '42', '--hedaed', 'nosuch'])).toEqual([
      unknown,
      unknown,
      noScenario('nosuch'),
    ]);
  });

  it.each([
    [[], /NO_COMMAND/],
    [['jugde'], /UNKNOWN_COMMAND: "jugde".*Did you mean "judge"/],
    [['--users', '5', 'run'], /UNKNOWN_OPTION: "--users" must stand after .*crosstalk run --users/],
    [['--jsn', 'list', 'targets'], /UNKNOWN_OPTION: "--jsn" is no option of "crosstalk"/],
    [['--quiet=no', 'list', 'targets'], /UNEXPECTED_ARGUMENT: "--quiet" takes no value/],
    [['list', 'targets', '--quiet=no'], /UNEXPECTED_ARGUMENT: "--quiet" takes no value/],
    [['list', '--json', 'targets', '--'], /"--json" stands after "--"/],
    [
      ['target', '--fault', 'broadcast,,swap'],
      /BAD_VALUE: "--fault" .* "broadcast,,swap" with an empty/,
    ],
    [['run', '--transport', 'websocket,'], /BAD_VALUE: "--transport" .*"websocket," with an empty/],
    [['run', '--transport', ''], /MISSING_ARGUMENT: "--transport" needs a value, got an empty one/],
    [['run', '--seed', ''], /MISSING_ARGUMENT: "--seed" needs a value, got an empty one/],
    [['target', '--port', '99999'], /BAD_VALUE: "--port"/],
    [['doctor', '--target', 'nope'], /TARGET_UNKNOWN/],
    [['list', 'wishes'], /UNKNOWN_NAME.*"wishes"/],
    [['explain', 'foreign-makrer'], /Did you mean "isolation\/foreign-marker"/],
    [
      ['selftest', '--only', 'qqqqqq'],
      /"--only qqqqqq" names no fault and no variant\. Run "crosstalk list faults" and "crosstalk list variants" for all \d+\.$/,
    ],
    [['explain', 'nope'], /"nope" is no rule and no fault\. Run/],
    [['judge'], /MISSING_ARGUMENT/],
    [['judge', 'nowhere'], /NO_HISTORY: "nowhere"/],
    [['run', '--tag', 'never'], /UNKNOWN_NAME: "--tag never"/],
  ])('refuses %j', async (words, expected) => {
    const errors = await mistakesOf(words);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(expected);
  });
});

it('tells once that a port is taken', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => {
    taken.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void taken.close());
  const { code, err } = await crosstalk(['target', '--port', String(portOf(taken))]);
  expect(code).toBe(64);
  expect(
    err
      .trimEnd()
      .split('\n')
      .map((line) => line.trim()),
  ).toEqual([
    'crosstalk: 1 mistake, nothing was started',
    expect.stringMatching(/^BAD_VALUE: "--port" must be a port that is free to use/),
  ]);
});
