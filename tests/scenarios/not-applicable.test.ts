import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crosstalk, temporaryDirectory } from '../cli/command-line.ts';
import { printedIn } from '../cli/documents.ts';
import { writeProfile } from '../cli/profiles.ts';
import { patientIn } from '../patient.ts';

const QUICK = '--users 3 --pace 0.1 --transport websocket --json --quiet --out out'.split(' ');
const NO_STOP = 'socket: { ...reference.socket, stop: undefined }';

describe('a scenario whose step the target does not offer', () => {
  it('is reported as not applicable with the reason, and changes no verdict', async () => {
    const cwd = temporaryDirectory();
    writeProfile(cwd, 'unstoppable', NO_STOP);
    const words = ['run', 'cancel', 'golden-path', '--target', './unstoppable.mts', ...QUICK];
    words.push(...patientIn(cwd));
    const { code, out, err } = await crosstalk(words, { cwd });
    expect(code, err).toBe(0);
    const printed = printedIn(out);
    expect(printed.trials.map(({ scenario }) => scenario)).toEqual(['golden-path']);
    expect(printed.notApplicable).toEqual([
      {
        scenario: 'cancel',
        transport: 'websocket',
        reason: 'the profile of "unstoppable" names no way to stop a run',
      },
    ]);
    expect(err).toContain('not applicable: cancel on websocket');
    // Nobody was asked anything: what is missing is known before.
    const history = join(cwd, 'out/trials/cancel-websocket/history.ndjson');
    expect(readFileSync(history, 'utf8')).not.toContain('"act":"sign-in"');
  });

  it('is one of equal questions without notes; alone it proves nothing', async () => {
    const cwd = temporaryDirectory();
    const claims = '{ ...reference.judging.claims, echo: { agent_completed: ["question"] } }';
    writeProfile(
      cwd,
      'noteless',
      `threads: { ...reference.threads, note: undefined },
       judging: { ...reference.judging, name: 'noteless', claims: ${claims} }`,
    );
    const words = ['run', 'equal-questions', '--target', './noteless.mts', ...QUICK];
    const { code, out } = await crosstalk(words, { cwd });
    expect(code).toBe(2);
    expect(printedIn(out)).toMatchObject({
      verdict: 'inconclusive',
      trials: [],
      notApplicable: [{ reason: 'the profile of "noteless" names no place to store a note' }],
    });
  });

  it('is one whose second user comes too late to share a thread', async () => {
    const cwd = temporaryDirectory();
    const words = ['run', 'switch-account', '--variant', 'shared-thread', ...QUICK];
    const { code, out, err } = await crosstalk(words, { cwd });
    expect(code, err).toBe(2);
    expect(printedIn(out)).toMatchObject({
      verdict: 'inconclusive',
      trials: [],
      notApplicable: [
        { reason: expect.stringMatching(/^the variant shared-thread needs .+, who comes later$/) },
      ],
    });
  });

  it('that found out only on the way still fails for what leaked before', async () => {
    const cwd = temporaryDirectory();
    writeProfile(cwd, 'unstoppable', NO_STOP);
    await crosstalk(['init', 'scenario', 'late'], { cwd });
    const story = join(cwd, 'late.story.mts');
    expect(existsSync(story)).toBe(true);
    const text = readFileSync(story, 'utf8')
      .replace("crowd.needs('reconnect');", '')
      .replace(
        "user.reconnect({ at: 'tool_executing' })",
        'user.answered().then(() => user.cancel())',
      );
    writeFileSync(story, text);
    const run = (faults: readonly string[], dir: string): ReturnType<typeof crosstalk> =>
      crosstalk(
        [
          'run',
          './late.spec.mts',
          '--target',
          './unstoppable.mts',
          ...faults,
          ...QUICK.slice(0, -1),
          dir,
        ],
        { cwd },
      );
    const { out, err } = await run([], 'clean');
    expect(
      printedIn(out).notApplicable.map(({ scenario }) => scenario),
      err,
    ).toEqual(['late']);
    const leaking = await run(['--fault', 'broadcast'], 'leaking');
    expect(leaking.code).toBe(1);
    expect(printedIn(leaking.out).trials.map(({ verdict }) => verdict)).toEqual(['fail']);
  });
});
