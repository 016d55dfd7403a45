import { readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * What is started again and again, and loads nothing of the user's with its own modules: each is compiled
 * when the project is installed. There is no build to keep in mind, for one whose sources have
 * changed since is run from them; that takes a second of processor time more. `packages` says whether the
 * libraries are compiled with it.
 */
export const PROGRAMS: Readonly<Record<string, { readonly packages: boolean }>> = {
  'reference/main.ts': { packages: true },
  'reference/host.ts': { packages: true },
  // Playwright finds its own parts by where it lies.
  'cli/main.ts': { packages: false },
  'cli/selftest-worker.ts': { packages: false },
  // Tells the command, which is no TypeScript itself, which of all this is there.
  'scenarios/compiled-programs.ts': { packages: true },
};

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Relative to the root of the project. */
export const COMPILED_DIRECTORY = 'node_modules/.cache/crosstalk';
export const MANIFEST = 'programs.json';

/** What was compiled from which state of the sources, by path from the root of the project. */
export type CompiledPrograms = Readonly<Record<string, CompiledProgram>>;

export interface CompiledProgram {
  /** Path from the root. */
  readonly file: string;
  /** What went into it, and what each file looked like, see {@link stateOf}. */
  readonly sources: Readonly<Record<string, string>>;
}

/** How Node runs a program. */
export interface ProgramWords {
  readonly execArgv: readonly string[];
  readonly file: string;
}

/** The fastest way to run a TypeScript module of this project as a process of its own. */
export function programWords(module: URL, root: string = ROOT): ProgramWords {
  const source = fileURLToPath(module);
  const compiled = compiledFile(relative(root, source), root);
  if (compiled !== undefined) return { execArgv: [], file: compiled };
  return { execArgv: ['--import', import.meta.resolve('tsx')], file: source };
}

/** The compiled form of a program, named by its path from the root; undefined where its sources are newer. */
export function compiledFile(source: string, root: string = ROOT): string | undefined {
  try {
    const directory = join(root, COMPILED_DIRECTORY);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `compile-programs.ts` alone
    const programs = JSON.parse(
      readFileSync(join(directory, MANIFEST), 'utf8'),
    ) as CompiledPrograms;
    const program = programs[source];
    if (program === undefined) return undefined;
    for (const [path, state] of Object.entries(program.sources))
      if (stateOf(join(root, path)) !== state) return undefined;
    return join(root, program.file);
  } catch {
    return undefined; // Nothing was compiled, or what it was made of is gone.
  }
}

/** Tells one state of a file from another, as `make` does, and by its size. */
export function stateOf(path: string): string {
  const { mtimeMs, size } = statSync(path);
  return `${mtimeMs} ${size}`;
}
