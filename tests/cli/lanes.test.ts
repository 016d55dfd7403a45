import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lanesOf } from '../../cli/lanes.ts';
import { builtInScenarios, type ScenarioFile } from '../../cli/scenarios.ts';
import { fieldsOf } from '../clients/lab.ts';
import { patientIn } from '../patient.ts';
import { crosstalk, temporaryDirectory } from './command-line.ts';
import { printedIn } from './documents.ts';

function scenario(name: string, changes: Partial<ScenarioFile> = {}): ScenarioFile {
  const path = `/scenarios/${name}.spec.ts`;
  return {
    name,
    path,
    text: '',
    tags: [],
    lasting: false,
    ramps: false,
    waits: false,
    transports: null,
    ...changes,
  };
}

const busy = scenario('busy');
const waiting = scenario('waiting', { waits: true, transports: ['websocket'] });
const anywhere = scenario('anywhere', { waits: true });

describe('the lanes of a campaign', () => {
  const namesOf = (
    scenarios: readonly ScenarioFile[],
    transports: Parameters<typeof lanesOf>[1],
    embedded = true,
  ): unknown =>
    lanesOf({ scenarios, embedded }, transports).map((lane) => [
      lane.scenarios.map(({ name }) => name),
      lane.transports,
    ]);

  it('are two where something only waits on sockets, on a target of its own', () => {
    expect(namesOf([busy, waiting], ['websocket', 'browser'])).toEqual([
      [['busy'], ['websocket', 'browser']],
      [['waiting'], ['websocket']],
    ]);
    expect(namesOf([busy, anywhere], ['websocket'])).toEqual([
      [['busy'], ['websocket']],
      [['anywhere'], ['websocket']],
    ]);
  });

  it('are one on a target that is there already, whose users are counted', () => {
    const all = [['busy', 'waiting'], ['websocket']];
    expect(namesOf([busy, waiting], ['websocket'], false)).toEqual([all]);
  });

  it('are one where nothing waits, or nothing else is done', () => {
    expect(namesOf([busy], ['websocket'])).toEqual([[['busy'], ['websocket']]]);
    expect(namesOf([waiting], ['websocket', 'browser'])).toEqual([
      [['waiting'], ['websocket', 'browser']],
    ]);
  });

  it('keep what computes while it waits, or cannot be walked there, out of the second', () => {
    const both = ['websocket', 'browser'] as const;
    expect(namesOf([busy, anywhere], both)).toEqual([[['busy', 'anywhere'], both]]);
    expect(namesOf([busy, waiting], ['browser'])).toEqual([[['busy', 'waiting'], ['browser']]]);
  });

  it('put the silence up to the limit of a connection beside the rest of a night', () => {
    const night = builtInScenarios().filter(({ tags }) => tags.includes('nightly'));
    const [main, beside] = lanesOf({ scenarios: night, embedded: true }, ['websocket', 'browser']);
    expect(beside?.scenarios.map(({ name }) => name)).toEqual(['idle-limit']);
    expect(main?.scenarios).toHaveLength(night.length - 1);
  });
});

const WORDS = '--users 2 --transport websocket --json --quiet --out out'.split(' ');
/** What makes a written scenario one that waits. */
const WAITS = "test.use({ waits: true, transports: ['websocket'] });\n\n/**";

describe('a campaign with two lanes', () => {
  it('judges the trials of both, which went on at the same time', async () => {
    const cwd = temporaryDirectory();
    await crosstalk(['init', 'scenario', 'patient'], { cwd });
    const spec = join(cwd, 'patient.spec.mts');
    writeFileSync(spec, readFileSync(spec, 'utf8').replace('/**', WAITS));
    // Long enough for the second to begin meanwhile, however slowly it starts.
    const lasting = [...WORDS, '--pace', '1', '--rounds', '3', ...patientIn(cwd)];
    const words = ['run', 'golden-path', './patient.spec.mts', ...lasting];
    const { code, out, err } = await crosstalk(words, { cwd });
    expect(code, err).toBe(0);
    expect(printedIn(out).trials.map(({ scenario: name }) => name)).toEqual([
      'golden-path',
      'patient',
    ]);
    const [one, other] = ['golden-path', 'patient'].map((name) =>
      timesOf(join(cwd, `out/trials/${name}-websocket/history.ndjson`)),
    );
    expect(one?.from).toBeLessThan(other?.to ?? 0);
    expect(other?.from).toBeLessThan(one?.to ?? 0);
  });

  it('passes nothing where a script of the second lane does not load', async () => {
    const cwd = temporaryDirectory();
    const broken = `// waits: true, transports: ['websocket']\nthrow new Error('no such thing');\n`;
    writeFileSync(join(cwd, 'broken.spec.mts'), broken);
    const words = ['run', 'golden-path', './broken.spec.mts', ...WORDS, '--pace', '0.1'];
    words.push(...patientIn(cwd));
    const { code, out } = await crosstalk(words, { cwd });
    expect(code).toBe(2);
    const printed = printedIn(out);
    expect(printed.verdict).toBe('inconclusive');
    expect(printed.reasons.join()).toContain('no such thing');
    expect(printed.trials.map(({ verdict }) => verdict)).toEqual(['pass']);
  });
});

/** When a trial began and ended, Unix milliseconds. */
function timesOf(history: string): { readonly from: number; readonly to: number } {
  const lines = readFileSync(history, 'utf8').trimEnd().split('\n');
  const [first, last] = [lines[0], lines.at(-1)].map((line) => fieldsOf(JSON.parse(line ?? '')));
  const from = Date.parse(String(first?.['startedAt']));
  return { from, to: from + Number(last?.['t']) };
}
