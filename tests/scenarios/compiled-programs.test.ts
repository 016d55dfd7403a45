import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
      `import { readFileSync } from 'node:fs';
       import { word } from './word.ts';
       const beside: string = readFileSync(new URL('beside.txt', import.meta.url), 'utf8');
       console.log(word, beside);`,
    );
  for (const folder of new Set(Object.keys(PROGRAMS).map((program) => dirname(program)))) {
    write(join(folder, 'word.ts'), `export const word: string = '${word}';`);
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

  test('of the real project is compiled after an installation, and before any test', () => {
    for (const program of Object.keys(PROGRAMS))
      expect(programWords(new URL(`../../${program}`, import.meta.url)).file).toMatch(/\.mjs$/);
  });
});
