import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** Who may import whom (DESIGN §1). `types`: with `import type` only. A file stands for itself alone. */
const ARROWS: Readonly<Record<string, { readonly code: string[]; readonly types?: string[] }>> = {
  history: { code: [] },
  targets: { code: ['history'] },
  clients: { code: ['history', 'targets'] },
  assertions: { code: ['history'], types: ['targets'] },
  reports: { code: ['history'], types: ['assertions'] },
  scenarios: { code: ['history', 'targets', 'clients', 'assertions', 'reports'] },
  cli: {
    code: [
      'history',
      'targets',
      'clients',
      'assertions',
      'reports',
      'scenarios',
      'reference/catalogue.ts',
      'playwright.config.ts',
    ],
  },
  reference: { code: [] },
};
/** Folders that may import everything. */
const FREE = new Set(['tests', 'bench', 'deploy']);

interface Import {
  readonly specifier: string;
  readonly typesOnly: boolean;
}

/** The imports of a source text: static, re-exported and dynamic ones. */
function importsOf(source: string): Import[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  const found: Import[] = [];
  for (const [, keyword, clause = '', specifier = ''] of code.matchAll(
    /^\s*(import|export)\b([^'"`;]*?)\bfrom\s*['"]([^'"]+)['"]/gm,
  )) {
    const names = /\{([^}]*)\}/
      .exec(clause)?.[1]
      ?.split(',')
      .filter((name) => name.trim() !== '');
    const allTypes = names?.every((name) => /^\s*type\s/.test(name)) === true;
    const alone = /^\s*\{/.test(clause);
    found.push({ specifier, typesOnly: /^\s*type\b/.test(clause) || (alone && allTypes) });
    expect(keyword).toBeDefined();
  }
  for (const [, specifier = ''] of code.matchAll(/(?:^|[^\w.])import\s*\(?\s*['"]([^'"]+)['"]/gm))
    found.push({ specifier, typesOnly: false });
  return found;
}

/** What is wrong with a file's imports, as sentences. */
function violationsIn(file: string, source: string): string[] {
  const [folder = ''] = file.split('/');
  if (FREE.has(folder)) return [];
  const arrows = file.includes('/') ? ARROWS[folder] : { code: Object.keys(ARROWS) };
  if (arrows === undefined) return [`${file}: there is no folder "${folder}" in DESIGN §1`];
  return importsOf(source).flatMap(({ specifier, typesOnly }) => {
    if (!specifier.startsWith('.')) return [];
    const path = posix.join(posix.dirname(file), specifier);
    const [target = ''] = path.split('/');
    const isAllowed = (names: readonly string[] = []): boolean =>
      target === folder || names.includes(target) || names.includes(path);
    if (isAllowed(arrows.code) || (typesOnly && isAllowed(arrows.types))) return [];
    const how = isAllowed(arrows.types) ? 'may import only types of' : 'may not import';
    return [`${file}: ${folder} ${how} ${path}`];
  });
}

function sourceFiles(directory = ROOT): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.name.startsWith('.') || ['node_modules', 'artifacts'].includes(entry.name)) return [];
    if (entry.isDirectory()) return sourceFiles(path);
    return /\.(tsx?|mjs)$/.test(entry.name) ? [relative(ROOT, path)] : [];
  });
}

describe('imports', () => {
  it('follow the arrows of the design', () => {
    const violations = sourceFiles().flatMap((file) =>
      violationsIn(file, readFileSync(join(ROOT, file), 'utf8')),
    );
    expect(violations).toEqual([]);
  });

  it('are seen in every form, and refused where the design does not allow them', () => {
    const source = [
      "import { judge } from '../assertions/judge.ts';",
      "import type { Verdict } from '../assertions/judge.ts';",
      "import { type A, type B } from '../assertions/judge.ts';",
      "import { type A, b } from '../assertions/judge.ts';",
      "export * from '../clients/crowd.ts';",
      "import '../cli/main.ts';",
      "const late = await import('../scenarios/fixtures.ts');",
      "import { readFileSync } from 'node:fs';",
      "import {\n  a,\n  b,\n} from '../targets/target.ts';",
      "// import { x } from '../reference/main.ts';",
      "import { y } from './terminal.ts';",
    ].join('\n');
    expect(violationsIn('reports/fake.ts', source)).toEqual([
      'reports/fake.ts: reports may import only types of assertions/judge.ts',
      'reports/fake.ts: reports may import only types of assertions/judge.ts',
      'reports/fake.ts: reports may not import clients/crowd.ts',
      'reports/fake.ts: reports may not import targets/target.ts',
      'reports/fake.ts: reports may not import cli/main.ts',
      'reports/fake.ts: reports may not import scenarios/fixtures.ts',
    ]);
  });

  it('let the command read the catalogue of faults and nothing else of the reference target', () => {
    const source = "import { x } from '../reference/";
    expect(violationsIn('cli/fake.ts', `${source}catalogue.ts';`)).toEqual([]);
    expect(violationsIn('cli/fake.ts', `${source}service.ts';`)).toHaveLength(1);
    expect(
      violationsIn('reference/fake.ts', "import { x } from '../history/clock.ts';"),
    ).toHaveLength(1);
    expect(violationsIn('utils/fake.ts', '')).toHaveLength(1);
  });

  it('lead to files that exist', () => {
    const files = new Set(sourceFiles());
    const missing = sourceFiles().flatMap((file) =>
      importsOf(readFileSync(join(ROOT, file), 'utf8'))
        .filter(({ specifier }) => specifier.startsWith('./') || specifier.startsWith('../'))
        .map(({ specifier }) => join(dirname(file), specifier))
        .filter((path) => !files.has(path) && !FREE.has(file.split('/')[0] ?? '')),
    );
    expect(missing).toEqual([]);
  });
});
