import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { crosstalk, temporaryDirectory } from '../cli/command-line.ts';
import { errorsIn, printedIn } from '../cli/documents.ts';
import { patientIn } from '../patient.ts';

async function mistakesOf(words: readonly string[], cwd: string): Promise<readonly string[]> {
  const { code, out } = await crosstalk([...words, '--json'], { cwd });
  expect(code).toBe(64);
  return errorsIn(out);
}

describe('crosstalk init scenario', () => {
  it('writes a scenario that runs and passes as it is, anywhere', async () => {
    const cwd = temporaryDirectory();
    const made = await crosstalk(['init', 'scenario', 'lost-in-a-tool', '--json'], { cwd });
    expect(made.code, made.err).toBe(0);
    expect(JSON.parse(made.out)).toEqual({
      files: ['lost-in-a-tool.spec.mts', 'lost-in-a-tool.story.mts'],
    });
    const words = '--users 3 --pace 0.1 --transport websocket --json --quiet'.split(' ');
    words.push(...patientIn(cwd));
    const ran = await crosstalk(['run', './lost-in-a-tool.spec.mts', ...words], { cwd });
    expect(ran.code, ran.err).toBe(0);
    const [trial] = printedIn(ran.out).trials;
    expect(trial).toMatchObject({ scenario: 'lost-in-a-tool', verdict: 'pass' });
    const history = readFileSync(`${cwd}/artifacts/latest/${trial?.dir}/history.ndjson`, 'utf8');
    expect(history).toMatch(/"act":"drop".*"message":"at tool_executing"/);
  });

  it('lists all mistakes at once and writes nothing', async () => {
    const cwd = temporaryDirectory();
    expect(await mistakesOf(['init', 'scenari', 'Two_Tabs', 'x'], cwd)).toEqual([
      expect.stringMatching(/^UNKNOWN_NAME: .*Did you mean "scenario"\?/),
      expect.stringMatching(/^UNEXPECTED_ARGUMENT: .*"x"/),
      expect.stringMatching(/^BAD_VALUE: .*"Two_Tabs"/),
    ]);
    expect(await mistakesOf(['init'], cwd)).toEqual([expect.stringMatching(/^MISSING_ARGUMENT/)]);
    expect(await mistakesOf(['init', 'scenario'], cwd)).toEqual([
      expect.stringMatching(/^MISSING_ARGUMENT/),
    ]);
    expect(await mistakesOf(['init', 'scenario', 'cancel'], cwd)).toEqual([
      expect.stringMatching(/^CONFLICT: there is a scenario "cancel" already/),
    ]);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('overwrites nothing', async () => {
    const cwd = temporaryDirectory();
    await crosstalk(['init', 'scenario', 'mine'], { cwd });
    expect(await mistakesOf(['init', 'scenario', 'mine'], cwd)).toHaveLength(2);
  });
});
