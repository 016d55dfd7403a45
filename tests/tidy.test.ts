import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const SKIPPED = new Set(['node_modules', 'artifacts', 'test-results', 'coverage', '.git']);
const SELF = 'tests/tidy.test.ts';

function filesBelow(directory = ROOT): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (SKIPPED.has(entry.name)) return [];
    return entry.isDirectory() ? filesBelow(path) : [relative(ROOT, path)];
  });
}

const texts = filesBelow()
  .filter(
    (file) => /\.(ts|mjs|md|json|yml)$|^\.ci\/run$/.test(file) && file !== 'package-lock.json',
  )
  .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));
const sources = texts.filter(({ file }) => /\.(ts|mjs)$/.test(file) && file !== SELF);

/** What must not be there, in which files, and what to do instead. */
const BANNED = [
  { what: /\b(describe|it|test)\.only\(/, use: 'the whole suite' },
  { what: /\b(TODO|FIXME|XXX|HACK)\b/, use: 'an issue' },
  { what: /@ts-(ignore|nocheck)/, use: 'a type' },
  { what: /\bMath\.random\(/, use: 'a seeded or the system source of chance' },
  { what: /\bdebugger\b;/, use: 'a test' },
] as const;

describe('the source', () => {
  it.each(BANNED)('has no $what', ({ what, use }) => {
    const found = sources.filter(({ text }) => what.test(text)).map(({ file }) => file);
    expect(found, `use ${use}`).toEqual([]);
  });

  it('names no machine and no absolute path of one', () => {
    const path = /(?<![\w.])\/(home|Users|root|work|mnt|opt)\/[\w.-]+/;
    const found = texts
      .filter(({ file, text }) => file !== SELF && path.test(text))
      .map(({ file, text }) => `${file}: ${path.exec(text)?.[0] ?? ''}`);
    expect(found).toEqual([]);
  });

  it('has no folder for things without a name', () => {
    const found = filesBelow().filter((file) => /(^|\/)(utils?|helpers?|common|misc)\//.test(file));
    expect(found).toEqual([]);
  });

  it('says what every exported thing is for', () => {
    const undocumented = sources
      .filter(({ file }) => !/^(tests|bench)\//.test(file))
      .flatMap(({ file, text }) =>
        [...text.matchAll(/(?<=^|\n)(?<before>[^\n]*)\nexport (?:async )?function (?<name>\w+)/g)]
          .filter(({ groups }) => !/\*\/\s*$/.test(groups?.['before'] ?? ''))
          .map(({ groups }) => `${file}: ${groups?.['name'] ?? ''}`),
      );
    expect(undocumented).toEqual([]);
  });
});

describe('the documents', () => {
  it('link to files that exist', () => {
    const broken = texts
      .filter(({ file }) => file.endsWith('.md'))
      .flatMap(({ file, text }) =>
        [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)]
          .map(([, link = '']) => join(file, '..', link))
          .filter((path) => !existsSync(join(ROOT, path)))
          .map((path) => `${file}: ${path}`),
      );
    expect(broken).toEqual([]);
  });

  it('name every folder in the README', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const folders = readdirSync(ROOT).filter(
      (name) =>
        !name.startsWith('.') && !SKIPPED.has(name) && statSync(join(ROOT, name)).isDirectory(),
    );
    expect(folders.filter((folder) => !readme.includes(`\`${folder}/\``))).toEqual([]);
  });
});
