import { readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Libraries that find their own parts by where they lie, and so are not compiled with what uses them. */
const APART = ['playwright', 'tsx', 'ctrf'];

/**
 * What is started, or loaded by what is started, again and again: each is compiled when the project is
 * installed. There is no build to keep in mind, for one whose sources have changed since is run from them;
 * that takes a second of processor time more. A user's profile loads modules of its own, of which there are
 * then two; nothing is known by its class that comes from there. `apart` names the libraries that are not
 * compiled with it.
 */
export const PROGRAMS: Readonly<Record<string, { readonly apart: readonly string[] }>> = {
  'reference/main.ts': { apart: [] },
  'reference/host.ts': { apart: [] },
  'cli/main.ts': { apart: APART },
  'cli/selftest-worker.ts': { apart: APART },
  'scenarios/trial-fixture.ts': { apart: APART },
  // Tells the command, which is no TypeScript itself, which of all this is there.
  'scenarios/compiled-programs.ts': { apart: [] },
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
