import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { compilePrograms } from '../../cli/compile-programs.ts';
import { PROGRAMS, programWords } from '../../scenarios/compiled-programs.ts';
import { Closers, temporaryDirectory } from '../clients/lab.ts';

const closers = new Closers();
afterEach(() => closers.closeAll());

/** A project whose programs each print a word of their own, one from a module and one from a file beside it. */
function projectSaying(word: string): string {
  // As one that is itself installed.
  const root = join(temporaryDirectory(closers), 'node_modules/project');
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write('package-lock.json', '{}');
  write('cli/compile-programs.ts', '');
  for (const program of Object.keys(PROGRAMS))
    write(
      program,
      `import { beside } from './beside.tsx';
       import { word } from './word.ts';
       console.log(word, beside);`,
    );
  for (const folder of new Set(Object.keys(PROGRAMS).map((program) => dirname(program)))) {
    write(join(folder, 'word.ts'), `export const word: string = '${word}';`);
    write(
      join(folder, 'beside.tsx'),
      `import { readFileSync } from 'node:fs';
       export const beside: string = readFileSync(new URL('beside.txt', import.meta.url), 'utf8');`,
    );
    write(join(folder, 'beside.txt'), 'beside');
  }
  return root;
}

function wordsFor(root: string): ReturnType<typeof programWords> {
  return programWords(pathToFileURL(join(root, 'reference/main.ts')), root);
}

function saidBy({ file, execArgv }: ReturnType<typeof programWords>): string {
  return execFileSync(process.execPath, [...execArgv, file], { encoding: 'utf8' }).trim();
}

describe('a program', () => {
  test('runs as compiled, and finds what lies beside its source', async () => {
    const root = projectSaying('hello');
    await compilePrograms(root);
    const words = wordsFor(root);
    expect(words.execArgv).toEqual([]);
    expect(words.file).toMatch(/\.mjs$/);
    expect(saidBy(words)).toBe('hello beside');
  });

  test('runs from its sources once one of them has changed, until it is compiled again', async () => {
    const root = projectSaying('hello');
    await compilePrograms(root);
    writeFileSync(join(root, 'reference/word.ts'), `export const word: string = 'goodbye';`);
    const words = wordsFor(root);
    expect(words.file).toBe(join(root, 'reference/main.ts'));
    expect(saidBy(words)).toBe('goodbye beside');
    await compilePrograms(root);
    expect(wordsFor(root).file).toMatch(/\.mjs$/);
    expect(saidBy(wordsFor(root))).toBe('goodbye beside');
  });

  test('runs from its sources where nothing was compiled, and once a source or the record is gone', async () => {
    const root = projectSaying('hello');
    const source = join(root, 'reference/main.ts');
    expect(wordsFor(root).file).toBe(source);
    await compilePrograms(root);
    expect(wordsFor(root).file).not.toBe(source);
    const manifest = join(root, 'node_modules/.cache/crosstalk/programs.json');
    const whole = readFileSync(manifest, 'utf8');
    writeFileSync(manifest, whole.slice(0, -9));
    expect(wordsFor(root).file).toBe(source);
    writeFileSync(manifest, whole);
    expect(wordsFor(root).file).not.toBe(source);
    rmSync(join(root, 'reference/word.ts'));
    expect(wordsFor(root).file).toBe(source);
  });

  test('that is the command itself runs as compiled while its sources are the same', async () => {
    const root = projectSaying('hello');
    const real = new URL('../../', import.meta.url);
    for (const path of ['cli/crosstalk.mjs', 'scenarios/compiled-programs.ts', 'tsconfig.json'])
      copyFileSync(new URL(path, real), join(root, path));
    mkdirSync(join(root, 'node_modules'), { recursive: true });
    writeFileSync(join(root, 'package.json'), '{"type":"module"}');
    symlinkSync(new URL('node_modules/tsx', real), join(root, 'node_modules/tsx'));
    writeFileSync(
      join(root, 'cli/main.ts'),
      `import { word } from './word.ts';
       export function main(words: readonly string[]): number {
         console.log(word, words.join(' '), String(new Error().stack).includes('main.ts') ? 'source' : 'compiled');
         return 3;
       }`,
    );
    const command = (): string => {
      const { stdout, status } = spawnSync(
        process.execPath,
        [join(root, 'cli/crosstalk.mjs'), 'you', 'there'],
        { encoding: 'utf8' },
      );
      expect(status).toBe(3);
      return stdout.trim();
    };
    expect(command()).toBe('hello you there source');
    await compilePrograms(root);
    expect(command()).toBe('hello you there compiled');
    writeFileSync(join(root, 'cli/word.ts'), `export const word: string = 'goodbye';`);
    expect(command()).toBe('goodbye you there source');
  });

  test('does not say where its source lies other than by its address', async () => {
    const root = projectSaying('hello');
    writeFileSync(join(root, 'reference/word.ts'), 'export const word = import.meta.dirname;');
    await expect(compilePrograms(root)).rejects.toThrow('use import.meta.url');
  });

  test('of the real project is compiled after an installation, and before any test', () => {
    for (const program of Object.keys(PROGRAMS))
      expect(programWords(new URL(`../../${program}`, import.meta.url)).file).toMatch(/\.mjs$/);
  });
});
