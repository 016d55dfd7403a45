import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RULES } from '../../history/rules.ts';
import { FAULTS, VARIANTS } from '../../reference/catalogue.ts';
import { crosstalk, start } from './command-line.ts';
import { listedIn } from './documents.ts';

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));

describe('list', () => {
  it.each([
    ['rules', RULES.map(({ name }) => name)],
    ['faults', FAULTS.map(({ name }) => name)],
    ['variants', VARIANTS.map(({ name }) => name)],
    ['targets', ['reference', 'netra']],
    ['scenarios', ['golden-path']],
  ])('lists all %s as names and texts', async (kind, names) => {
    const { code, out, err } = await crosstalk(['list', kind, '--json']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(listedIn(out).map(({ name }) => name)).toEqual(expect.arrayContaining(names));
  });
});

describe('what every command takes', () => {
  it('may stand in front of the command', async () => {
    const after = await crosstalk(['list', 'targets', '--json', '--quiet']);
    expect(await crosstalk(['--json', '--quiet', 'list', 'targets'])).toEqual(after);
    expect(after.code).toBe(0);
    expect(listedIn(after.out)).not.toEqual([]);
  });
});

describe('explain', () => {
  it('explains a rule by its short name, with the faults that show it', async () => {
    const { code, out } = await crosstalk(['explain', 'foreign-run']);
    expect(code).toBe(0);
    expect(out).toContain('isolation/foreign-run');
    expect(out).toContain('npx crosstalk run --fault embedded-foreign-id');
  });

  it('explains a fault, with the rule that catches it', async () => {
    const { code, out } = await crosstalk(['explain', 'broadcast', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      kind: 'fault',
      name: 'broadcast',
      rules: ['isolation/misdelivered-event'],
    });
  });
});

describe('help and version', () => {
  it('prints the version of the package', async () => {
    expect(await crosstalk(['--version'])).toEqual({
      code: 0,
      out: `${version}\n`,
      err: '',
    });
  });

  it.each(['run', 'list'])('has examples in the help of %s', async (command) => {
    const { code, out } = await crosstalk([command, '--help']);
    expect(code).toBe(0);
    expect(out).toContain(`npx crosstalk ${command}`);
    expect(out).toContain('--json');
  });

  it('prints help without loading what only running needs', async () => {
    // Node tells of every file it loads, and each of those of every source that it was made of.
    const { code, err } = await start(['--help'], { env: { NODE_DEBUG: 'module,esm' } }).ended;
    expect(code).toBe(0);
    const loaded = new Set(err.match(/\/[^\s'"]*\/cli-main-ts\/[\w-]+\.mjs/g));
    const compiled = [...loaded].map((file) => readFileSync(file, 'utf8')).join('\n');
    expect(compiled).toContain('// node_modules/commander/');
    const heavy = /node_modules\/(playwright|playwright-core|ws|undici|zod|@faker-js)\//;
    expect(err).not.toMatch(heavy);
    expect(compiled).not.toMatch(heavy);
  });
});
