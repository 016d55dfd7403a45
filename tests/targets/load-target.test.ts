import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TargetDefinitionError } from '../../targets/define-target.ts';
import { BUILT_IN_TARGETS, loadTarget } from '../../targets/load-target.ts';

const PROFILE = `{
  name: 'acme', production: false,
  addresses: { api: { url: 'https://chat.acme.example' } },
  signIn: { token: async () => ({ userId: 'u', token: 't', secrets: ['t'] }) },
  socket: {
    open: async () => ({ url: 'wss://a', protocols: [], headers: {} }),
    ask: () => ({ frame: {} }),
    decode: () => ({ role: 'other' }),
  },
}`;

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'crosstalk-targets-'));
  const definition = pathToFileURL(
    join(import.meta.dirname, '../../targets/define-target.ts'),
  ).href;
  const files = {
    'plain.mjs': `export default ${PROFILE};`,
    'typed.ts': `const profile: object = ${PROFILE};\nexport default profile;`,
    'defined.ts': `import { defineTarget } from ${JSON.stringify(definition)};\nexport default defineTarget(${PROFILE});`,
    'wrong.mjs': `export default { name: 'Acme' };`,
    'defined-wrong.ts': `import { defineTarget } from ${JSON.stringify(definition)};\nexport default defineTarget({ name: 'Acme' } as never);`,
    'empty.mjs': 'export const target = 1;',
    'broken.mjs': 'export default {;',
    'profile.json': '{}',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
});

afterAll(() => rmSync(directory, { recursive: true }));

async function failureOf(nameOrFile: string): Promise<TargetDefinitionError> {
  try {
    await loadTarget(nameOrFile, { directory });
  } catch (error) {
    if (error instanceof TargetDefinitionError) return error;
    throw error;
  }
  throw new Error(`"${nameOrFile}" did load.`);
}

describe('loadTarget', () => {
  it('knows the built-in targets by name', async () => {
    expect(BUILT_IN_TARGETS.map(({ name }) => name)).toEqual(['reference', 'netra']);
    for (const target of BUILT_IN_TARGETS) {
      expect(await loadTarget(target.name)).toBe(target);
      expect(target.text.length).toBeGreaterThan(10);
    }
  });

  it.each(['plain.mjs', './typed.ts', 'defined.ts'])(
    'loads the default export of %s',
    async (file) => {
      const target = await loadTarget(file, { directory });
      expect(target.name).toBe('acme');
      expect(target.judging.order.last).toBe('agent_completed');
    },
  );

  it.each(['netrra', 'profile.json', 'missing.ts'])(
    'refuses %s and says what there is',
    async (nameOrFile) => {
      const failure = await failureOf(nameOrFile);
      expect(failure.code).toBe('TARGET_UNKNOWN');
      expect(failure.mistakes).toEqual([
        expect.stringMatching(
          new RegExp(
            `^"--target ${nameOrFile}" must be a built-in target \\(reference, netra\\) or`,
          ),
        ),
      ]);
    },
  );

  it.each(['wrong.mjs', 'defined-wrong.ts'])('lists every mistake of %s', async (file) => {
    const failure = await failureOf(file);
    expect(failure.code).toBe('TARGET_INVALID');
    expect(failure.mistakes.map((mistake) => mistake.split(' ').slice(0, 2))).toEqual([
      [`${file}:`, '"name"'],
      [`${file}:`, '"production"'],
      [`${file}:`, '"addresses"'],
      [`${file}:`, '"signIn"'],
      [`${file}:`, '"socket"'],
    ]);
  });

  it('refuses a module without a default export', async () => {
    const failure = await failureOf('empty.mjs');
    expect(failure.mistakes).toEqual([
      expect.stringContaining('"empty.mjs" must have a default export'),
    ]);
  });

  it('passes on why a module does not load', async () => {
    const failure = await failureOf('broken.mjs');
    expect(failure.code).toBe('TARGET_UNREADABLE');
    expect(failure.cause).toBeInstanceOf(Error);
  });
});
